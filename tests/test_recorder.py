"""One act, one timestamp: what a touch leaves in the signals and in the ledger."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from support import in_child

import ledger
from ledger import paths, spool, store

FAKE_TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def workspace(home: Path) -> Path:
    root = home / "gt/rig"
    (root / "mayor").mkdir(parents=True)
    os.chdir(root)
    return root


def rows(columns: str = "host, town, workspace, actor, command") -> list[tuple]:
    connection = sqlite3.connect(paths.ledger_path())
    found = connection.execute(f"SELECT {columns} FROM history ORDER BY id").fetchall()
    connection.close()
    return found


HOST = os.uname().nodename


def test_record_writes_both_signals_and_one_row(home: Path, workspace: Path) -> None:
    """keepalive.json gets the arguments, activity.json does not; one instant everywhere."""
    ledger.record("gt", ["status", "-v"], actor="nux")
    mine, town = ledger.read(str(workspace)), ledger.read_town_activity()
    assert (mine.last_command, town.last_command) == ("gt status -v", "gt")
    assert mine.timestamp_ns == town.timestamp_ns
    assert rows("at, at_ns, actor, workspace, town, host, command") == [
        (mine.rfc3339, mine.timestamp_ns, "nux", str(workspace), str(home / "gt"), HOST,
         "gt status -v")
    ]  # fmt: skip


def test_record_outside_a_workspace(home: Path) -> None:
    """The row has no workspace, and keepalive.json is not written."""
    ledger.record("gt")
    assert rows() == [(HOST, str(home / "gt"), "", "", "gt")]
    assert not (home / ".runtime").exists()


def test_empty_place_is_none(home: Path, workspace: Path) -> None:
    """'' asks for no signal there."""
    ledger.record("gt", workspace="", town="")
    assert rows() == [(HOST, "", "", "", "gt")]
    assert (ledger.read(str(workspace)), ledger.read_town_activity()) == (None, None)


def test_places_given(home: Path) -> None:
    """Places are taken from the current directory and named absolutely in the row."""
    ledger.record("gt", workspace="a/../ws", town="./town")
    assert rows() == [(HOST, str(home / "town"), str(home / "ws"), "", "gt")]
    assert ledger.read("ws").last_command == "gt"


def test_each_of_the_four_appends_its_row(home: Path, workspace: Path) -> None:
    """The row names the place whose signal was written."""
    ledger.touch("one")
    ledger.touch_with_args("two", ["x"])
    ledger.touch_in_workspace(str(home / "other"), "three")
    ledger.touch_town_activity("four")
    assert rows() == [
        (HOST, "", str(workspace), "", "one"),
        (HOST, "", str(workspace), "", "two x"),
        (HOST, "", str(home / "other"), "", "three"),
        (HOST, str(home / "gt"), "", "", "four"),
    ]


def test_touch_outside_a_workspace_does_nothing(home: Path) -> None:
    """Where the original does nothing, no row is written either, nor a ledger made."""
    ledger.touch("one")
    ledger.touch_with_args("two", ["x"])
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "actor"),
    [
        ({}, ""),
        ({"GT_ROLE": "mayor"}, "mayor"),
        ({"GT_ROLE": "mayor", "BD_ACTOR": "nux"}, "nux"),
        ({"GT_ROLE": "mayor", "BD_ACTOR": "nux", "KEEPALIVE_ACTOR": "me"}, "me"),
        ({"KEEPALIVE_ACTOR": "", "BD_ACTOR": "nux"}, "nux"),
    ],
)
def test_actor(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], actor: str) -> None:
    """The first variable that names an actor counts."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ledger.record("gt", town="")
    ledger.record("gt", town="", actor="given")
    assert rows("actor") == [(actor,), ("given",)]


def test_secrets_are_redacted_everywhere(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a signal nor the row holds the secret; KEEPALIVE_REDACT=off keeps it."""
    ledger.record(f"TOKEN={FAKE_TOKEN}", ["push", FAKE_TOKEN])
    texts = [ledger.read(str(workspace)).last_command, ledger.read_town_activity().last_command]
    texts += rows("command")[0]
    assert all(FAKE_TOKEN not in text and "redacted" in text for text in texts)
    assert texts[0] == texts[2]
    monkeypatch.setenv("KEEPALIVE_REDACT", "off")
    ledger.touch(FAKE_TOKEN)
    assert rows("command")[1] == (FAKE_TOKEN,)
    assert ledger.read(str(workspace)).last_command == FAKE_TOKEN


def test_private_commands(workspace: Path) -> None:
    """`record` hides a command that begins with a space; the original's touches do not."""
    ledger.record(" ssh", ["somewhere"])
    assert ledger.read(str(workspace)).last_command == "[private]"
    assert ledger.read_town_activity().last_command == "[private]"
    ledger.touch(" ssh")
    ledger.record("", ["x"])
    assert rows("command") == [("[private]",), (" ssh",), (" x",)]


def test_bytes_that_are_not_utf8(home: Path) -> None:
    """The row holds what the signal reads back: U+FFFD for each byte."""
    ledger.record(os.fsdecode(b"a\xff\xed\xa0\x80b"), [os.fsdecode(b"\xc3"), "\0"], actor="a\udcff")
    ledger.record("x", workspace=os.fsdecode(str(home).encode() + b"/\xff"), town="")
    assert rows("actor, workspace, command") == [
        ("a\ufffd", "", "a\ufffd\ufffd\ufffd\ufffdb \ufffd \0"),
        ("", f"{home}/\ufffd", "x"),
    ]
    assert os.path.exists(os.fsencode(home) + b"/\xff/.runtime/keepalive.json")


@pytest.mark.parametrize("bad", [None, b"bytes", 5, ["list"]])
def test_never_raises(workspace: Path, bad: object) -> None:
    """Not even what is no command at all makes a touch raise."""
    for call in (ledger.touch, ledger.touch_with_args, ledger.touch_town_activity, ledger.record):
        assert call(bad) is None
    assert ledger.touch_in_workspace(bad, bad) is None
    assert ledger.record("x", [bad], workspace=bad, town=bad, actor=bad) is None
    assert ledger.record("x", 5) is None


def test_the_ledger_is_private(home: Path) -> None:
    """The ledger and what lies beside it are 0600, their directories 0700."""
    os.umask(0)
    try:
        ledger.record("gt")
    finally:
        os.umask(0o022)
    directory = home / ".local/share/keepalive"
    assert directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.rglob("*")}
    assert modes.pop("ledger.db-spool") == 0o700
    assert set(modes.values()) == {0o600}


def test_a_kept_connection_notices_another_ledger(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that was deleted is made again; KEEPALIVE_DB is read at each touch."""
    ledger.record("one")
    for path in (home / ".local/share/keepalive").glob("ledger.db*"):
        if path.is_file():
            path.unlink()
    ledger.record("two")
    assert rows("command") == [("two",)]
    monkeypatch.setenv("KEEPALIVE_DB", str(home / "other.db"))
    ledger.record("three")
    assert rows("command") == [("three",)]


def test_forked_children_touch_too(home: Path) -> None:
    """Parent and children of a fork record side by side; no touch is lost."""
    ledger.record("before")
    for n in range(5):
        in_child(lambda n=n: ledger.record(f"child {n}"), privileged=True)
        ledger.record(f"parent {n}")
    assert len(rows()) == 11
    connection = sqlite3.connect(paths.ledger_path())
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_threads_touch_too() -> None:
    """Threads share the connection; every touch is there once."""
    ledger.record("first")
    threads = [
        threading.Thread(target=lambda n=n: [ledger.record(f"{n}.{i}") for i in range(50)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = spool.names(paths.spool_path(paths.ledger_path()))
    assert (len(set(rows("command"))), waiting) == (401, [])


def test_clock_that_steps_back() -> None:
    """Touches keep their own time, and no period has a negative length."""
    host = (HOST, "", "", "")
    ledger.record("now", town="")
    path = paths.ledger_path()
    for at_ns in (5_000_000_000, 1_000_000_000, 200_000_000_000, 3_000_000_000):
        store.append(path, (at_ns, *host, "x"))
    connection = sqlite3.connect(path)
    assert connection.execute(
        "SELECT started_ns, ended_ns, touches FROM periods ORDER BY 1 LIMIT 2"
    ).fetchall() == [(1_000_000_000, 5_000_000_000, 3), (200_000_000_000, 200_000_000_000, 1)]
    assert connection.execute("SELECT min(ended_ns - started_ns) FROM periods").fetchone() == (0,)
    connection.close()
