"""How policies would have met a silence: when it was noticed, and when work's return was. Pure.

A daemon is replayed (`ledger.replay`, armed) that had been running: its first heartbeat lies
two longest intervals and half a base before the silence, so that no window changes how the
silence is met. What a window shows before that is of another replay. The real heartbeats
fell at other instants, which nobody wrote down: so it is also told how late others would
have been.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.instants import NS
from ledger.periods import MIN_IDLE_NS, ActivePeriods, Range
from ledger.policy import Policy
from ledger.replay import Schedule, Stretch, stretches

PHASES = 8
"""So many daemons are asked how late they would have been."""

# Evenly spread whatever the intervals have in common: the golden section.
_SHIFTS = [number * 0.618034 % 1 for number in range(1, PHASES)]

# Beyond all instants: how far a replay goes in search of a heartbeat.
_NEVER = 1 << 63


Extremes = tuple[float, float] | None
"""The shortest and the longest of some lengths in seconds; None of none."""


class PolicyView(NamedTuple):
    """How a policy would have met the silence around AT; None where it would not have.

    `noticed_ns` is the first heartbeat that finds the silence 5 minutes old, `resumed_ns`
    the first at or after the touch that ended it; each may lie behind the window, and the
    latter, armed before, even in the future. The `..._range_s` are the shortest and the
    longest `noticed_after_s` and `reaction_s` of this and of others of PHASES daemons that
    began at other instants.
    """

    policy: str
    heartbeats: int
    noticed_ns: int | None
    noticed_after_s: float | None
    resumed_ns: int | None
    reaction_s: float | None
    noticed_range_s: Extremes
    reaction_range_s: Extremes


class Silence(NamedTuple):
    """The silence around AT, and whether it is an idle period."""

    began_ns: int
    ended_ns: int | None
    idle: bool


def first_heartbeat_ns(policy: Policy, silence: Silence) -> int:
    """Return when a daemon began that had been running for a while as the silence began.

    Its heartbeats do not fall on the last touch, which would flatter every policy.
    """
    return silence.began_ns - 2 * policy.longest_ns - policy.base_ns // 2


def earlier_ns(policy: Policy, silence: Silence, span: Range) -> int | None:
    """Return when another began, for the window's time before that; None where there is none."""
    first = first_heartbeat_ns(policy, silence)
    intervals = -(-(first - span.since_ns) // policy.longest_ns)
    return first - intervals * policy.longest_ns if intervals > 0 else None


def earlier_schedule(policy: Policy, silence: Silence, span: Range) -> Schedule | None:
    """Return the replay of the window's time before the daemon began; None where there is none."""
    earlier = earlier_ns(policy, silence, span)
    until = min(first_heartbeat_ns(policy, silence), span.until_ns)
    return None if earlier is None else Schedule(earlier, until)


def meet(policy: Policy, active: ActivePeriods, silence: Silence, span: Range) -> PolicyView:
    """Return how the policy would have met the silence, and how others of its daemons."""
    first = first_heartbeat_ns(policy, silence)
    view = _view(policy, active, silence, span, first)
    earlier = earlier_schedule(policy, silence, span)
    before = 0 if earlier is None else _fired(policy, active, earlier, span)
    others = [
        _view(policy, active, silence, span, first + int(shift * policy.longest_ns) // NS * NS)
        for shift in _SHIFTS
    ]
    return view._replace(
        heartbeats=view.heartbeats + before,
        noticed_range_s=_extremes([one.noticed_after_s for one in (view, *others)]),
        reaction_range_s=_extremes([one.reaction_s for one in (view, *others)]),
    )


def _extremes(lengths: Sequence[float | None]) -> Extremes:
    there = [one for one in lengths if one is not None]
    return (min(there), max(there)) if there else None


def _view(
    policy: Policy, active: ActivePeriods, silence: Silence, span: Range, first_ns: int
) -> PolicyView:
    began_ns, ended_ns, idle = silence
    old, over = began_ns + MIN_IDLE_NS, _NEVER if ended_ns is None else ended_ns
    count, noticed, resumed = 0, None, None
    for one in stretches(policy, active, Schedule(first_ns, _NEVER)):
        last = one.first_ns + (one.beats - 1) * one.interval_ns
        count += _between(one, span.since_ns, span.until_ns)
        if idle and noticed is None and old <= last:
            found = _first_from(old, one.first_ns, one.interval_ns)
            noticed = found if found < over and found <= span.now_ns else None
        if idle and resumed is None and over <= last:
            resumed = _first_from(over, one.first_ns, one.interval_ns)
        if one.next_ns >= span.until_ns and (last >= over or last > span.now_ns):
            break
    return PolicyView(
        policy.text,
        count,
        noticed,
        None if noticed is None else (noticed - began_ns) / NS,
        resumed,
        None if resumed is None or ended_ns is None else (resumed - ended_ns) / NS,
        None,
        None,
    )


def _fired(policy: Policy, active: ActivePeriods, schedule: Schedule, span: Range) -> int:
    """Return how many heartbeats of a schedule lie in the window."""
    count = 0
    for one in stretches(policy, active, schedule):
        count += _between(one, span.since_ns, min(schedule.until_ns, span.until_ns))
    return count


def _between(one: Stretch, since_ns: int, until_ns: int) -> int:
    """Return how many heartbeats of a stretch lie in [since_ns, until_ns)."""
    before = (
        min(max(-(-(edge - one.first_ns) // one.interval_ns), 0), one.beats)
        for edge in (until_ns, since_ns)
    )
    return next(before) - next(before)


def _first_from(at_ns: int, first_ns: int, interval_ns: int) -> int:
    """Return the first heartbeat, of those of a stretch, at or after an instant."""
    return first_ns + -(-max(at_ns - first_ns, 0) // interval_ns) * interval_ns
