"""``keepalive idle``: real processes, against brute force over the raw lines of the trace."""

import csv
import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from conftest import Run
from test_cli_history import TRACE, insert, on_terminal, trace

from ledger import terminal

__all__ = ["trace"]  # a fixture

NS = 10**9
PERIOD = [
    "group", "started_at", "ended_at", "idle_s", "cut_start", "cut_end", "open", "tier",
    "last_command", "first_command", "since", "until",
]  # fmt: skip
FIGURES = [
    "since", "until", "active_s", "idle_s", "idle_share", "periods", "median_s", "p95_s",
    "longest_s", "unseen_s",
]  # fmt: skip
FIRST, LAST = "2026-02-26T15:13:23Z", "2026-03-05T15:46:56Z"


# --- brute force ----------------------------------------------------------------------------


class Touch(NamedTuple):
    at: float
    actor: str
    command: str


def read_trace() -> list[Touch]:
    lines = [json.loads(line) for line in TRACE.read_text().splitlines()]
    return [Touch(seconds(line["at"]), line["actor"], line["command"]) for line in lines]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def brute_periods(
    touches: Sequence[Touch], group: str, min_s: float, since: float, until: float
) -> list[dict[str, object]]:
    """Return the idle periods in [since, until), which lies in the past, by LAG over touches."""
    touches = sorted(touches, key=lambda touch: touch.at)
    found = []
    for before, after in pairwise([*touches, None]):
        resumed = float("inf") if after is None else after.at
        if resumed - before.at < min_s or before.at >= until or resumed <= since:
            continue
        ended = min(resumed, until)
        waited = ended - before.at
        found.append({
            "group": group,
            "started_at": iso(max(before.at, since)),
            "ended_at": iso(ended),
            "idle_s": ended - max(before.at, since),
            "cut_start": before.at < since,
            "cut_end": resumed > until,
            "open": after is None,
            "tier": 1 + (waited >= 300) + (waited >= 900) + (waited >= 2700),
            "last_command": before.command,
            "first_command": after.command if after and resumed <= until else None,
            "since": iso(since),
            "until": iso(until),
        })  # fmt: skip
    return found


def brute_figures(
    touches: Sequence[Touch], min_s: float, whole: tuple[float, float], part: tuple[float, float]
) -> dict[str, object]:
    """Return the figures of a part of the range."""
    since, until = part
    lengths = sorted(
        min(seconds(str(one["ended_at"])), until) - max(seconds(str(one["started_at"])), since)
        for one in brute_periods(touches, "", min_s, *whole)
    )
    lengths = [length for length in lengths if length > 0]
    seen = min(max(min(touch.at for touch in touches), since), until)
    return {
        "since": iso(since),
        "until": iso(until),
        "active_s": until - seen - sum(lengths),
        "idle_s": sum(lengths),
        "idle_share": sum(lengths) / (until - seen) if until > seen else None,
        "periods": len(lengths),
        "median_s": percentile(lengths, 0.5),
        "p95_s": percentile(lengths, 0.95),
        "longest_s": lengths[-1] if lengths else None,
        "unseen_s": seen - since,
    }


def percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = ordered[int(place)]
    return below + (place % 1) * (ordered[min(int(place) + 1, len(ordered) - 1)] - below)


def by_group(touches: Sequence[Touch], by: str | None) -> dict[str, list[Touch]]:
    groups: dict[str, list[Touch]] = {}
    for touch in touches:
        groups.setdefault(touch.actor if by == "actor" else "", []).append(touch)
    return dict(sorted(groups.items()))


def same(shown: dict[str, object], expected: dict[str, object]) -> bool:
    """Compare whole records; floats but for the last digits."""
    return shown.keys() == expected.keys() and all(
        shown[name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value)
        for name, value in expected.items()
    )


QUESTIONS = [
    ([], None, "5m", FIRST, "2026-03-06T00:00:00Z", ""),
    ([], None, "1m", "2026-02-28T00:00:00Z", "2026-03-02T12:30:00Z", ""),
    ([], "actor", "15m", "2026-02-27T16:00:00Z", "2026-03-03T03:12:00Z", ""),
    (["--actor", "gastown/crew/*"], "actor", "5m", "2026-02-20T00:00:00Z", LAST, "gastown/crew/"),
    (["--actor", "mayor"], None, "2h", "2026-02-26T16:00:00Z", "2026-03-04T00:00:00Z", "mayor"),
    ([], None, "20s", "2026-02-26T20:00:00Z", "2026-02-27T20:00:00Z", ""),
    ([], "actor", "1s", "2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z", ""),
    (["--actor", "dog"], None, "59.5s", FIRST, "2026-03-06T00:00:00Z", "dog"),
    ([], "town", "30m", "2026-02-26T00:00:00Z", "2026-02-27T00:00:00Z", ""),
]


def arguments(question: tuple) -> list[str]:
    more, by, least, since, until, _ = question
    group = ["--by", by] if by else []
    return ["idle", "--min", least, "--since", since, "--until", until, *group, *more]


def least_s(question: tuple) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)(.)", question[2]).groups()
    return float(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def chosen(question: tuple) -> dict[str, list[Touch]]:
    return by_group([one for one in read_trace() if one.actor.startswith(question[5])], question[1])


# --- the trace ------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS)
def test_periods_of_the_trace(run: Run, trace: Path, question: tuple) -> None:
    """The idle periods are those that the raw lines of the trace show, in every field."""
    since, until = seconds(question[3]), seconds(question[4])
    expected = [
        period
        for name, touches in chosen(question).items()
        for period in brute_periods(touches, name, least_s(question), since, until)
    ]
    expected.sort(key=lambda one: (one["started_at"], one["group"]))
    done = run(*arguments(question), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    shown.sort(key=lambda one: (one["started_at"], one["group"]))
    assert shown == expected
    assert all(list(one) == PERIOD for one in json.loads(done.stdout))
    newest = json.loads(run(*arguments(question), "--json", "-n", "3").stdout)
    starts = [one["started_at"] for one in json.loads(done.stdout)]
    assert starts == sorted(starts)
    assert newest == json.loads(done.stdout)[-3:]


@pytest.mark.parametrize("question", QUESTIONS)
def test_summary_of_the_trace(run: Run, trace: Path, question: tuple) -> None:
    """So are the figures of the whole range."""
    whole = (seconds(question[3]), seconds(question[4]))
    expected = [
        {"group": name, **brute_figures(touches, least_s(question), whole, whole)}
        for name, touches in chosen(question).items()
    ]
    shown = json.loads(run(*arguments(question), "--summary", "--json").stdout)
    assert len(shown) == len(expected)
    for one, other in zip(shown, expected, strict=True):
        assert list(one) == ["group", *FIGURES]
        assert same(one, other)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("question", [QUESTIONS[0], QUESTIONS[1], QUESTIONS[3], QUESTIONS[5]])
def test_days_of_the_trace(run: Run, trace: Path, question: tuple, zone: str) -> None:
    """So are the figures day by day, of any zone's days; the edges may be parts of days."""
    whole = (seconds(question[3]), seconds(question[4]))
    days = [date(2026, 2, 19) + timedelta(days=number) for number in range(18)]
    midnights = [datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)).timestamp() for d in days]
    expected = []
    for day, (start, end) in zip(days, pairwise([*midnights, whole[1]]), strict=True):
        part = (max(start, whole[0]), min(end, whole[1]))
        if part[0] >= part[1]:
            continue
        for name, touches in chosen(question).items():
            figures = brute_figures(touches, least_s(question), whole, part)
            expected.append({"day": str(day), "tz": zone, "group": name, **figures})
    shown = json.loads(run(*arguments(question), "--daily", "--tz", zone, "--json").stdout)
    assert len(shown) == len(expected)
    for one, other in zip(shown, expected, strict=True):
        assert list(one) == ["day", "tz", "group", *FIGURES]
        assert same(one, other)


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        ([], PERIOD),
        (["--summary"], ["group", *FIGURES]),
        (["--daily"], ["day", "tz", "group", *FIGURES]),
    ],
)
def test_formats_agree(run: Run, trace: Path, view: list[str], columns: list[str]) -> None:
    """Each format has the same rows, all of them, with the same names."""
    command = ("idle", "--until", "2026-03-06", "--by", "actor", *view)
    rows = json.loads(run(*command, "--json").stdout)
    assert len(rows) > 50 or view == ["--summary"]
    assert [json.loads(line) for line in run(*command, "--nl").stdout.splitlines()] == rows
    texts = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    as_csv = csv.reader(run(*command, "--csv").stdout.splitlines())
    assert list(as_csv) == [columns, *texts]
    as_tsv = csv.reader(run(*command, "--tsv").stdout.splitlines(), "excel-tab")
    assert list(as_tsv) == [columns, *texts]


def test_the_default_range(run: Run, trace: Path) -> None:
    """Without a range it is from the first touch until now, and so is `--since all`."""
    before = time.time()
    for more in ([], ["--since", "all"]):
        *_, last = rows = json.loads(run("idle", "--json", *more).stdout)
        assert rows[0]["since"] == FIRST
        assert before - 1 < seconds(last["until"][:19] + "Z") < before + 60
        assert (last["started_at"], last["ended_at"]) == (LAST, last["until"])
        assert (last["open"], last["cut_end"], last["first_command"]) == (True, False, None)
    # What has not happened yet is in no report.
    future = json.loads(run("idle", "--json", "--until", "2200-01-01").stdout)[-1]
    assert before - 1 < seconds(future["until"][:19] + "Z") < before + 60


# --- tables ---------------------------------------------------------------------------------


def noon(minutes: float) -> int:
    return int(seconds("2026-03-01T12:00:00Z") + minutes * 60) * NS


def test_table(run: Run, home: Path) -> None:
    """A line for each idle period with its marks, then the figures, under the range."""
    insert([(noon(0), "gt a"), (noon(10), "gt b"), (noon(13), "gt c"), (noon(33), "gt d")])
    done = run("idle", "--since", "2026-03-01T12:05", "--until", "2026-03-01T13:20")
    assert (done.returncode, done.stderr) == (0, "")
    # fmt: off
    assert done.stdout == (
        "idle periods of 5m and more, 2026-03-01 12:05:00 to 2026-03-01 13:20:00 (UTC)\n"
        "\n"
        "started              ended                idle  tier                   last command before  first after\n"  # noqa: E501
        "2026-03-01 12:05:00  2026-03-01 12:10:00    5m  2 (10m)  began before  gt a                 gt b\n"  # noqa: E501
        "2026-03-01 12:13:00  2026-03-01 12:33:00   20m  3 (30m)                gt c                 gt d\n"  # noqa: E501
        "2026-03-01 12:33:00  2026-03-01 13:20:00   47m  4 (1h)   goes on       gt d\n"
        "\n"
        "              active    idle  idle %  periods  median     95 %  longest\n"
        "all together      3m  1h 12m    96.0        3     20m  44m 18s      47m\n"
    )
    # fmt: on


def test_table_by(run: Run, home: Path) -> None:
    """Grouped, each line says whose it is; what is still open is marked so."""
    insert([(noon(0), "gt a"), (noon(10), "gt b")], actor="mayor")
    insert([(noon(5), "gt c")], actor="nux")
    lines = run("idle", "--by", "actor", "--policy", "tiers:1m=2m,8m=9m,7h").stdout.splitlines()
    assert lines[0].startswith("idle periods of 5m and more, 2026-03-01 12:00:00 to 20")
    started = [line[:19] for line in lines[3:6]]
    assert started == ["2026-03-01 12:00:00", "2026-03-01 12:05:00", "2026-03-01 12:10:00"]
    assert [line[21:40].strip() for line in lines[3:6]] == ["2026-03-01 12:10:00", "open", "open"]
    assert [line.split()[-3:] for line in lines[3:4]] == [["a", "gt", "b"]]
    assert re.search(r"  3 \(7h\) +mayor  gt a +gt b$", lines[3])
    assert re.search(r"  3 \(7h\) +nux    gt c$", lines[4])
    assert [line.split()[0] for line in lines[-2:]] == ["mayor", "nux"]


def test_both_ends_cut(run: Run, home: Path) -> None:
    """A range within one idle period shows it with both marks, by its whole length's tier."""
    insert([(noon(0), "gt a"), (noon(60), "gt b")])
    asked = ("idle", "--since", "2026-03-01T12:50", "--until", "2026-03-01T12:50:30")
    assert json.loads(run(*asked, "--json").stdout) == [
        {
            "group": "",
            "started_at": "2026-03-01T12:50:00Z",
            "ended_at": "2026-03-01T12:50:30Z",
            "idle_s": 30.0,
            "cut_start": True,
            "cut_end": True,
            "open": False,
            "tier": 4,
            "last_command": "gt a",
            "first_command": None,
            "since": "2026-03-01T12:50:00Z",
            "until": "2026-03-01T12:50:30Z",
        }
    ]
    assert "  4 (1h)  began before, goes on  gt a\n" in run(*asked).stdout
    assert json.loads(run(*asked, "--json", "--min", "61m").stdout) == []


def test_limit(run: Run, trace: Path) -> None:
    """A table shows the newest 50 unless told otherwise, and says what it left out."""
    command = ("idle", "--until", "2026-03-06", "--min", "1m")
    every = json.loads(run(*command, "--json").stdout)
    lines = run(*command).stdout.splitlines()
    assert len(lines) == 3 + 50 + 1 + 3
    assert lines[53] == f"and {len(every) - 50} earlier ones: -n 0 shows all"
    lines = run(*command, "-n", str(len(every) - 1)).stdout.splitlines()
    assert lines[-4] == "and 1 earlier one: -n 0 shows all"
    lines = run(*command, "-n0").stdout.splitlines()
    assert len(lines) == 3 + len(every) + 3
    assert [line[:19] for line in lines[3:-3]] == [
        one["started_at"].replace("T", " ")[:19] for one in every
    ]
    assert json.loads(run(*command, "-n", "0", "--json").stdout) == every
    last = run(*command, "-n", "1").stdout.splitlines()
    assert last[-1] == lines[-1]  # the figures count all


def test_summary_and_daily_tables(run: Run, home: Path) -> None:
    """The figures alone, and day by day; what came before the first touch is told."""
    insert([(noon(0), "gt"), (noon(1), "gt"), (noon(60 * 24), "gt"), (noon(60 * 24 + 2), "gt")])
    asked = ("idle", "--since", "2026-02-28", "--until", "2026-03-03", "--tz", "UTC")
    head = "idle periods of 5m and more, 2026-02-28 00:00:00 to 2026-03-03 00:00:00 (UTC)\n\n"
    foot = "\nnothing is known of the time before 2026-03-01 12:00:00, the first touch\n"
    assert run(*asked, "--summary").stdout == (
        f"{head}"
        "              active    idle  idle %  periods   median     95 %  longest\n"
        "all together      3m  1d 11h    99.9        2  17h 58m  23h 22m  23h 59m\n"
        f"{foot}"
    )
    assert run(*asked, "--daily").stdout == (
        f"{head}"
        "day         active     idle  idle %  periods   median     95 %  longest\n"
        "2026-02-28    0.0s     0.0s                0\n"
        "2026-03-01      1m  11h 59m    99.9        1  11h 59m  11h 59m  11h 59m\n"
        "2026-03-02      2m  23h 58m    99.9        2  11h 59m  11h 59m      12h\n"
        f"{foot}"
    )


def test_a_range_before_the_first_touch(run: Run, home: Path) -> None:
    """A report on a time of which nothing is known says so, and claims no idle time."""
    insert([(noon(0), "gt")])
    asked = ("idle", "--since", "2026-02-01", "--until", "2026-02-02")
    (figures,) = json.loads(run(*asked, "--summary", "--json").stdout)
    assert (figures["unseen_s"], figures["active_s"], figures["idle_s"]) == (86_400, 0, 0)
    assert json.loads(run(*asked, "--json").stdout) == []
    assert run(*asked).stdout.endswith(
        "\nnothing is known of the time before 2026-03-01 12:00:00, the first touch\n"
    )


def test_touches_from_the_future(run: Run, home: Path) -> None:
    """Touches of clocks that were ahead end no idle period."""
    now = time.time_ns()
    insert([(now - 3600 * NS, "gt"), (now + 3600 * NS, "gt ahead")])
    (one,) = json.loads(run("idle", "--json").stdout)
    assert (one["open"], one["last_command"], one["first_command"]) == (True, "gt", None)
    assert 3600 <= one["idle_s"] < 3660


@pytest.mark.parametrize(
    ("zone", "day", "hours", "words"),
    [
        ("Europe/Riga", "2025-03-30", 23, "23h"),
        ("Europe/Riga", "2025-10-26", 25, "1d 1h"),
        ("America/New_York", "2025-03-09", 23, "23h"),
        ("America/New_York", "2025-11-02", 25, "1d 1h"),
    ],
)
def test_days_when_clocks_change(run: Run, zone: str, day: str, hours: int, words: str) -> None:
    """A day is from midnight to midnight of the zone: of 23 and 25 hours when clocks change."""
    here = ZoneInfo(zone)
    days = [date.fromisoformat(day) + timedelta(days=number) for number in range(-1, 3)]
    midnights = [datetime(d.year, d.month, d.day, tzinfo=here).timestamp() for d in days]
    # The night before, and ten minutes of work on the evening of the day itself.
    work = midnights[2] - 7200
    ats = [midnights[0] - 3600, *(work + 60 * number for number in range(11))]
    insert([(int(at) * NS, "gt") for at in ats])
    asked = ("idle", "--daily", "--since", str(days[0]), "--until", str(days[3]), "--tz", zone)
    rows = json.loads(run(*asked, "--json").stdout)
    assert [(row["day"], row["since"], row["until"]) for row in rows] == [
        (str(one), iso(start), iso(end))
        for one, (start, end) in zip(days, pairwise(midnights), strict=False)
    ]
    assert [(row["active_s"], row["idle_s"], row["periods"]) for row in rows] == [
        (0, 86_400, 1),
        (600, hours * 3600 - 600, 2),
        (0, 86_400, 1),
    ]
    # As --tz says, so does TZ; and the day itself from midnight to midnight.
    assert json.loads(run(*asked[:-2], "--json", env={"TZ": zone}).stdout) == rows
    lines = run(*asked).stdout.splitlines()
    assert [line.split()[0] for line in lines[3:6]] == [str(one) for one in days[:3]]
    night = ("idle", "--since", day, "--until", str(days[2]), "--tz", zone, "--actor", "nobody")
    insert([(int(midnights[0]) * NS, "gt")], actor="nobody")
    figures = run(*night, "--summary").stdout.splitlines()[3]
    assert re.fullmatch(
        rf"all together +0\.0s +{words} +100\.0 +1 +{words} +{words} +{words}", figures
    )


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("view", [[], ["--by", "actor"], ["--summary", "--by", "actor"]])
def test_tables_fit_the_terminal(trace: Path, view: list[str], columns: int) -> None:
    """On a terminal no line is wider than it, down to 80 columns, though names be long."""
    insert(
        [(noon(0), "git commit -m 'ein langer Kommentar'" * 3)],
        actor="gastown/polecats/with-a-rather-long-name-indeed",
    )
    screen = on_terminal("idle", "--until", "2026-03-06", *view, columns=columns).splitlines()
    assert [line for line in screen if terminal.width(line) > columns] == []


def test_control_characters_are_escaped(run: Run, home: Path) -> None:
    """No recorded text steers the terminal of whoever reads a report."""
    insert([(noon(0), "gt \x1b[2J\x07\nbd\u202e"), (noon(9), "\x9bgt")], actor="\x1b[31mred")
    asked = ["idle", "--until", "2026-03-02", "--by", "actor"]
    shown = run(*asked).stdout
    assert re.search(r"  \\x1b\[31mred  gt \\x1b\[2J\\x07\\nbd\\u202e +\\x9bgt\n", shown)
    views = [[], ["--summary"], ["--daily"], ["--json"], ["--csv"], ["--tsv"], ["--nl"]]
    for view in [*views, ["--chart"], ["--daily", "--csv"]]:
        screen = on_terminal(*asked, *view, columns=120, NO_COLOR="1")
        assert screen
        assert not {c for c in screen if ord(c) < 32 or 0x7F <= ord(c) < 0xA0} - {"\n", "\t"}
        assert "\u202e" not in screen


# --- charts ---------------------------------------------------------------------------------

CHART = ("idle", "--since", FIRST, "--until", "2026-03-06", "--chart")


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("by", [[], ["--by", "actor"]])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_chart_on_a_terminal(trace: Path, columns: int, by: list[str], encoding: str) -> None:
    """A timeline with a row a group, the lengths, and the week; as wide as the terminal at most."""
    screen = on_terminal(*CHART, *by, columns=columns, PYTHONIOENCODING=encoding, NO_COLOR="1")
    charts, figures = screen.rsplit("\n\n", 1)
    lines = charts.splitlines()
    assert [line for line in lines[1:] if terminal.width(line) > columns] == []
    assert charts.isascii() == (encoding == "ascii")
    assert "\\u" not in screen
    lengths = lines.index("idle periods by length")
    actors = sorted({touch.actor for touch in read_trace()}) if by else [""]
    assert len(actors) == (31 if by else 1)
    if by and columns > 100:
        assert [line.split()[0] for line in lines[2:33]] == actors
    assert "when it is active, by weekday and hour (UTC)" in lines
    week = lines[lines.index("when it is active, by weekday and hour (UTC)") :]
    assert [line.split()[0] for line in week[2:9]] == [
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
    ]
    # The lengths are those of all together, whatever the groups.
    all_periods = brute_periods(
        read_trace(), "", 300, seconds(FIRST), seconds("2026-03-06T00:00:00Z")
    )
    rows = [line.split() for line in lines[lengths + 2 : lines.index("", lengths)]]
    assert sum(int(row[1].replace(",", "")) for row in rows) == len(all_periods)
    assert len(figures.splitlines()) == 1 + len(actors)


def test_chart_in_a_pipe(run: Run, trace: Path) -> None:
    """In a pipe it is drawn as well: 100 columns wide, in ASCII where the encoding is no UTF-8."""
    utf8 = run(*CHART, env={"PYTHONIOENCODING": "utf-8"})
    assert (utf8.returncode, utf8.stderr) == (0, "")
    assert not utf8.stdout.isascii()
    for encoding in ("ascii", "latin-1"):
        done = run(*CHART, env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()
        assert "\\" not in done.stdout
        assert len(done.stdout.splitlines()) == len(utf8.stdout.splitlines())
        assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in utf8.stdout


# --- what is refused ------------------------------------------------------------------------

ONE_OF_THREE = "--summary, --daily and --chart are one of three, and --chart goes with no format."


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--chart", "--json"], ONE_OF_THREE),
        (["--chart", "--csv"], ONE_OF_THREE),
        (["--chart", "--daily"], ONE_OF_THREE),
        (["--summary", "--daily"], ONE_OF_THREE),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "the range is empty"),
        (["--since", "2026-03-01", "--until", "2026-03-01"], "the range is empty"),
        (["--since", "2200-01-01"], "the range is empty"),
        (["--min", "0s"], "an idle period must have a length"),
        (["--min", "soon"], "'soon' is not a duration that I can read"),
        (["--tz", "Mars"], "there is no time zone 'Mars'"),
        (["--since", "soon"], "'soon' is not a time that I can read"),
        (["--by", "command"], "'command' is not one of"),
        (["-n", "-1"], "Invalid value for '-n' / '--limit'"),
        (["--policy", "fixed:0s"], "'0s' is less than a second"),
        (["--grep", "x"], "No such option"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], complaint: str) -> None:
    """What makes no sense ends with 2, and with words on standard error."""
    insert([(noon(0), "gt")])
    done = run("idle", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("keepalive: ")
    assert complaint in done.stderr.splitlines()[0]
    assert done.stderr.count("\n") <= 2


def test_nothing_matches(run: Run, trace: Path) -> None:
    """Where no stream matches that is said on standard error; programs get no idle period."""
    for more in ([], ["--summary"], ["--daily"], ["--chart"], ["--by", "actor"]):
        done = run("idle", "--actor", "nobody", *more)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "No stream matches, or none of them has a touch.\n"
    assert run("idle", "--actor", "nobody", "--json").stdout == "[]\n"
    assert run("idle", "--actor", "nobody", "--nl").stdout == ""
    assert run("idle", "--actor", "nobody", "--csv").stdout == ",".join(PERIOD) + "\n"
    assert run("idle", "--actor", "nobody", "--summary", "--by", "actor", "--json").stdout == "[]\n"
