"""Idle-period reports: against SQL's LAG over the touches, by hand, and over days of 23 hours."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import connection, emptied, ledger

from ledger import database
from ledger.activity import GROUPS
from ledger.errors import BadInputError
from ledger.filters import Filters, Stream
from ledger.idle import IdleGroup, IdlePeriod, IdleReport, idle_days, idle_report
from ledger.instants import NS, parse, zone
from ledger.periods import Gap, IdleSummary, Range, Span
from ledger.policy import parse_policy
from ledger.transfer import import_touches

__all__ = ["connection", "ledger"]

MINUTE, HOUR = 60 * NS, 3600 * NS
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
SOME_STREAMS = [
    Stream("rig1", "/gt", "/gt/a", "mayor"),
    Stream("rig1", "/gt", "/gt/b", "gastown/polecats/nux"),
    Stream("rig2", "/gt", "", "gastown/polecats/toast"),
    Stream("rig2", "/gt2", "/gt2/a", "mayor"),
    Stream("", "", "", ""),
]
TRACE = Path(__file__).parent / "data" / "town-8-days.jsonl"

Touch = tuple[int, int]  # index of the stream, at_ns


def fill(connection: sqlite3.Connection, touches: Sequence[Touch]) -> None:
    """Put touches into the ledger, each with its number (from 1) for a command."""
    connection.executemany(
        "INSERT INTO streams (id, host, town, workspace, actor) VALUES (?, ?, ?, ?, ?)",
        [(number, *stream) for number, stream in enumerate(SOME_STREAMS, 1)],
    )
    connection.executemany(
        "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, ?)",
        [(stream + 1, at_ns, f"gt {number}") for number, (stream, at_ns) in enumerate(touches, 1)],
    )


# Many ties, and gaps on both sides of the thresholds.
instants = st.one_of(
    st.integers(-4, 16).map(lambda number: number * 30 * NS),
    st.integers(-200, 500).map(lambda second: second * NS),
    st.builds(lambda minute, off: minute * MINUTE + off, st.integers(-2, 8), st.integers(-1, 1)),
    st.integers(-24, 60).map(lambda number: number * 5 * MINUTE),
)
touch = st.tuples(st.integers(0, len(SOME_STREAMS) - 1), instants)
touches = st.lists(touch, max_size=8) | st.lists(touch, min_size=8, max_size=40)
thresholds = st.one_of(
    st.sampled_from(
        [NS, 2 * NS, 10 * NS, 30 * NS, MINUTE - 1, MINUTE, MINUTE + 1, 90 * NS, 5 * MINUTE, HOUR]
    ),
    st.integers(1, 1200).map(lambda second: second * NS),
    st.integers(1, 3 * HOUR),
)
names = st.lists(
    st.sampled_from(["mayor", "gastown/*", "*/nux", "", "rig?", "rig2", "/gt", "/gt/[ab]", "/gt*"]),
    max_size=2,
)
often_none = st.just([]) | names
filters = st.builds(
    Filters,
    since_ns=st.none() | instants,
    until_ns=st.none() | instants,
    actors=often_none,
    towns=often_none,
    workspaces=often_none,
    hosts=often_none,
    grep=st.none(),
)
groupings = st.none() | st.sampled_from(GROUPS)


def chosen(filters: Filters) -> list[int]:
    """Return the ids of the streams that `filters` mean, in the plainest way."""

    def named(name: str, wanted: Sequence[str]) -> bool:
        return not wanted or any(fnmatchcase(name, one) for one in wanted)

    return [
        number
        for number, stream in enumerate(SOME_STREAMS, 1)
        if named(stream.actor, filters.actors)
        and named(stream.town, filters.towns)
        and named(stream.workspace, filters.workspaces)
        and named(stream.host, filters.hosts)
    ]


# Each touch with the one before it in its group, and now with the last: the whole length
# counts, then it is cut. LAG's order of ties is that of recording.
BY_LAG = """
WITH named AS (
  SELECT {by} AS name, at_ns, touches.id AS id, command
  FROM touches JOIN streams ON streams.id = stream_id
  WHERE at_ns <= :now_ns AND stream_id IN (SELECT value FROM json_each(:ids))
), ended AS (
  SELECT *, 0 AS open FROM named
  UNION ALL SELECT DISTINCT name, :now_ns, 1 << 62, NULL, 1 FROM named
), stepped AS (
  SELECT
    name, open, command, lag(command) OVER after AS before, at_ns, lag(at_ns) OVER after AS began
  FROM ended WINDOW after AS (PARTITION BY name ORDER BY at_ns, id)
)
SELECT
  name, max(began, :since_ns), min(at_ns, :until_ns), began, began < :since_ns, at_ns > :until_ns,
  open, before, CASE WHEN at_ns <= :until_ns THEN command END
FROM stepped
WHERE at_ns - began >= :min_ns AND began < :until_ns AND at_ns > :since_ns
ORDER BY 2, began, name"""


def by_lag(
    connection: sqlite3.Connection, ids: Iterable[int], by: str | None, min_ns: int, span: Range
) -> list[tuple[IdlePeriod, Gap]]:
    """Return the idle periods by definition, with the tier that Gas Town's policy reached."""
    rows = connection.execute(
        BY_LAG.format(by=by or "''"), {"ids": str(list(ids)), "min_ns": min_ns, **span._asdict()}
    )
    found = []
    for name, started, ended, began, cut_start, cut_end, is_open, before, after in rows:
        marks = bool(cut_start), bool(cut_end), bool(is_open)
        tier = 1 + sum(ended - began >= minutes * MINUTE for minutes in (5, 15, 45))
        period = IdlePeriod(name, started, ended, *marks, tier, before, after)
        found.append((period, Gap(started, ended, began, *marks)))
    return found


def runs(instants: Sequence[int], min_ns: int, report: IdleReport, now_ns: int) -> list[Span]:
    """Return the runs of touches in which no gap is long enough, cut at the range's edges."""
    found: list[list[int]] = []
    for at in sorted(at for at in instants if at <= now_ns):
        if not found or at - found[-1][1] >= min_ns:
            found.append([at, at])
        found[-1][1] = at
    if found and now_ns - found[-1][1] < min_ns:  # not idle yet
        found[-1][1] = now_ns
    return [
        (max(first, report.since_ns), min(last, report.until_ns))
        for first, last in found
        if last >= report.since_ns and first < report.until_ns
    ]


def median(ordered: Sequence[int]) -> float:
    """Return the median in the plainest way."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def check_summary(summary: IdleSummary, lengths_ns: list[int], unseen_ns: int) -> None:
    """Compare the figures of idle periods of these lengths with those of the report."""
    ordered = sorted(lengths_ns)
    length_ns = summary.until_ns - summary.since_ns
    assert summary.unseen_s == unseen_ns / NS
    assert summary.idle_s == sum(ordered) / NS
    assert summary.active_s == (length_ns - unseen_ns - sum(ordered)) / NS
    assert summary.unseen_s + summary.active_s + summary.idle_s == pytest.approx(length_ns / NS)
    assert summary.periods == len(ordered)
    if length_ns > unseen_ns:
        assert summary.idle_share == pytest.approx(sum(ordered) / (length_ns - unseen_ns))
    else:
        assert summary.idle_share is None
    if ordered:
        assert summary.median_s == pytest.approx(median(ordered) / NS)
        assert summary.longest_s == ordered[-1] / NS
        assert summary.p95_s is not None
        assert summary.median_s <= summary.p95_s <= summary.longest_s
    else:
        assert (summary.median_s, summary.p95_s, summary.longest_s) == (None, None, None)


@settings(max_examples=600)
@given(touches, filters, groupings, thresholds, instants)
def test_reports_are_those_of_lag(  # noqa: PLR0913, PLR0917 - what a question consists of
    ledger: sqlite3.Connection,
    touches: list[Touch],
    filters: Filters,
    by: str | None,
    min_ns: int,
    now_ns: int,
) -> None:
    """Whatever is asked, the periods are the long enough steps from touch to touch, then cut."""
    fill(emptied(ledger), touches)
    ids = chosen(filters)
    of_ids = [(SOME_STREAMS[number], at) for number, at in touches if number + 1 in ids]
    until = now_ns if filters.until_ns is None else min(filters.until_ns, now_ns)
    since = filters.since_ns
    if since is None:
        since = min([until, *(at for _, at in of_ids)])
    elif since >= until:
        with pytest.raises(BadInputError, match="the range is empty"):
            idle_report(ledger, filters, min_ns=min_ns, by=by, now_ns=now_ns)
        return
    report = idle_report(ledger, filters, min_ns=min_ns, by=by, now_ns=now_ns)
    expected = by_lag(ledger, ids, by, min_ns, Range(since, until, now_ns))
    assert (report.since_ns, report.until_ns, report.min_ns) == (since, until, min_ns)
    assert report.periods == [period for period, _ in expected]
    groups = {"" if by is None else getattr(SOME_STREAMS[number - 1], by) for number in ids}
    assert [group.group for group in report.groups] == sorted(groups if by else {""})
    for group in report.groups:
        ats = [at for one, at in of_ids if by is None or getattr(one, by) == group.group]
        idle = [gap for period, gap in expected if period.group == group.group]
        active = runs(ats, min_ns, report, now_ns)
        first = min(ats, default=None)
        assert group == IdleGroup(group.group, first, active, idle, group.summary)
        assert group.summary[:3] == (group.group, since, until)
        unseen = until - since if first is None else max(min(first, until) - since, 0)
        check_summary(group.summary, [gap.idle_ns for gap in idle], unseen)
        assert sum(end - start for start, end in active) == pytest.approx(
            group.summary.active_s * NS
        )


@given(touches, groupings, thresholds, st.integers(0, 8))
def test_a_limit_keeps_the_newest(
    ledger: sqlite3.Connection,
    touches: list[Touch],
    by: str | None,
    min_ns: int,
    limit: int,
) -> None:
    """With a limit the newest periods are left, in their order, and the figures count all."""
    fill(emptied(ledger), touches)
    report = idle_report(ledger, min_ns=min_ns, by=by, now_ns=6 * HOUR)
    newest = list(report.periods[max(len(report.periods) - limit, 0) :])
    limited = idle_report(ledger, min_ns=min_ns, by=by, now_ns=6 * HOUR, limit=limit)
    assert limited == report._replace(periods=newest)


def test_a_limit_beyond_all_numbers(connection: sqlite3.Connection) -> None:
    """A limit may be larger than the machine's numbers."""
    fill(connection, [(0, 0)])
    unlimited = idle_report(connection, now_ns=HOUR)
    assert idle_report(connection, now_ns=HOUR, limit=10**30) == unlimited


A_MORNING = [
    (0, 0),  # 1: mayor
    (1, 0),  # 2: nux, at the same instant
    (0, 5 * MINUTE),  # 3: exactly five minutes later
    (1, 8 * MINUTE),  # 4
    (0, 8 * MINUTE),  # 5
    (1, 8 * MINUTE),  # 6
    (0, 60 * MINUTE),  # 7
    (1, 60 * MINUTE),  # 8
    (0, 61 * MINUTE),  # 9
]


def period(  # noqa: PLR0913, PLR0917 - a whole value, its minutes first
    started: int,
    ended: int,
    tier: int,
    last: int | None,
    first: int | None,
    marks: str = "",
    group: str = "",
) -> IdlePeriod:
    """Write an idle period down: commands by number, `marks` s(tart cut), e(nd cut), o(pen)."""
    before, after = (None if number is None else f"gt {number}" for number in (last, first))
    cuts = "s" in marks, "e" in marks, "o" in marks
    return IdlePeriod(group, started * MINUTE, ended * MINUTE, *cuts, tier, before, after)


def test_a_morning_by_hand(connection: sqlite3.Connection) -> None:
    """Two actors taken together, with the commands before and after each idle period."""
    fill(connection, A_MORNING)
    report = idle_report(connection, now_ns=70 * MINUTE)
    assert report.periods == [
        period(0, 5, 2, 2, 3),
        period(8, 60, 4, 6, 7),
        period(61, 70, 2, 9, None, "o"),
    ]
    assert [one.idle_s for one in report.periods] == [300.0, 3120.0, 540.0]
    (group,) = report.groups
    minutes = [(0, 0), (5, 8), (60, 61)]
    assert group.active == [(start * MINUTE, end * MINUTE) for start, end in minutes]
    assert group.summary == IdleSummary(
        "",
        0,
        70 * MINUTE,
        unseen_s=0.0,
        active_s=240.0,
        idle_s=3960.0,
        idle_share=66 / 70,
        periods=3,
        median_s=540.0,
        p95_s=(9 + 0.9 * 43) * 60,
        longest_s=3120.0,
    )


def test_a_morning_by_actor(connection: sqlite3.Connection) -> None:
    """Each actor has its own idle periods and commands; ties are told apart by recording."""
    fill(connection, A_MORNING)
    report = idle_report(connection, by="actor", now_ns=70 * MINUTE)
    nux = "gastown/polecats/nux"
    assert report.periods == [
        period(0, 8, 2, 2, 4, group=nux),
        period(0, 5, 2, 1, 3, group="mayor"),
        period(8, 60, 4, 6, 8, group=nux),
        period(8, 60, 4, 5, 7, group="mayor"),
        period(60, 70, 2, 8, None, "o", group=nux),
        period(61, 70, 2, 9, None, "o", group="mayor"),
    ]
    # A stream that never touched anything is a group of which nothing was seen.
    silent = report.groups[0]
    assert [group.group for group in report.groups] == [
        "",
        nux,
        "gastown/polecats/toast",
        "mayor",
    ]
    assert silent == IdleGroup(
        "",
        None,
        [],
        [],
        IdleSummary("", 0, 70 * MINUTE, 4200.0, 0.0, 0.0, None, 0, None, None, None),
    )


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        # The touch at the range's end ended it, though it is not in the range.
        (0, 5, [period(0, 5, 2, 2, 3)]),
        (0, 4, [period(0, 4, 1, 2, None, "e")]),
        (1, 4, [period(1, 4, 1, 2, None, "se")]),
        (5, 8, []),
        (8, 60, [period(8, 60, 4, 6, 7)]),
        (9, 60, [period(9, 60, 4, 6, 7, "s")]),
        (9, 59, [period(9, 59, 4, 6, None, "se")]),
        (9, 10, [period(9, 10, 1, 6, None, "se")]),  # of the tier reached until then
        (62, 64, [period(62, 64, 1, 9, None, "seo")]),
        (62, 70, [period(62, 70, 2, 9, None, "so")]),
        (62, 999, [period(62, 70, 2, 9, None, "so")]),
        (-99, 0, []),
        (-99, -50, []),
    ],
)
def test_ranges_by_hand(
    connection: sqlite3.Connection, since: int, until: int, expected: list[IdlePeriod]
) -> None:
    """A period is cut at the range's edges, and a command is shown where it was not cut off."""
    fill(connection, A_MORNING)
    span = Filters(since_ns=since * MINUTE, until_ns=until * MINUTE)
    assert idle_report(connection, span, now_ns=70 * MINUTE).periods == expected


@pytest.mark.parametrize(
    ("policy", "tiers"),
    [
        ("gastown", [2, 4, 2]),
        ("fixed:10m", [1, 1, 1]),
        ("tiers:6m=1m,52m=2m,3m", [1, 3, 2]),
        # Idle cycles begin at 1, 3, 7, 15, 31, ... minutes of silence.
        ("exp:1m,x2,16m", [3, 5, 4]),
    ],
)
def test_tiers_of_other_policies(
    connection: sqlite3.Connection, policy: str, tiers: list[int]
) -> None:
    """A period's tier is the one that the policy asked for reached in it."""
    fill(connection, A_MORNING)
    report = idle_report(connection, policy=parse_policy(policy), now_ns=70 * MINUTE)
    assert [one.tier for one in report.periods] == tiers


@pytest.mark.parametrize("min_ns", [1, NS, MINUTE - 1, MINUTE, 5 * MINUTE])
@pytest.mark.parametrize("by", [None, *GROUPS])
def test_an_empty_ledger(connection: sqlite3.Connection, min_ns: int, by: str | None) -> None:
    """Where nothing was recorded there is no idle period, whether a range is given or not."""
    report = idle_report(connection, min_ns=min_ns, by=by, now_ns=HOUR)
    summary = IdleSummary("", HOUR, HOUR, 0.0, 0.0, 0.0, None, 0, None, None, None)
    groups = [] if by else [IdleGroup("", None, [], [], summary)]
    assert report == IdleReport(HOUR, HOUR, min_ns, [], groups)
    report = idle_report(connection, Filters(since_ns=0), min_ns=min_ns, by=by, now_ns=HOUR)
    summary = IdleSummary("", 0, HOUR, 3600.0, 0.0, 0.0, None, 0, None, None, None)
    groups = [] if by else [IdleGroup("", None, [], [], summary)]
    assert report == IdleReport(0, HOUR, min_ns, [], groups)


@pytest.mark.parametrize(
    ("at_s", "min_s", "active_s", "idle_s"),
    [
        (-1, 10, [], [(0, 100)]),
        (-1, 60, [], [(0, 100)]),
        (0, 10, [(0, 0)], [(0, 100)]),
        (0, 60, [(0, 0)], [(0, 100)]),
        (0, 100, [(0, 0)], [(0, 100)]),
        (0, 101, [(0, 100)], []),  # the silence is not long enough yet
        (50, 10, [(50, 50)], [(50, 100)]),
        (50, 60, [(50, 100)], []),
        (100, 10, [], []),  # at now, which the range does not hold
        (100, 60, [], []),
        (101, 10, [], []),  # from the future
        (101, 60, [], []),
    ],
)
def test_one_touch(
    connection: sqlite3.Connection, at_s: int, min_s: int, active_s: list[Span], idle_s: list[Span]
) -> None:
    """A lone touch is an active span of no length, and silence counts from it."""
    fill(connection, [(0, at_s * NS)])
    report = idle_report(connection, Filters(since_ns=0), min_ns=min_s * NS, now_ns=100 * NS)
    (group,) = report.groups
    assert group.active == [(start * NS, end * NS) for start, end in active_s]
    assert [(gap.started_ns, gap.ended_ns) for gap in group.idle] == [
        (start * NS, end * NS) for start, end in idle_s
    ]


@pytest.mark.parametrize("min_ns", [1, 59 * NS, MINUTE, HOUR])
def test_the_ends_of_time(connection: sqlite3.Connection, min_ns: int) -> None:
    """Between the first and the last instant that a ledger can hold lies one idle period."""
    fill(connection, [(0, INT64_MIN), (1, INT64_MAX)])
    report = idle_report(connection, min_ns=min_ns, now_ns=INT64_MAX)
    none_cut = False, False, False
    assert report.periods == [IdlePeriod("", INT64_MIN, INT64_MAX, *none_cut, 4, "gt 1", "gt 2")]
    assert report.groups[0].summary.idle_s == (INT64_MAX - INT64_MIN) / NS


@pytest.mark.parametrize("min_ns", [10 * NS, MINUTE])
def test_touches_without_their_stream_are_passed_over(
    connection: sqlite3.Connection, min_ns: int
) -> None:
    """Touches of a stream that a hand deleted interrupt no silence, long or short."""
    fill(connection, [(0, 0), (1, 70 * NS), (0, 140 * NS)])
    connection.execute("DELETE FROM streams WHERE id = 2")
    report = idle_report(connection, min_ns=min_ns, now_ns=140 * NS)
    none_cut = False, False, False
    assert report.periods == [IdlePeriod("", 0, 140 * NS, *none_cut, 1, "gt 1", "gt 3")]


@pytest.mark.parametrize(
    ("filters", "min_ns", "message", "hint"),
    [
        (Filters(since_ns=HOUR), MINUTE, "the range is empty: it ends before it begins",
         "--since must lie before --until, and before now."),
        (Filters(since_ns=9, until_ns=9), NS, "the range is empty: it ends before it begins",
         "--since must lie before --until, and before now."),
        (Filters(since_ns=9, until_ns=8), NS, "the range is empty: it ends before it begins",
         "--since must lie before --until, and before now."),
        (Filters(grep=""), MINUTE, "idle periods are those of streams, not of commands", ""),
        (Filters(grep="gt"), MINUTE, "idle periods are those of streams, not of commands", ""),
        (Filters(), 0, "an idle period must have a length", ""),
        (Filters(), -1, "an idle period must have a length", ""),
    ],
)  # fmt: skip
def test_questions_that_have_no_answer(
    connection: sqlite3.Connection, filters: Filters, min_ns: int, message: str, hint: str
) -> None:
    """An empty range, a part of commands and a threshold of nothing are refused in words."""
    with pytest.raises(BadInputError) as caught:
        idle_report(connection, filters, min_ns=min_ns, now_ns=HOUR)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_now_is_now(connection: sqlite3.Connection) -> None:
    """Unless another is given, now is the time of asking, and what comes later is not yet."""
    fill(connection, [(0, 0), (0, INT64_MAX)])
    (open_one,) = idle_report(connection).periods
    assert (open_one.started_ns, open_one.open, open_one.first_command) == (0, True, None)
    assert datetime.fromtimestamp(open_one.ended_ns // NS, UTC) <= datetime.now(UTC)


# Days


def at(text: str) -> int:
    """Return the instant of a whole second in ISO 8601 with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * NS


def midnights(name: str, first: str, days: int) -> list[int]:
    """Return so many midnights of a zone, by the calendar."""
    day = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(name))
    return [int((day + timedelta(days=number)).timestamp()) * NS for number in range(days)]


@pytest.mark.parametrize(
    ("name", "first", "hours"),
    [
        ("UTC", "2026-03-28", [24, 24, 24]),
        ("Europe/Riga", "2026-03-28", [24, 23, 24]),
        ("Europe/Riga", "2026-10-24", [24, 25, 24]),
        ("America/New_York", "2026-03-07", [24, 23, 24]),
        ("America/New_York", "2026-10-31", [24, 25, 24]),
    ],
)
def test_days_of_23_and_25_hours(
    connection: sqlite3.Connection, name: str, first: str, hours: list[int]
) -> None:
    """A silence over three days idles each of them for as many hours as it has."""
    edges = midnights(name, first, 4)
    fill(connection, [(0, edges[0] - HOUR), (0, edges[3] + HOUR)])
    span = Filters(since_ns=edges[0], until_ns=edges[3])
    report = idle_report(connection, span, now_ns=edges[3] + 2 * HOUR)
    assert idle_days(report, zone(name)) == [
        IdleSummary(
            "",
            since,
            until,
            unseen_s=0.0,
            active_s=0.0,
            idle_s=3600.0 * length,
            idle_share=1.0,
            periods=1,
            median_s=3600.0 * length,
            p95_s=3600.0 * length,
            longest_s=3600.0 * length,
        )
        for (since, until), length in zip(pairwise(edges), hours, strict=True)
    ]


CHANGES = [
    ("Europe/Riga", "2026-03-27"),
    ("Europe/Riga", "2026-10-23"),
    ("America/New_York", "2026-03-06"),
    ("America/New_York", "2026-10-30"),
    ("America/Sao_Paulo", "2018-11-02"),  # skipped a midnight
    ("America/Havana", "2025-10-31"),  # has one twice
    ("Pacific/Apia", "2011-12-28"),  # skipped a day
]


@given(
    st.sampled_from(CHANGES),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 120 * 60)), max_size=25),
    st.lists(st.integers(0, 120 * 60), min_size=2, max_size=2, unique=True).map(sorted),
    st.sampled_from([None, "actor", "host"]),
    st.sampled_from([30 * NS, 5 * MINUTE, HOUR]),
)
def test_days_add_up(  # noqa: PLR0913, PLR0917 - what a question consists of
    ledger: sqlite3.Connection,
    change: tuple[str, str],
    minutes: list[tuple[int, int]],
    span: list[int],
    by: str | None,
    min_ns: int,
) -> None:
    """Days begin at midnights and follow each other, and their figures add up to the whole."""
    name, first = change
    day = parse(first, 0, zone(name))
    fill(emptied(ledger), [(stream, day + minute * MINUTE) for stream, minute in minutes])
    since, until = (day + minute * MINUTE for minute in span)
    report = idle_report(
        ledger,
        Filters(since_ns=since, until_ns=until),
        min_ns=min_ns,
        by=by,
        now_ns=day + 120 * HOUR,
    )
    days = idle_days(report, zone(name))
    edges = sorted({(one.since_ns, one.until_ns) for one in days})
    if report.groups:
        assert (edges[0][0], edges[-1][1]) == (since, until)
    rules = ZoneInfo(name)
    for (_, end), (start, _) in pairwise(edges):
        assert end == start
        before, after = (
            datetime.fromtimestamp(at_ns // NS, rules).date() for at_ns in (start - NS, start)
        )
        assert before < after
    for start, end in edges:
        dates = {datetime.fromtimestamp(at_ns // NS, rules).date() for at_ns in (start, end - NS)}
        assert len(dates) == 1
    names = [group.group for group in report.groups]
    assert [one.group for one in days] == names * len(edges)
    for group in report.groups:
        own = [one for one in days if one.group == group.group]
        assert sum(one.idle_s for one in own) == pytest.approx(group.summary.idle_s)
        assert sum(one.active_s for one in own) == pytest.approx(group.summary.active_s)
        assert sum(one.unseen_s for one in own) == pytest.approx(group.summary.unseen_s)
        for one in own:
            lengths = [
                min(gap.ended_ns, one.until_ns) - max(gap.started_ns, one.since_ns)
                for gap in group.idle
            ]
            seen = group.first_ns if group.first_ns is not None else one.until_ns
            unseen = min(max(seen - one.since_ns, 0), one.until_ns - one.since_ns)
            check_summary(one, [length for length in lengths if length > 0], unseen)


def test_an_hour_that_comes_twice_around_midnight(connection: sqlite3.Connection) -> None:
    """Where clocks went back from one day into the day before, no day ends before it begins."""
    since = at("2010-11-06T23:30:00-03:30")  # St. John's: 00:01 was 23:01 again
    fill(connection, [(0, since - HOUR)])
    report = idle_report(connection, Filters(since_ns=since), now_ns=since + 48 * HOUR)
    days = idle_days(report, zone("America/St_Johns"))
    assert all(one.since_ns < one.until_ns for one in days)
    assert all(one.unseen_s == 0.0 for one in days)
    assert sum(one.idle_s for one in days) == 48 * 3600


# The trace


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A ledger with eight days of a real town."""
    connection = database.open_ledger(str(tmp_path_factory.mktemp("town") / "ledger.db"))
    refused: list[tuple[int, str]] = []
    with TRACE.open("rb") as lines:
        import_touches(connection, lines, "town", lambda *line: refused.append(line))
    assert refused == []
    yield connection
    connection.close()


@cache
def raw_lines() -> list[tuple[int, str, str]]:
    """Return the trace as it is written: instant, actor, command, in the order of instants."""
    lines = [json.loads(line) for line in TRACE.read_text().splitlines()]
    found = [(at(line["at"]), line["actor"], line["command"]) for line in lines]
    return sorted(found, key=lambda line: line[0])  # ties stay in the order of the file


RANGES = [
    (None, None),
    ("2026-02-27T00:00Z", "2026-02-28T00:00Z"),
    ("2026-02-28T12:34:56Z", None),
    (None, "2026-03-01T06:00Z"),
    ("2026-01-01T00:00Z", "2026-02-01T00:00Z"),
    ("2026-02-26T15:13:23Z", "2026-02-26T15:13:46Z"),
]


@pytest.mark.parametrize("actor", [None, "mayor", "gastown/*", "*/furiosa"])
@pytest.mark.parametrize("span", RANGES, ids=str)
@pytest.mark.parametrize("min_s", [1, 10, 59, 60, 61, 300, 1800, 7200])
def test_a_real_town(
    town: sqlite3.Connection, actor: str | None, span: tuple[str | None, str | None], min_s: int
) -> None:
    """The idle periods of a real town are those of its raw lines, together and by actor."""
    lines = [line for line in raw_lines() if actor is None or fnmatchcase(line[1], actor)]
    assert lines
    now = at("2026-03-08T00:00Z")
    asked = [None if edge is None else at(edge) for edge in span]
    since = lines[0][0] if asked[0] is None else asked[0]
    until = now if asked[1] is None else asked[1]
    filters = Filters(*asked, actors=[] if actor is None else [actor])
    for by, names in ((None, {""}), ("actor", {line[1] for line in lines})):
        expected = []
        for name in names:
            of_name = [line for line in lines if by is None or line[1] == name]
            for (one, _, before), (other, _, after) in pairwise([*of_name, (now, "", "")]):
                if other - one < min_s * NS or one >= until or other <= since:
                    continue
                is_open = other == now
                started, ended = max(one, since), min(other, until)
                expected.append(
                    (
                        (started, one, name),
                        IdlePeriod(
                            name,
                            started,
                            ended,
                            cut_start=one < since,
                            cut_end=other > until,
                            open=is_open,
                            tier=1 + sum(ended - one >= m * MINUTE for m in (5, 15, 45)),
                            last_command=before,
                            first_command=None if is_open or other > until else after,
                        ),
                    )
                )
        report = idle_report(town, filters, min_ns=min_s * NS, by=by, now_ns=now)
        assert (report.since_ns, report.until_ns) == (since, until)
        assert report.periods == [one for _, one in sorted(expected, key=lambda it: it[0])]
        assert {group.group for group in report.groups} == names
