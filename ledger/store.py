"""The ledger as a touch sees it: one row in, quickly or not at all.

Part of the fast lane: a touch imports this. It takes ``_sqlite3``, the C module
under sqlite3, because sqlite3 itself adds date adapters that we have no use for
and a touch has no time for.

The connection is kept for the next touch of the process. It is closed before a
fork, since an SQLite connection must not be carried across one.
"""

import os
import time
from _sqlite3 import Connection, Error, connect
from _thread import allocate_lock

from ledger import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Touch = tuple[int, str, str, str, str, str]  # at_ns, host, town, workspace, actor, command

# As migrations/migrations.py sets them in the file.
APPLICATION_ID = 0x4B454550
SCHEMA_VERSION = 1

# How long a touch waits for another writer. Ordinary writers are done within a
# millisecond; what takes longer (an import, a stopped process) is not worth waiting
# for: the spool takes the touch.
LOCK_WAIT_S = 0.04

_INSERT = (
    "INSERT INTO touches (stream_id, at_ns, command) SELECT id, ?, ? FROM streams"
    " WHERE host = ? AND town = ? AND workspace = ? AND actor = ?"
)
# Source 1 is the spool. A row of the touch's own may be there: a commit that failed
# for want of room can turn out, when the WAL is read through, to have been written whole.
_INSERT_SPOOLED = (
    "INSERT INTO touches (stream_id, at_ns, command, source_id, source_row)"
    " SELECT id, ?1, ?2, 1, ?3 FROM streams AS s"
    " WHERE host = ?4 AND town = ?5 AND workspace = ?6 AND actor = ?7 AND NOT EXISTS ("
    "SELECT 1 FROM touches AS t WHERE t.at_ns = ?1 AND t.stream_id = s.id AND t.command = ?2"
    " AND t.source_id IS NULL)"
    " ON CONFLICT DO NOTHING"
)
_INSERT_STREAM = (
    "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


class NoLedgerError(Exception):
    """There is no ledger yet, or one that was never finished."""


class UnusableLedgerError(Exception):
    """The file is not a ledger whose schema this version writes."""


_lock = allocate_lock()
_empty: "tuple[str, int] | None" = None  # a spool seen to be empty, and as of when
_kept: "tuple[Connection, str, int, int] | None" = None  # with path, device, inode


def append(ledger: str, touch: "Touch") -> None:
    """Append `touch` to the ledger at the path `ledger`.

    Raises NoLedgerError, UnusableLedgerError, _sqlite3.Error (locked for longer than
    LOCK_WAIT_S among them) and OSError; then the ledger has no row of it.
    """
    with _lock:
        connection = _connection(ledger)
        at_ns, host, town, workspace, actor, command = touch
        row = (at_ns, command, host, town, workspace, actor)
        if connection.execute(_INSERT, row).rowcount == 0:
            _begin(connection)
            try:
                connection.execute(_INSERT_STREAM, row[2:])
                connection.execute(_INSERT, row)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise


def drain(connection: Connection, waiting: str, names: "Iterable[str]") -> None:
    """Move the touches `names` of the spool directory `waiting` into the ledger.

    One transaction; each file is unlinked after the commit. A file that can't be
    read stays; a damaged one is set aside.

    Raises _sqlite3.Error and OSError; then what was not taken still waits.
    """
    taken = []
    _begin(connection)
    try:
        for name in names:
            try:
                key, touch = spool.get(waiting, name)
            except OSError:  # most often: a drain beside this one took it
                continue
            except ValueError:
                spool.set_aside(waiting, name)
                continue
            at_ns, *stream, command = touch
            connection.execute(_INSERT_STREAM, stream)
            connection.execute(_INSERT_SPOOLED, (at_ns, command, key, *stream))
            taken.append(name)
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise
    for name in taken:
        try:
            os.unlink(f"{waiting}/{name}")
        except FileNotFoundError:  # a drain beside this one was quicker
            pass


def drain_some(ledger: str, waiting: str, most: int) -> None:
    """Drain up to `most` of the touches that wait, as a touch may: the oldest first.

    Raises what `append` and `drain` do.
    """
    global _empty
    status = os.stat(waiting)
    if _empty == (waiting, status.st_mtime_ns):
        return
    now_ns = time.time_ns()
    names = spool.names(waiting)
    if names:
        with _lock:
            drain(_connection(ledger), waiting, names[:most])
    elif now_ns - status.st_mtime_ns > 1_000_000_000:
        # Quiet for longer than a file system's clock ticks: what comes will change it.
        _empty = waiting, status.st_mtime_ns


def _begin(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _connection(ledger: str) -> Connection:
    """Return the kept connection when it is still the one to this ledger, or a new one."""
    global _kept
    try:
        status = os.stat(ledger)
    except FileNotFoundError:
        raise NoLedgerError(ledger) from None
    if _kept is not None:
        connection, path, device, inode = _kept
        if (path, device, inode) == (ledger, status.st_dev, status.st_ino):
            _check(connection)
            return connection
        close()
    if status.st_mode & 0o170000 == 0o100000 and status.st_size == 0:
        raise NoLedgerError(ledger)
    name = ledger.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = connect(  # mode=rw: never makes a file
        f"file:{name}?mode=rw",
        uri=True,
        timeout=LOCK_WAIT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check(connection)
        if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            raise UnusableLedgerError("the file belongs to another program")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    _kept = connection, ledger, status.st_dev, status.st_ino
    return connection


def _check(connection: Connection) -> None:
    """Raise unless the schema is the one that this version writes."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 and not connection.execute("PRAGMA schema_version").fetchone()[0]:
        raise NoLedgerError("the file has no schema yet")
    if version != SCHEMA_VERSION:
        raise UnusableLedgerError(f"its schema is {version}, this version writes {SCHEMA_VERSION}")


def close() -> None:
    """Close the kept connection, if there is one."""
    global _kept
    if _kept is not None:
        connection = _kept[0]
        _kept = None
        connection.close()


def _before_fork() -> None:
    _lock.acquire()
    close()


os.register_at_fork(
    before=_before_fork, after_in_parent=_lock.release, after_in_child=_lock.release
)

__all__ = [
    "Error",
    "NoLedgerError",
    "UnusableLedgerError",
    "append",
    "close",
    "drain",
    "drain_some",
]
