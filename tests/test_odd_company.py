"""Touches in places where few calls are made: handlers, finalizers, stopped neighbours."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Run
from support import in_child

import ledger
from ledger import checkpoint, connection, paths, spool, store


@pytest.fixture
def file(home: Path) -> Path:
    """Where the ledger is; it has one touch."""
    ledger.record("first", town="")
    return Path(paths.ledger_path())


def commands(file: Path) -> list[str]:
    opened = sqlite3.connect(file)
    found = [row[0] for row in opened.execute("SELECT command FROM touches ORDER BY id")]
    opened.close()
    place = paths.spool_path(str(file))
    return found + [spool.get(place, name)[1][-1] for name in spool.names(place)]


def test_touch_inside_a_touch(file: Path) -> None:
    """A touch that a touch is interrupted by waits for nobody: it goes to the spool."""
    with connection.Turn(str(file)):
        ledger.record("inside", town="")
    ledger.record("after", town="")
    assert sorted(commands(file)) == ["after", "first", "inside"]


def test_fork_inside_a_touch(file: Path) -> None:
    """A child forked in the middle of a touch, as by a handler, touches too."""
    with connection.Turn(str(file)):
        in_child(lambda: ledger.record("child", town=""), privileged=True)
    ledger.record("parent", town="")
    assert sorted(commands(file)) == ["child", "first", "parent"]


def test_threads_do_not_queue(file: Path) -> None:
    """Beside a locked ledger every thread's touch goes to the spool, and none is lost."""
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    threads = [
        threading.Thread(target=ledger.record, args=(f"thread {n}",), kwargs={"town": ""})
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spool.names(paths.spool_path(str(file)))) == 20
    holder.execute("ROLLBACK")
    holder.close()
    ledger.record("after", town="")
    assert len(set(commands(file))) == 22


def test_neighbour_stopped_while_it_reads_the_wal(file: Path, run: Run) -> None:
    """A process stopped with SQLite's recovery lock holds no touch up: it goes to the spool."""
    connection.close()
    index = os.open(f"{file}-shm", os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(index, 32768)
    fcntl.lockf(index, fcntl.LOCK_SH, 1, 128)
    fcntl.lockf(index, fcntl.LOCK_EX, 1, 120)
    done = run("touch", "--strict", "--no-town", "meanwhile")
    assert (done.returncode, "it waits: another process holds it" in done.stderr) == (1, True)
    os.close(index)
    assert run("touch", "--strict", "--no-town", "after").returncode == 0
    assert commands(file) == ["first", "after", "meanwhile"]


def test_ledger_that_may_not_be_written_for_a_while(home: Path) -> None:
    """Once it may be written again, the touches that waited go in."""
    home.chmod(0o777)
    home.parent.chmod(0o755)

    def as_its_owner() -> list[str]:
        os.environ["KEEPALIVE_DB"] = str(home / "mine/ledger.db")
        ledger.record("one", town="", workspace="")
        connection.close()
        os.chmod(home / "mine/ledger.db", 0o400)
        ledger.record("two", town="", workspace="")
        os.chmod(home / "mine/ledger.db", 0o600)
        ledger.record("three", town="", workspace="")
        return commands(home / "mine/ledger.db")

    for directory in home.parents:
        if directory.stat().st_mode & 0o001 == 0:
            directory.chmod(0o755)
    # The ledger must be made where modules can be read: by root, then given away.
    os.environ["KEEPALIVE_DB"] = str(home / "mine/ledger.db")
    ledger.record("zero", town="", workspace="")
    connection.close()
    for path in (home / "mine", *(home / "mine").rglob("*")):
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
    assert in_child(as_its_owner) == ["zero", "one", "three", "two"]


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_strict_without_standard_error(home: Path, redirection: str) -> None:
    """--strict exits 1 even where it can't say why."""
    command = f'"$1" -m ledger touch --strict --no-town --workspace /dev/null gt {redirection}'
    assert subprocess.run(["bash", "-c", command, "-", sys.executable], check=False).returncode == 1


def test_relative_ledger_without_a_current_directory(home: Path, tmp_path: Path) -> None:
    """The signal is written although nobody can say where the ledger is."""
    command = (
        "mkdir gone && cd gone && rmdir ../gone && KEEPALIVE_DB=rel.db"
        ' "$1" -m ledger touch --strict --town "$2" gt'
    )
    done = subprocess.run(
        ["bash", "-c", command, "-", sys.executable, str(tmp_path / "town")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "was not recorded" in done.stderr) == (1, True)
    assert (tmp_path / "town/daemon/activity.json").exists()


def test_checkpoint_holds_nothing_of_the_caller(file: Path) -> None:
    """Whoever waits for the end of a pipe that the touch inherited does not wait for it."""
    busy = sqlite3.connect(file, isolation_level=None)  # makes the checkpoint take its time
    busy.execute("BEGIN")
    busy.execute("SELECT count(*) FROM touches").fetchone()
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    checkpoint.start(str(file))
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)
    busy.close()


def test_checkpoint_makes_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint of a ledger that is gone leaves nothing; nor does one without a Python."""
    checkpoint.start(str(tmp_path / "gone.db"))
    os.wait()
    assert not (tmp_path / "gone.db").exists()
    for executable in (None, "", "/nonexistent"):
        monkeypatch.setattr(sys, "executable", executable)
        checkpoint.start(str(tmp_path / "gone.db"))


def test_one_odd_file_stops_no_drain(file: Path) -> None:
    """A stray file that can't even be set aside stays, and the touches beside it go in."""
    place = paths.spool_path(str(file))
    Path(place, "n" * 250).touch()
    Path(place, "directory").mkdir()
    spool.put(place, (7, "h", "", "", "", "late"))
    store.drain_some(str(file), place, 100)
    opened = sqlite3.connect(file)
    assert opened.execute("SELECT count(*) FROM touches").fetchone() == (2,)
    opened.close()


def test_signal_whose_path_just_fits(home: Path) -> None:
    """Where only the temporary name is too long, the signal is written in place."""
    root = str(home)
    while len(root) < 4095 - 251 - len("/.runtime/keepalive.json"):
        root += "/" + "d" * 250
    root += "/" + "d" * (4095 - len(root) - 1 - len("/.runtime/keepalive.json"))
    ledger.touch_in_workspace(root, "gt status")
    assert ledger.read(root).last_command == "gt status"


@pytest.mark.parametrize("umask", [0o277, 0o777], ids=oct)
def test_umask_of_the_first_touch(home: Path, run: Run, umask: int) -> None:
    """The ledger and its directory are the user's own, whatever the umask was."""
    (home / ".local/share").mkdir(parents=True)
    previous = os.umask(umask)
    try:
        run("touch", "--no-town", "one")
    finally:
        os.umask(previous)
    directory = home / ".local/share/keepalive"
    modes = [path.stat().st_mode & 0o777 for path in (directory, directory / "ledger.db")]
    assert modes == [0o700, 0o600]


def test_touches_are_not_replaced(file: Path) -> None:
    """REPLACE would leave periods wrong: it is refused, as is what is no instant."""
    connection.close()
    opened = sqlite3.connect(file, isolation_level=None)
    insert = "INTO touches (id, stream_id, at_ns, command, source_id, source_row) VALUES"
    opened.execute(f"INSERT {insert} (9, 1, 5, 'x', 1, 77)")
    for statement in (
        f"REPLACE {insert} (9, 1, 500000000000, 'y', NULL, NULL)",
        f"REPLACE {insert} (NULL, 1, 500000000000, 'y', 1, 77)",
        "UPDATE OR REPLACE touches SET id = 1 WHERE id = 9",
        f"INSERT {insert} (NULL, 1, 1.5, 'y', NULL, NULL)",
        f"INSERT {insert} (NULL, 1, '2026-01-01', 'y', NULL, NULL)",
        f"INSERT {insert} (NULL, 1, 6, x'ff', NULL, NULL)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            opened.execute(statement)
    assert opened.execute("SELECT count(*) FROM touches").fetchone() == (2,)
    assert opened.execute("SELECT sum(touches) FROM periods").fetchone() == (2,)
    opened.close()
