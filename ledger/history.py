"""Read the touches of the ledger, filtered, in the order of their instants."""

import sqlite3
import sys
from collections import deque
from collections.abc import Iterator
from heapq import merge
from itertools import dropwhile, islice
from typing import NamedTuple

from ledger.filters import EVERYTHING, Filters, Stream, Streams, streams

_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


class HistoryRow(NamedTuple):
    """One touch with its stream."""

    id: int
    at_ns: int
    stream: Stream
    command: str


def history(
    connection: sqlite3.Connection,
    filters: Filters = EVERYTHING,
    *,
    limit: int | None = None,
    newest_first: bool = False,
    after_id: int | None = None,
) -> Iterator[HistoryRow]:
    """Yield touches in the order of their instants, then of their recording.

    With a `limit`, only the newest so many; with `after_id` instead, all that were recorded
    later than the touch with that id, oldest first. Rows are read as they are asked for:
    memory does not grow with their number.

    Raises sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> [row.command for row in history(open_ledger(), Filters(actors=["nobody"]))]
    []
    """
    chosen = streams(connection, filters)
    if not chosen or limit == 0:
        return
    if after_id is not None:
        rows = _recorded_after(connection, filters, chosen, after_id)
    elif limit is None:
        rows = _in_order(connection, filters, chosen, newest_first=newest_first)
    else:
        rows = _newest(connection, filters, chosen, limit, newest_first=newest_first)
    for at_ns, number, stream, command in rows:
        if stream not in chosen:  # as new as its touch
            chosen = streams(connection, filters)
        if stream in chosen:
            yield HistoryRow(number, at_ns, chosen[stream], command)


# Up to so many touches it is quicker to ask each period of a stream for them.
_FEW = 10_000

_Row = tuple[int, int, int, str]  # at_ns, id, stream_id, command: they sort as history does
_Rows = Iterator[_Row]

_OLDEST_FIRST = "at_ns, id"
_NEWEST_FIRST = "at_ns DESC, id DESC"


def _newest(
    connection: sqlite3.Connection,
    filters: Filters,
    chosen: Streams,
    limit: int,
    *,
    newest_first: bool,
) -> _Rows:
    """Read the newest `limit` touches; to give them oldest first, read them twice."""
    sparse = filters.of_streams() and filters.grep is None and limit <= _FEW
    read = by_stream if sparse else _in_order
    limit = min(limit, sys.maxsize)
    newest = islice(read(connection, filters, chosen, newest_first=True), limit)
    if newest_first:
        return newest
    last = deque(newest, maxlen=1)
    if not last:
        return iter(())
    oldest = last[0][:2]
    since = filters._replace(since_ns=oldest[0])
    rows = read(connection, since, chosen, newest_first=False)
    return islice(dropwhile(lambda row: row[:2] < oldest, rows), limit)


def _in_order(
    connection: sqlite3.Connection, filters: Filters, chosen: Streams, *, newest_first: bool
) -> _Rows:
    """Walk through the touches of all streams."""
    query = _Query(filters, chosen)
    return query.rows(connection, _NEWEST_FIRST if newest_first else _OLDEST_FIRST)


def by_stream(
    connection: sqlite3.Connection, filters: Filters, chosen: Streams, *, newest_first: bool
) -> _Rows:
    """Walk through the touches of each chosen stream from period to period.

    To find the last touches of one that was quiet for a year, a walk through all touches
    would read a year of the others'.
    """
    each = (_of_stream(connection, filters, stream, newest_first=newest_first) for stream in chosen)
    return merge(*each, reverse=newest_first)


def _of_stream(
    connection: sqlite3.Connection, filters: Filters, stream: int, *, newest_first: bool
) -> _Rows:
    periods = connection.execute(
        _PERIODS + (" DESC" if newest_first else ""),
        {
            "stream": stream,
            "since_ns": _INT64_MIN if filters.since_ns is None else filters.since_ns,
            "last_ns": _INT64_MAX if filters.until_ns is None else filters.until_ns - 1,
        },
    )
    for first_ns, last_ns in periods:
        query = _Query(filters._replace(since_ns=None, until_ns=None))
        query.where("stream_id = :stream", stream=stream)
        query.where("at_ns BETWEEN :first_ns AND :last_ns", first_ns=first_ns, last_ns=last_ns)
        yield from query.rows(connection, _NEWEST_FIRST if newest_first else _OLDEST_FIRST)


# The parts of a stream's periods that lie between two instants. The one that goes on
# at the first instant began before it.
_PERIODS = """
SELECT max(started_ns, :since_ns), min(ended_ns, :last_ns) FROM periods
WHERE stream_id = :stream AND started_ns <= :last_ns AND ended_ns >= :since_ns
  AND started_ns >= coalesce(
    (SELECT max(started_ns) FROM periods WHERE stream_id = :stream AND started_ns <= :since_ns),
    :since_ns)
ORDER BY started_ns"""


def _recorded_after(
    connection: sqlite3.Connection, filters: Filters, chosen: Streams, after_id: int
) -> _Rows:
    query = _Query(filters, chosen)
    query.where("id > :after_id", after_id=after_id)
    return query.rows(connection, _OLDEST_FIRST, table="touches NOT INDEXED")


class _Query:
    """A query on touches: its conditions and their parameters."""

    def __init__(self, filters: Filters, chosen: Streams | None = None) -> None:
        """Begin with what `filters` say; of the streams only where `chosen` is given."""
        self._conditions = ["true"]
        self._parameters: dict[str, object] = {}
        if filters.since_ns is not None:
            self.where("at_ns >= :since_ns", since_ns=filters.since_ns)
        if filters.until_ns is not None:
            self.where("at_ns < :until_ns", until_ns=filters.until_ns)
        if filters.of_streams() and chosen is not None:
            streams = str([*chosen])
            self.where("stream_id IN (SELECT value FROM json_each(:streams))", streams=streams)
        if filters.grep is not None:
            self.where("instr(command, :grep)", grep=filters.grep)

    def where(self, condition: str, **parameters: object) -> None:
        self._conditions.append(condition)
        self._parameters.update(parameters)

    def rows(self, connection: sqlite3.Connection, order: str, table: str = "touches") -> _Rows:
        # Made of this module's own texts alone.
        sql = (
            f"SELECT at_ns, id, stream_id, command FROM {table}"  # noqa: S608
            f" WHERE {' AND '.join(self._conditions)} ORDER BY {order}"
        )
        return connection.execute(sql, self._parameters)
