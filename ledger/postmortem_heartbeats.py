"""What a daemon would have seen around an instant: heartbeats replayed, not recorded.

    touches      ||| |            AT              ||
    heartbeats    *    *     *     w       w        *
                              ^ noticed           ^ resumed, and its heartbeat

The replay is that of `ledger.replay`, armed, of a daemon that had been running: its first
heartbeat lies two longest intervals and half a base before the silence, so that no window
changes how the silence is met. What a window shows before that is of another replay. The
real heartbeats fell at other instants, which nobody wrote down: so it is also told how late
others would have been.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import chain
from typing import NamedTuple

from ledger.activity import PERIOD_GAP_NS
from ledger.backoff import Activity
from ledger.errors import BadInputError
from ledger.instants import NS
from ledger.periods import MIN_IDLE_NS, ActivePeriods, Range
from ledger.policy import PRESETS, Policy, parse_policy
from ledger.replay import Schedule, Stretch, heartbeats, stretches

_MOST = 100_000

PHASES = 8
"""So many daemons are asked how late they would have been."""

# Evenly spread whatever the intervals have in common: the golden section.
_SHIFTS = [number * 0.618034 % 1 for number in range(1, PHASES)]

# Beyond all instants: how far a replay goes in search of a heartbeat.
_NEVER = 1 << 63


Extremes = tuple[float, float] | None
"""The shortest and the longest of some lengths in seconds; None of none."""


class Heartbeat(NamedTuple):
    """A heartbeat of the replay: what it finds, and the interval that it arms.

    `idle_s` is None where no touch was ever before it. It is wasted when nobody touched
    since the one before.
    """

    at_ns: int
    idle_s: float | None
    tier: int
    interval_s: float
    wasted: bool


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


class Daemon(NamedTuple):
    """Heartbeats in the window under a policy, and how it and the presets met the silence.

    The replay began at `first_ns`, that of another policy where its own intervals put it;
    for what lies in the window before that, one at `earlier_ns`.
    The first of the `views` is that of the policy. `began_ns` and `ended_ns` are the
    silence of the chosen streams taken together; it is an idle period, which can be
    noticed, where `idle` is true: from 5 minutes on.
    """

    policy: str
    first_ns: int
    earlier_ns: int | None
    began_ns: int
    ended_ns: int | None
    idle: bool
    heartbeats: Sequence[Heartbeat]
    views: Sequence[PolicyView]


def watch(  # noqa: PLR0913, PLR0917 - the question's parts
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    span: Range,
    policy: Policy,
    began_ns: int,
    ended_ns: int | None,
) -> Daemon:
    """Return what a daemon would have seen of the streams in the window `span`.

    Raises BadInputError for a policy with more than 100,000 heartbeats in it.
    """
    if span.length_ns // min(policy.intervals_ns) > _MOST:
        hint = "Ask for a shorter --window, or a policy with longer intervals."
        raise BadInputError(f"more than {_MOST:,} heartbeats fit into the window", hint)
    over_ns = span.now_ns if ended_ns is None else ended_ns
    silence = _Silence(began_ns, ended_ns, over_ns - began_ns >= MIN_IDLE_NS)
    policies = [policy, *(parse_policy(text) for text in PRESETS if text != policy.text)]
    active = {one: _active(connection, stream_ids, one, silence, span) for one in policies}
    return Daemon(
        policy.text,
        _first_ns(policy, silence),
        _earlier_ns(policy, silence, span),
        *silence,
        _heartbeats(connection, stream_ids, silence, span, policy, active[policy]),
        [_with_others(one, active[one], silence, span) for one in policies],
    )


class _Silence(NamedTuple):
    """The silence around AT, and whether it is an idle period."""

    began_ns: int
    ended_ns: int | None
    idle: bool


def _first_ns(policy: Policy, silence: _Silence) -> int:
    """Return when a daemon began that had been running for a while as the silence began.

    Its heartbeats do not fall on the last touch, which would flatter every policy.
    """
    return silence.began_ns - 2 * policy.longest_ns - policy.base_ns // 2


def _earlier_ns(policy: Policy, silence: _Silence, span: Range) -> int | None:
    """Return when another began, for the window's time before that; None where there is none."""
    first = _first_ns(policy, silence)
    intervals = -(-(first - span.since_ns) // policy.longest_ns)
    return first - intervals * policy.longest_ns if intervals > 0 else None


def _active(
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    policy: Policy,
    silence: _Silence,
    span: Range,
) -> ActivePeriods:
    """Return the activity that a daemon has seen until the window and the silence are over."""
    first = min(_first_ns(policy, silence), span.since_ns - policy.longest_ns)
    until = max(span.until_ns, silence.ended_ns or 0)
    activity = Activity(connection, tuple(stream_ids), Range(first, until, span.now_ns))
    return activity.periods(min(policy.shortest_ns, MIN_IDLE_NS, PERIOD_GAP_NS))


def _heartbeats(  # noqa: PLR0913, PLR0917 - what is replayed, and where
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    silence: _Silence,
    span: Range,
    policy: Policy,
    active: ActivePeriods,
) -> list[Heartbeat]:
    fired = heartbeats(policy, active, Schedule(_first_ns(policy, silence), span.until_ns))
    earlier = _earlier(policy, silence, span)
    if earlier is not None:
        fired = chain(heartbeats(policy, active, earlier), fired)
    found = []
    for at, tier, wasted in fired:
        if at < span.since_ns:
            continue
        idle_ns = _idle_ns(connection, stream_ids, active, at)
        idle_s = None if idle_ns is None else idle_ns / NS
        found.append(Heartbeat(at, idle_s, tier, policy.intervals_ns[tier - 1] / NS, wasted))
    return found


def _earlier(policy: Policy, silence: _Silence, span: Range) -> Schedule | None:
    earlier = _earlier_ns(policy, silence, span)
    until = min(_first_ns(policy, silence), span.until_ns)
    return None if earlier is None else Schedule(earlier, until)


def _idle_ns(
    connection: sqlite3.Connection, stream_ids: Collection[int], active: ActivePeriods, at_ns: int
) -> int | None:
    """Return how long ago the last touch at or before an instant was."""
    period = bisect_right(active.started_ns, at_ns) - 1
    if period < 0:
        return None
    if active.ended_ns[period] <= at_ns:
        return at_ns - active.ended_ns[period]
    # Within an active period only the touches tell.
    (last,) = connection.execute(
        "SELECT max(at_ns) FROM touches WHERE at_ns BETWEEN ? AND ?"
        " AND stream_id IN (SELECT value FROM json_each(?))",
        (max(at_ns - active.gap_ns, active.started_ns[period]), at_ns, str([*stream_ids])),
    ).fetchone()
    return at_ns - int(last)


def _with_others(
    policy: Policy, active: ActivePeriods, silence: _Silence, span: Range
) -> PolicyView:
    """Return how the policy would have met the silence, and how others of its daemons."""
    first = _first_ns(policy, silence)
    view = _view(policy, active, silence, span, first)
    earlier = _earlier(policy, silence, span)
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
    policy: Policy, active: ActivePeriods, silence: _Silence, span: Range, first_ns: int
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
