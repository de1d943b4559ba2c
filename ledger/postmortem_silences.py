"""Silences around an instant: who fell silent, who else did, and is that unusual.

    touches    | ||  |          AT              |
    silence          [-----------+--------------)
                     began                      ended, or open until now

A silence lies between two touches that follow each other. It counts as one from 60 s on,
the gap that parts active periods; before that a stream is active.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from ledger.activity import PERIOD_GAP_NS, command_at, last_touch, recent_gaps
from ledger.filters import Stream, Streams, streams
from ledger.instants import NS
from ledger.periods import quantile
from ledger.status import FEW_GAPS, HISTORY_NS

TOGETHER_NS = 30 * NS
"""Streams whose last touches lie so close fell silent together."""


class LastTouch(NamedTuple):
    """A stream's last touch at or before AT, and its age then."""

    stream: Stream
    at_ns: int
    age_s: float
    command: str


class FellSilent(NamedTuple):
    """A stream that fell silent together with the chosen ones; it may be one of them.

    `ended_ns` is its next touch, None where there was none until now.
    """

    stream: Stream
    chosen: bool
    began_ns: int
    ended_ns: int | None


class Silence(NamedTuple):
    """The silence around AT of a stream, or (`stream` None) of the chosen ones together.

    From its last touch at or before AT to its next one, or `ended_ns` None and so far until
    now. `gaps` counts its own gaps of 60 s and more that ended in the 14 days before the
    silence began; `as_long` of them were as long or longer. `longer_than` is the share that
    was shorter; it and the median and 95th percentile are None where there are fewer than
    20 gaps. Where the stream was active at AT, `silent` is false, and all four are None.
    """

    stream: Stream | None
    began_ns: int
    ended_ns: int | None
    length_s: float
    silent: bool
    gaps: int
    as_long: int | None
    longer_than: float | None
    median_s: float | None
    p95_s: float | None


def last_touches(connection: sqlite3.Connection, chosen: Streams, at_ns: int) -> list[LastTouch]:
    """Return the last touch at or before AT of each stream that has one, the newest first."""
    found = []
    for number, stream in chosen.items():
        seen = last_touch(connection, [number], at_ns)
        if seen is not None:
            command = command_at(connection, [number], seen[0], last=True)
            found.append(LastTouch(stream, seen[0], (at_ns - seen[0]) / NS, command or ""))
    return sorted(found, key=lambda one: (-one.at_ns, one.stream))


def next_touch(
    connection: sqlite3.Connection, stream_ids: Collection[int], at_ns: int, now_ns: int
) -> int | None:
    """Return the streams' first touch after an instant and until now, or None."""
    found = [
        after
        for number in stream_ids
        if (after := _next_of(connection, number, at_ns)) is not None and after <= now_ns
    ]
    return min(found, default=None)


def _next_of(connection: sqlite3.Connection, stream: int, at_ns: int) -> int | None:
    (ended,) = connection.execute(
        "SELECT ended_ns FROM periods WHERE stream_id = ? AND started_ns <= ?"
        " ORDER BY started_ns DESC LIMIT 1",
        (stream, at_ns),
    ).fetchone() or (at_ns,)
    if ended > at_ns:  # within an active period, where the next touch is less than 60 s away
        query = (
            "SELECT at_ns FROM touches WHERE at_ns > ? AND at_ns <= ? AND stream_id = ?"
            " ORDER BY at_ns LIMIT 1"
        )
        (after,) = connection.execute(query, (at_ns, ended, stream)).fetchone()
    else:
        (after,) = connection.execute(
            "SELECT min(started_ns) FROM periods WHERE stream_id = ? AND started_ns > ?",
            (stream, at_ns),
        ).fetchone()
    return None if after is None else int(after)


def fell_silent_together(
    connection: sqlite3.Connection, chosen: Streams, began_ns: int, at_ns: int, now_ns: int
) -> list[FellSilent]:
    """Return which streams of the ledger fell silent within 30 s of `began_ns`.

    They were silent at AT, or where that is less than 30 s after `began_ns`, from then on.
    """
    latest = min(max(at_ns, began_ns + TOGETHER_NS), now_ns)
    found = []
    for number, stream in streams(connection).items():
        seen = last_touch(connection, [number], latest)
        if seen is None or abs(seen[0] - began_ns) > TOGETHER_NS:
            continue
        ended = next_touch(connection, [number], latest, now_ns)
        if (now_ns if ended is None else ended) - seen[0] >= PERIOD_GAP_NS:
            found.append(FellSilent(stream, number in chosen, seen[0], ended))
    return sorted(found, key=lambda one: (not one.chosen, one.began_ns, one.stream))


def silence(
    connection: sqlite3.Connection,
    stream: Stream | None,
    stream_ids: Collection[int],
    at_ns: int,
    now_ns: int,
) -> Silence | None:
    """Return the silence around AT of some streams together; None for no touch before."""
    seen = last_touch(connection, stream_ids, at_ns)
    if seen is None:
        return None
    began, ended = seen[0], next_touch(connection, stream_ids, at_ns, now_ns)
    length = (now_ns if ended is None else ended) - began
    own = recent_gaps(connection, stream_ids, began - HISTORY_NS, began)
    shorter = bisect_left(own, length)
    silent, known = length >= PERIOD_GAP_NS, len(own) >= FEW_GAPS
    return Silence(
        stream,
        began,
        ended,
        length / NS,
        silent,
        len(own),
        len(own) - shorter if silent else None,
        shorter / len(own) if silent and known else None,
        _seconds(quantile(own, 50)) if silent and known else None,
        _seconds(quantile(own, 95)) if silent and known else None,
    )


def _seconds(length_ns: float | None) -> float | None:
    return None if length_ns is None else length_ns / NS


def silences(
    connection: sqlite3.Connection, chosen: Streams, at_ns: int, now_ns: int
) -> list[Silence]:
    """Return the silence around AT of each stream that touched before, the newest first."""
    found = [
        (-one.began_ns, stream, one)
        for number, stream in chosen.items()
        if (one := silence(connection, stream, [number], at_ns, now_ns)) is not None
    ]
    return [one for *_, one in sorted(found)]
