"""Open the ledger for a question: migrations applied, spool drained.

The only door to sqlite_utils.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from ledger import paths, spool, store
from ledger.errors import LedgerUnusableError

# A person waits for the answer; a writer that takes longer than this is stuck.
LOCK_WAIT_S = 5.0

# The spool is drained in transactions of so many, so that touches get in between.
_DRAIN_AT_ONCE = 1000


def require_ledger_path() -> str:
    """Return the ledger's path.

    Raises LedgerUnusableError where there is no home directory to hold it.
    """
    try:
        ledger = paths.ledger_path()
    except (OSError, ValueError) as error:
        raise LedgerUnusableError(f"KEEPALIVE_DB is no usable path: {error}") from error
    if ledger is None:
        raise LedgerUnusableError(
            "there is no home directory to keep the ledger in", "Set KEEPALIVE_DB to a file."
        )
    return ledger


def open_ledger(ledger: str | None = None) -> sqlite3.Connection:
    """Open the ledger at `ledger` (by default where `paths.ledger_path` says) and return it.

    Makes it when missing, applies migrations, drains the spool. Rows are plain tuples
    and transactions are the caller's to begin.

    Raises LedgerUnusableError.
    """
    ledger = ledger or require_ledger_path()
    with _explained(ledger):
        os.makedirs(os.path.dirname(ledger), 0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(ledger, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(ledger, timeout=LOCK_WAIT_S, isolation_level=None)
        try:
            _require_ours(connection, ledger)
            _migrate(connection)
            _drain(connection, ledger)
        except BaseException:
            connection.close()
            raise
    return connection


def _require_ours(connection: sqlite3.Connection, ledger: str) -> None:
    """Raise unless the file is a ledger that this version knows, or empty."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != store.APPLICATION_ID:
        raise LedgerUnusableError(
            f"{ledger} is a database of another program", "Set KEEPALIVE_DB to another file."
        )
    if version > store.SCHEMA_VERSION:
        raise LedgerUnusableError(
            f"{ledger} was written by a newer keepalive"
            f" (schema {version}, this one knows {store.SCHEMA_VERSION})",
            "Upgrade: pip install --upgrade keepalive-ledger. Touches wait in the spool until then.",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, one process at a time."""
    if connection.execute("PRAGMA user_version").fetchone() == (store.SCHEMA_VERSION,):
        return
    from sqlite_utils import Database

    from ledger.migrations.migrations import migrations

    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(Database(connection, execute_plugins=False))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def drain(connection: sqlite3.Connection) -> None:
    """Take what waits in the spool of the open ledger into it.

    Raises LedgerUnusableError.
    """
    ledger = connection.execute("PRAGMA database_list").fetchone()[2]
    with _explained(ledger):
        _drain(connection, ledger)


def _drain(connection: sqlite3.Connection, ledger: str) -> None:
    waiting = paths.spool_path(ledger)
    names = spool.names(waiting)
    for first in range(0, len(names), _DRAIN_AT_ONCE):
        store.drain(connection, waiting, names[first : first + _DRAIN_AT_ONCE])


@contextlib.contextmanager
def _explained(ledger: str) -> Iterator[None]:
    """Turn what opening `ledger` may fail with into plain words."""
    try:
        yield
    except OSError as error:
        raise LedgerUnusableError(
            f"the ledger {ledger} can't be opened: {error.strerror}",
            "Run `keepalive doctor`, or set KEEPALIVE_DB to another file.",
        ) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        what, hint = _PLAIN_WORDS.get(
            code, (f"failed: {error}", "Run `keepalive doctor`.")
        )
        raise LedgerUnusableError(f"the ledger {ledger} {what}", hint) from error


_SPOOL_KEEPS = "Touches wait in the spool beside it and go into the next ledger."
_PLAIN_WORDS = {
    sqlite3.SQLITE_NOTADB: ("is not an SQLite database", f"Move the file away. {_SPOOL_KEEPS}"),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        f"Save what can be saved (sqlite3 FILE .recover), then move it away. {_SPOOL_KEEPS}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "can't be opened",
        "Check that it is a file that you may read and write, or set KEEPALIVE_DB.",
    ),
    sqlite3.SQLITE_READONLY: (
        "can't be written",
        "Check the permissions of the file and of its directory.",
    ),
    sqlite3.SQLITE_BUSY: ("is locked by another process", "Try again when that has ended."),
    sqlite3.SQLITE_FULL: ("has no room: the disk is full", "Make room on the disk."),
}
