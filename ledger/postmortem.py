"""A post-mortem: what is known of an instant, in one record, each part as it was found out.

Parts one, two and four, and most of five, are observed: they are touches, or the lack of
touches, in the ledger. The heartbeats of part three are inferred, by replay. Nothing here
names a cause: none is recorded.
"""

import sqlite3
import time
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from ledger import paths
from ledger.errors import BadInputError, NotFoundError
from ledger.filters import EVERYTHING, Filters, Streams, streams
from ledger.history import HistoryRow, history
from ledger.idle import idle_report
from ledger.instants import NS
from ledger.periods import Range
from ledger.policy import GASTOWN, Policy
from ledger.postmortem_heartbeats import Daemon, watch
from ledger.postmortem_lanes import Lane, lanes
from ledger.postmortem_silences import (
    FellSilent,
    LastTouch,
    Silence,
    fell_silent_together,
    last_touches,
    silence,
    silences,
)
from ledger.postmortem_unknown import Unknown, unknown

WINDOW_NS = 7200 * NS
"""How long a time is looked at, unless said; AT is in its middle."""

_LISTED = 20


class Seen(NamedTuple):
    """What was seen: each stream's last touch at or before AT, the newest first.

    `began_ns` is the last of them all; `fell_silent` are the streams of the whole ledger
    that fell silent within 30 s of it.
    """

    last: Sequence[LastTouch]
    began_ns: int
    fell_silent: Sequence[FellSilent]


class Unusual(NamedTuple):
    """Is it unusual: the silence of all together, and of each stream in the order of `Seen`.

    Whether the host was off is never known: nothing is recorded that could tell.
    """

    together: Silence
    each: Sequence[Silence]
    host_off: str = "unknown"


class Touches(NamedTuple):
    """The touches of the window nearest to AT, and how many there are in all."""

    before: Sequence[HistoryRow]
    after: Sequence[HistoryRow]
    all_before: int
    all_after: int


class Postmortem(NamedTuple):
    """What is known of the chosen streams around AT, in [since_ns, until_ns).

    `found` says that AT was not asked for but is the start of their last idle period. The
    `lanes` are those of all together and then of each stream that has a touch until the
    window's end.
    """

    at_ns: int
    found: bool
    since_ns: int
    until_ns: int
    now_ns: int
    seen: Seen
    unusual: Unusual
    daemon: Daemon
    touches: Touches
    unknown: Unknown
    lanes: Sequence[Lane]


def tell_postmortem(  # noqa: PLR0913 - what the command's options say
    connection: sqlite3.Connection,
    filters: Filters = EVERYTHING,
    at_ns: int | None = None,
    *,
    window_ns: int = WINDOW_NS,
    policy: Policy = GASTOWN,
    spool: str | None = None,
    now_ns: int | None = None,
) -> Postmortem:
    """Tell what is known of the streams that `filters` choose around the instant `at_ns`.

    By default that is the start of their last idle period of 5 minutes and more. The
    window has it in its middle and ends now at the latest. `spool` is the directory in
    which touches wait, by default the one beside the ledger's file.

    Raises BadInputError for an instant to come, or a window or filters that make no sense;
    NotFoundError where there is no stream, no touch at or before the instant, or no idle
    period; sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> tell_postmortem(open_ledger(), Filters(actors=["nobody"]))
    Traceback (most recent call last):
    ledger.errors.NotFoundError: no stream matches
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    chosen = _chosen(connection, filters, window_ns)
    found = at_ns is None
    at = _last_idle(connection, filters, now_ns) if at_ns is None else at_ns
    if at > now_ns:
        raise BadInputError("the instant lies in the future", "Name one that is over.")
    together = silence(connection, None, chosen, at, now_ns)
    if together is None:
        raise NotFoundError(
            "no touch of these streams at or before that instant", "Name a later one."
        )
    began = together.began_ns
    span = Range(at - window_ns // 2, max(min(at + window_ns // 2, now_ns), at), now_ns)
    fell_silent = fell_silent_together(connection, chosen, began, at, now_ns)
    return Postmortem(
        at,
        found,
        span.since_ns,
        span.until_ns,
        now_ns,
        Seen(last_touches(connection, chosen, at), began, fell_silent),
        Unusual(together, silences(connection, chosen, at, now_ns)),
        watch(connection, chosen, span, policy, began, together.ended_ns),
        _touches(connection, filters, chosen, span, at),
        unknown(connection, chosen, span, at, spool or _spool(connection)),
        lanes(connection, chosen, span, policy),
    )


def _chosen(connection: sqlite3.Connection, filters: Filters, window_ns: int) -> Streams:
    if filters.grep is not None or filters.since_ns is not None or filters.until_ns is not None:
        raise BadInputError("a post-mortem is of streams around an instant")
    if window_ns < NS:
        raise BadInputError("the window must be a second long or longer")
    chosen = streams(connection, filters)
    if not chosen and not filters.of_streams():
        raise NotFoundError("the ledger is empty", "`keepalive touch gt status` records a touch.")
    if not chosen:
        raise NotFoundError("no stream matches", "`keepalive status` lists those there are.")
    return chosen


def _last_idle(connection: sqlite3.Connection, filters: Filters, now_ns: int) -> int:
    report = idle_report(connection, filters, limit=1, now_ns=now_ns)
    if not report.periods:
        raise NotFoundError(
            "these streams have no idle period of 5m and more", "Name an instant to look at."
        )
    return report.periods[-1].started_ns


def _spool(connection: sqlite3.Connection) -> str:
    (file,) = connection.execute(
        "SELECT file FROM pragma_database_list WHERE name = 'main'"
    ).fetchone()
    return paths.spool_path(file)


def _touches(
    connection: sqlite3.Connection, filters: Filters, chosen: Streams, span: Range, at_ns: int
) -> Touches:
    after_ns = at_ns + 1
    before = filters._replace(since_ns=span.since_ns, until_ns=after_ns)
    after = filters._replace(since_ns=after_ns, until_ns=max(span.until_ns, after_ns))
    counts = [
        connection.execute(
            "SELECT count(*) FROM touches WHERE at_ns >= ? AND at_ns < ?"
            " AND stream_id IN (SELECT value FROM json_each(?))",
            (one.since_ns, one.until_ns, str([*chosen])),
        ).fetchone()[0]
        for one in (before, after)
    ]
    return Touches(
        list(history(connection, before, limit=_LISTED)),
        list(islice(history(connection, after), _LISTED)),
        *counts,
    )
