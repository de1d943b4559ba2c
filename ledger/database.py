"""Open the ledger for a question: migrations applied, spool drained.

The only door to sqlite_utils.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator

from ledger import paths, spool, store
from ledger.connection import APPLICATION_ID, SCHEMA_VERSION, uri
from ledger.errors import LedgerUnusableError

# A person waits for the answer. Without the migrations there is none, and a writer that
# takes longer than this is stuck; without the drain there is one.
LOCK_WAIT_S = 5.0
_DRAIN_WAIT_S = 1.0

# The spool is drained in transactions of so many, so that touches get in between.
_DRAIN_AT_ONCE = 1000

Tell = Callable[[str], None]
"""Is told what keeps an answer from being complete, in a sentence."""


def require_ledger_path() -> str:
    """Return the ledger's path.

    Raises LedgerUnusableError where there is no home directory to hold it.
    """
    try:
        ledger = paths.ledger_path()
    except (OSError, ValueError) as error:
        raise LedgerUnusableError(
            f"KEEPALIVE_DB is no usable path: {error}", "Set it to an absolute path."
        ) from error
    if ledger is None:
        raise LedgerUnusableError(
            "there is no home directory to keep the ledger in", "Set KEEPALIVE_DB to a file."
        )
    return ledger


@contextlib.contextmanager
def asking(tell: Tell | None = None) -> Iterator[sqlite3.Connection]:
    """Open the ledger that `paths.ledger_path` names for as long as a question takes.

    Raises LedgerUnusableError, also for an sqlite3.Error that the question meets.
    """
    ledger = require_ledger_path()
    connection = open_ledger(ledger, tell)
    try:
        with contextlib.closing(connection):
            yield connection
    except sqlite3.Error as error:
        raise explain(ledger, error) from error


def open_ledger(
    ledger: str | None = None, tell: Tell | None = None, *, wait_s: float = LOCK_WAIT_S
) -> sqlite3.Connection:
    """Open the ledger at `ledger` (by default where `paths.ledger_path` says) and return it.

    Makes it when missing, applies migrations, drains the spool. What can't be drained
    in a second goes on waiting, and `tell` is told. Another writer is given `wait_s`. A
    ledger that can't be written is read as it is. Rows are plain tuples and transactions
    are the caller's to begin.

    Raises LedgerUnusableError.
    """
    ledger = ledger or require_ledger_path()
    try:
        _make(ledger)
        connection = _connect(ledger, "rw", wait_s)
        try:
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise explain(ledger, error) from error
    drain(connection, ledger, tell)
    return connection


def _make(ledger: str) -> None:
    """Make the file, private, where there is none."""
    file = os.path.realpath(ledger)
    if not os.path.exists(file):
        if not os.path.lexists(os.path.dirname(file)):
            os.makedirs(os.path.dirname(file), 0o700, exist_ok=True)
        made = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(made, 0o600)  # whatever the umask
        os.close(made)


def open_unchanged(ledger: str) -> sqlite3.Connection:
    """Open the ledger at `ledger` to look at it as it is, whatever its schema's age.

    Raises LedgerUnusableError.
    """
    try:
        return _connect(ledger, "ro", LOCK_WAIT_S)
    except (OSError, sqlite3.Error) as error:
        raise explain(ledger, error) from error


def _connect(ledger: str, mode: str, wait_s: float) -> sqlite3.Connection:
    _require_file(ledger)
    try:
        return _checked(ledger, mode, wait_s)
    except sqlite3.OperationalError:
        # A reader has to make the WAL's index too, unless there is no WAL to read.
        file = os.path.realpath(ledger)
        if os.access(os.path.dirname(file), os.W_OK) or os.path.exists(f"{file}-wal"):
            raise
        return _checked(ledger, "ro&immutable=1", wait_s)


def _require_file(ledger: str) -> None:
    """Raise unless there is a file that SQLite can make something of; OSError if there is none."""
    status = os.stat(ledger)
    if not stat.S_ISREG(status.st_mode):
        what = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise LedgerUnusableError(f"the ledger {ledger} is {what}", "Set KEEPALIVE_DB to a file.")
    if not os.access(ledger, os.R_OK):
        raise LedgerUnusableError(
            f"the ledger {ledger} may not be read by you",
            f"Become its owner, or let its owner give it to you: ls -l {ledger}.",
        )
    if status.st_size == 1:  # which SQLite takes for an empty file
        what, hint = _PLAIN_WORDS[sqlite3.SQLITE_NOTADB]
        raise LedgerUnusableError(f"the ledger {ledger} {what}", hint)


def _checked(ledger: str, mode: str, wait_s: float) -> sqlite3.Connection:
    """Connect and make sure that the file is a ledger that this version knows, or empty."""
    connection = sqlite3.connect(uri(ledger, mode), uri=True, timeout=wait_s, isolation_level=None)
    # Text that a hand put in may be anything.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise LedgerUnusableError(
                f"{ledger} is a database of another program", "Set KEEPALIVE_DB to another file."
            )
        if version > SCHEMA_VERSION:
            raise LedgerUnusableError(
                f"{ledger} was written by a newer keepalive"
                f" (schema {version}, this one knows {SCHEMA_VERSION})",
                "Upgrade: pip install --upgrade keepalive-ledger. Touches wait in the spool"
                " until then.",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, one process at a time."""
    if connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
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


def missing_from_schema(connection: sqlite3.Connection) -> list[str]:
    """Return the tables, triggers and the like that are not as the migrations make them."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        _migrate(fresh)
        made = set(fresh.execute(query))
    return sorted(name for name, _ in made - set(connection.execute(query)))


def drain(connection: sqlite3.Connection, ledger: str, tell: Tell | None = None) -> None:
    """Take what waits in the spool of `ledger` into it, as far as that is possible.

    How much stays there, and why, is told to `tell`.
    """
    waiting = paths.spool_path(ledger)
    why = "they can't be read"
    try:
        names = spool.names(waiting)
        if not names:
            return
        connection.execute(f"PRAGMA busy_timeout = {_DRAIN_WAIT_S * 1000:.0f}")
        try:
            for first in range(0, len(names), _DRAIN_AT_ONCE):
                store.drain(connection, waiting, names[first : first + _DRAIN_AT_ONCE])
        except sqlite3.Error as error:
            why = str(explain(ledger, error))
        finally:
            connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_S * 1000:.0f}")
        left = len(set(names).intersection(spool.names(waiting)))
    except OSError as error:
        if tell:
            tell(f"touches may wait in the spool {waiting}: {error.strerror}")
        return
    if left and tell:
        many = "1 touch still waits" if left == 1 else f"{left:,} touches still wait"
        tell(f"{many} in the spool {waiting}: {why}")


def explain(ledger: str, error: OSError | sqlite3.Error) -> LedgerUnusableError:
    """Return in plain words what `error` says of the ledger, and what to do about it."""
    if isinstance(error, OSError):
        hint = "Run `keepalive doctor`, or set KEEPALIVE_DB to another file."
        return LedgerUnusableError(f"the ledger {ledger} can't be opened: {error.strerror}", hint)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what, hint = _PLAIN_WORDS.get(code, (f"failed: {error}", "Run `keepalive doctor`."))
    return LedgerUnusableError(f"the ledger {ledger} {what}", hint)


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
