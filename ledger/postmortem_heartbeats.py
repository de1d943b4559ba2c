"""What a daemon would have seen around an instant: heartbeats replayed, not recorded.

    touches      ||| |            AT              ||
    heartbeats    *    *     *     w       w        *
                              ^ noticed           ^ resumed, and its heartbeat

`ledger.postmortem_met` says which daemon it is.
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
from ledger.postmortem_met import (
    PolicyView,
    Silence,
    earlier_ns,
    earlier_schedule,
    first_heartbeat_ns,
    meet,
)
from ledger.replay import Schedule, heartbeats

_MOST = 100_000


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
    silence = Silence(began_ns, ended_ns, over_ns - began_ns >= MIN_IDLE_NS)
    policies = [policy, *(parse_policy(text) for text in PRESETS if text != policy.text)]
    active = {one: _active(connection, stream_ids, one, silence, span) for one in policies}
    return Daemon(
        policy.text,
        first_heartbeat_ns(policy, silence),
        earlier_ns(policy, silence, span),
        *silence,
        _heartbeats(connection, stream_ids, silence, span, policy, active[policy]),
        [meet(one, active[one], silence, span) for one in policies],
    )


def _active(
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    policy: Policy,
    silence: Silence,
    span: Range,
) -> ActivePeriods:
    """Return the activity that a daemon has seen until the window and the silence are over."""
    first = min(first_heartbeat_ns(policy, silence), span.since_ns - policy.longest_ns)
    until = max(span.until_ns, silence.ended_ns or 0)
    activity = Activity(connection, tuple(stream_ids), Range(first, until, span.now_ns))
    return activity.periods(min(policy.shortest_ns, MIN_IDLE_NS, PERIOD_GAP_NS))


def _heartbeats(  # noqa: PLR0913, PLR0917 - what is replayed, and where
    connection: sqlite3.Connection,
    stream_ids: Collection[int],
    silence: Silence,
    span: Range,
    policy: Policy,
    active: ActivePeriods,
) -> list[Heartbeat]:
    fired = heartbeats(policy, active, Schedule(first_heartbeat_ns(policy, silence), span.until_ns))
    earlier = earlier_schedule(policy, silence, span)
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
