"""Replay a policy over recorded activity: which heartbeats it would have fired. Pure.

What fires when
    The first heartbeat falls at ``since + phase``. As each fires, the next interval is
    chosen from what is known at that instant: the idle time (the time since the last touch
    at or before it; a touch at the very instant counts), or for an exponential policy the
    idle cycles so far (consecutive heartbeats, each with no touch since the one before).
    With no touch ever before it the interval is the base. Heartbeats before ``until`` count.
Modes
    ``armed``, the original's: the interval stands, whatever happens meanwhile.
    ``reset-on-activity``: the first touch after a heartbeat re-arms, so that the next one
    comes at most the base interval after that touch, and never later than it would have.
Wasted
    A heartbeat with no touch since the one before, that is in (before, heartbeat]. The
    first is not wasted, since there is none before it.
Reaction
    Work resumes with the touch that ends an idle period of at least ``min_ns``; the
    reaction is the time from it to the first heartbeat at or after it, counted for each
    from the first heartbeat's instant to ``until``, also where the heartbeat that follows
    falls behind that.
Noticed
    A silence is noticed by the first heartbeat that finds it ``min_ns`` old or older;
    counted from the touch that it follows, for silences that began at the first heartbeat
    or later. One that was over before, or that no heartbeat before ``until`` found, was
    not noticed.

    touches      ||| || |                        |||  |
    heartbeats   *    *    *    w          w       *
                       silence  ^ noticed     work ^ reaction

`stretches` gives the heartbeats as runs of equal intervals, so that a week of silence or
of steady work costs one step. It is exact as long as the active periods are parted by
gaps no longer than the shortest interval, boundary and idle period that the policy and
the question can tell apart (`Policy.shortest_ns`, ``min_ns``): a window of that length
inside an active period always holds a touch.

Source: the daemon of Gas Town, which chooses the interval when a heartbeat fires.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.periods import ActivePeriods
from ledger.policy import Policy

ARMED, RESET_ON_ACTIVITY = "armed", "reset-on-activity"
MODES = (ARMED, RESET_ON_ACTIVITY)

_NEVER = 1 << 63


class Schedule(NamedTuple):
    """The range of a replay, how long after its start the first heartbeat falls, and the mode."""

    since_ns: int
    until_ns: int
    phase_ns: int = 0
    mode: str = ARMED

    @property
    def first_ns(self) -> int:
        """When the first heartbeat falls."""
        return self.since_ns + self.phase_ns


class Stretch(NamedTuple):
    """Heartbeats `interval_ns` apart that differ in nothing but their idle time.

    `beats` of them, of one `tier`, counted from 1. All of them are wasted, or none, except
    that the first may not be (`first_wasted`) where the others are. The next one falls at
    `next_ns`. `touched_ns` is the last touch before them in an idle period, None where they
    lie in an active period or before the first touch ever.
    """

    first_ns: int
    beats: int
    interval_ns: int
    tier: int
    wasted: bool
    first_wasted: bool
    touched_ns: int | None
    next_ns: int


def stretches(
    policy: Policy,
    active: ActivePeriods,
    schedule: Schedule,
) -> Iterator[Stretch]:
    """Yield the heartbeats that the policy fires over `active` in the schedule's range.

    `active` reaches back to the last touch before the range. See the module for what
    fires when. No heartbeat, no stretch.
    """
    starts, ends = active.started_ns, active.ended_ns
    intervals, boundaries = policy.intervals_ns, policy.boundaries_ns
    base, last = intervals[0], len(intervals) - 1
    until_ns, resets = schedule.until_ns, schedule.mode == RESET_ON_ACTIVITY
    at, before = schedule.first_ns, _NEVER
    cycles, period = 0, bisect_right(starts, at) - 1
    while at < until_ns:
        if period < 0:  # nothing was ever recorded: the base, and nobody touched
            resumes = starts[0] if starts else _NEVER
            tier, interval, count = 0, base, _fit(at, base, min(resumes, until_ns))
            touched, wasted, first_wasted = None, True, before != _NEVER
        elif at <= ends[period]:
            resumes = at  # no touch to wait for: the base is the shortest there is
            tier, interval = 0, base
            count = _fit(at, base, min(ends[period] + 1, until_ns))
            touched, wasted, first_wasted, cycles = None, False, False, 0
        else:
            touched, wasted = ends[period], True
            resumes = starts[period + 1] if period + 1 < len(starts) else _NEVER
            first_wasted = before != _NEVER and touched <= before
            cycles = cycles + 1 if first_wasted else 0
            tier = min(cycles, last) if policy.by_cycles else bisect_right(boundaries, at - touched)
            interval = intervals[tier]
            # Only the last tier stays the same while the silence grows.
            count = _fit(at, interval, min(resumes, until_ns)) if tier == last else 1
        before = at + (count - 1) * interval
        next_at = before + interval
        if resets and before < resumes:
            next_at = min(next_at, resumes + base)
        yield Stretch(at, count, interval, tier + 1, wasted, first_wasted, touched, next_at)
        at = next_at
        if period + 1 < len(starts) and starts[period + 1] <= at:
            period = bisect_right(starts, at, period + 1) - 1


def _fit(at: int, interval: int, before: int) -> int:
    """Return how many of at, at + interval, ... lie before an instant; at least the first."""
    return max((before - at - 1) // interval + 1, 1)


def heartbeats(
    policy: Policy,
    active: ActivePeriods,
    schedule: Schedule,
) -> Iterator[tuple[int, int, bool]]:
    """Yield each heartbeat: its instant, its tier counted from 1, whether it is wasted.

    >>> from ledger.periods import unite
    >>> from ledger.policy import parse_policy
    >>> list(heartbeats(parse_policy("fixed:1s"), unite([(0, 0)], 1), Schedule(0, 2_500_000_000)))
    [(0, 1, False), (1000000000, 1, True), (2000000000, 1, True)]
    """
    for one in stretches(policy, active, schedule):
        for number in range(one.beats):
            wasted = one.wasted if number else one.first_wasted
            yield one.first_ns + number * one.interval_ns, one.tier, wasted


class Outcome(NamedTuple):
    """What one replay comes to; see the module for what each counts.

    Instants and lengths are in nanoseconds, sorted. `unnoticed` is the number of silences
    that no heartbeat found.
    """

    by_tier: Sequence[int]
    wasted: int
    reactions_ns: Sequence[int]
    noticed_ns: Sequence[int]
    unnoticed: int

    @property
    def heartbeats(self) -> int:
        """How many there are in all."""
        return sum(self.by_tier)


def replay(policy: Policy, active: ActivePeriods, schedule: Schedule, min_ns: int) -> Outcome:
    """Return what the policy comes to over `active`; idle periods count from `min_ns` on.

    >>> from ledger.periods import unite
    >>> from ledger.policy import parse_policy
    >>> touches = unite([(0, 0), (20, 20)], 1)
    >>> replay(parse_policy("fixed:1s"), touches, Schedule(0, 3 * 10**9), 10).heartbeats
    3
    """
    by_tier = [0] * len(policy.intervals_ns)
    wasted = 0
    resumed = _resumptions(active, schedule, min_ns)
    reactions: list[int] = []
    noticed: list[int] = []
    seen, next_at = None, schedule.first_ns
    waiting = 0  # the first of `resumed` that no heartbeat has followed yet
    for one in stretches(policy, active, schedule):
        at, count, interval, tier, are_wasted, first_wasted, touched, next_at = one
        by_tier[tier - 1] += count
        wasted += (count - 1) * are_wasted + first_wasted
        while waiting < len(resumed) and resumed[waiting] <= at:
            reactions.append(at - resumed[waiting])
            waiting += 1
        if touched is not None and touched != seen and touched >= schedule.first_ns:
            late = max(touched + min_ns - at, 0)
            found = at + -(-late // interval) * interval
            if found <= at + (count - 1) * interval:
                seen = touched
                noticed.append(found - touched)
    reactions += [next_at - at for at in resumed[waiting:]]
    silences = _silences(active, schedule, min_ns)
    return Outcome(by_tier, wasted, sorted(reactions), sorted(noticed), silences - len(noticed))


def _resumptions(active: ActivePeriods, schedule: Schedule, min_ns: int) -> list[int]:
    """Return the touches that end an idle period, from the first heartbeat on."""
    starts, ends = active.started_ns, active.ended_ns
    first = max(bisect_left(starts, schedule.first_ns), 1)
    return [
        starts[number]
        for number in range(first, bisect_left(starts, schedule.until_ns))
        if starts[number] - ends[number - 1] >= min_ns
    ]


def _silences(active: ActivePeriods, schedule: Schedule, min_ns: int) -> int:
    """Return how many idle periods began with the first heartbeat or later and grew so old."""
    starts, ends = active.started_ns, active.ended_ns
    first = bisect_left(ends, schedule.first_ns)
    over = [*starts[first + 1 :], _NEVER]
    return sum(
        min(resumed, schedule.until_ns) - began >= min_ns
        for began, resumed in zip(ends[first:], over, strict=False)
    )


def time_by_tier(policy: Policy, active: ActivePeriods, since_ns: int, until_ns: int) -> list[int]:
    """Return how long the streams' idle time was in each tier of the policy, in nanoseconds.

    Activity, and the time before the first touch ever, is of the first tier.
    """
    times = [0] * len(policy.intervals_ns)
    edges = (0, *policy.boundaries_ns)
    starts, ends = active.started_ns, active.ended_ns
    first = max(bisect_right(ends, since_ns) - 1, 0)
    for began, resumed in zip(ends[first:], [*starts[first + 1 :], _NEVER], strict=False):
        if began >= until_ns:
            break
        over = min(resumed, until_ns)
        for tier in range(1, len(times)):
            if began + edges[tier] >= over:
                break
            low = max(began + edges[tier], since_ns)
            high = min(began + edges[tier + 1], over) if tier + 1 < len(edges) else over
            times[tier] += max(high - low, 0)
    times[0] = until_ns - since_ns - sum(times)
    return times
