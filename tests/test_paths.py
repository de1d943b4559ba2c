"""Where the ledger lies: the rule that platformdirs has, without its import."""

import os
import sys
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs.macos import MacOS

from ledger import paths

HOMES = [None, "", "/home/x", "/home/x/", "/", "relative", "/with space/é"]
DATA = [None, "", "/data", "/data/", "relative", "~/x", " "]


@pytest.mark.parametrize("home_variable", HOMES)
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_ledger_is_where_platformdirs_says(
    monkeypatch: pytest.MonkeyPatch, home_variable: str | None, data: str | None, platform: str
) -> None:
    """Whatever HOME and XDG_DATA_HOME hold, both rules name one directory."""
    for name, value in (("HOME", home_variable), ("XDG_DATA_HOME", data)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    kind = MacOS if platform == "darwin" else platformdirs.PlatformDirs
    expected = os.path.normpath(f"{kind('keepalive').user_data_dir}/ledger.db")
    monkeypatch.setattr(sys, "platform", platform)
    assert paths.ledger_path() == expected


def test_elsewhere_platformdirs_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system whose rule is not written out, platformdirs itself says where."""
    expected = Path(platformdirs.user_data_dir("keepalive"), "ledger.db")
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert paths.ledger_path() == str(expected)


@pytest.mark.parametrize(
    ("chosen", "path"),
    [
        ("/x/y.db", "/x/y.db"),
        ("//x/../y.db", "/y.db"),
        ("y.db", "{home}/y.db"),
        (":memory:", "{home}/:memory:"),
        ("file:y?mode=ro", "{home}/file:y?mode=ro"),
        ("~/y.db", "{home}/~/y.db"),
    ],
)
def test_keepalive_db(home: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, path: str) -> None:
    """KEEPALIVE_DB is a path, taken literally, from the current directory."""
    monkeypatch.setenv("KEEPALIVE_DB", chosen)
    assert paths.ledger_path() == path.format(home=home)


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "link"]), max_size=8), st.booleans())
def test_clean(parts: list[str], rooted: bool) -> None:
    """A cleaned path has no empty, dot or inner dot-dot part, and is clean already."""
    path = "/" * rooted + "/".join(parts)
    cleaned = paths.clean(path)
    assert paths.clean(cleaned) == cleaned
    assert cleaned.startswith("/") == path.startswith("/")
    left = [part for part in cleaned.split("/") if part]
    assert "." not in left or cleaned == "."
    inner = [part for part, before in zip(left[1:], left, strict=False) if before != ".."]
    assert ".." not in inner


def test_no_nul_in_a_path() -> None:
    """A NUL byte would silently cut the path short on some Pythons: it is refused."""
    with pytest.raises(ValueError, match="NUL"):
        paths.clean("/tmp/a\0b")
