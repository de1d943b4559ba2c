"""Idle-period reports: when the chosen streams were silent, and how much in all."""

import sqlite3
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ledger.activity import (
    Group,
    active_periods,
    chosen_range,
    command_at,
    first_touch,
    grouped,
)
from ledger.errors import BadInputError
from ledger.filters import EVERYTHING, Filters, streams
from ledger.instants import NS, Zone
from ledger.periods import (
    MIN_IDLE_NS,
    Gap,
    IdleSummary,
    Range,
    Span,
    active_between,
    gaps,
    summarize,
)
from ledger.policy import GASTOWN, Policy


class IdlePeriod(NamedTuple):
    """An idle period of a group of streams, as far as it lies in the report's range.

    `last_command` is the one it follows, `first_command` the one that ended it, None where
    none did. It began before the range where `cut_start` is true and goes on after it
    where `cut_end` is. `tier`, counted from 1, is the one that the policy reached in it.
    """

    group: str
    started_ns: int
    ended_ns: int
    cut_start: bool
    cut_end: bool
    open: bool
    tier: int
    last_command: str | None
    first_command: str | None

    @property
    def idle_s(self) -> float:
        """How long it is, in the range."""
        return (self.ended_ns - self.started_ns) / NS


class IdleGroup(NamedTuple):
    """A group's idle periods and what lies between them, in the report's range.

    `first_ns` is its first touch, None where it has none; `active` are the spans since
    then in which no gap reached the report's `min_ns`.
    """

    group: str
    first_ns: int | None
    active: Sequence[Span]
    idle: Sequence[Gap]
    summary: IdleSummary


class IdleReport(NamedTuple):
    """Idle periods of at least `min_ns` in [since_ns, until_ns), in all and by group."""

    since_ns: int
    until_ns: int
    min_ns: int
    periods: Sequence[IdlePeriod]
    groups: Sequence[IdleGroup]


def idle_report(  # noqa: PLR0913 - what the command's options say
    connection: sqlite3.Connection,
    filters: Filters = EVERYTHING,
    *,
    min_ns: int = MIN_IDLE_NS,
    by: str | None = None,
    policy: Policy = GASTOWN,
    limit: int | None = None,
    longest_first: bool = False,
    now_ns: int | None = None,
) -> IdleReport:
    """Report when the streams that `filters` choose were idle for at least `min_ns`.

    They are taken together, or each group `by` actor, workspace, town or host on its own.
    Periods are in the order of their start, with a `limit` only the newest so many, or by
    their length in the range, the longest first; the groups' figures count all. The range
    is that of `filters`, by default from the first touch to now; a period counts by its
    whole length and is then cut at the range's edges.

    Raises BadInputError for an empty range, sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> report = idle_report(open_ledger(), Filters(actors=["mayor"]))
    >>> [(period.idle_s, period.last_command) for period in report.periods]
    []
    """
    if filters.grep is not None:
        raise BadInputError("idle periods are those of streams, not of commands")
    if min_ns <= 0:
        raise BadInputError("an idle period must have a length")
    now_ns = time.time_ns() if now_ns is None else now_ns
    chosen = streams(connection, filters)
    span = chosen_range(connection, filters, chosen, now_ns)
    members = grouped(chosen, by)
    groups = [_group(connection, one, span, min_ns) for one in members]
    found = [(gap, one) for one, group in zip(members, groups, strict=True) for gap in group.idle]
    found.sort(key=lambda each: (each[0].started_ns, each[0].began_ns, each[1].name))
    if longest_first:
        found.sort(key=lambda each: -each[0].idle_ns)
    most = len(found) if limit is None else min(limit, len(found))
    chosen_ones = found[:most] if longest_first else found[len(found) - most :]
    periods = [_period(connection, gap, one, policy) for gap, one in chosen_ones]
    return IdleReport(span.since_ns, span.until_ns, min_ns, periods, groups)


def _group(connection: sqlite3.Connection, group: Group, span: Range, min_ns: int) -> IdleGroup:
    first = first_touch(connection, group.stream_ids)
    active = active_periods(connection, group.stream_ids, span, min_ns)
    idle = gaps(active, min_ns, *span)
    seen = span.until_ns if first is None else max(span.since_ns, first)
    return IdleGroup(
        group.name,
        first,
        active_between(idle, seen, span.until_ns) if seen < span.until_ns else [],
        idle,
        summarize(group.name, idle, first, span.since_ns, span.until_ns),
    )


def _period(connection: sqlite3.Connection, gap: Gap, group: Group, policy: Policy) -> IdlePeriod:
    ended_by_touch = not (gap.open or gap.cut_end)
    return IdlePeriod(
        group.name,
        gap.started_ns,
        gap.ended_ns,
        gap.cut_start,
        gap.cut_end,
        gap.open,
        policy.tier(gap.ended_ns - gap.began_ns),
        command_at(connection, group.stream_ids, gap.began_ns, last=True),
        command_at(connection, group.stream_ids, gap.ended_ns, last=False)
        if ended_by_touch
        else None,
    )


def idle_days(report: IdleReport, zone: Zone) -> list[IdleSummary]:
    """Return the report's figures day by day of `zone`, of 23 to 25 hours as they come.

    Idle periods are cut at midnight and count on each day that they reach into; the
    range's first and last day may be parts of days.

    >>> from ledger.database import open_ledger
    >>> from ledger.instants import zone
    >>> len(idle_days(idle_report(open_ledger(), Filters(since_ns=0), now_ns=NS), zone("UTC")))
    1
    """
    edges = [report.since_ns]
    while edges[-1] < report.until_ns:
        after = zone.midnight(edges[-1], days=1)
        if after <= edges[-1]:  # clocks went back from one day into the day before
            after = zone.midnight(edges[-1], days=2)
        edges.append(min(after, report.until_ns))
    return [
        summarize(group.group, group.idle, group.first_ns, since, until)
        for since, until in pairwise(edges)
        for group in report.groups
    ]
