"""The ledger as a touch sees it: one row in, quickly or not at all.

Part of the fast lane: a touch imports this.
"""

import os
import time

from ledger import spool
from ledger.connection import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _sqlite3 import Connection
    from collections.abc import Iterable

    Touch = tuple[int, str, str, str, str, str]  # at_ns, host, town, workspace, actor, command

_empty: "tuple[str, int] | None" = None  # a spool seen to be empty, and as of when

_INSERT = (
    "INSERT INTO touches (stream_id, at_ns, command) SELECT id, ?, ? FROM streams"
    " WHERE host = ? AND town = ? AND workspace = ? AND actor = ?"
)
# Source 1 is the spool. A row of the touch's own may be there: a commit that failed
# for want of room can turn out, when the WAL is read through, to have been written whole.
_INSERT_SPOOLED = (
    "INSERT INTO touches (stream_id, at_ns, command, source_id, source_row)"
    " SELECT id, ?1, ?2, 1, ?3 FROM streams AS s"
    " WHERE host = ?4 AND town = ?5 AND workspace = ?6 AND actor = ?7"
    " AND NOT EXISTS (SELECT 1 FROM touches WHERE source_id = 1 AND source_row = ?3)"
    " AND NOT EXISTS (SELECT 1 FROM touches AS t WHERE t.at_ns = ?1 AND t.stream_id = s.id"
    " AND t.command = ?2 AND t.source_id IS NULL)"
)
_INSERT_STREAM = (
    "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


def append(ledger: str, touch: "Touch") -> None:
    """Append `touch` to the ledger at the path `ledger`.

    Raises NoLedgerError, UnusableLedgerError, BusyError, _sqlite3.Error and OSError; then
    the ledger has no row of it.
    """
    with Turn(ledger) as connection:
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


def drain(connection: "Connection", waiting: str, names: "Iterable[str]") -> None:
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
                try:
                    spool.set_aside(waiting, name)
                except OSError:  # then it stays, and the doctor tells
                    pass
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
        with Turn(ledger) as connection:
            drain(connection, waiting, names[:most])
    elif now_ns - status.st_mtime_ns > 1_000_000_000:
        # Quiet for longer than a file system's clock ticks: what comes will change it.
        _empty = waiting, status.st_mtime_ns


def _begin(connection: "Connection") -> None:
    connection.execute("BEGIN IMMEDIATE")


def _roll_back(connection: "Connection") -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
