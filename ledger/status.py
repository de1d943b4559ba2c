"""The live questions: who is active now, who is quiet and since when, and is that fresh."""

import sqlite3
import time
from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from ledger.activity import command_at, grouped, recent_gaps
from ledger.filters import EVERYTHING, Filters, Stream, Streams, is_pattern, streams
from ledger.instants import NS
from ledger.policy import GASTOWN, NEVER_SEEN, Policy
from ledger.seen import last_seen

HISTORY_NS = 14 * 86_400 * NS
"""How far back a stream's own gaps are looked at."""

FEW_GAPS = 20
"""With fewer gaps than these there is too little history to compare with."""

FRESH, STALE = "fresh", "stale"


class StreamStatus(NamedTuple):
    """How a stream, or a group of streams, is right now.

    Of a group, `stream` has only the name that its streams share. `gaps` counts its own
    gaps of 60 s and more that ended in the last 14 days; `longer_than` is the share of
    them that were shorter than the present silence, None where they are fewer than 20.
    """

    stream: Stream
    state: str
    at_ns: int | None
    age_s: float | None
    ahead_s: float
    command: str | None
    gaps: int
    longer_than: float | None


def stream_status(
    connection: sqlite3.Connection,
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    policy: Policy = GASTOWN,
    now_ns: int | None = None,
) -> list[StreamStatus]:
    """Return the status of each stream that `filters` choose, the last active first.

    Or of each group `by` actor, workspace, town or host. An actor named in full that has
    no stream was never seen. The state is that of the policy's tiers (`Policy.state`).
    With `Filters.until_ns` it is as it was then: later touches are not looked at.

    Raises sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> [one.state for one in stream_status(open_ledger(), Filters(actors=["nobody"]))]
    ['never seen']
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    chosen = streams(connection, filters)
    members: list[tuple[Stream, Collection[int]]]
    if by is None:
        members = [(stream, (number,)) for number, stream in chosen.items()]
    else:
        nothing = Stream("", "", "", "")
        members = [
            (nothing._replace(**{by: group.name}), group.stream_ids)
            for group in grouped(chosen, by)
        ]
    if by in {None, "actor"}:
        members += [(Stream("", "", "", name), ()) for name in _never_seen(filters, chosen)]
    found = [_status(connection, stream, ids, filters, policy, now_ns) for stream, ids in members]
    return sorted(found, key=lambda one: (one.at_ns is None, -(one.at_ns or 0), one.stream))


def _never_seen(filters: Filters, chosen: Streams) -> list[str]:
    known = {stream.actor for stream in chosen.values()}
    return [name for name in filters.actors if not is_pattern(name) and name not in known]


def _status(  # noqa: PLR0913, PLR0917 - the question and the stream
    connection: sqlite3.Connection,
    stream: Stream,
    stream_ids: Collection[int],
    filters: Filters,
    policy: Policy,
    now_ns: int,
) -> StreamStatus:
    seen = last_seen(connection, stream_ids, filters, now_ns)
    if seen.at_ns is None or seen.age_ns is None:
        return StreamStatus(stream, NEVER_SEEN, None, None, 0.0, None, 0, None)
    until = now_ns if filters.until_ns is None else min(now_ns, filters.until_ns - 1)
    own = recent_gaps(connection, stream_ids, until - HISTORY_NS, until)
    return StreamStatus(
        stream,
        policy.state(seen.age_ns),
        seen.at_ns,
        seen.age_s,
        seen.ahead_s,
        command_at(connection, stream_ids, seen.at_ns, last=True),
        len(own),
        bisect_left(own, seen.age_ns) / len(own) if len(own) >= FEW_GAPS else None,
    )


class Check(NamedTuple):
    """Whether the chosen streams are fresh: taken together, by their last touch.

    `verdict` is ``fresh``, ``stale`` or ``never seen``; `stream` is that of the last
    touch. `missed` is how many times `max_age_s` has passed since, and `bound_s`, at which
    it is stale, so many times `max_age_s` as there may be misses.
    """

    verdict: str
    stream: Stream | None
    at_ns: int | None
    age_s: float | None
    ahead_s: float
    missed: int
    max_age_s: float
    bound_s: float


def check_age(
    connection: sqlite3.Connection,
    filters: Filters = EVERYTHING,
    *,
    max_age_ns: int = 1800 * NS,
    misses: int = 1,
    now_ns: int | None = None,
) -> Check:
    """Tell whether the last touch of the streams is younger than `misses` x `max_age_ns`.

    It tells, it never acts. Exactly so old is stale.

    Raises sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> check_age(open_ledger(), Filters(actors=["nobody"])).verdict
    'never seen'
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    chosen = streams(connection, filters)
    seen = last_seen(connection, chosen, filters, now_ns)
    missed = 0 if seen.age_ns is None else seen.age_ns // max_age_ns
    verdict = NEVER_SEEN if seen.at_ns is None else STALE if missed >= misses else FRESH
    return Check(
        verdict,
        None if seen.stream_id is None else chosen[seen.stream_id],
        seen.at_ns,
        seen.age_s,
        seen.ahead_s,
        missed,
        max_age_ns / NS,
        misses * max_age_ns / NS,
    )
