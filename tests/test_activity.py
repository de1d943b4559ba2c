"""When streams were active, read from the ledger: against the touches themselves."""

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import connection, emptied, ledger

from ledger.activity import (
    GROUPS,
    Group,
    active_periods,
    chosen_range,
    command_at,
    first_touch,
    grouped,
    last_touch,
    recent_gaps,
)
from ledger.errors import BadInputError
from ledger.filters import EVERYTHING, Filters, Stream, streams
from ledger.instants import NS
from ledger.periods import ActivePeriods, Range

__all__ = ["connection", "ledger"]

MINUTE = 60 * NS
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
SOME_STREAMS = [
    Stream("rig1", "/gt", "/gt/a", "mayor"),
    Stream("rig1", "/gt", "/gt/b", "gastown/polecats/nux"),
    Stream("rig2", "/gt", "", "mayor"),
    Stream("", "", "", ""),
]
IDS = range(1, len(SOME_STREAMS) + 1)

Touch = tuple[int, int]  # id of the stream, at_ns


def fill(connection: sqlite3.Connection, touches: Sequence[Touch]) -> None:
    """Put touches into the ledger, each with its number (from 1) for a command."""
    connection.executemany(
        "INSERT INTO streams (id, host, town, workspace, actor) VALUES (?, ?, ?, ?, ?)",
        [(number, *stream) for number, stream in zip(IDS, SOME_STREAMS, strict=True)],
    )
    connection.executemany(
        "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, ?)",
        [(stream, at_ns, f"gt {number}") for number, (stream, at_ns) in enumerate(touches, 1)],
    )


# Many ties, and gaps on both sides of a minute, of a second, and of each other's.
instants = st.one_of(
    st.integers(-3, 9).map(lambda number: number * 30 * NS),
    st.integers(-60, 240).map(lambda second: second * NS),
    st.builds(lambda minute, off: minute * MINUTE + off, st.integers(-1, 4), st.integers(-1, 1)),
)
edges = st.integers(-3, 9).map(lambda number: number * 30 * NS) | instants
touch = st.tuples(st.sampled_from(IDS), instants)
touches = st.lists(touch, max_size=8) | st.lists(touch, min_size=8, max_size=30)
some_ids = st.sets(st.sampled_from(IDS)).map(sorted)
gap_lengths = st.one_of(
    st.sampled_from([1, NS, 10 * NS, 30 * NS, MINUTE - 1, MINUTE, MINUTE + 1, 90 * NS, 5 * MINUTE]),
    st.integers(1, 600 * NS),
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """Draw a range that holds something, and a now at its end or later."""
    since, until, now = sorted(draw(st.lists(instants, min_size=3, max_size=3)))
    return Range(since, max(until, since + 1), max(now, since + 1))


# Each step from one touch of the chosen streams to the next.
STEPS = """
WITH stepped AS (
  SELECT lag(at_ns) OVER (ORDER BY at_ns) AS before_ns, at_ns FROM touches
  WHERE stream_id IN (SELECT value FROM json_each(:ids)) AND at_ns <= :now_ns
)
SELECT before_ns, at_ns FROM stepped
WHERE at_ns - before_ns >= :gap_ns AND at_ns > :since_ns AND before_ns < :until_ns
ORDER BY at_ns"""


@settings(max_examples=1000)
@given(touches, some_ids, ranges(), gap_lengths)
def test_active_periods_are_parted_by_gaps(
    ledger: sqlite3.Connection, touches: list[Touch], ids: list[int], span: Range, gap_ns: int
) -> None:
    """Active periods are parted just where the touches are, and hold each touch of the range."""
    fill(emptied(ledger), touches)
    expected = ledger.execute(
        STEPS, {"ids": str(ids), "gap_ns": gap_ns, **span._asdict()}
    ).fetchall()
    active = active_periods(ledger, ids, span, gap_ns)
    pairs = zip(active.ended_ns, active.started_ns[1:], strict=False)
    assert [
        (end, start) for end, start in pairs if start > span.since_ns and end < span.until_ns
    ] == expected
    known = sorted(at for stream, at in touches if stream in ids and at <= span.now_ns)
    periods = list(zip(active.started_ns, active.ended_ns, strict=True))
    for at in known:
        if span.since_ns <= at < span.until_ns:
            assert any(start <= at <= end for start, end in periods)
    # Nothing is made up: what begins or ends in the range is a touch.
    edges = [*active.started_ns, *active.ended_ns]
    assert {at for at in edges if span.since_ns < at < span.until_ns} <= set(known)
    assert bool(periods) == bool(known)
    assert active.gap_ns == gap_ns


@settings(max_examples=400)
@given(touches, some_ids, ranges(), gap_lengths)
def test_active_periods_reach_beyond_the_range(
    ledger: sqlite3.Connection, touches: list[Touch], ids: list[int], span: Range, gap_ns: int
) -> None:
    """They reach from the last touch up to the range's start to the first at its end or after."""
    fill(emptied(ledger), touches)
    known = [at for stream, at in touches if stream in ids and at <= span.now_ns]
    active = active_periods(ledger, ids, span, gap_ns)
    before = max((at for at in known if at <= span.since_ns), default=None)
    after = min((at for at in known if at >= span.until_ns), default=None)
    if before is not None:
        assert active.started_ns[0] <= before
    if after is not None:
        assert active.ended_ns[-1] >= after
    # What is later than now is not looked at, even where it goes on without a gap.
    assert all(at <= span.now_ns for at in [*active.started_ns, *active.ended_ns])
    assert list(active.started_ns) == sorted(active.started_ns)
    assert all(s <= e for s, e in zip(active.started_ns, active.ended_ns, strict=True))


@pytest.mark.parametrize(
    ("at_s", "span_s", "gap_s", "expected_s"),
    [
        ([], (0, 100), 60, ([], [])),
        ([], (0, 100), 10, ([], [])),
        ([50], (0, 100), 60, ([50], [50])),
        ([50], (0, 100), 10, ([50], [50])),
        ([0], (0, 100), 10, ([0], [0])),
        ([100], (0, 100), 10, ([100], [100])),
        ([100], (0, 100), 60, ([100], [100])),
        ([101], (0, 100), 10, ([], [])),  # later than now
        ([101], (0, 100), 60, ([], [])),
        ([0, 60, 119, 180], (0, 200), 60, ([0, 60, 180], [0, 119, 180])),
        ([0, 60, 119, 180], (0, 200), 61, ([0, 180], [119, 180])),
        ([0, 60, 119, 180], (0, 200), 59, ([0, 60, 119, 180], [0, 60, 119, 180])),
        ([0, 10, 20, 30, 41], (0, 50), 11, ([0, 41], [30, 41])),
    ],
)
def test_active_periods_by_hand(
    connection: sqlite3.Connection,
    at_s: list[int],
    span_s: tuple[int, int],
    gap_s: int,
    expected_s: tuple[list[int], list[int]],
) -> None:
    """A gap that is reached parts, a shorter one doesn't, above a minute and below."""
    fill(connection, [(1 + second % 2, second * NS) for second in at_s])
    since, until = (second * NS for second in span_s)
    starts, ends = ([second * NS for second in each] for each in expected_s)
    found = active_periods(connection, [1, 2], Range(since, until, until), gap_s * NS)
    assert found == ActivePeriods(starts, ends, gap_s * NS)


@pytest.mark.parametrize(("gap_ns", "ended_s"), [(40 * NS, 0), (MINUTE, 10)])
def test_activity_that_goes_on_after_now(
    connection: sqlite3.Connection, gap_ns: int, ended_s: int
) -> None:
    """A touch later than now is not looked at: activity goes on until now at the most."""
    fill(connection, [(1, 0), (1, 30 * NS), (1, 45 * NS)])
    found = active_periods(connection, [1], Range(-NS, 10 * NS, 10 * NS), gap_ns)
    assert found == ActivePeriods([0], [ended_s * NS], gap_ns)


@pytest.mark.parametrize("gap_ns", [1, NS, MINUTE - 1, MINUTE, 1 << 62])
def test_active_periods_at_the_ends_of_time(connection: sqlite3.Connection, gap_ns: int) -> None:
    """The first and the last instant that a ledger can hold are instants like others."""
    fill(connection, [(1, INT64_MIN), (2, INT64_MAX)])
    span = Range(INT64_MIN, INT64_MAX, INT64_MAX)
    ends = [INT64_MIN, INT64_MAX]
    assert active_periods(connection, [1, 2], span, gap_ns) == ActivePeriods(ends, ends, gap_ns)


@pytest.mark.parametrize("gap_ns", [10 * NS, MINUTE])
def test_streams_that_are_not_there(connection: sqlite3.Connection, gap_ns: int) -> None:
    """No stream, or one without touches, was never active."""
    fill(connection, [(1, 0), (1, 30 * NS)])
    span = Range(0, MINUTE, MINUTE)
    for ids in ([], [2], [2, 3, 4], [99]):
        assert active_periods(connection, ids, span, gap_ns) == ActivePeriods([], [], gap_ns)
        assert first_touch(connection, ids) is None
        assert last_touch(connection, ids) is None
        assert last_touch(connection, ids, MINUTE) is None
        assert command_at(connection, ids, 0, last=True) is None


@pytest.mark.parametrize("gap_ns", [10 * NS, MINUTE])
def test_touches_without_their_stream_are_passed_over(
    connection: sqlite3.Connection, gap_ns: int
) -> None:
    """Touches of a stream that a hand deleted count for no gap, short or long."""
    fill(connection, [(1, 0), (2, 70 * NS), (1, 140 * NS)])
    connection.execute("DELETE FROM streams WHERE id = 2")
    found = active_periods(connection, [1, 3, 4], Range(0, 200 * NS, 200 * NS), gap_ns)
    ends = [0, 140 * NS]
    assert found == ActivePeriods(ends, ends, gap_ns)


@given(touches, some_ids, st.none() | instants)
def test_first_and_last_touch(
    ledger: sqlite3.Connection, touches: list[Touch], ids: list[int], at_ns: int | None
) -> None:
    """The first and the last touch of some streams, and the last until an instant."""
    fill(emptied(ledger), touches)
    chosen = [(at, stream) for stream, at in touches if stream in ids]
    assert first_touch(ledger, ids) == min((at for at, _ in chosen), default=None)
    assert last_touch(ledger, ids, at_ns) == max(
        (touch for touch in chosen if at_ns is None or touch[0] <= at_ns), default=None
    )


@given(touches, some_ids, instants)
def test_commands_where_touches_share_an_instant(
    ledger: sqlite3.Connection, touches: list[Touch], ids: list[int], other_ns: int
) -> None:
    """Of the touches of an instant the first and the last recorded, of these streams alone."""
    fill(emptied(ledger), touches)
    for at_ns in {other_ns, *(at for _, at in touches)}:
        numbers = [
            number
            for number, (stream, at) in enumerate(touches, 1)
            if at == at_ns and stream in ids
        ]
        first, last = (f"gt {numbers[0]}", f"gt {numbers[-1]}") if numbers else (None, None)
        assert command_at(ledger, ids, at_ns, last=False) == first
        assert command_at(ledger, ids, at_ns, last=True) == last


@settings(max_examples=500)
@given(touches, some_ids, edges, edges)
def test_recent_gaps(
    ledger: sqlite3.Connection, touches: list[Touch], ids: list[int], one_ns: int, other_ns: int
) -> None:
    """The gaps of a minute and more that a touch of the range ended, its edges included."""
    fill(emptied(ledger), touches)
    since, until = sorted([one_ns, other_ns])
    chosen = sorted(at for stream, at in touches if stream in ids)
    expected = sorted(b - a for a, b in pairwise(chosen) if b - a >= MINUTE and since <= b <= until)
    assert recent_gaps(ledger, ids, since, until) == expected


def test_a_gap_that_ends_as_the_range_begins(connection: sqlite3.Connection) -> None:
    """A touch at the very start of the range ends a recent gap, and so does one at its end."""
    fill(connection, [(1, 0), (1, 100 * NS), (1, 180 * NS)])
    assert recent_gaps(connection, [1], 100 * NS, 180 * NS) == [80 * NS, 100 * NS]
    assert recent_gaps(connection, [1], 100 * NS + 1, 180 * NS - 1) == []


def test_groups() -> None:
    """Streams are grouped by each part of their names, in the order of names, '' included."""
    chosen = dict(zip(IDS, SOME_STREAMS, strict=True))
    assert {by: grouped(chosen, by) for by in (None, *GROUPS)} == {
        None: [Group("", (1, 2, 3, 4))],
        "actor": [Group("", (4,)), Group("gastown/polecats/nux", (2,)), Group("mayor", (1, 3))],
        "workspace": [Group("", (3, 4)), Group("/gt/a", (1,)), Group("/gt/b", (2,))],
        "town": [Group("", (4,)), Group("/gt", (1, 2, 3))],
        "host": [Group("", (4,)), Group("rig1", (1, 2)), Group("rig2", (3,))],
    }
    assert grouped({}, None) == [Group("", ())]
    assert grouped({}, "actor") == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (EVERYTHING, (-10, 100)),
        (Filters(actors=["mayor"]), (20, 100)),
        (Filters(actors=["nobody"]), (100, 100)),
        (Filters(since_ns=5), (5, 100)),
        (Filters(since_ns=-99), (-99, 100)),
        (Filters(until_ns=50), (-10, 50)),
        (Filters(until_ns=500), (-10, 100)),  # not beyond now
        (Filters(since_ns=99, until_ns=500), (99, 100)),
        (Filters(until_ns=-10), (-10, -10)),
        (Filters(until_ns=-20), (-20, -20)),  # the first touch is later
        (Filters(actors=[""]), (100, 100)),  # only in the future
    ],
)
def test_range(connection: sqlite3.Connection, filters: Filters, expected: tuple[int, int]) -> None:
    """A range goes from the first touch of the streams until now, unless said."""
    fill(connection, [(2, -10), (1, 20), (1, 30), (4, 200)])
    chosen = streams(connection, filters)
    assert chosen_range(connection, filters, chosen, 100) == Range(*expected, 100)


@pytest.mark.parametrize(
    ("since", "until"), [(100, None), (101, None), (50, 50), (50, 49), (100, 200), (150, 200)]
)
def test_empty_range(connection: sqlite3.Connection, since: int, until: int | None) -> None:
    """A range that was asked for and holds nothing is a mistake."""
    filters = Filters(since_ns=since, until_ns=until)
    with pytest.raises(BadInputError) as caught:
        chosen_range(connection, filters, {}, 100)
    assert str(caught.value) == "the range is empty: it ends before it begins"
    assert caught.value.hint == "--since must lie before --until, and before now."
