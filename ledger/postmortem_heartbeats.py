"""What a daemon would have seen around an instant: heartbeats replayed, not recorded.

    touches      ||| |            AT              ||
    heartbeats    *    *     *     w       w        *
                              ^ noticed           ^ resumed, and its heartbeat

The replay is that of `ledger.replay`, armed, with its first heartbeat at the window's
start. The real daemon's fell at other instants, which nobody wrote down.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ledger.activity import PERIOD_GAP_NS
from ledger.backoff import Activity
from ledger.errors import BadInputError
from ledger.instants import NS
from ledger.periods import MIN_IDLE_NS, ActivePeriods, Range
from ledger.policy import PRESETS, Policy, parse_policy
from ledger.replay import Schedule, heartbeats, stretches

_MOST = 100_000

# Beyond all instants: how far a replay goes in search of a heartbeat.
_NEVER = 1 << 63


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
    latter, armed before, even in the future.
    """

    policy: str
    heartbeats: int
    noticed_ns: int | None
    noticed_after_s: float | None
    resumed_ns: int | None
    reaction_s: float | None


class Daemon(NamedTuple):
    """Heartbeats in the window under a policy, and how it and the presets met the silence.

    The first of the `views` is that of the policy. `began_ns` and `ended_ns` are the
    silence of the chosen streams taken together; it is an idle period, which can be
    noticed, where `idle` is true: from 5 minutes on. `older` says that it was 5 minutes
    old before the replay began, so that its first heartbeat notices it at once.
    """

    policy: str
    began_ns: int
    ended_ns: int | None
    idle: bool
    older: bool
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
    activity = Activity(connection, tuple(stream_ids), span)
    policies = [policy, *(parse_policy(text) for text in PRESETS if text != policy.text)]
    over = span.now_ns if ended_ns is None else ended_ns
    idle = over - began_ns >= MIN_IDLE_NS
    return Daemon(
        policy.text,
        began_ns,
        ended_ns,
        idle,
        idle and span.since_ns >= began_ns + MIN_IDLE_NS,
        _heartbeats(connection, stream_ids, span, policy, _active(activity, policy)),
        [
            _view(one, _active(activity, one), span, began_ns, ended_ns, idle=idle)
            for one in policies
        ],
    )


def _active(activity: Activity, policy: Policy) -> ActivePeriods:
    return activity.periods(min(policy.shortest_ns, MIN_IDLE_NS, PERIOD_GAP_NS))


def _heartbeats(
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    span: Range,
    policy: Policy,
    active: ActivePeriods,
) -> list[Heartbeat]:
    schedule = Schedule(span.since_ns, span.until_ns)
    found = []
    for at, tier, wasted in heartbeats(policy, active, schedule):
        idle_ns = _idle_ns(connection, stream_ids, active, at)
        idle_s = None if idle_ns is None else idle_ns / NS
        found.append(Heartbeat(at, idle_s, tier, policy.intervals_ns[tier - 1] / NS, wasted))
    return found


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


def _view(  # noqa: PLR0913 - the silence, and who meets it
    policy: Policy,
    active: ActivePeriods,
    span: Range,
    began_ns: int,
    ended_ns: int | None,
    *,
    idle: bool,
) -> PolicyView:
    old, over = began_ns + MIN_IDLE_NS, _NEVER if ended_ns is None else ended_ns
    count, noticed, resumed = 0, None, None
    for one in stretches(policy, active, Schedule(span.since_ns, _NEVER)):
        last = one.first_ns + (one.beats - 1) * one.interval_ns
        if one.first_ns < span.until_ns:
            inside = -(-(span.until_ns - one.first_ns) // one.interval_ns)
            count += min(inside, one.beats)
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
    )


def _first_from(at_ns: int, first_ns: int, interval_ns: int) -> int:
    """Return the first heartbeat, of those of a stretch, at or after an instant."""
    return first_ns + -(-max(at_ns - first_ns, 0) // interval_ns) * interval_ns
