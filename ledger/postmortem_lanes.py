"""When streams were active and idle in a window: what a timeline of it draws."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ledger.activity import PERIOD_GAP_NS, active_periods
from ledger.filters import Stream, Streams
from ledger.periods import MIN_IDLE_NS, Range, Span, gaps
from ledger.policy import Policy


class IdleSpan(NamedTuple):
    """An idle period by its whole length, with the tier that it reached; open until now or not."""

    started_ns: int
    ended_ns: int
    tier: int
    open: bool


class Lane(NamedTuple):
    """The active and idle periods that reach into the window: of a stream, or (None) of all.

    `first_ns` is where the known time begins: the first touch, or the window's start.
    """

    stream: Stream | None
    first_ns: int
    active: Sequence[Span]
    idle: Sequence[IdleSpan]


def lanes(
    connection: sqlite3.Connection, chosen: Streams, span: Range, policy: Policy
) -> list[Lane]:
    """Return the lanes: together first, then the streams, the last active in the window first."""
    found = [
        lane
        for number, stream in chosen.items()
        if (lane := _lane(connection, stream, [number], span, policy)) is not None
    ]
    found.sort(key=lambda lane: (-(lane.active[-1][1] if lane.active else 0), lane.stream))
    together = _lane(connection, None, chosen, span, policy)
    return found if together is None else [together, *found]


def _lane(
    connection: sqlite3.Connection,
    stream: Stream | None,
    stream_ids: Collection[int],
    span: Range,
    policy: Policy,
) -> Lane | None:
    active = active_periods(connection, stream_ids, span, PERIOD_GAP_NS)
    spans = list(zip(active.started_ns, active.ended_ns, strict=True))
    if not spans or spans[0][0] >= span.until_ns:
        return None
    edges = [*(started for started, _ in spans[1:]), None]
    over = {ended: after for (_, ended), after in zip(spans, edges, strict=True)}
    idle = []
    for gap in gaps(active, MIN_IDLE_NS, *span):
        after = over[gap.began_ns]
        ended = span.now_ns if after is None else after
        tier = policy.tier(ended - gap.began_ns)
        idle.append(IdleSpan(gap.began_ns, ended, tier, after is None))
    inside = [one for one in spans if one[1] >= span.since_ns and one[0] < span.until_ns]
    return Lane(stream, max(span.since_ns, spans[0][0]), inside, idle)
