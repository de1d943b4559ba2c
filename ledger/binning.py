"""Time spread over cells: how much of each was active, of how much there is to know of."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from ledger.instants import NS, Zone
from ledger.periods import Span

HOUR_NS = 3600 * NS
DAY_NS = 24 * HOUR_NS

# 1970 began on a Thursday.
_EPOCH_WEEKDAY = 3


class Cell(NamedTuple):
    """A piece of time: `touched` where any span, even one of no length, falls into it."""

    active_ns: int
    observed_ns: int
    touched: bool

    @property
    def share(self) -> float | None:
        """How much of what was observed was active; None where nothing was observed."""
        return self.active_ns / self.observed_ns if self.observed_ns else None


_UNSEEN = Cell(0, 0, touched=False)


class Offset(NamedTuple):
    """A time in which the clocks of a zone keep one distance from UTC."""

    started_ns: int
    ended_ns: int
    offset_ns: int


def cells(active: Sequence[Span], since_ns: int, until_ns: int, edges: Sequence[int]) -> list[Cell]:
    """Return what lies between each two `edges` of the half-open range, and what was active.

    The spans are in order and do not overlap. Both ends of one are touches: it touches
    the cell that begins where it ends.

        edges   0       4       8       12      16
        range       [---------------------------)
        spans     ==========    |

    >>> for cell in cells([(1, 6), (8, 8)], 2, 16, [0, 4, 8, 12, 16]):
    ...     print(*cell)
    2 2 True
    2 4 True
    0 4 True
    0 4 False
    """
    found = []
    position = bisect_left(active, since_ns, key=lambda span: span[1])
    for edge, next_edge in pairwise(edges):
        low, high = max(edge, since_ns), min(next_edge, until_ns)
        if low >= high:
            found.append(_UNSEEN)
            continue
        active_ns, touched = 0, False
        while position < len(active) and active[position][1] < low:
            position += 1
        while position < len(active) and active[position][0] < high:
            started, ended = active[position]
            active_ns += min(ended, high) - max(started, low)
            touched = True
            if ended >= high:
                break
            position += 1
        found.append(Cell(active_ns, high - low, touched))
    return found


def timeline(
    active: Sequence[Span], since_ns: int, until_ns: int, observed_from_ns: int | None, count: int
) -> list[Cell]:
    """Return `count` equal cells of the range, observed only from an instant on, None for never.

        edges     0     3     6     9     12
        observed          [---------------)
        spans             ==============

    >>> [cell.share for cell in timeline([(4, 11)], 0, 12, 4, 4)]
    [None, 1.0, 1.0, 0.6666666666666666]
    """
    length_ns = until_ns - since_ns
    edges = [since_ns + length_ns * number // count for number in range(count + 1)]
    first_ns = until_ns if observed_from_ns is None else max(since_ns, observed_from_ns)
    return cells(active, first_ns, until_ns, edges)


def hours_of_week(
    active: Sequence[Span], since_ns: int, until_ns: int, zone: Zone
) -> list[list[Cell]]:
    """Return a row a weekday, from Monday on, of the 24 hours that clocks of `zone` show.

    Each is the sum over the range: an hour that clocks skip adds nothing, one that comes
    twice adds two hours.

    >>> from ledger import instants
    >>> hours = hours_of_week([(0, 3 * HOUR_NS // 2)], 0, DAY_NS, instants.zone("UTC"))
    >>> [[cell.share for cell in row[:3]] for row in hours[2:4]]  # Wednesday, Thursday
    [[None, None, None], [1.0, 0.5, 0.0]]
    """
    edges: list[int] = []
    hours: list[int] = []
    for offset in offsets(since_ns, until_ns, zone):
        edge = offset.started_ns
        while edge < offset.ended_ns:
            hour = (edge + offset.offset_ns) // HOUR_NS
            edges.append(edge)
            hours.append((hour + _EPOCH_WEEKDAY * 24) % (7 * 24))
            edge = (hour + 1) * HOUR_NS - offset.offset_ns
    edges.append(until_ns)
    week = [_UNSEEN] * (7 * 24)
    for hour, cell in zip(hours, cells(active, since_ns, until_ns, edges), strict=True):
        week[hour] = _sum(week[hour], cell)
    return [week[first : first + 24] for first in range(0, 7 * 24, 24)]


def _sum(one: Cell, other: Cell) -> Cell:
    return Cell(
        one.active_ns + other.active_ns,
        one.observed_ns + other.observed_ns,
        one.touched or other.touched,
    )


def offsets(since_ns: int, until_ns: int, zone: Zone) -> Iterator[Offset]:
    """Yield the offsets that make up the range.

        clocks of Riga   29 March 02:00  02:59|04:00  05:00
        offsets            +2 hours --------|-------- +3 hours

    >>> from ledger import instants
    >>> riga = instants.zone("Europe/Riga")
    >>> since_ns, until_ns = (instants.parse(day, 0, riga) for day in ("2026-03-29", "2026-03-30"))
    >>> [(s.ended_ns - s.started_ns, s.offset_ns) for s in offsets(since_ns, until_ns, riga)] == [
    ...     (3 * HOUR_NS, 2 * HOUR_NS), (20 * HOUR_NS, 3 * HOUR_NS)]
    True
    """
    started_ns = at_ns = since_ns
    offset_ns = _offset_ns(since_ns, zone)
    while at_ns < until_ns:
        # Of all zones, none ever took a change back within a day.
        next_ns = min(at_ns + DAY_NS, until_ns)
        if _offset_ns(next_ns, zone) == offset_ns:
            at_ns = next_ns
            continue
        at_ns = _change(at_ns, next_ns, zone)
        yield Offset(started_ns, at_ns, offset_ns)
        started_ns, offset_ns = at_ns, _offset_ns(at_ns, zone)
    if started_ns < until_ns:
        yield Offset(started_ns, until_ns, offset_ns)


def _offset_ns(at_ns: int, zone: Zone) -> int:
    return (zone.wall_clock(at_ns).utcoffset() or timedelta()) // timedelta(seconds=1) * NS


def _change(before_ns: int, after_ns: int, zone: Zone) -> int:
    """Return the instant, after the one and at the latest the other, when clocks change."""
    offset_ns = _offset_ns(before_ns, zone)
    between = range(before_ns, after_ns)
    return before_ns + bisect_left(
        between, x=True, key=lambda at_ns: _offset_ns(at_ns, zone) != offset_ns
    )
