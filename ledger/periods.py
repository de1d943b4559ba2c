"""Active periods in, idle periods out. Pure.

    touches   |||| ||         |      |||| |
    active    [-----]         |      [----]        runs in which no gap reaches `gap_ns`
    idle             <-------> <---->      <...    what lies between; the last is open
    range        [...........................)

The periods of several streams are united first: the town is idle while none of them is
active. An idle period of 60 s or more holds no touch of any stream, so it lies inside no
active period of any, and its ends are touches: that is why idle periods of that length
come out exactly from active periods alone (design.md calls them a materialised view).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.instants import NS

MIN_IDLE_NS = 300 * NS
"""How long streams are silent before it is called an idle period, unless said."""

Span = tuple[int, int]
"""From its first instant to its last, in nanoseconds since the epoch."""


class Range(NamedTuple):
    """A half-open range of instants, [since_ns, until_ns), that ends at `now_ns` at the latest."""

    since_ns: int
    until_ns: int
    now_ns: int

    @property
    def length_ns(self) -> int:
        """How long the range is."""
        return self.until_ns - self.since_ns


class ActivePeriods(NamedTuple):
    """Active periods in order, any two of them at least `gap_ns` apart.

    They reach beyond the range that they were read for, to the last touch before it and
    the first after it.
    """

    started_ns: Sequence[int]
    ended_ns: Sequence[int]
    gap_ns: int

    def widened(self, gap_ns: int) -> "ActivePeriods":
        """Return the active periods that there are when only longer gaps part them."""
        return unite(zip(self.started_ns, self.ended_ns, strict=True), gap_ns)


def unite(spans: Iterable[Span], gap_ns: int) -> ActivePeriods:
    """Return the active periods that the `spans`, sorted, make up together.

    >>> unite([(0, 10), (5, 8), (70, 70)], gap_ns=60)
    ActivePeriods(started_ns=[0, 70], ended_ns=[10, 70], gap_ns=60)
    """
    starts: list[int] = []
    ends: list[int] = []
    end: int | None = None
    for started, ended in spans:
        if end is None:
            starts.append(started)
            end = ended
        elif started - end >= gap_ns:
            ends.append(end)
            starts.append(started)
            end = ended
        elif ended > end:
            end = ended
    if end is not None:
        ends.append(end)
    return ActivePeriods(starts, ends, gap_ns)


class Gap(NamedTuple):
    """An idle period, as far as it lies in a range.

    `began_ns` is the touch that it follows; it began before the range where `cut_start` is
    true, and goes on after it where `cut_end` is. No touch has ended one that is `open`.
    """

    started_ns: int
    ended_ns: int
    began_ns: int
    cut_start: bool
    cut_end: bool
    open: bool

    @property
    def idle_ns(self) -> int:
        """How long it is, in the range."""
        return self.ended_ns - self.started_ns


def gaps(
    active: ActivePeriods, min_ns: int, since_ns: int, until_ns: int, now_ns: int
) -> list[Gap]:
    """Return the idle periods of at least `min_ns` that reach into [since_ns, until_ns).

    Their whole length counts, until `now_ns` where one is open; then they are cut at the
    range's edges. `min_ns` is at least the gap of `active`. Before the first touch ever
    there is no idle period, since nothing is known of that time.
    """
    starts, ends = active.started_ns, active.ended_ns
    first = max(bisect_right(ends, since_ns) - 1, 0)
    found = []
    for began, resumed in zip(ends[first:], [*starts[first + 1 :], None], strict=False):
        if began >= until_ns:
            break
        over = now_ns if resumed is None else resumed
        if over - began >= min_ns and over > since_ns:
            started, ended = max(began, since_ns), min(over, until_ns)
            found.append(
                Gap(started, ended, began, began < since_ns, over > until_ns, resumed is None)
            )
    return [gap for gap in found if gap.ended_ns > gap.started_ns]


def active_between(idle: Sequence[Gap], first_ns: int, until_ns: int) -> list[Span]:
    """Return what the idle periods leave of [first_ns, until_ns): the active spans.

    A lone touch between two idle periods is a span of no length.
    """
    edges = [first_ns]
    for gap in idle:
        edges += (gap.started_ns, gap.ended_ns)
    edges.append(until_ns)
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    # A range that begins or ends within an idle period has no active span there.
    begin = 1 if idle and idle[0].cut_start else 0
    end = -1 if idle and idle[-1].ended_ns == until_ns else None
    return spans[begin:end]


class IdleSummary(NamedTuple):
    """The idle periods of a group in a range, in figures.

    `active_s` and `idle_s` add up to the time since the group's first touch; what lies
    before that is `unseen_s`. Median and 95th percentile interpolate linearly between the
    two nearest lengths; these are None where there is no idle period, and `idle_share`
    where there is no time.
    """

    group: str
    since_ns: int
    until_ns: int
    unseen_s: float
    active_s: float
    idle_s: float
    idle_share: float | None
    periods: int
    median_s: float | None
    p95_s: float | None
    longest_s: float | None


def summarize(
    group: str, idle: Sequence[Gap], first_ns: int | None, since_ns: int, until_ns: int
) -> IdleSummary:
    """Return the figures of the idle periods of [since_ns, until_ns), in order.

    `first_ns` is the group's first touch, None where it has none. Idle periods that reach
    beyond the range count with the part inside it.
    """
    seen_ns = until_ns if first_ns is None else min(max(since_ns, first_ns), until_ns)
    lengths = sorted(
        min(gap.ended_ns, until_ns) - max(gap.started_ns, since_ns)
        for gap in _between(idle, since_ns, until_ns)
    )
    observed_ns, idle_ns = until_ns - seen_ns, sum(lengths)
    return IdleSummary(
        group,
        since_ns,
        until_ns,
        unseen_s=(seen_ns - since_ns) / NS,
        active_s=(observed_ns - idle_ns) / NS,
        idle_s=idle_ns / NS,
        idle_share=idle_ns / observed_ns if observed_ns else None,
        periods=len(lengths),
        median_s=_seconds(quantile(lengths, 50)),
        p95_s=_seconds(quantile(lengths, 95)),
        longest_s=_seconds(lengths[-1] if lengths else None),
    )


def _between(idle: Sequence[Gap], since_ns: int, until_ns: int) -> Sequence[Gap]:
    first = bisect_right(idle, since_ns, key=lambda gap: gap.ended_ns)
    return idle[first : bisect_left(idle, until_ns, key=lambda gap: gap.started_ns)]


def _seconds(length_ns: float | None) -> float | None:
    return None if length_ns is None else length_ns / NS


def quantile(ordered: Sequence[int], percent: int) -> float | None:
    """Return the value below which so many `percent` of the `ordered` lie; None for none.

    Linear between the two nearest, as numpy.percentile and SQL's percentile_cont.

    >>> quantile([10, 20, 30, 40], 50), quantile([10, 20, 30, 40], 95)
    (25.0, 38.5)
    """
    if not ordered:
        return None
    below, rest = divmod(percent * (len(ordered) - 1), 100)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + rest * (ordered[above] - ordered[below]) / 100
