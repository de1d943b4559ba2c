"""Look the ledger over and say what is wrong. Changes nothing."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from ledger import database, paths
from ledger.connection import SCHEMA_VERSION
from ledger.doctor_files import permissions, spool_state
from ledger.doctor_signals import signals
from ledger.errors import LedgerUnusableError
from ledger.finding import Finding
from ledger.terminal import count

_PERIOD_GAP_NS = 60_000_000_000


def examine() -> Iterator[Finding]:
    """Yield the findings on the ledger, its spool and the signals, as they are made."""
    try:
        ledger = database.require_ledger_path()
        yield from permissions(ledger)
        yield from spool_state(paths.spool_path(ledger))
        if not os.path.lexists(ledger):
            yield Finding("ledger", f"{ledger} does not exist yet: the first touch makes it")
            return
        with contextlib.closing(database.open_unchanged(ledger)) as connection:
            try:
                yield from _contents(connection, ledger)
            except sqlite3.Error as error:
                raise database.explain(ledger, error) from error
    except LedgerUnusableError as error:
        yield Finding("ledger", str(error), error.hint)


def _contents(connection: sqlite3.Connection, ledger: str) -> Iterator[Finding]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        yield Finding(
            "migrations",
            f"schema {version}, this keepalive's is {SCHEMA_VERSION}",
            "Ask anything (keepalive history -n 1): a question applies migrations.",
        )
        return
    (touches,) = connection.execute("SELECT count(*) FROM touches").fetchone()
    size = sum(map(_size, (ledger, f"{os.path.realpath(ledger)}-wal")))
    yield Finding("ledger", f"{ledger}: {count(touches, 'touch', 'touches')}, {size:,} bytes")
    applied = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = 'keepalive' ORDER BY id"
    ).fetchall()
    missing = database.missing_from_schema(connection)
    if missing:
        yield Finding(
            "migrations",
            f"missing or changed: {', '.join(missing)}",
            "Export the touches and import them into a new ledger.",
        )
    else:
        yield Finding("migrations", ", ".join(name for (name,) in applied))
    yield _integrity(connection)
    yield from signals(connection, paths.spool_path(ledger))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _integrity(connection: sqlite3.Connection) -> Finding:
    faults = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
    if faults != ["ok"]:
        return Finding(
            "integrity",
            "; ".join(faults),
            "Save what can be saved (sqlite3 FILE .recover), then move the file away.",
        )
    if not _periods_are_right(connection):
        return Finding(
            "integrity",
            "the active periods are not those of the touches",
            "Export the touches and import them into a new ledger.",
        )
    return Finding("integrity", "ok")


def _periods_are_right(connection: sqlite3.Connection) -> bool:
    """Tell whether the kept periods are what a rebuild from the touches gives."""
    kept = "SELECT ended_ns, touches FROM periods WHERE stream_id = ? AND started_ns = ?"

    def is_kept(stream: int, period: list[int]) -> bool:
        started_ns, *rest = period
        return bool(connection.execute(kept, (stream, started_ns)).fetchone() == tuple(rest))

    current: dict[int, list[int]] = {}  # by stream: started_ns, ended_ns, touches
    passed = 0
    connection.execute("BEGIN")  # of one moment, whoever writes meanwhile
    try:
        for stream, at_ns in connection.execute(
            "SELECT stream_id, at_ns FROM touches ORDER BY at_ns"
        ):
            period = current.get(stream)
            if period is not None and at_ns - period[1] < _PERIOD_GAP_NS:
                period[1] = at_ns
                period[2] += 1
                continue
            if period is not None:
                passed += 1
                if not is_kept(stream, period):
                    return False
            current[stream] = [at_ns, at_ns, 1]
        (count,) = connection.execute("SELECT count(*) FROM periods").fetchone()
        kept_all = all(is_kept(stream, period) for stream, period in current.items())
        return kept_all and bool(count == passed + len(current))
    finally:
        connection.execute("COMMIT")
