"""``keepalive touch``: its arguments, through both lanes, and its silence."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Run

import ledger
from ledger import paths, touch_arguments
from ledger.cli import touch as touch_command

# Arguments, then what they mean: the words, the values and the flags; or None where
# they are wrong or ask for help.
PLAIN = [
    (["gt"], (["gt"], {}, set())),
    (["gt", "status", "-v"], (["gt", "status", "-v"], {}, set())),
    (["gt", "--actor", "--", "--strict"], (["gt", "--actor", "--", "--strict"], {}, set())),
    (["--actor", "nux", "gt"], (["gt"], {"actor": "nux"}, set())),
    (["--actor=nux", "gt"], (["gt"], {"actor": "nux"}, set())),
    (["--actor=", "gt"], (["gt"], {"actor": ""}, set())),
    (["--actor", "", "gt"], (["gt"], {"actor": ""}, set())),
    (["--actor=a=b", "gt"], (["gt"], {"actor": "a=b"}, set())),
    (["--actor", "--strict", "gt"], (["gt"], {"actor": "--strict"}, set())),
    (["--actor", "a", "--actor", "b", "gt"], (["gt"], {"actor": "b"}, set())),
    (["--workspace", "w", "--town", "t", "gt"], (["gt"], {"workspace": "w", "town": "t"}, set())),
    (["--no-town", "--strict", "gt"], (["gt"], {}, {"no_town", "strict"})),
    (["--", "gt"], (["gt"], {}, set())),
    (["--", "--actor", "x"], (["--actor", "x"], {}, set())),
    (["--", "--"], (["--"], {}, set())),
    (["--strict", "--", "-x", "--"], (["-x", "--"], {}, {"strict"})),
    (["-"], (["-"], {}, set())),
    (["-", "--strict"], (["-", "--strict"], {}, set())),
    ([""], ([""], {}, set())),
    (["", "x"], (["", "x"], {}, set())),
    ([" x"], ([" x"], {}, set())),
]  # fmt: skip
NOT_PLAIN = [
    [],
    ["--"],
    ["--help"],
    ["-h"],
    ["--strict"],
    ["--actor"],
    ["--actor", "x"],
    ["--actor=x"],
    ["--no-town=x", "gt"],
    ["--no_town", "gt"],
    ["--no-town", "--town", "t", "gt"],
    ["--unknown", "gt"],
    ["-x", "gt"],
    ["---strict", "gt"],
    ["--Strict", "gt"],
    ["--act", "nux", "gt"],
]


@pytest.mark.parametrize(("arguments", "meaning"), PLAIN, ids=[repr(one)[:40] for one, _ in PLAIN])
def test_both_lanes_agree(
    arguments: list[str], meaning: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fast lane and click read the same arguments alike."""
    assert touch_arguments.parse(arguments) == meaning
    calls = []
    monkeypatch.setattr(touch_arguments, "run", lambda *call: calls.append(call) or 0)
    result = CliRunner().invoke(touch_command.command, arguments)
    assert (result.exit_code, calls) == (0, [meaning])


@pytest.mark.parametrize("arguments", NOT_PLAIN, ids=repr)
def test_what_is_not_plain_goes_to_click(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help and errors are click's; nothing is recorded."""
    monkeypatch.setattr(touch_arguments, "run", lambda *_: pytest.fail("recorded"))
    assert touch_arguments.parse(arguments) is None
    result = CliRunner().invoke(touch_command.command, arguments)
    told = "Usage:" if result.exit_code == 0 else "Error:"
    assert (result.exit_code in (0, 2), told in result.output) == (True, True)


@pytest.mark.parametrize(
    "arguments", [a for a in NOT_PLAIN if "help" not in str(a) and a != ["-h"]], ids=repr
)
def test_usage_error_exits_0(arguments: list[str], run: Run, home: Path) -> None:
    """A hook must never see a 2: a usage error is told on standard error, and exits 0."""
    done = run("touch", *arguments)
    strict = "--strict" in arguments
    assert (done.returncode, done.stdout) == (1 if strict else 0, "")
    assert done.stderr.startswith("keepalive: ")
    assert list(home.iterdir()) == []


def test_touch_is_silent_and_complete(run: Run, home: Path) -> None:
    """One process leaves both signals and one row, and prints nothing."""
    (home / "gt/mayor").mkdir(parents=True)
    done = run("touch", "--actor", "nux", "gt", "status", "--json", cwd=home / "gt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    state = json.loads((home / "gt/.runtime/keepalive.json").read_bytes())
    town = json.loads((home / "gt/daemon/activity.json").read_bytes())
    assert (state["last_command"], town["last_command"]) == ("gt status --json", "gt")
    connection = sqlite3.connect(paths.ledger_path())
    rows = connection.execute("SELECT at, actor, workspace, town, command FROM history").fetchall()
    here = str(home / "gt")
    assert rows == [(state["timestamp"], "nux", here, here, "gt status --json")]
    connection.close()
    assert state["timestamp"] == town["timestamp"]


def test_empty_options_count_as_not_given(run: Run, home: Path) -> None:
    """An option whose variable was unset falls back to what the surroundings say."""
    run("touch", "--town", "", "--workspace=", "--actor", "", "gt", env={"GT_ROLE": "mayor"})
    assert (home / "gt/daemon/activity.json").exists()
    connection = sqlite3.connect(paths.ledger_path())
    assert connection.execute("SELECT actor FROM history").fetchall() == [("mayor",)]
    connection.close()


def test_no_town(run: Run, home: Path) -> None:
    """--no-town leaves activity.json alone."""
    run("touch", "--no-town", "--workspace", "ws", "gt")
    assert not (home / "gt").exists()
    assert ledger.read("ws").last_command == "gt"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_bytes_of_a_command(home: Path, locale: str) -> None:
    """Whatever the locale, the signal holds what Go would write for these bytes."""
    subprocess.run(
        [sys.executable, "-m", "ledger", "touch", "--workspace", "ws", b"\xc3\xa9\xff", "\u65e5"],
        env={**os.environ, "LC_ALL": locale},
        check=True,
    )
    content = (home / "ws/.runtime/keepalive.json").read_bytes()
    assert content.startswith('{"last_command":"é\\ufffd \u65e5","timestamp":"'.encode())


def test_strict_says_what_went_wrong(run: Run, home: Path) -> None:
    """--strict names each thing that is not in its place, and exits 1."""
    (home / "ws").mkdir()
    (home / "ws/.runtime").write_text("in the way")
    good = run("touch", "--strict", "--no-town", "gt")
    assert (good.returncode, good.stderr) == (0, "")
    bad = run("touch", "--strict", "--no-town", "--workspace", "ws", "gt")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.startswith("keepalive: the signal in ws was not written: ")
    assert bad.stderr.count("\n") == 1


def test_private(run: Run, home: Path) -> None:
    """A command that begins with a space leaves a sign of life and no words."""
    run("touch", "--workspace", "ws", " ssh", "somewhere")
    assert ledger.read("ws").last_command == "[private]"
    assert ledger.read_town_activity().last_command == "[private]"
