"""Active periods in, idle periods out: by hand, and against counting second by second."""

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.instants import NS
from ledger.periods import (
    ActivePeriods,
    Gap,
    IdleSummary,
    Range,
    Span,
    active_between,
    gaps,
    quantile,
    summarize,
    unite,
)

INT64_MAX = (1 << 63) - 1

spans = st.lists(
    st.tuples(st.integers(-40, 40), st.integers(0, 15)).map(lambda it: (it[0], it[0] + it[1])),
    max_size=12,
).map(sorted)
touches = st.lists(st.integers(-40, 40), max_size=20).map(sorted)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """Draw a range, and a now at its end or later."""
    since, until, now = sorted(draw(st.lists(st.integers(-50, 60), min_size=3, max_size=3)))
    return Range(since, until, now)


def of_touches(instants: Sequence[int], gap_ns: int) -> ActivePeriods:
    return unite([(at, at) for at in instants], gap_ns)


def pairs(instants: Sequence[int], now: int) -> list[Span]:
    """Return each touch up to now with the next, the last one with now."""
    known = [at for at in instants if at <= now]
    return list(zip(known, [*known[1:], now], strict=True)) if known else []


@pytest.mark.parametrize(
    ("given_spans", "gap_ns", "expected"),
    [
        ([], 60, ([], [])),
        ([(5, 5)], 60, ([5], [5])),
        ([(0, 10), (5, 8), (70, 70)], 60, ([0, 70], [10, 70])),
        ([(0, 10), (69, 70)], 60, ([0], [70])),  # a gap of 59
        ([(0, 10), (70, 80)], 60, ([0, 70], [10, 80])),  # exactly 60
        ([(0, 100), (10, 20), (159, 159)], 60, ([0], [159])),  # the longest counts
        ([(0, 0), (0, 0), (0, 50)], 60, ([0], [50])),
        ([(-200, -100), (-40, -30)], 60, ([-200, -40], [-100, -30])),
        ([(0, 0), (0, 0), (1, 1)], 1, ([0, 1], [0, 1])),
        ([(-INT64_MAX - 1,) * 2, (INT64_MAX,) * 2], INT64_MAX,
         ([-INT64_MAX - 1, INT64_MAX], [-INT64_MAX - 1, INT64_MAX])),
        ([(-INT64_MAX - 1,) * 2, (INT64_MAX,) * 2], 1 << 64,
         ([-INT64_MAX - 1], [INT64_MAX])),
    ],
)  # fmt: skip
def test_united_by_hand(
    given_spans: list[Span], gap_ns: int, expected: tuple[list[int], list[int]]
) -> None:
    """Spans less than a gap apart are one active period; a gap parts them."""
    assert unite(given_spans, gap_ns) == ActivePeriods(*expected, gap_ns)


@given(spans, st.integers(1, 20))
def test_united_point_by_point(given_spans: list[Span], gap_ns: int) -> None:
    """Two instants are parted where so long a stretch between them lies in no span."""
    active = unite(given_spans, gap_ns)
    within = {at for start, end in given_spans for at in range(start, end + 1)}
    # The unit of time after an instant is covered where a span goes on through it.
    through = {at for start, end in given_spans for at in range(start, end)}
    parted = [
        (at, later)
        for at in within - through - {max(within, default=0)}
        for later in [min(other for other in within if other > at)]
        if later - at >= gap_ns
    ]
    expected_ends = sorted(at for at, _ in parted)
    expected_starts = sorted(at for _, at in parted)
    if within:
        expected_starts.insert(0, min(within))
        expected_ends.append(max(within))
    assert active == ActivePeriods(expected_starts, expected_ends, gap_ns)


@given(spans, st.integers(1, 20), st.integers(0, 20))
def test_widened_is_united_at_once(given_spans: list[Span], gap_ns: int, more: int) -> None:
    """Active periods parted by short gaps give those parted by longer ones."""
    active = unite(given_spans, gap_ns)
    before = ActivePeriods(list(active.started_ns), list(active.ended_ns), gap_ns)
    assert active.widened(gap_ns + more) == unite(given_spans, gap_ns + more)
    assert active == before


def test_length_of_a_range() -> None:
    """A range is as long as its ends are apart, whatever now is."""
    assert Range(-5, 10, 99).length_ns == 15
    assert Range(7, 7, 7).length_ns == 0


def gap(started: int, ended: int, began: int | None = None, marks: str = "") -> Gap:
    """Write a gap down: `marks` are s(tart cut), e(nd cut), o(pen)."""
    began = started if began is None else began
    return Gap(started, ended, began, "s" in marks, "e" in marks, "o" in marks)


HAND = [0, 10, 30, 100, 101]  # and now is 200


@pytest.mark.parametrize(
    ("min_ns", "since", "until", "expected"),
    [
        (5, 0, 200, [gap(0, 10), gap(10, 30), gap(30, 100), gap(101, 200, marks="o")]),
        (20, 0, 200, [gap(10, 30), gap(30, 100), gap(101, 200, marks="o")]),  # exactly 20
        (21, 0, 200, [gap(30, 100), gap(101, 200, marks="o")]),
        (99, 0, 200, [gap(101, 200, marks="o")]),
        (100, 0, 200, []),
        # Before the first touch nothing is known.
        (5, -50, 5, [gap(0, 5, marks="e")]),
        (5, -50, 0, []),
        (5, -50, -10, []),
        # Cut at both ends of the range; the whole length counts.
        (70, 50, 60, [gap(50, 60, 30, "se")]),
        (71, 50, 60, []),
        # A touch at the range's very edge cuts nothing.
        (20, 30, 100, [gap(30, 100)]),
        (20, 31, 99, [gap(31, 99, 30, "se")]),
        (20, 10, 30, [gap(10, 30)]),
        (20, 9, 31, [gap(10, 30), gap(30, 31, marks="e")]),
        # An idle period that ends where the range begins is not in it.
        (20, 100, 150, [gap(101, 150, marks="eo")]),
        # The open one counts until now, not until the range's end.
        (99, 110, 120, [gap(110, 120, 101, "seo")]),
        (100, 110, 120, []),
        (5, 199, 200, [gap(199, 200, 101, "so")]),
        (5, 50, 50, []),
    ],
)
def test_gaps_by_hand(min_ns: int, since: int, until: int, expected: list[Gap]) -> None:
    """Idle periods count by their whole length and are cut at the range's edges."""
    assert gaps(of_touches(HAND, 5), min_ns, since, until, 200) == expected


@pytest.mark.parametrize(
    ("instants", "since", "until", "now", "expected"),
    [
        ([], 0, 100, 100, []),
        ([50], 0, 100, 100, [gap(50, 100, marks="o")]),
        ([50], 0, 50, 100, []),
        ([50], 50, 100, 100, [gap(50, 100, marks="o")]),
        ([50], 51, 100, 100, [gap(51, 100, 50, "so")]),
        ([100], 0, 100, 100, []),
        ([-INT64_MAX - 1, INT64_MAX], -INT64_MAX - 1, INT64_MAX, INT64_MAX,
         [gap(-INT64_MAX - 1, INT64_MAX)]),
        ([-INT64_MAX - 1], 0, INT64_MAX, INT64_MAX,
         [gap(0, INT64_MAX, -INT64_MAX - 1, "so")]),
    ],
)  # fmt: skip
def test_gaps_of_few_touches(
    instants: list[int], since: int, until: int, now: int, expected: list[Gap]
) -> None:
    """No touch, one touch and the ends of time are no special cases."""
    assert gaps(of_touches(instants, 1), 10, since, until, now) == expected


@given(touches, ranges(), st.integers(1, 15), st.integers(0, 15))
def test_gaps_are_those_between_neighbours(
    instants: list[int], span: Range, gap_ns: int, more: int
) -> None:
    """Idle periods are the long enough steps from touch to touch, cut at the range's edges."""
    min_ns = gap_ns + more
    known = [at for at in instants if at <= span.now_ns]
    expected = [
        Gap(
            max(one, span.since_ns),
            min(other, span.until_ns),
            one,
            cut_start=one < span.since_ns,
            cut_end=other > span.until_ns,
            open=one == known[-1],
        )
        for one, other in pairs(instants, span.now_ns)
        if other - one >= min_ns and max(one, span.since_ns) < min(other, span.until_ns)
    ]
    assert gaps(of_touches(known, gap_ns), min_ns, *span) == expected


@given(touches, ranges(), st.integers(1, 15))
def test_idle_time_second_by_second(instants: list[int], span: Range, min_ns: int) -> None:
    """Each second is idle or not, by the touches around it, and idle periods hold no other."""
    known = [at for at in instants if at <= span.now_ns]
    idle = [
        second
        for second in range(span.since_ns, span.until_ns)
        for before in [max((at for at in known if at <= second), default=None)]
        for after in [min((at for at in known if at > second), default=span.now_ns)]
        if before is not None and after - before >= min_ns
    ]
    found = gaps(of_touches(known, 1), min_ns, *span)
    assert [second for one in found for second in range(one.started_ns, one.ended_ns)] == idle
    assert sum(one.idle_ns for one in found) == len(idle)


@pytest.mark.parametrize(
    ("min_ns", "since", "until", "expected"),
    [
        (20, 0, 200, [(0, 10), (30, 30), (100, 101)]),
        (21, 0, 200, [(0, 30), (100, 101)]),
        (200, 0, 200, [(0, 200)]),  # the open gap is too short for an idle period
        (20, 5, 150, [(5, 10), (30, 30), (100, 101)]),
        (20, 10, 100, [(10, 10), (30, 30)]),  # a lone touch at since, none yet at until
        (20, 11, 101, [(30, 30), (100, 101)]),
        (20, 50, 60, []),
        (20, 30, 31, [(30, 30)]),
        (20, 150, 200, []),
        (100, 150, 200, [(150, 200)]),
    ],
)
def test_active_between_by_hand(min_ns: int, since: int, until: int, expected: list[Span]) -> None:
    """What the idle periods leave are the active spans, a lone touch one of no length."""
    idle = gaps(of_touches(HAND, 5), min_ns, since, until, 200)
    assert active_between(idle, since, until) == expected


@given(touches, ranges(), st.integers(1, 15))
def test_active_spans_are_runs_of_touches(instants: list[int], span: Range, min_ns: int) -> None:
    """Active spans are the runs in which no gap is long enough, as far as the range holds them."""
    known = [at for at in instants if at <= span.now_ns]
    seen = max(span.since_ns, known[0]) if known else span.until_ns
    assume(seen < span.until_ns)
    runs: list[list[int]] = []
    for at in known:
        if not runs or at - runs[-1][1] >= min_ns:
            runs.append([at, at])
        runs[-1][1] = at
    if span.now_ns - runs[-1][1] < min_ns:  # not idle yet
        runs[-1][1] = span.now_ns
    expected = [
        (max(first, span.since_ns), min(last, span.until_ns))
        for first, last in runs
        if last >= span.since_ns and first < span.until_ns
    ]
    idle = gaps(of_touches(known, 1), min_ns, *span)
    assert active_between(idle, seen, span.until_ns) == expected


def test_summary_by_hand() -> None:
    """The figures of four idle periods, two of them cut, after an hour in which none was seen."""
    minute = 60 * NS
    idle = [
        gap(70 * minute, 80 * minute),
        gap(90 * minute, 110 * minute),
        gap(111 * minute, 141 * minute),
        gap(200 * minute, 240 * minute, marks="eo"),
    ]
    assert summarize("mayor", idle, 60 * minute, 0, 240 * minute) == IdleSummary(
        "mayor",
        0,
        240 * minute,
        unseen_s=3600.0,
        active_s=4800.0,
        idle_s=6000.0,
        idle_share=100 / 180,
        periods=4,
        median_s=1500.0,
        p95_s=(30 + 0.85 * 10) * 60,
        longest_s=2400.0,
    )
    assert summarize("", idle, 60 * minute, 75 * minute, 100 * minute) == IdleSummary(
        "",
        75 * minute,
        100 * minute,
        unseen_s=0.0,
        active_s=600.0,
        idle_s=900.0,
        idle_share=0.6,
        periods=2,
        median_s=450.0,
        p95_s=585.0,
        longest_s=600.0,
    )


@pytest.mark.parametrize(
    ("first", "since", "until", "unseen_s", "share"),
    [
        (None, 0, 10, 10, None),
        (0, 0, 10, 0, 0.0),
        (4, 0, 10, 4, 0.0),
        (-4, 0, 10, 0, 0.0),
        (10, 0, 10, 10, None),
        (99, 0, 10, 10, None),  # the first touch is later than the range
        (None, 5, 5, 0, None),
        (0, 5, 5, 0, None),
    ],
)
def test_summary_without_idle_periods(
    first: int | None, since: int, until: int, unseen_s: float, share: float | None
) -> None:
    """Without idle periods there are no lengths to tell of; without time no share."""
    first_ns, active_s = None if first is None else first * NS, until - since - unseen_s
    assert summarize("x", [], first_ns, since * NS, until * NS) == IdleSummary(
        "x", since * NS, until * NS, unseen_s, active_s, 0.0, share, 0, None, None, None
    )


@given(touches, ranges(), st.integers(1, 15), st.lists(st.integers(-50, 60), max_size=4))
def test_summaries_of_parts_add_up(
    instants: list[int], span: Range, min_ns: int, cuts: list[int]
) -> None:
    """Summaries count each second of each part of a range once: as idle, active, or unseen."""
    known = [at for at in instants if at <= span.now_ns]
    idle = gaps(of_touches(known, 1), min_ns, *span)
    first = min(known, default=None)
    edges = sorted(
        {span.since_ns, span.until_ns, *(c for c in cuts if span.since_ns < c < span[1])}
    )
    for since, until in pairwise(edges):
        idle_ns = [
            sum(one.started_ns <= second < one.ended_ns for second in range(since, until))
            for one in idle
        ]
        lengths = sorted(length for length in idle_ns if length)
        unseen_ns = sum(first is None or second < first for second in range(since, until))
        seen_ns = until - since - unseen_ns
        assert summarize("g", idle, first, since, until) == IdleSummary(
            "g",
            since,
            until,
            unseen_ns / NS,
            (seen_ns - sum(lengths)) / NS,
            sum(lengths) / NS,
            sum(lengths) / seen_ns if seen_ns else None,
            len(lengths),
            statistics.median(lengths) / NS if lengths else None,
            linear(lengths, 95) / NS if lengths else None,
            max(lengths) / NS if lengths else None,
        )


def linear(ordered: Sequence[int], percent: int) -> float:
    """Return the percentile by linear interpolation, in exact arithmetic."""
    place = Fraction(percent * (len(ordered) - 1), 100)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low + (high - low) * (place - math.floor(place)))


@pytest.mark.parametrize(
    ("ordered", "percent", "expected"),
    [
        ([], 50, None),
        ([7], 0, 7.0),
        ([7], 50, 7.0),
        ([7], 100, 7.0),
        ([1, 2], 50, 1.5),
        ([1, 2], 95, 1.95),
        ([10, 20, 30, 40], 50, 25.0),
        ([10, 20, 30, 40], 95, 38.5),
        ([10, 20, 30, 40], 0, 10.0),
        ([10, 20, 30, 40], 100, 40.0),
        (list(range(101)), 95, 95.0),
        ([0, 0, 0, 1000], 95, 850.0),
        ([-10, 10], 25, -5.0),
    ],
)
def test_quantile_by_hand(ordered: list[int], percent: int, expected: float | None) -> None:
    """A percentile lies linearly between the two nearest."""
    assert quantile(ordered, percent) == expected


values = st.lists(st.integers(-(10**6), 10**6) | st.integers(0, INT64_MAX), min_size=1).map(sorted)


@given(values, st.integers(0, 100))
def test_quantile_is_linear(ordered: list[int], percent: int) -> None:
    """A percentile is that of exact arithmetic, and the 50th is the median."""
    assert quantile(ordered, percent) == pytest.approx(linear(ordered, percent), rel=1e-12)
    assert quantile(ordered, 50) == pytest.approx(float(statistics.median(ordered)), rel=1e-12)
    assert quantile(ordered, 0) == float(ordered[0])
    assert quantile(ordered, 100) == float(ordered[-1])
