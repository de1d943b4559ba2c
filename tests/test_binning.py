"""Time over cells: each nanosecond of the range counts once, whatever clocks do."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import binning
from ledger.binning import HOUR_NS, Cell, Span
from ledger.instants import NS, parse, zone

MINUTE_NS = 60 * NS

ZONES = [
    "UTC",
    "Europe/Riga",
    "America/New_York",
    "Australia/Lord_Howe",  # clocks move by half an hour
    "Asia/Kathmandu",  # +05:45
]

# Instants when clocks of those zones change.
CHANGES = [
    int(datetime.fromisoformat(text).timestamp()) // 60
    for text in (
        "2026-03-29T01:00Z",
        "2026-10-25T01:00Z",
        "2026-03-08T07:00Z",
        "2026-11-01T06:00Z",
        "2026-04-04T15:00Z",
        "2026-10-03T15:30Z",
    )
]


def paired(instants: Sequence[int]) -> list[Span]:
    """Return spans that begin and end at the instants, in order."""
    ordered = sorted(instants)
    return list(zip(ordered[::2], ordered[1::2], strict=False))


# Spans, edges and ranges of small whole numbers, so that all meetings of theirs occur.
small = st.integers(0, 40)
spans = st.lists(small, max_size=12).map(paired)


def counted(active: Sequence[Span], since: int, until: int, first: int, after: int) -> Cell:
    """Return the cell from `first` to `after`, counted one by one."""
    there = [at for at in range(first, after) if since <= at < until]
    return Cell(
        sum(any(started <= at < ended for started, ended in active) for at in there),
        len(there),
        any(started <= at <= ended for started, ended in active for at in there),
    )


@given(spans, small, small, st.lists(small, max_size=10).map(sorted))
def test_cells_are_what_one_counts(
    active: list[Span], since: int, until: int, edges: list[int]
) -> None:
    """Active and observed time and the touch of each cell are those counted one by one."""
    assert binning.cells(active, since, until, edges) == [
        counted(active, since, until, first, after) for first, after in pairwise(edges)
    ]


@given(spans, small, st.integers(1, 40), st.none() | small, st.integers(1, 15))
def test_a_timeline_is_the_whole_range(
    active: list[Span], since: int, length: int, observed_from: int | None, count: int
) -> None:
    """Its cells are as many as were asked for, alike to a nanosecond, and miss nothing."""
    until = since + length
    found = binning.timeline(active, since, until, observed_from, count)
    seen = until if observed_from is None else max(since, observed_from)
    whole = counted(active, seen, until, since, until)
    assert len(found) == count
    assert sum(cell.observed_ns for cell in found) == whole.observed_ns
    assert sum(cell.active_ns for cell in found) == whole.active_ns
    assert any(cell.touched for cell in found) == whole.touched
    lengths = {cell.observed_ns for cell in binning.timeline([], since, until, since, count)}
    assert lengths <= {length // count, length // count + 1}


@given(spans, small, small, st.integers(1, 15))
def test_no_more_is_active_than_was_observed(
    active: list[Span], since: int, length: int, count: int
) -> None:
    """A share is between none and all, and there is none where nothing was observed."""
    for cell in binning.timeline(active, since, since + length, since, count):
        assert cell.share is None if cell.observed_ns == 0 else 0 <= (cell.share or 0) <= 1


def test_a_timeline() -> None:
    """Before the first touch nothing is known; a touch of no length is seen."""
    assert binning.timeline([(4, 6), (8, 8)], 0, 20, 4, 5) == [
        Cell(0, 0, touched=False),
        Cell(2, 4, touched=True),
        Cell(0, 4, touched=True),
        Cell(0, 4, touched=False),
        Cell(0, 4, touched=False),
    ]


def test_what_was_never_touched_was_never_observed() -> None:
    """Without a first touch there is nothing to know of."""
    assert binning.timeline([], 0, 20, None, 2) == [Cell(0, 0, touched=False)] * 2


@pytest.mark.parametrize(("ended", "touched"), [(9, False), (10, True), (11, True)])
def test_the_end_of_a_span_is_a_touch(ended: int, touched: bool) -> None:
    """A span that ends with the first instant of a cell touches it."""
    _, cell = binning.cells([(3, ended)], 0, 20, [0, 10, 20])
    assert cell == Cell(max(ended - 10, 0), 10, touched)


def test_a_touch_at_the_end_of_the_range_is_outside() -> None:
    """The range does not hold its end."""
    assert binning.cells([(5, 5)], 0, 5, [0, 10]) == [Cell(0, 5, touched=False)]


week_of_minutes = st.integers(-2500, 2500)


@settings(max_examples=60)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(CHANGES),
    st.lists(week_of_minutes, max_size=8),
    week_of_minutes,
    st.integers(0, 3000),
)
def test_hours_of_the_week_are_what_clocks_show(
    name: str, change: int, around: list[int], since: int, length: int
) -> None:
    """Each minute of the range belongs to the hour that a clock shows then."""
    active = paired([(change + minute) * MINUTE_NS for minute in around])
    minutes = range(change + since, change + since + length)
    observed: Counter[tuple[int, int]] = Counter()
    busy: Counter[tuple[int, int]] = Counter()
    touched = set()
    rules = ZoneInfo(name)
    for minute in minutes:
        wall = datetime.fromtimestamp(minute * 60, rules)
        hour = wall.weekday(), wall.hour
        observed[hour] += MINUTE_NS
        at_ns = minute * MINUTE_NS
        if any(started <= at_ns < ended for started, ended in active):
            busy[hour] += MINUTE_NS
        if any(started <= at_ns <= ended for started, ended in active):
            touched.add(hour)
    found = binning.hours_of_week(
        active, minutes.start * MINUTE_NS, minutes.stop * MINUTE_NS, zone(name)
    )
    assert found == [
        [Cell(busy[day, hour], observed[day, hour], (day, hour) in touched) for hour in range(24)]
        for day in range(7)
    ]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 4 * 10**18),
    st.integers(0, 10**17),
    st.lists(st.integers(0, 10**17), max_size=8),
)
def test_no_nanosecond_is_lost(
    name: str, since_ns: int, length_ns: int, offsets: list[int]
) -> None:
    """The week's observed time is the range, its active time that of the spans therein."""
    until_ns = since_ns + length_ns
    active = paired([since_ns - 10**16 + offset for offset in offsets])
    cells = [
        cell
        for row in binning.hours_of_week(active, since_ns, until_ns, zone(name))
        for cell in row
    ]
    assert sum(cell.observed_ns for cell in cells) == length_ns
    assert sum(cell.active_ns for cell in cells) == sum(
        max(min(ended, until_ns) - max(started, since_ns), 0) for started, ended in active
    )


@pytest.mark.parametrize(
    ("name", "day", "odd"),
    [
        ("Europe/Riga", "2026-03-29", {3: 0}),
        ("Europe/Riga", "2026-10-25", {3: 2}),
        ("America/New_York", "2026-03-08", {2: 0}),
        ("America/New_York", "2026-11-01", {1: 2}),
        ("Australia/Lord_Howe", "2026-10-04", {2: 0.5}),
        ("Australia/Lord_Howe", "2026-04-05", {1: 1.5}),
        ("Asia/Kathmandu", "2026-03-29", {}),
    ],
)
def test_a_day_when_clocks_change(name: str, day: str, odd: dict[int, float]) -> None:
    """A skipped hour has no time, one that comes twice has two hours; half a step has half."""
    where = zone(name)
    since_ns = parse(day, 0, where)
    until_ns = where.midnight(since_ns, days=1)
    *workdays, sunday = binning.hours_of_week([(since_ns, until_ns)], since_ns, until_ns, where)
    assert {hour: cell.observed_ns / HOUR_NS for hour, cell in enumerate(sunday)} == {
        **dict.fromkeys(range(24), 1),
        **odd,
    }
    assert {cell.share for cell in sunday} <= {1.0, None}
    assert {cell.observed_ns for row in workdays for cell in row} == {0}


def test_hours_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local zone has the hours of the zone that it is."""
    since_ns = parse("2026-01-01", 0, zone("UTC"))
    until_ns = since_ns + 365 * 24 * HOUR_NS
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Australia/Lord_Howe")
        time.tzset()
        local = binning.hours_of_week([], since_ns, until_ns, zone(None))
    time.tzset()
    assert local == binning.hours_of_week([], since_ns, until_ns, zone("Australia/Lord_Howe"))


@given(st.sampled_from(ZONES), st.integers(0, 4 * 10**18), st.integers(0, 10**17))
def test_offsets_are_the_range(name: str, since_ns: int, length_ns: int) -> None:
    """They follow each other from end to end, each with another distance from UTC than the last."""
    found = list(binning.offsets(since_ns, since_ns + length_ns, zone(name)))
    edges = [since_ns, *(offset.ended_ns for offset in found)]
    assert [offset.started_ns for offset in found] == edges[:-1]
    assert edges[-1] == since_ns + length_ns
    assert all(before.offset_ns != after.offset_ns for before, after in pairwise(found))
    for offset in found:
        for at_ns in (offset.started_ns, offset.ended_ns - 1):
            there = datetime.fromtimestamp(at_ns // NS, ZoneInfo(name)).utcoffset()
            assert there is not None
            assert there.total_seconds() * NS == offset.offset_ns
