"""Charts are readable, no wider than the terminal, and harmless to it."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import binning, charts, terminal
from ledger.binning import DAY_NS, HOUR_NS, Cell
from ledger.instants import NS, Zone, parse, zone
from ledger.scatter import Point, scatter

UTC = zone("UTC")
RIGA = zone("Europe/Riga")
MINUTE_NS = 60 * NS
SINCE_NS = parse("2026-03-28", 0, RIGA)

UNSEEN = Cell(0, 0, touched=False)
IDLE = Cell(0, 100, touched=False)
TOUCHED = Cell(0, 100, touched=True)


def active(percent: int) -> Cell:
    return Cell(percent, 100, touched=True)


def picture(text: str) -> list[str]:
    """Return the lines of a picture that stands between two line ends."""
    return text[1:-1].split("\n")


def assert_harmless(lines: Sequence[str], columns: int, *, utf8: bool) -> None:
    """Check that no line is too wide, steers the terminal, or is not in its characters."""
    for line in lines:
        assert terminal.width(line) <= columns, line
        assert line == line.rstrip()
        assert {unicodedata.category(one) for one in line}.isdisjoint({"Cc", "Zl", "Zp", "Cs"})
        assert utf8 or line.isascii()


ROWS = [
    (
        "mayor",
        [UNSEEN, IDLE, TOUCHED, *map(active, (12, 13, 25, 34, 50, 51, 67, 75, 88, 100)), IDLE],
    ),
    ("gastown/polecats/nux", [UNSEEN] * 9 + [TOUCHED, IDLE, IDLE, active(34), active(1)]),
    ("\x1b[2Jé日本", [IDLE] * 13 + [active(67)]),
]


@pytest.mark.parametrize(
    ("utf8", "expected"),
    [
        (
            True,
            r"""
mayor            ·▁▁▂▂▃▄▅▆▆██· ·▁▁▂▂▃▄▅▆▆██·
…/polecats/nux           ▁··▃▁         ▁··▃▁
\x1b[2Jé日本    ·············▆·············▆
                ┬─────────────┬─────────────
                Sat 28 Mar    Sun 29
▁▂▃▄▅▆▇█ active, by eighths  · idle
blank: not observed  a cell is 1h 40m
times: Europe/Riga
""",
        ),
        (
            False,
            r"""
mayor            .----===####. .----===####.
~/polecats/nux           -..=-         -..=-
\x1b[2J?????    .............#.............#
                +-------------+-------------
                Sat 28 Mar    Sun 29
-=# active, by thirds  . idle
blank: not observed  a cell is 1h 40m
times: Europe/Riga
""",
        ),
    ],
)
def test_a_timeline(utf8: bool, expected: str) -> None:
    """Names that steer are escaped and long ones keep their end; a short Sunday is narrower."""
    rows = [(name, cells * 2) for name, cells in ROWS]
    until_ns = SINCE_NS + 47 * HOUR_NS
    lines = charts.timeline(rows, SINCE_NS, until_ns, RIGA, 48, utf8=utf8)
    assert lines == picture(expected)


@pytest.mark.parametrize(
    ("utf8", "expected"),
    [
        (
            True,
            """
·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄·▄
┬─────────┬─────────┬─────────┬─────────
22:00     22:10     22:20     22:30
▁▂▃▄▅▆▇█ active, by eighths  · idle
a cell is 1m  times: UTC
""",
        ),
        (
            False,
            """
.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=.=
+---------+---------+---------+---------
22:00     22:10     22:20     22:30
-=# active, by thirds  . idle
a cell is 1m  times: UTC
""",
        ),
    ],
)
def test_a_timeline_without_names(utf8: bool, expected: str) -> None:
    """A single group without a name has the whole width."""
    rows = [("", [IDLE, active(50)] * 20)]
    lines = charts.timeline(rows, SINCE_NS, SINCE_NS + 40 * MINUTE_NS, UTC, 40, utf8=utf8)
    assert lines == picture(expected)


@pytest.mark.parametrize(
    ("names", "columns", "cells"),
    [
        ([""], 80, 80),
        ([], 80, 80),
        (["mayor"], 80, 73),
        (["", "mayor"], 80, 73),
        (["日本"], 80, 74),
        (["\x07"], 80, 74),
        (["gastown/polecats/dementus", "mayor"], 60, 40),
    ],
)
def test_timeline_width(names: list[str], columns: int, cells: int) -> None:
    """Names take what they need, and two blanks, at most a third in all."""
    assert charts.timeline_width(names, columns) == cells


def axis(since: str, length_ns: int, where: Zone, columns: int = 60) -> list[str]:
    """Return the two lines of the axis below a timeline."""
    since_ns = parse(since, 0, where)
    row = ("", [IDLE] * columns)
    lines = charts.timeline([row], since_ns, since_ns + length_ns, where, columns, utf8=False)
    return lines[1:3]


@pytest.mark.parametrize(
    ("since", "length_ns", "labels"),
    [
        ("2026-03-27T21:13:20", 5 * NS, "21:13:20 21:13:21 21:13:22 21:13:23 21:13:24"),
        ("2026-03-27T21:13", 5 * MINUTE_NS, "21:13 21:14 21:15 21:16 21:17"),
        ("2026-03-27T21:13", 3 * HOUR_NS, "21:30 22:00 22:30 23:00 23:30"),
        ("2026-03-27T21:13", DAY_NS, "28 Mar 03:00 06:00 09:00 12:00 15:00 18:00"),
        ("2026-03-26T21:13", 4 * DAY_NS, "Fri 27 Mar Sat 28 Sun 29 Mon 30"),
        ("2026-03-26T21:13", 8 * DAY_NS, "27 Mar 28 29 30 31 1 Apr 2 3"),
        ("2026-03-26T21:13", 45 * DAY_NS, "30 Mar 6 Apr 13 20 27 4 May"),
        ("2026-03-26T21:13", 300 * DAY_NS, "Apr May Jun Jul Aug Sep Oct Nov Dec 2027"),
        ("2026-03-26T21:13", 900 * DAY_NS, "Apr Jul Oct 2027 Apr Jul Oct 2028 Apr Jul"),
        ("2026-03-26T21:13", 3000 * DAY_NS, "2027 2028 2029 2030 2031 2032 2033 2034"),
        ("1980-03-26T21:13", 30000 * DAY_NS, "1990 2000 2010 2020 2030 2040 2050"),
    ],
)
def test_ticks_are_round_times(since: str, length_ns: int, labels: str) -> None:
    """Ticks suit the range; where a day, a month or a year begins they say which."""
    _, texts = axis(since, length_ns, RIGA)
    assert texts.split() == labels.split()


@pytest.mark.parametrize(
    ("name", "since", "ticks", "labels"),
    [
        ("Europe/Riga", "2026-03-29", "0 1 2 3 4", "29 Mar 01:00 02:00 04:00 05:00"),
        ("Europe/Riga", "2026-10-25", "0 1 2 3 4", "25 Oct 01:00 02:00 03:00 03:00"),
        ("America/New_York", "2026-03-08", "0 1 2 3 4", "8 Mar 01:00 03:00 04:00 05:00"),
        ("America/New_York", "2026-11-01", "0 1 2 3 4", "1 Nov 01:00 01:00 02:00 03:00"),
        ("Australia/Lord_Howe", "2026-10-04", "0 1 2.5 3.5 4.5", "4 Oct 01:00 03:00 04:00 05:00"),
        ("Asia/Kathmandu", "2026-10-04", "0 1 2 3 4", "4 Oct 01:00 02:00 03:00 04:00"),
        ("Africa/Cairo", "2026-04-24T01:00", "0 1 2 3 4", "24 Apr 02:00 03:00 04:00 05:00"),
    ],
)
def test_ticks_where_clocks_change(name: str, since: str, ticks: str, labels: str) -> None:
    """A tick is where clocks show its time, be it twice, and nowhere if they skip it."""
    line, texts = axis(since, 5 * HOUR_NS, zone(name))
    assert [at / 12 for at, mark in enumerate(line) if mark == "+"] == [*map(float, ticks.split())]
    assert texts.split() == labels.split()


LENGTHS = [0, NS, 4 * NS, *[300 * NS - 1] * 3, *[300 * NS] * 250, 2 * HOUR_NS, DAY_NS - 1]


@pytest.mark.parametrize(
    ("utf8", "expected"),
    [
        (
            True,
            """
idle for  times  share
     <1s      1    <1%  ▏
   1s-5s      2    <1%  ▏
  5s-15s      0     0%
  15s-1m      0     0%
   1m-5m      3     1%  ▎
  5m-15m    250    97%  ████████████████████████
 15m-45m      0     0%
  45m-2h      0     0%
   2h-6h      1    <1%  ▏
   6h-1d      1    <1%  ▏
""",
        ),
        (
            False,
            """
idle for  times  share
     <1s      1    <1%  #
   1s-5s      2    <1%  #
  5s-15s      0     0%
  15s-1m      0     0%
   1m-5m      3     1%  #
  5m-15m    250    97%  ########################
 15m-45m      0     0%
  45m-2h      0     0%
   2h-6h      1    <1%  #
   6h-1d      1    <1%  #
""",
        ),
    ],
)
def test_a_histogram(utf8: bool, expected: str) -> None:
    """Five minutes are in the bin that begins with them; even a single length shows."""
    assert charts.histogram(LENGTHS, 48, utf8=utf8) == picture(expected)


def test_a_histogram_of_one_length() -> None:
    """There are no bins but from the first to the last in use."""
    assert charts.histogram([400 * DAY_NS] * 1234, 40, utf8=False) == picture("""
idle for  times  share
     3d+  1,234   100%  ################
""")


@given(st.lists(st.integers(0, 10 * DAY_NS), min_size=1), st.integers(40, 200), st.booleans())
def test_a_histogram_counts_each_length(lengths: list[int], columns: int, utf8: bool) -> None:
    """The counts add up, what there is has a bar, and the longest bar fills its line."""
    header, *lines = charts.histogram(lengths, columns, utf8=utf8)
    assert_harmless([header, *lines], columns, utf8=utf8)
    counts = [int(line.split()[1].replace(",", "")) for line in lines]
    assert sum(counts) == len(lengths)
    assert counts[0] > 0 < counts[-1]
    assert [len(line.split()) == 4 for line in lines] == [count > 0 for count in counts]
    assert max(map(len, lines)) == columns


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 7, "0%"), (1, 1000, "<1%"), (1, 100, "1%"), (1, 3, "33%"), (99, 100, "99%"),
     (999, 1000, ">99%"), (7, 7, "100%")],
)  # fmt: skip
def test_percentages(part: int, whole: int, text: str) -> None:
    """Nothing but nothing is 0%, nothing but everything 100%."""
    lengths = [DAY_NS] * part + [NS] * (whole - part)
    shares = [line.split()[2] for line in charts.histogram(lengths, 80, utf8=False)[1:]]
    assert text == (shares[-1] if part else "0%")


HOURS = [
    [
        UNSEEN if day == 6 else IDLE if hour < 8 or day == 5 else active((hour - 7) * day // 2)
        for hour in range(24)
    ]
    for day in range(7)
]


@pytest.mark.parametrize(
    ("columns", "utf8", "expected"),
    [
        (
            80,
            True,
            """
    00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23
Mon  ·  ·  ·  ·  ·  ·  ·  · ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
Tue  ·  ·  ·  ·  ·  ·  ·  · ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
Wed  ·  ·  ·  ·  ·  ·  ·  · ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
Thu  ·  ·  ·  ·  ·  ·  ·  · ░░░░░░░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓
Fri  ·  ·  ·  ·  ·  ·  ·  · ░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓███
Sat  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
Sun
active:  ░ to 10%  ▒ to 20%  ▓ to 30%  █ to 40%  · idle  blank: not observed
""",
        ),
        (
            60,
            True,
            """
    00  02  04  06  08  10  12  14  16  18  20  22
Mon · · · · · · · · ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
Tue · · · · · · · · ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
Wed · · · · · · · · ░░░░░░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒
Thu · · · · · · · · ░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓
Fri · · · · · · · · ░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓██
Sat · · · · · · · · · · · · · · · · · · · · · · · ·
Sun
active:  ░ to 10%  ▒ to 20%  ▓ to 30%  █ to 40%  · idle
blank: not observed
""",
        ),
        (
            40,
            False,
            """
    00 03 06 09 12 15 18 21
Mon ........::::::::::::::::
Tue ........::::::::::::::::
Wed ........::::::::::======
Thu ........:::::::======###
Fri ........:::::=====#####@
Sat ........................
Sun
active:  : to 10%  = to 20%  # to 30%
@ to 40%  . idle  blank: not observed
""",
        ),
    ],
)
def test_a_heatmap(columns: int, utf8: bool, expected: str) -> None:
    """An hour has as many characters as there is room for, a mere touch the lightest shade."""
    assert charts.heatmap(HOURS, columns, utf8=utf8) == picture(expected)


@pytest.mark.parametrize(
    ("most", "quarter"),
    [(0, 1), (4, 1), (5, 2), (8, 2), (9, 5), (20, 5), (21, 10), (40, 10), (41, 20), (81, 25)],
)
def test_shades_are_of_a_round_share(most: int, quarter: int) -> None:
    """The darkest shade is the least of some round shares that no hour exceeds."""
    hours = [[active(most)] * 24] * 7
    legend = charts.heatmap(hours, 80, utf8=True)[-1]
    assert legend == "active:  " + "  ".join(
        [*(f"{shade} to {n * quarter}%" for n, shade in enumerate("░▒▓█", start=1)), "· idle"]
    )


POINTS = [
    Point("gastown", 100, 252, marked=True, x_text="100/day", y_text="4m 12s"),
    Point("fixed:\x1b1m", 1440, 31, marked=False, x_text="1,440/day", y_text="31s"),
    Point("fixed:5m é日", 288, 150, marked=False, x_text="288/day", y_text="2m 30s"),
    Point(
        "much like gastown, by a name", 101, 251, marked=False, x_text="101/day", y_text="4m 11s"
    ),
]


@pytest.mark.parametrize(
    ("utf8", "expected"),
    [
        (
            True,
            r"""
reaction
4m 12s ┤A
       │
2m 30s ┤               c
       │
       │
   31s ┤                                       b
       └┬──────────────┬───────────────────────┬
     100/day        288/day            1,440/day
        heartbeats a day (log scale)

A  gastown                 100/day  4m 12s
b  fixed:\x1b1m          1,440/day     31s
c  fixed:5m é日            288/day  2m 30s
d  much like gastown, …    101/day  4m 11s  at A
""",
        ),
        (
            False,
            r"""
reaction
4m 12s +A
       |
2m 30s +               c
       |
       |
   31s +                                       b
       ++--------------+-----------------------+
     100/day        288/day            1,440/day
        heartbeats a day (log scale)

A  gastown                 100/day  4m 12s
b  fixed:\x1b1m          1,440/day     31s
c  fixed:5m ???            288/day  2m 30s
d  much like gastown, ~    101/day  4m 11s  at A
""",
        ),
    ],
)
def test_a_scatter_plot(utf8: bool, expected: str) -> None:
    """Ends have their values on the axes; a point in another's place says so in the key."""
    lines = scatter(POINTS, 48, 6, x_label="heartbeats a day", y_label="reaction", utf8=utf8)
    assert lines == picture(expected)


def test_a_scatter_plot_of_one_point() -> None:
    """A single point is in the middle."""
    assert scatter(POINTS[:1], 40, 3, x_label="x", y_label="y", utf8=False) == picture("""
y
       |
4m 12s +                A
       |
       +----------------+---------------
                     100/day
        x

A  gastown  100/day  4m 12s
""")


def test_a_marked_point_is_in_front() -> None:
    """Of points in one place a marked one is seen, whatever their order."""
    points = [POINTS[0]._replace(label=str(n), marked=n == 2) for n in range(4)]
    *_, a, b, c, d = scatter(points, 40, 3, x_label="x", y_label="y", utf8=False)
    assert [line[0] for line in (a, b, c, d)] == ["a", "b", "C", "d"]
    assert [line.endswith("  at C") for line in (a, b, c, d)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("x", "y", "x_scale", "y_scale"),
    [
        ((1, 10), (0, 100), "", ""),
        ((1, 11), (-1, 100), " (log scale)", ""),
        ((0.5, 5.1), (3, 31), " (log scale)", " (log scale)"),
    ],
)
def test_an_axis_of_more_than_a_decade(
    x: Sequence[float], y: Sequence[float], x_scale: str, y_scale: str
) -> None:
    """It is logarithmic if it can be, and says so."""
    points = [POINTS[0]._replace(x=one, y=other) for one, other in zip(x, y, strict=True)]
    lines = scatter(points, 60, 4, x_label="x", y_label="y", utf8=True)
    assert lines[0] == f"y{y_scale}"
    assert lines[7].strip() == f"x{x_scale}"


def test_more_points_than_letters() -> None:
    """After the alphabet all points are stars."""
    points = [POINTS[0]._replace(x=n, y=n) for n in range(30)]
    key = scatter(points, 80, 30, x_label="x", y_label="y", utf8=True)[-30:]
    assert "".join(line[0] for line in key) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ****"


@pytest.mark.parametrize("utf8", [True, False])
def test_nothing_has_no_picture(utf8: bool) -> None:
    """Without anything to draw there are no lines."""
    assert charts.timeline([], 0, DAY_NS, UTC, 80, utf8=utf8) == []
    assert charts.histogram([], 80, utf8=utf8) == []
    assert scatter([], 80, 10, x_label="x", y_label="y", utf8=utf8) == []


texts = st.text(st.characters() | st.sampled_from("ab/日\x1b\n\u0301\u202e…"), max_size=60)
columns_wide = st.integers(40, 200)
shares = st.builds(
    lambda active_ns, more_ns, touched: Cell(
        active_ns, active_ns + more_ns, touched or active_ns > 0
    ),
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
)


ranges = st.builds(
    lambda since_ns, length_ns: (since_ns, min(since_ns + length_ns, (1 << 63) - 1)),
    st.integers(0, 4 * 10**18),
    st.integers(0, 63).map(lambda power: 2**power) | st.integers(1, 4 * 10**18),
)
zones = st.sampled_from(["UTC", "Europe/Riga", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(zone)


@given(st.lists(texts, min_size=1, max_size=4), ranges, zones, columns_wide, st.booleans())
def test_any_timeline_is_harmless(
    names: list[str], between: tuple[int, int], where: Zone, columns: int, utf8: bool
) -> None:
    """Whatever the names, the range and the width: it fits and steers nothing."""
    since_ns, until_ns = between
    count = charts.timeline_width(names, columns)
    cells = binning.timeline([(since_ns, until_ns)], since_ns, until_ns, since_ns, count)
    rows = [(name, cells) for name in names]
    lines = charts.timeline(rows, since_ns, until_ns, where, columns, utf8=utf8)
    assert_harmless(lines, columns, utf8=utf8)
    assert all(terminal.width(line) == columns for line in lines[: len(names) + 1])


@given(st.integers(0, 10**18), st.integers(10 * NS, 10**18), columns_wide)
def test_labels_keep_apart(since_ns: int, length_ns: int, columns: int) -> None:
    """Each label begins below its tick, with two blanks or more before the next."""
    row = ("", [IDLE] * columns)
    _, line, text, *_ = charts.timeline(
        [row], since_ns, since_ns + length_ns, RIGA, columns, utf8=False
    )
    ticks = [at for at, mark in enumerate(line) if mark == "+"]
    labels = [text[at:after] for at, after in pairwise([*ticks, columns + 2])]
    assert "".join(labels).strip() == text.strip()
    assert all(label[:1] != " " for label in labels)
    assert all(label.endswith("  ") for label in labels[:-2])


@given(st.lists(st.lists(shares, min_size=24, max_size=24), min_size=7, max_size=7), columns_wide,
       st.booleans())  # fmt: skip
def test_any_heatmap_is_harmless(hours: list[list[Cell]], columns: int, utf8: bool) -> None:
    """Whatever the hours and the width, it fits."""
    assert_harmless(charts.heatmap(hours, columns, utf8=utf8), columns, utf8=utf8)


numbers = st.floats(-1e15, 1e15)
points = st.builds(Point, texts, numbers, numbers, st.booleans(), texts, texts)


@given(st.lists(points, min_size=1, max_size=30), columns_wide, st.integers(1, 30), texts,
       st.booleans())  # fmt: skip
def test_any_scatter_plot_is_harmless(
    shown: list[Point], columns: int, height: int, label: str, utf8: bool
) -> None:
    """Whatever the points and their names: it fits, steers nothing, and no point is forgotten."""
    lines = scatter(shown, columns, height, x_label=label, y_label=label, utf8=utf8)
    assert_harmless(lines, columns, utf8=utf8)
    assert len(lines) == 1 + height + 4 + len(shown)
