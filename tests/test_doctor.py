"""The doctor finds what is wrong, says what to do, and changes nothing."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Run
from support import in_child, snapshot

import ledger
from ledger import connection, database, doctor, paths, signals, spool
from ledger.encode import encode_state
from ledger.finding import Finding
from ledger.transfer import import_touches

HOST = os.uname().nodename
AN_HOUR_AGO = time.time() - 3600


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = home / "data" / "ledger.db"
    monkeypatch.setenv("KEEPALIVE_DB", str(path))
    return path


@pytest.fixture
def town(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A town with one workspace, in which the current directory is."""
    town = home / "gt"
    (town / "mayor").mkdir(parents=True)
    monkeypatch.setenv("GT_TOWN_ROOT", str(town))
    monkeypatch.chdir(town)
    return town


def wrong() -> list[Finding]:
    return [finding for finding in doctor.examine() if not finding.ok]


def states() -> dict[str, str]:
    return {finding.subject: finding.state for finding in wrong()}


def touch(command: str = "gt status") -> None:
    ledger.record(command, actor="mayor")


def test_all_is_well(run: Run, file: Path, town: Path) -> None:
    """After some touches nothing is wrong, and the doctor tells what there is."""
    touch()
    touch()
    connection.close()
    size = sum(part.stat().st_size for part in file.parent.glob("ledger.db*") if part.is_file())
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"ok     permissions  {file.parent} 0700",
        f"ok     permissions  {file} 0600",
        "ok     spool        empty",
        f"ok     ledger       {file}: 2 touches, {size:,} bytes",
        "ok     migrations   m001_create_ledger",
        "ok     integrity    ok",
        "ok     signals      2 agree with the ledger",
    ]


def test_nothing_there_yet(run: Run, file: Path) -> None:
    """Before the first touch there is nothing to find wrong, and nothing is made."""
    done = run("doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        '[{"subject": "spool", "ok": true, "state": "empty", "remedy": ""},\n'
        f' {{"subject": "ledger", "ok": true, "state": "{file} does not exist yet:'
        ' the first touch makes it", "remedy": ""}]\n'
    )
    assert not file.parent.exists()


def test_every_finding_says_what_to_do(run: Run, file: Path) -> None:
    """With something wrong the exit status is 1, and the remedy stands below."""
    file.parent.mkdir(mode=0o700)
    file.write_bytes(b"garbage" * 1000)
    file.chmod(0o600)
    done = run("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-2:] == [
        f"WRONG  ledger       the ledger {file} is not an SQLite database",
        (
            f"{'':20}Move the file away. Touches wait in the spool beside it and go into the next"
            " ledger."
        ),
    ]


def ledger_of(file: Path) -> sqlite3.Connection:
    database.open_ledger(str(file)).close()
    return sqlite3.connect(file, isolation_level=None)


def make_garbage(file: Path) -> None:
    file.write_text("x")


def make_directory(file: Path) -> None:
    file.mkdir()


def make_newer(file: Path) -> None:
    with closing(ledger_of(file)) as connection:
        connection.execute("PRAGMA user_version = 99")


def make_older(file: Path) -> None:
    file.write_bytes(b"")
    file.chmod(0o600)


def make_foreign(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (a)")
    file.chmod(0o600)


def make_open_to_all(file: Path) -> None:
    ledger_of(file).close()
    file.chmod(0o644)


def make_damaged(file: Path) -> None:
    with closing(ledger_of(file)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
            " WHERE name = 'streams') WHERE name = 'touches_at_ns'"
        )


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            make_garbage,
            {"ledger": "the ledger {file} is not an SQLite database"}
            | {"permissions": "others may open {file} 0644"},
        ),
        (make_directory, {"ledger": "the ledger {file} is a directory"}),
        (
            make_newer,
            {"ledger": "{file} was written by a newer keepalive (schema 99, this one knows 1)"},
        ),
        (make_older, {"migrations": "schema 0, this keepalive's is 1"}),
        (make_foreign, {"ledger": "{file} is a database of another program"}),
        (make_open_to_all, {"permissions": "others may open {file} 0644"}),
    ],
)
def test_bad_ledgers(file: Path, make: object, expected: dict[str, str]) -> None:
    """What is wrong with a ledger is named in plain words, and stays as it is."""
    os.umask(0o022)
    file.parent.mkdir(mode=0o700)
    make(file)
    before = snapshot(file.parent)
    assert states() == {subject: state.format(file=file) for subject, state in expected.items()}
    assert snapshot(file.parent).items() >= before.items()


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ("SELECT 1", True),
        ("UPDATE periods SET ended_ns = ended_ns + 1 WHERE started_ns = 0", False),
        ("UPDATE periods SET touches = touches + 1 WHERE started_ns > 0", False),
        ("UPDATE periods SET started_ns = 1 WHERE started_ns = 0", False),
        ("DELETE FROM periods WHERE stream_id = 2", False),
        ("DELETE FROM periods WHERE stream_id = 1 AND started_ns > 0", False),
        ("INSERT INTO periods VALUES (1, 5000000000000, 5000000000000, 1)", False),
        ("INSERT INTO periods VALUES (3, 0, 0, 1)", False),
    ],
)
def test_periods_that_are_wrong(file: Path, change: str, *, right: bool) -> None:
    """Active periods that are not those of the touches are found."""
    with closing(ledger_of(file)) as connection:
        connection.execute("INSERT INTO streams VALUES (1, '', '', '', 'a'), (2, '', '', '', 'b')")
        connection.executemany(
            "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, '')",
            [(1, 0), (1, 59_999_999_999), (2, 5), (1, 119_999_999_999), (1, 10**12)],
        )
        connection.execute(change)
    expected = {} if right else {"integrity": "the active periods are not those of the touches"}
    assert states() == expected


def test_damaged_ledger(file: Path) -> None:
    """Damage inside the file is found, with the way to save what can be saved."""
    file.parent.mkdir(mode=0o700)
    make_damaged(file)
    (finding,) = wrong()
    assert finding.subject in {"integrity", "ledger"}
    assert ".recover" in finding.remedy


def test_no_permission(file: Path) -> None:
    """An ordinary user is told what may not be read or written, and how to change that."""
    ledger_of(file).close()
    for directory in file.parents:
        if directory.stat().st_uid == os.getuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    file.chmod(0o400)
    found = in_child(wrong)
    assert [(finding.subject, finding.state) for finding in found] == [
        ("permissions", f"{file.parent} can't be written"),
        ("permissions", f"{file} can't be read and written"),
        ("ledger", f"the ledger {file} may not be read by you"),
    ]
    assert all(finding.remedy for finding in found)


def test_directory_in_the_way(file: Path) -> None:
    """A file where the ledger's directory should be is named."""
    file.parent.write_text("")
    assert states() == {
        "permissions": f"{file.parent} is no directory",
        "spool": f"{paths.spool_path(str(file))}: Not a directory",
    }


def test_touches_that_wait(file: Path, town: Path) -> None:
    """Touches in the spool are counted; the signal that they wrote is no disagreement."""
    touch()
    at_ns = time.time_ns()
    waiting = paths.spool_path(str(file))
    spool.put(waiting, (at_ns, HOST, str(town), str(town), "mayor", "gt"))
    for path in (paths.workspace_signal(str(town)), paths.town_signal(str(town))):
        signals.write(path, encode_state("gt", at_ns))
    assert wrong() == [
        Finding(
            "spool",
            f"touches that wait in {waiting}: 1",
            "Any question takes them in (keepalive history -n 1). If they stay, see the ledger.",
        )
    ]


def test_what_lies_in_the_spool(file: Path) -> None:
    """Damaged files, files never finished and notes of lost touches are found."""
    ledger_of(file).close()
    waiting = Path(paths.spool_path(str(file)))
    spool.put(str(waiting), (1, "", "", "", "", "gt"))
    (waiting / "00000000000000000001-0123456789abcdef").write_bytes(b"")
    database.open_ledger(str(file)).close()
    for name in (".00000000000000000002-0123456789abcdef", ".0000-new"):
        (waiting / name).write_bytes(b"touch1")
    old = waiting / ".00000000000000000002-0123456789abcdef"
    os.utime(old, (AN_HOUR_AGO, AN_HOUR_AGO))
    spool.note_loss(str(waiting), 5, "No space left on device")
    assert [finding[:2] for finding in wrong()] == [
        ("spool", f"damaged files in {waiting}: 1"),
        ("leftover", f"{old}: its writer was killed"),
        ("lost", "touches that could be kept nowhere: 1, the last 5 No space left on device"),
    ]


def test_spool_that_is_a_file(file: Path) -> None:
    """A spool that is no directory is found."""
    ledger_of(file).close()
    waiting = Path(paths.spool_path(str(file)))
    waiting.write_text("")
    assert states() == {"spool": f"{waiting}: Not a directory"}


def test_leftovers_beside_signals(file: Path, town: Path) -> None:
    """Temporary files that a killed touch left beside a signal are found, the young ones not."""
    touch()
    old = [
        town / ".runtime" / ".keepalive.json.0011223344556677.tmp",
        town / "daemon" / ".activity.json.0011223344556677.tmp",
    ]
    for path in (*old, town / ".runtime" / ".keepalive.json.8899aabbccddeeff.tmp"):
        path.write_text("")
    for path in (*old, town / ".runtime" / "keepalive.json"):
        os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))
    assert sorted(wrong()) == sorted(
        Finding("leftover", f"{path}: its writer was killed", f"rm {path}") for path in old
    )


def last_ns(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT max(at_ns) FROM touches").fetchone()[0]


@pytest.mark.parametrize(
    ("change_ns", "words"),
    [
        (1, "0.0s newer"),
        (90_000_000_000, "1m 30s newer"),
        (-3_600_000_000_000, "1h older"),
    ],
)
def test_signals_that_disagree(file: Path, town: Path, change_ns: int, words: str) -> None:
    """A signal of another instant than the ledger's last touch is found, with the difference."""
    touch()
    path = paths.town_signal(str(town))
    signals.write(path, encode_state("gt", last_ns(file) + change_ns))
    assert states() == {"signals": f"{path} is {words} than the ledger's last touch there"}


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_signals_that_are_gone(file: Path, town: Path, content: bytes | None) -> None:
    """A signal that is gone, or is none, is found."""
    touch()
    path = Path(paths.workspace_signal(str(town)))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert states() == {"signals": f"{path} is gone or can't be read"}


def test_places_that_are_gone(file: Path, town: Path) -> None:
    """A workspace that was removed needs no signal."""
    touch()
    town.rename(town.with_name("elsewhere"))
    (finding,) = (one for one in doctor.examine() if one.subject == "signals")
    assert finding == Finding("signals", "none on this machine; places that are gone: 2")


def test_other_streams_touches_count(file: Path, town: Path) -> None:
    """The last touch of a place is the last of all who act there."""
    ledger.record("gt", actor="mayor")
    ledger.record("gt", actor="nux")
    ledger.record("gt", actor="mayor", workspace="")
    assert wrong() == []


def test_imported_touches_write_no_signals(file: Path, town: Path) -> None:
    """What was imported, newer or older than the last touch here, is no disagreement."""
    touch()

    def lines(actor: str, *at_ns: int) -> Iterator[bytes]:
        place = f'"host": "{HOST}", "workspace": "{town}", "town": "{town}"'
        for one in at_ns:
            yield f'{{"at_ns": {one}, "command": "gt", "actor": "{actor}", {place}}}'.encode()

    last = last_ns(file)
    with closing(database.open_ledger(str(file))) as connection:
        for actor in ("mayor", "another"):
            imported = lines(actor, 5, last - 1, last + 1, last + 3 * 10**12)
            assert import_touches(connection, imported, "a", print).added == 4
    assert wrong() == []


def test_unusable_place(run: Run) -> None:
    """Where KEEPALIVE_DB leads nowhere, the doctor says so."""
    done = run("doctor", env={"KEEPALIVE_DB": "/dev/null/x"})
    assert done.returncode == 1
    assert "WRONG  permissions  /dev/null is no directory" in done.stdout


def test_broken_schema(run: Run, file: Path, town: Path) -> None:
    """A view or a trigger that somebody dropped is missed."""
    touch()
    connection.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        opened.execute("DROP VIEW history")
        opened.execute("DROP TRIGGER periods_after_insert")
    done = run("doctor")
    assert done.returncode == 1
    assert "WRONG  migrations   missing or changed: history, periods_after_insert" in done.stdout
