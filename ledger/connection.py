"""The connection to the ledger that a process keeps from touch to touch.

Part of the fast lane: a touch imports this. It takes ``_sqlite3``, the C module under
sqlite3, because sqlite3 itself adds date adapters that we have no use for and a touch has
no time for.

The connection is closed before a fork, since an SQLite connection must not be carried
across one, and after any error that may be its own.
"""

import os
import time
from _sqlite3 import Connection, connect
from _thread import allocate_lock

# As migrations/migrations.py sets them in the file.
APPLICATION_ID = 0x4B454550
SCHEMA_VERSION = 1

# How long a touch waits for another writer. Ordinary writers are done within a
# millisecond; what takes longer (an import, a stopped process) is not worth waiting
# for: the spool takes the touch.
LOCK_WAIT_S = 0.04

_WRITE_LOCK_BYTE = 120  # of the -shm file: WAL_WRITE_LOCK in SQLite's "WAL-mode File Format"

_LOCKED = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED


class NoLedgerError(Exception):
    """There is no ledger yet, or one that was never finished."""


class BusyError(Exception):
    """Another writer, of this process or of another, holds the ledger."""


class UnusableLedgerError(Exception):
    """The file is not a ledger whose schema this version writes."""


# Whether this process does nothing but touch: then no other connection of its own can
# lose its locks when a file of the ledger is looked at and closed.
alone = False

_lock = allocate_lock()
_kept: "tuple[Connection, str, int, int] | None" = None  # with path, device, inode


class Turn:
    """A thread's turn at the connection to `ledger`, waited for as another process's is.

    A touch inside a touch (in a signal handler, in a finalizer) does not get one.

    Entering raises NoLedgerError, UnusableLedgerError, BusyError, _sqlite3.Error, OSError.
    """

    def __init__(self, ledger: str) -> None:
        self._ledger = ledger

    def __enter__(self) -> Connection:
        self._taken = _lock  # a child forked meanwhile has another one
        if not self._taken.acquire(timeout=LOCK_WAIT_S):
            raise BusyError("this process is at another touch")
        try:
            return _connect(self._ledger)
        except BaseException as error:
            self.__exit__(None, error, None)
            raise

    def __exit__(self, _: object, error: object, __: object) -> None:
        if error is not None and getattr(error, "sqlite_errorcode", 0) & 0xFF not in _LOCKED:
            close()
        self._taken.release()


def _connect(ledger: str) -> Connection:
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
    if not os.access(ledger, os.W_OK):
        # SQLite would open it to read, and make a WAL that nobody can write later.
        raise PermissionError(f"{ledger} may not be written")
    if alone:
        _wait_for_writer(ledger)
    connection = connect(
        uri(ledger, "rw"),  # never makes a file
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


def uri(ledger: str, mode: str) -> str:
    """Return the SQLite URI of the file `ledger`, to be opened in `mode` (``rw``, ``ro``)."""
    name = ledger.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{name}?mode={mode}"


def _wait_for_writer(ledger: str) -> None:
    """Wait until nobody holds the WAL's write lock, and raise BusyError after LOCK_WAIT_S.

    SQLite waits so long too, but for one case: beside a process that was stopped while it
    read the WAL through, it tries for ten seconds.
    """
    try:
        index = os.open(f"{os.path.realpath(ledger)}-shm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.lseek(index, _WRITE_LOCK_BYTE, os.SEEK_SET)
        for _ in range(int(LOCK_WAIT_S / 0.002)):
            try:
                os.lockf(index, os.F_TEST, 1)
            except OSError:
                time.sleep(0.002)
            else:
                return
        raise BusyError("another process holds it")
    finally:
        os.close(index)


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


_abandoned: "list[object]" = []
_closed_for_fork = False


def _before_fork() -> None:
    global _closed_for_fork
    _closed_for_fork = _lock.acquire(timeout=1)
    if _closed_for_fork:
        close()


def _after_fork_in_parent() -> None:
    if _closed_for_fork:
        _lock.release()


def _after_fork_in_child() -> None:
    global _kept, _lock
    if not _closed_for_fork:  # forked in the middle of a touch: the connection is the parent's
        _abandoned.append(_kept)
        _kept = None
        _lock = allocate_lock()
    else:
        _lock.release()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
