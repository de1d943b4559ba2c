"""What a timeline is drawn from: lanes of marks, and the frame that they are seen in.

x runs from 0 to WIDTH over the range, to two decimals: exact to half a pixel when it
is zoomed as far as it goes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from ledger.instants import Zone
from ledger.periods import Span

WIDTH = 1_000
"""Units from the range's start to its end."""

BAR, BEATS, INSET = 14, 10, 3
"""How high a lane's bar is, the row of heartbeats below it; how much lower its idle periods."""


class Idle(NamedTuple):
    """An idle period, by its whole length, and the tier that it reached, from 1 on."""

    started_ns: int
    ended_ns: int
    tier: int
    note: str = ""


class Heartbeat(NamedTuple):
    """A heartbeat and its tier, from 1 on."""

    at_ns: int
    tier: int
    note: str = ""


class Lane(NamedTuple):
    """A line of a timeline: whose it is, and its marks, each kind in order.

    A `note` is a line more of a mark's tooltip.
    """

    label: str
    active: Sequence[Span] = ()
    idle: Sequence[Idle] = ()
    heartbeats: Sequence[Heartbeat] = ()

    @property
    def height(self) -> int:
        """How high its marks are."""
        return BAR + (BEATS if self.heartbeats else 0)


class Frame(NamedTuple):
    """The half-open range that a timeline shows, the zone of its times, and AT, marked."""

    since_ns: int
    until_ns: int
    zone: Zone
    at_ns: int | None = None

    def x(self, at_ns: int) -> float:
        """Return where an instant lies; the range's edges are the furthest."""
        inside = min(max(at_ns, self.since_ns), self.until_ns) - self.since_ns
        return round(inside * WIDTH / (self.until_ns - self.since_ns), 2)


def number(value: float) -> str:
    """Return a coordinate, as short as it goes.

    >>> number(12.0), number(12.34)
    ('12', '12.34')
    """
    return f"{value:.2f}".rstrip("0").removesuffix(".")


def cut(lane: Lane, frame: Frame) -> Lane:
    """Return the lane with only the marks that reach into the range."""
    since, until = frame.since_ns, frame.until_ns

    def inside(marks: Sequence[Span] | Sequence[Idle]) -> slice:
        first = bisect_left(marks, since, key=lambda mark: mark[1])
        return slice(first, bisect_left(marks, until, key=lambda mark: mark[0]))

    first, last = (
        bisect_left(lane.heartbeats, at, key=lambda one: one.at_ns) for at in (since, until)
    )
    return lane._replace(
        active=lane.active[inside(lane.active)],
        idle=lane.idle[inside(lane.idle)],
        heartbeats=lane.heartbeats[first:last],
    )


def count(lanes: Sequence[Lane]) -> int:
    """Return how many marks the lanes have."""
    return sum(len(lane.active) + len(lane.idle) + len(lane.heartbeats) for lane in lanes)
