"""What a touch does when the ledger can't take it, and what questions then say."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Run
from support import in_child

import ledger
from ledger import paths, spool, store
from ledger.connection import APPLICATION_ID, SCHEMA_VERSION, close


@pytest.fixture
def file(home: Path) -> Path:
    """Where the ledger is."""
    return Path(paths.ledger_path())


def waiting(file: Path) -> list[str]:
    """Return the commands that wait in the spool."""
    place = paths.spool_path(str(file))
    return [spool.get(place, name)[1][-1] for name in spool.names(place)]


def rows(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    found = [row[0] for row in connection.execute("SELECT command FROM history ORDER BY id")]
    connection.close()
    return found


def touch_ok(run: Run, command: str) -> None:
    """Touch in a workspace, and see that it is silent and that the signal is written."""
    done = run("touch", "--no-town", "--workspace", "ws", command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ledger.read("ws").last_command == command


def test_first_touch_makes_the_ledger(run: Run, file: Path) -> None:
    """After the very first touch its row is there, and nothing waits."""
    touch_ok(run, "first")
    assert (rows(file), waiting(file)) == (["first"], [])


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(run: Run, file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the write lock until it reads a line."""
    touch_ok(run, "before")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_locked_ledger(run: Run, file: Path, holder: "subprocess.Popen[str]") -> None:
    """While another process writes the touch goes to the spool; the next one takes it along."""
    touch_ok(run, "meanwhile")
    ledger.record("too", town="")  # in process as well
    assert holder.poll() is None
    assert (rows(file), waiting(file)) == (["before"], ["meanwhile", "too"])
    holder.communicate("\n")
    touch_ok(run, "after")
    assert (rows(file), waiting(file)) == (["before", "after", "meanwhile", "too"], [])


def test_question_drains(run: Run, file: Path, holder: "subprocess.Popen[str]") -> None:
    """A question takes in what waits."""
    touch_ok(run, "meanwhile")
    holder.communicate("\n")
    done = run("history", "--csv")
    assert [line.rpartition(",")[2] for line in done.stdout.splitlines()[1:]] == [
        "before",
        "meanwhile",
    ]
    assert waiting(file) == []


def garbage(file: Path) -> None:
    file.write_bytes(b"this is no database, whatever its name may say" * 100)


def directory(file: Path) -> None:
    (file / "sub").mkdir(parents=True)


def newer(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE touches (future)")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def foreign(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE touches (theirs)")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.close()


def corrupt(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    content = bytearray(file.read_bytes())
    content[100:200] = b"\xff" * 100
    file.write_bytes(content)


@pytest.mark.parametrize("make", [garbage, directory, newer, foreign, corrupt])
def test_unusable_ledger(run: Run, file: Path, make) -> None:  # noqa: ANN001
    """Touches spool, questions say what is wrong, and the file stays as it is."""
    file.parent.mkdir(parents=True)
    make(file)
    before = file.read_bytes() if file.is_file() else None
    touch_ok(run, "one")
    touch_ok(run, "two")
    assert waiting(file) == ["one", "two"]
    for question in (["history"], ["export"], ["import", "-"]):
        done = run(*question, input="")
        assert (done.returncode, done.stdout) == (2, "")
        assert str(file) in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 2  # what is wrong, and what to do
    assert run("doctor").returncode == 1
    if before is not None:
        assert file.read_bytes() == before
    # The remedy works: out of the way with it, and nothing was lost.
    file.rename(file.with_name("away"))
    touch_ok(run, "three")
    assert sorted(rows(file)) == ["one", "three", "two"]


def test_empty_file_becomes_a_ledger(run: Run, file: Path) -> None:
    """A ledger whose making was cut short is made anew."""
    file.parent.mkdir(parents=True)
    file.touch()
    touch_ok(run, "one")
    assert rows(file) == ["one"]
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


@pytest.fixture
def open_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that an ordinary user can reach but not write."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        monkeypatch.setenv("HOME", name)
        monkeypatch.chdir(name)
        yield Path(name)
        os.chmod(name, 0o755)


def test_no_permission(open_home: Path) -> None:
    """Where nothing may be written, nothing is, and nothing is raised or printed."""
    open_home.chmod(0o555)
    in_child(lambda: ledger.record("one"))
    assert list(open_home.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a ledger of another's")
def test_unreadable_ledger(open_home: Path) -> None:
    """A ledger that may not be opened leaves the touch in the spool."""
    file = Path(paths.ledger_path())
    ledger.record("mine", town="")
    close()
    os.chmod(open_home, 0o755)
    for directory in (file.parent, *file.parent.parents[:3]):
        os.chmod(directory, 0o777)
    os.chmod(paths.spool_path(str(file)), 0o777)
    in_child(lambda: ledger.record("one", town="", workspace=""))
    assert waiting(file) == ["one"]
    assert rows(file) == ["mine"]


@pytest.mark.parametrize("value", [None, "", "relative"])
def test_no_home(run: Run, tmp_path: Path, value: str | None) -> None:
    """Without a home of the environment the ledger is where the user database says, or named."""
    env = {"KEEPALIVE_DB": str(tmp_path / "ledger.db")} | ({} if value is None else {"HOME": value})
    if value is None:
        os.environ.pop("HOME")
    done = run("touch", "one", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rows(tmp_path / "ledger.db") == ["one"]


def mounted(place: Path, options: str) -> None:
    if shutil.which("mount") is None or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(place)],
        check=False, capture_output=True,
    ).returncode:  # fmt: skip
        pytest.skip("this user may not mount a file system")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of our own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted(place, "size=600k")
    yield place
    close()
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk(run: Run, disk: Path, home: Path) -> None:
    """On a full disk the old signal stays, the loss is noted, and doctor tells."""
    env = {"KEEPALIVE_DB": str(disk / "data/ledger.db")}
    workspace = str(disk / "ws")
    assert run("touch", "--no-town", "--workspace", workspace, "one", env=env).returncode == 0
    with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="space"):
        while True:
            filler.write(b"x" * 4096)
    for n in range(10):
        done = run("touch", "--no-town", "--workspace", workspace, f"full {n}", env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ledger.read(workspace).last_command == "one"
    told = run("doctor", env=env)
    (disk / "filler").unlink()
    kept = [line for line in run("export", env=env).stdout.splitlines() if "full" in line]
    noted = (disk / "data/ledger.db-spool/.lost").read_text().count("No space left")
    # A commit that failed for want of room may turn out to have been written.
    assert 10 - len(kept) <= noted
    assert len(kept) == len(set(kept))
    assert noted
    assert told.returncode == 1
    assert f"touches that could be kept nowhere: {noted}," in told.stdout
    strict = run("touch", "--strict", "--no-town", "--workspace", workspace, "again", env=env)
    assert (strict.returncode, strict.stderr) == (0, "")


def test_readonly_disk(run: Run, disk: Path) -> None:
    """On a read-only file system nothing is written and nothing is said; doctor tells."""
    env = {"KEEPALIVE_DB": str(disk / "data/ledger.db")}
    assert run("touch", "one", env=env).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = run("touch", "--workspace", str(disk / "ws"), "two", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ledger.read_town_activity().last_command == "two"
    told = run("doctor", env=env)
    assert told.returncode == 1
    assert "can't be written" in told.stdout


def test_damaged_spool_file(run: Run, file: Path) -> None:
    """What is no touch is set aside and told of; the touches beside it go in."""
    touch_ok(run, "one")
    place = Path(paths.spool_path(str(file)))
    (place / f"{5:020d}-{5:016x}").write_bytes(b"")
    (place / "stray").write_bytes(b"touch1\0x")
    spool.put(str(place), (7, "h", "", "", "", "late"))
    touch_ok(run, "two")
    assert rows(file) == ["one", "two", "late"]
    assert spool.names(str(place)) == []
    assert sum(name.startswith(spool.DAMAGED) for name in os.listdir(place)) == 2
    told = run("doctor")
    assert told.returncode == 1
    assert f"damaged files in {place}: 2" in told.stdout
    assert run("history", "-n", "1").returncode == 0


def test_drained_twice(file: Path) -> None:
    """A file that a crash left after the commit does not double its touch."""
    ledger.record("one", town="")
    place = paths.spool_path(str(file))
    spool.put(place, (7, "h", "", "", "", "late"))
    (name,) = spool.names(place)
    content = Path(place, name).read_bytes()
    for _ in range(3):
        Path(place, name).write_bytes(content)
        store.drain_some(str(file), place, 100)
    assert rows(file) == ["one", "late"]


def test_large_wal_is_written_back(run: Run, file: Path) -> None:
    """Touches leave the WAL where it is until it is large; then one has it written back."""
    wal = Path(f"{file}-wal")
    sizes = [0]
    while sizes[-1] >= sizes[-2:][0] and len(sizes) < 300:
        assert run("touch", "--no-town", "gt").returncode == 0
        sizes.append(wal.stat().st_size if wal.exists() else 0)
    assert (1 << 20) - 50_000 < max(sizes) < 2 << 20
    assert len(rows(file)) == len(sizes) - 1


def test_spooled_although_written(file: Path) -> None:
    """A touch that waits although its row was written after all is not doubled."""
    ledger.record("first", town="")
    ledger.record("one", town="")
    connection = sqlite3.connect(file)
    columns = "at_ns, host, town, workspace, actor, command"
    touch = connection.execute(f"SELECT {columns} FROM history ORDER BY id DESC").fetchone()
    connection.close()
    place = paths.spool_path(str(file))
    spool.put(place, touch)
    spool.put(place, (*touch[:5], "another"))
    store.drain_some(str(file), place, 100)
    assert (rows(file), spool.names(place)) == (["first", "one", "another"], [])
