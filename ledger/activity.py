"""Read from the ledger when streams were active, at a cost that grows with the answer.

Gaps of 60 s and more are read from the table of active periods. Shorter ones need the
touches, but not each of them: from a touch the next one looked at is the furthest that
is still less than a gap away, so that a minute of touches costs two or three steps
however many they are.
"""

import sqlite3
from collections.abc import Collection, Iterable
from typing import NamedTuple

from ledger.errors import BadInputError
from ledger.filters import Filters, Streams
from ledger.instants import NS
from ledger.periods import ActivePeriods, Range, Span, unite

PERIOD_GAP_NS = 60 * NS
"""What parts the active periods of the table."""

GROUPS = ("actor", "workspace", "town", "host")
"""What streams can be grouped by."""


class Group(NamedTuple):
    """Streams that are looked at together, under the name that they share ('' for all)."""

    name: str
    stream_ids: Collection[int]


def grouped(chosen: Streams, by: str | None) -> list[Group]:
    """Return the chosen streams in groups by one of GROUPS, in the order of names."""
    if by not in {None, *GROUPS}:
        raise BadInputError(f"{by!r} is nothing to group by", f"There are {', '.join(GROUPS)}.")
    if by is None:
        return [Group("", tuple(chosen))]
    members: dict[str, list[int]] = {}
    for number, stream in chosen.items():
        members.setdefault(getattr(stream, by), []).append(number)
    return [Group(name, tuple(members[name])) for name in sorted(members)]


def chosen_range(
    connection: sqlite3.Connection, filters: Filters, chosen: Streams, now_ns: int
) -> Range:
    """Return the range that `filters` ask for: by default from the first touch until now.

    Raises BadInputError for one that is empty.
    """
    until = now_ns if filters.until_ns is None else min(filters.until_ns, now_ns)
    if filters.since_ns is not None:
        since = filters.since_ns
        if since >= until:
            hint = "--since must lie before --until, and before now."
            raise BadInputError("the range is empty: it ends before it begins", hint)
    else:
        first = first_touch(connection, chosen)
        since = until if first is None else min(first, until)
    return Range(since, until, now_ns)


def first_touch(connection: sqlite3.Connection, stream_ids: Iterable[int]) -> int | None:
    """Return the instant of the streams' first touch, or None where they have none."""
    query = "SELECT min(started_ns) FROM periods WHERE stream_id = ?"
    found = [connection.execute(query, (number,)).fetchone()[0] for number in stream_ids]
    return min((at_ns for at_ns in found if at_ns is not None), default=None)


def count_touches(connection: sqlite3.Connection, filters: Filters) -> int:
    """Return how many touches of all streams the active periods in the range of `filters` have."""
    since = -(1 << 63) if filters.since_ns is None else filters.since_ns
    until = (1 << 63) - 1 if filters.until_ns is None else filters.until_ns
    (found,) = connection.execute(
        "SELECT coalesce(sum(touches), 0) FROM periods WHERE ended_ns >= ? AND started_ns < ?",
        (since, until),
    ).fetchone()
    return int(found)


def active_periods(
    connection: sqlite3.Connection, stream_ids: Collection[int], span: Range, gap_ns: int
) -> ActivePeriods:
    """Return the active periods of the streams taken together, parted by gaps of `gap_ns`.

    From the one that the range begins in, or the last before it, to the first after it.
    What is later than now (a clock was wrong) is not looked at.

    Raises sqlite3.Error.
    """
    if gap_ns < PERIOD_GAP_NS:
        return _from_touches(connection, stream_ids, span, gap_ns)
    spans: list[Span] = []
    for number in stream_ids:
        spans += _periods(connection, number, span)
    spans.sort()
    return unite(spans, gap_ns)


# From the last period that began before :since_ns to the first that begins at :until_ns or later.
_PERIODS = """
SELECT started_ns, min(ended_ns, :now_ns) FROM periods
WHERE stream_id = :stream AND started_ns <= :now_ns
  AND started_ns >= coalesce(
    (SELECT max(started_ns) FROM periods WHERE stream_id = :stream AND started_ns < :since_ns),
    :since_ns)
  AND started_ns <= coalesce(
    (SELECT min(started_ns) FROM periods WHERE stream_id = :stream AND started_ns >= :until_ns),
    :now_ns)
ORDER BY started_ns"""


def _periods(connection: sqlite3.Connection, stream: int, span: Range) -> list[Span]:
    return connection.execute(_PERIODS, {"stream": stream, **span._asdict()}).fetchall()


# Each row is a touch after a gap, and the touch before it.
_WALK = """
WITH RECURSIVE walk (at_ns, before_ns) AS (
  SELECT coalesce(
    (SELECT at_ns FROM touches WHERE at_ns < :since_ns AND {chosen} ORDER BY at_ns DESC LIMIT 1),
    (SELECT at_ns FROM touches WHERE at_ns >= :since_ns AND at_ns <= :now_ns AND {chosen}
     ORDER BY at_ns LIMIT 1)), NULL
  UNION ALL
  SELECT coalesce(
    (SELECT t.at_ns FROM touches AS t
     WHERE t.at_ns > walk.at_ns AND t.at_ns < walk.at_ns + :gap_ns AND t.at_ns <= :now_ns
       AND {chosen} ORDER BY t.at_ns DESC LIMIT 1),
    (SELECT t.at_ns FROM touches AS t
     WHERE t.at_ns >= walk.at_ns + :gap_ns AND t.at_ns <= :now_ns AND {chosen}
     ORDER BY t.at_ns LIMIT 1)), walk.at_ns
  FROM walk WHERE walk.at_ns < :until_ns
)
SELECT before_ns, at_ns FROM walk
WHERE before_ns IS NULL OR at_ns IS NULL OR at_ns - before_ns >= :gap_ns OR at_ns >= :until_ns
ORDER BY before_ns"""


def _from_touches(
    connection: sqlite3.Connection, stream_ids: Collection[int], span: Range, gap_ns: int
) -> ActivePeriods:
    chosen = f"stream_id IN ({','.join(map(str, stream_ids))})"
    rows = connection.execute(
        _WALK.format(chosen=chosen), {"gap_ns": gap_ns, **span._asdict()}
    ).fetchall()
    starts: list[int] = []
    ends: list[int] = []
    for before, at in rows:
        if before is not None and (at is None or at - before >= gap_ns):
            ends.append(before)
        if at is not None and (before is None or at - before >= gap_ns):
            starts.append(at)
        if at is not None and at >= span.until_ns:
            ends.append(at)
    return ActivePeriods(starts, ends, gap_ns)


def last_touch(
    connection: sqlite3.Connection, stream_ids: Iterable[int], at_ns: int | None = None
) -> tuple[int, int] | None:
    """Return instant and stream of the last touch, or of the last until `at_ns`; None for none."""
    found = [
        (last, number)
        for number in stream_ids
        if (last := _last_of(connection, number, at_ns)) is not None
    ]
    return max(found, default=None)


def _last_of(connection: sqlite3.Connection, stream: int, at_ns: int | None) -> int | None:
    query = "SELECT started_ns, ended_ns FROM periods WHERE stream_id = ?"
    if at_ns is None:
        row = connection.execute(f"{query} ORDER BY started_ns DESC LIMIT 1", (stream,)).fetchone()
        return None if row is None else int(row[1])
    row = connection.execute(
        f"{query} AND started_ns <= ? ORDER BY started_ns DESC LIMIT 1", (stream, at_ns)
    ).fetchone()
    if row is None or row[1] <= at_ns:
        return None if row is None else int(row[1])
    # In the middle of an active period only the touches tell.
    (last,) = connection.execute(
        "SELECT at_ns FROM touches WHERE at_ns BETWEEN ? AND ? AND stream_id = ?"
        " ORDER BY at_ns DESC LIMIT 1",
        (row[0], at_ns, stream),
    ).fetchone()
    return int(last)


def command_at(
    connection: sqlite3.Connection, stream_ids: Collection[int], at_ns: int, *, last: bool
) -> str | None:
    """Return the command of the streams' touch at `at_ns`: of several the `last`, or the first."""
    ids = set(stream_ids)
    found = sorted(
        (number, command)
        for number, stream, command in connection.execute(
            "SELECT id, stream_id, command FROM touches WHERE at_ns = ?", (at_ns,)
        )
        if stream in ids
    )
    return found[-1 if last else 0][1] if found else None


def recent_gaps(
    connection: sqlite3.Connection, stream_ids: Collection[int], since_ns: int, until_ns: int
) -> list[int]:
    """Return how long the gaps of 60 s and more were that ended in [since_ns, until_ns], sorted."""
    active = active_periods(
        connection, stream_ids, Range(since_ns, until_ns, until_ns), PERIOD_GAP_NS
    )
    return sorted(
        start - end
        for end, start in zip(active.ended_ns, active.started_ns[1:], strict=False)
        if start >= since_ns
    )
