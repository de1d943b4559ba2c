"""Opening the ledger for a question: what stands in the way, and what is said then."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st
from support import in_child

from ledger import database, errors, paths, spool

QUESTIONS = [("history",), ("export",), ("import", "-")]
TOUCH = (1_772_000_000_000_000_000, "rig1", "/gt", "/gt/w", "mayor", "gt status")


@pytest.fixture
def ledger(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = home / "ledger.db"
    monkeypatch.setenv("KEEPALIVE_DB", str(path))
    return path


@pytest.fixture
def write_lock(ledger: Path) -> Iterator[sqlite3.Connection]:
    """Another process's write lock on a ledger that is there already."""
    database.open_ledger().close()
    connection = sqlite3.connect(ledger, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def said(error: errors.LedgerError) -> str:
    return f"{error} | {error.hint}"


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x", "is not an SQLite database"),
        (b"\0", "is not an SQLite database"),
        (b"no ledger at all\n" * 100, "is not an SQLite database"),
        (b"SQLite format 3\0" + b"garbage" * 1000, "is not an SQLite database"),
    ],
)
def test_garbage(
    run: Run, ledger: Path, question: tuple[str, ...], content: bytes, words: str
) -> None:
    """A ledger that is none is named, with what to do, and stays as it is."""
    ledger.write_bytes(content)
    done = run(*question, input="")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"keepalive: the ledger {ledger} {words}\n"
        "Move the file away. Touches wait in the spool beside it and go into the next ledger.\n"
    )
    assert ledger.read_bytes() == content


@given(st.binary(min_size=1, max_size=2000))
def test_no_garbage_is_overwritten(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever a file holds, opening it as a ledger changes nothing of it."""
    file = tmp_path_factory.mktemp("garbage") / "ledger.db"
    file.write_bytes(content)
    with pytest.raises(errors.LedgerUnusableError):
        database.open_ledger(str(file))
    assert file.read_bytes() == content


def test_directory(run: Run, ledger: Path) -> None:
    """A directory in the ledger's place is called one."""
    ledger.mkdir()
    done = run("history")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"keepalive: the ledger {ledger} is a directory\nSet KEEPALIVE_DB to a file.\n"
    )


def test_newer_schema(run: Run, ledger: Path) -> None:
    """A ledger of a newer keepalive is left alone."""
    database.open_ledger().close()
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = ledger.read_bytes()
    done = run("history")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{ledger} was written by a newer keepalive (schema 99, this one knows" in done.stderr
    assert "pip install --upgrade keepalive-ledger" in done.stderr
    assert ledger.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE t (a)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"],
)
def test_database_of_another_program(ledger: Path, statement: str) -> None:
    """An SQLite database that is not ours gets no tables of ours."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA journal_mode = DELETE")
    before = ledger.read_bytes()
    with pytest.raises(errors.LedgerUnusableError, match="is a database of another program"):
        database.open_ledger()
    assert ledger.read_bytes() == before


def test_damaged(run: Run, ledger: Path) -> None:
    """A ledger with holes in it ends a question with words, not with a traceback."""
    connection = database.open_ledger()
    connection.execute("INSERT INTO streams VALUES (1, 'rig1', '', '', '')")
    connection.executemany(
        "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, ?, ?)",
        [(number, "x" * 500) for number in range(1000)],
    )
    connection.close()
    with ledger.open("r+b") as file:
        file.seek(100_000)
        file.write(b"\xff" * 200_000)
    done = run("history", "-n0")
    assert done.returncode == 2
    assert f"keepalive: the ledger {ledger} is damaged\nSave what can be saved" in done.stderr


def test_no_home(run: Run) -> None:
    """Where there is no home directory, the way out is named."""
    if os.getuid() != 0:
        pytest.skip("only root can become a user whom the user database does not know")
    code = (
        "import os; from ledger import database, errors\n"
        "os.setuid(54321); os.environ.pop('HOME', None)\n"
        "try: database.require_ledger_path()\n"
        "except errors.LedgerUnusableError as error: print(error, '|', error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "there is no home directory to keep the ledger in | Set KEEPALIVE_DB to a file.\n"
    )


def test_unreadable(ledger: Path) -> None:
    """An ordinary user who may not read the ledger is told so."""
    database.open_ledger().close()
    make_reachable(ledger)
    ledger.chmod(0)
    error = in_child(lambda: failure(str(ledger)))
    assert error == (
        f"the ledger {ledger} may not be read by you"
        f" | Become its owner, or let its owner give it to you: ls -l {ledger}."
    )


def test_directory_that_may_not_be_written(ledger: Path) -> None:
    """An ordinary user who can't make the ledger is told why."""
    make_reachable(ledger.parent / "x")
    error = in_child(lambda: failure(str(ledger)))
    assert error == (
        f"the ledger {ledger} can't be opened: Permission denied"
        " | Run `keepalive doctor`, or set KEEPALIVE_DB to another file."
    )


@pytest.mark.parametrize("connected", [False, True])
def test_read_only(ledger: Path, *, connected: bool) -> None:
    """Who may read the ledger but not write gets the answer, and is told what is not in it."""
    owner = database.open_ledger()
    owner.execute("INSERT INTO streams VALUES (1, 'rig1', '', '', '')")
    owner.execute("INSERT INTO touches (stream_id, at_ns, command) VALUES (1, 5, 'gt')")
    if not connected:
        owner.close()
    waiting = paths.spool_path(str(ledger))
    spool.put(waiting, TOUCH)
    make_reachable(ledger)
    for file in (*ledger.parent.glob("ledger.db*"), *Path(waiting).iterdir()):
        file.chmod(0o755 if file.is_dir() else 0o644)

    def ask() -> tuple[list[tuple[str]], list[str]]:
        notes: list[str] = []
        connection = database.open_ledger(str(ledger), notes.append)
        return connection.execute("SELECT command FROM touches").fetchall(), notes

    assert in_child(ask) == (
        [("gt",)],
        [f"1 touch still waits in the spool {waiting}: the ledger {ledger} can't be written"],
    )
    if connected:
        owner.close()


def failure(ledger: str) -> str:
    try:
        database.open_ledger(ledger).close()
    except errors.LedgerUnusableError as error:
        return said(error)
    return "none"


def make_reachable(ledger: Path) -> None:
    """Let everybody into the directories above, which pytest keeps to its user."""
    for directory in ledger.parents:
        if directory.stat().st_uid == os.getuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)


def test_answers_while_another_process_writes(
    run: Run, ledger: Path, write_lock: sqlite3.Connection
) -> None:
    """A question to a locked ledger is answered from what is there; what waits is told."""
    waiting = paths.spool_path(str(ledger))
    spool.put(waiting, TOUCH)
    spool.put(waiting, (TOUCH[0] + 1, *TOUCH[1:-1], "gt mail"))
    done = run("history", "--nl")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"keepalive: 2 touches still wait in the spool {waiting}:"
        f" the ledger {ledger} is locked by another process\n"
    )
    write_lock.execute("ROLLBACK")
    done = run("history", "--csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "at,actor,workspace,town,host,command\n"
        "2026-02-25T06:13:20Z,mayor,/gt/w,/gt,rig1,gt status\n"
        "2026-02-25T06:13:20.000000001Z,mayor,/gt/w,/gt,rig1,gt mail\n"
    )
    assert os.listdir(waiting) == [spool.LOST]


def test_import_into_a_locked_ledger(
    run: Run, ledger: Path, write_lock: sqlite3.Connection
) -> None:
    """What has to write says who keeps it from that, and imports nothing."""
    done = run("import", "-", input='{"at_ns": 1, "command": "gt"}\n')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"keepalive: the ledger {ledger} is locked by another process\n"
        "Try again when that has ended.\n"
    )
    write_lock.execute("ROLLBACK")
    assert write_lock.execute("SELECT count(*) FROM touches").fetchone() == (0,)


def test_many_first_questions_at_once(ledger: Path) -> None:
    """Of processes that ask before there is a ledger, one makes it and all are answered."""
    command = [sys.executable, "-m", "ledger", "history", "--json"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(12)]
    answers = [(*process.communicate(), process.returncode) for process in running]
    assert answers == [("[]\n", "", 0)] * 12
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


def test_question_makes_the_ledger_private(run: Run, home: Path) -> None:
    """The ledger is its user's alone, and so is the directory made for it."""
    assert run("history").returncode == 0
    made = home / ".local/share/keepalive"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "ledger.db").stat().st_mode) == 0o600


def test_link_to_the_ledger(run: Run, home: Path, ledger: Path) -> None:
    """A link may lead to the ledger, even before that is there; the spool lies by the link."""
    ledger.symlink_to(home / "elsewhere" / "real.db")
    waiting = paths.spool_path(str(ledger))
    spool.put(waiting, TOUCH)
    assert run("history", "--nl").stdout.count("gt status") == 1
    assert ledger.is_symlink()
    assert os.listdir(waiting) == [spool.LOST]


@pytest.mark.parametrize(
    ("make", "words"),
    [(os.mkfifo, "is no regular file"), (os.mkdir, "is a directory")],
    ids=["fifo", "directory"],
)
def test_no_file(ledger: Path, make: Callable[[Path], None], words: str) -> None:
    """What is no file is called so, without waiting for it."""
    make(ledger)
    assert failure(str(ledger)) == f"the ledger {ledger} {words} | Set KEEPALIVE_DB to a file."


def test_parent_is_a_file(run: Run, home: Path) -> None:
    """A path that can't be is an error in words."""
    (home / "file").write_text("")
    done = run("history", env={"KEEPALIVE_DB": str(home / "file" / "ledger.db")})
    assert done.returncode == 2
    assert "can't be opened: Not a directory" in done.stderr


def test_unreadable_spool(ledger: Path) -> None:
    """Touches that wait where one may not look keep nobody from an answer."""
    database.open_ledger().close()
    waiting = Path(paths.spool_path(str(ledger)))
    waiting.write_text("no directory")
    notes: list[str] = []
    database.open_ledger(str(ledger), notes.append).close()
    assert notes == [f"touches may wait in the spool {waiting}: Not a directory"]


def test_text_that_is_none(run: Run, ledger: Path) -> None:
    """Bytes that a hand put in for text are shown as good as they can be."""
    connection = database.open_ledger()
    connection.execute("INSERT INTO streams VALUES (1, 'rig1', '', '', CAST(X'61FF' AS TEXT))")
    connection.execute(
        "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, 0, CAST(X'C32862' AS TEXT))"
    )
    connection.close()
    done = run("history", "--csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "1970-01-01T00:00:00Z,a\ufffd,,,rig1,\ufffd(b"
