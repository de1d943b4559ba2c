"""``keepalive backoff``: real processes, against an event-by-event replay of the raw trace."""

import csv
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import ceil, inf
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest
from conftest import Run
from test_cli_history import insert, on_terminal, trace
from test_cli_idle import iso, noon, percentile, read_trace, seconds

from ledger import terminal

__all__ = ["trace"]  # a fixture

FIRST, END = "2026-02-26T15:13:23Z", "2026-03-06T00:00:00Z"
RANGE = ("--since", FIRST, "--until", END)
PRESETS = [
    "gastown", "fixed:5m", "fixed:10m", "exp:60s,x1.5,10m", "exp:30s,x2,5m", "exp:30s,x2,15m",
]  # fmt: skip
FIELDS = [
    "policy", "since", "until", "mode", "phase_s", "min_idle_s", "heartbeats", "per_day",
    "wasted", "wasted_per_day", "base_s", "longest_interval_s", "saved", "saved_share",
    "resumptions", "reaction_median_s", "reaction_p95_s", "reaction_max_s", "silences",
    "unnoticed", "noticed_median_s", "noticed_p95_s", "noticed_max_s", "cost", "wasted_cost",
    "saved_cost", "stale_after_s", "reaches_stale", "tiers", "averaged",
]  # fmt: skip


# --- an independent replay ------------------------------------------------------------------


class Rule(NamedTuple):
    """A policy in seconds, written down by hand."""

    intervals: Sequence[float]
    boundaries: Sequence[float] = ()
    by_cycles: bool = False


RULES = {
    "gastown": Rule([300, 600, 1800, 3600], [300, 900, 2700]),
    "fixed:5m": Rule([300]),
    "fixed:10m": Rule([600]),
    "fixed:7s": Rule([7]),
    "exp:60s,x1.5,10m": Rule([60, 90, 135, 202.5, 303.75, 455.625, 600], by_cycles=True),
    "exp:30s,x2,5m": Rule([30, 60, 120, 240, 300], by_cycles=True),
    "exp:30s,x2,15m": Rule([30, 60, 120, 240, 480, 900], by_cycles=True),
    "exp:10s,x3,2m": Rule([10, 30, 90, 120], by_cycles=True),
    "tiers:30s=20s,2m=60s,10m=45s,7m": Rule([20, 60, 45, 420], [30, 120, 600]),
}


class Replayed(NamedTuple):
    tiers: Sequence[int]
    wasted: int
    reactions: Sequence[float]
    noticed: Sequence[float]
    silences: int


def replay(  # noqa: PLR0913, PLR0917 - what the definition speaks of
    rule: Rule, touches: Sequence[float], first: float, until: float, mode: str, min_s: float
) -> Replayed:
    """Fire heartbeat by heartbeat, as the definition in `ledger.replay` reads."""
    fired, tiers, wasted, cycles = [], [0] * len(rule.intervals), 0, 0
    at, before = first, None
    while at < until:
        known = bisect_right(touches, at)
        touched = before is not None and known > bisect_right(touches, before)
        in_vain = before is not None and not touched
        if known == 0:
            tier = 0
        elif rule.by_cycles:
            cycles = cycles + 1 if in_vain else 0
            tier = min(cycles, len(rule.intervals) - 1)
        else:
            tier = sum(at - touches[known - 1] >= boundary for boundary in rule.boundaries)
        fired.append(at)
        tiers[tier] += 1
        wasted += in_vain
        following = at + rule.intervals[tier]
        if mode == "reset-on-activity" and known < len(touches) and touches[known] < following:
            following = min(following, touches[known] + rule.intervals[0])
        before, at = at, following
    gaps = [(one, other) for one, other in pairwise([*touches, inf]) if other - one >= min_s]
    resumed = [other for _, other in gaps if first <= other < until]
    reactions = [[*fired, at][bisect_left(fired, other)] - other for other in resumed]
    silent = [
        (one, other)
        for one, other in gaps
        if first <= one < until and min(other, until) - one >= min_s
    ]
    found = [(one, other, bisect_left(fired, one + min_s)) for one, other in silent]
    noticed = [
        fired[place] - one
        for one, other, place in found
        if place < len(fired) and fired[place] < other
    ]
    return Replayed(tiers, wasted, sorted(reactions), sorted(noticed), len(silent))


def late(name: str, ordered: Sequence[float]) -> dict[str, float | None]:
    most = ordered[-1] if ordered else None
    values = (percentile(ordered, 0.5), percentile(ordered, 0.95), most)
    return dict(zip((f"{name}_median_s", f"{name}_p95_s", f"{name}_max_s"), values, strict=True))


def brute(  # noqa: PLR0913 - the options
    policy: str,
    actor: str = "",
    since: str = FIRST,
    until: str = END,
    *,
    mode: str = "armed",
    phase_s: float | None = None,
    min_s: float = 300,
    cost: float | None = None,
) -> dict[str, object]:
    """Return what ``backoff --json`` is to say of the trace."""
    rule = RULES[policy]
    touches = [touch.at for touch in read_trace() if touch.actor.startswith(actor)]
    start, end = seconds(since), seconds(until)
    if touches and touches[0] < end:  # before the first touch nothing is known
        start = max(start, touches[0])
    first = start + (phase_s or 0)
    one = replay(rule, touches, first, end, mode, min_s)
    heartbeats, days = sum(one.tiers), (end - first) / 86_400
    base = ceil((end - first) / rule.intervals[0])
    starts = [0, *(accumulate(rule.intervals[:-1]) if rule.by_cycles else rule.boundaries)]
    times = [0.0] * len(starts)
    for last, resumed in pairwise([*touches, inf]):
        for tier, (low, high) in enumerate(pairwise([*starts, inf])):
            inside = min(last + high, resumed, end) - max(last + low, start)
            times[tier] += max(inside, 0)
    times[0] += max(min(touches[0], end) - start, 0)
    averaged = None
    if phase_s is None and len(one.reactions) < 20:
        longest = max(rule.intervals)
        phases = [first + longest * number / 8 for number in range(8)]
        runs = [replay(rule, touches, phase, end, mode, min_s) for phase in phases]
        lengths = [(end - phase) / 86_400 for phase in phases]
        pairs = list(zip(runs, lengths, strict=True))
        averaged = {
            "phases": 8,
            "heartbeats": fmean(sum(run.tiers) for run in runs),
            "per_day": fmean(sum(run.tiers) / length for run, length in pairs),
            "wasted": fmean(run.wasted for run in runs),
            "wasted_per_day": fmean(run.wasted / length for run, length in pairs),
            **late("reaction", sorted(r for run in runs for r in run.reactions)),
            **late("noticed", sorted(n for run in runs for n in run.noticed)),
        }
    return {
        "policy": policy,
        "since": iso(start),
        "until": iso(end),
        "mode": mode,
        "phase_s": phase_s or 0,
        "min_idle_s": min_s,
        "heartbeats": heartbeats,
        "per_day": heartbeats / days,
        "wasted": one.wasted,
        "wasted_per_day": one.wasted / days,
        "base_s": rule.intervals[0],
        "longest_interval_s": max(rule.intervals),
        "saved": base - heartbeats,
        "saved_share": (base - heartbeats) / base,
        "resumptions": len(one.reactions),
        **late("reaction", one.reactions),
        "silences": one.silences,
        "unnoticed": one.silences - len(one.noticed),
        **late("noticed", one.noticed),
        "cost": None if cost is None else heartbeats * cost,
        "wasted_cost": None if cost is None else one.wasted * cost,
        "saved_cost": None if cost is None else (base - heartbeats) * cost,
        "stale_after_s": 1200,
        "reaches_stale": max(rule.intervals) >= 1200,
        "tiers": [
            {
                "tier": number,
                "from_s": start,
                "interval_s": interval,
                "time_s": time,
                "heartbeats": beats,
            }
            for number, (start, interval, time, beats) in enumerate(
                zip(starts, rule.intervals, times, one.tiers, strict=True), 1
            )
        ],
        "averaged": averaged,
    }


def same(shown: object, expected: object) -> bool:
    """Compare whole values; floats but for the last digits."""
    if isinstance(expected, dict):
        return (
            isinstance(shown, dict)
            and list(shown) == list(expected)
            and all(same(shown[name], value) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(shown, list)
            and len(shown) == len(expected)
            and all(map(same, shown, expected))
        )
    if isinstance(expected, float):
        return shown == pytest.approx(expected, rel=1e-9, abs=1e-6)
    return shown == expected


# --- one policy -----------------------------------------------------------------------------

NIGHT = ("2026-03-02T18:00:00Z", "2026-03-04T06:00:00Z")
FRIDAY = ("2026-02-27T17:30:00Z", "2026-02-28T05:00:00Z")
QUESTIONS = [
    *({"policy": policy} for policy in PRESETS),
    *({"policy": policy, "mode": "reset-on-activity"} for policy in PRESETS),
    {"policy": "gastown", "phase_s": 200},
    {"policy": "gastown", "actor": "mayor", "min_s": 900, "cost": 0.02},
    {"policy": "gastown", "since": "2026-02-20T00:00:00Z", "until": "2026-02-27T00:00:00Z"},
    {"policy": "gastown", "since": NIGHT[0], "until": NIGHT[1]},
    {"policy": "gastown", "since": NIGHT[0], "until": NIGHT[1], "mode": "reset-on-activity"},
    {"policy": "exp:30s,x2,15m", "actor": "dog", "cost": 1.5},
    {"policy": "exp:30s,x2,15m", "actor": "dog", "mode": "reset-on-activity", "phase_s": 0},
    {"policy": "exp:10s,x3,2m", "since": FRIDAY[0], "until": FRIDAY[1], "min_s": 10},
    {"policy": "exp:10s,x3,2m", "since": FRIDAY[0], "until": FRIDAY[1], "phase_s": 7},
    {"policy": "fixed:7s", "since": FRIDAY[0], "until": FRIDAY[1], "min_s": 45},
    {"policy": "fixed:7s", "since": FRIDAY[0], "until": FRIDAY[1], "mode": "reset-on-activity"},
    {"policy": "tiers:30s=20s,2m=60s,10m=45s,7m", "min_s": 60},
    {"policy": "tiers:30s=20s,2m=60s,10m=45s,7m", "mode": "reset-on-activity", "phase_s": 11},
    {"policy": "tiers:30s=20s,2m=60s,10m=45s,7m", "actor": "gastown/refinery", "min_s": 30},
]


def arguments(question: dict) -> list[str]:
    options = {
        "policy": "--policy {}",
        "actor": "--actor {}",
        "since": "--since {}",
        "until": "--until {}",
        "mode": "--mode {}",
        "phase_s": "--phase {}s",
        "min_s": "--min {}s",
        "cost": "--cost-per-heartbeat {}",
    }
    given = {"since": FIRST, "until": END, **question}
    return [word for name, value in given.items() for word in options[name].format(value).split()]


@pytest.mark.parametrize("question", QUESTIONS)
def test_replay_of_the_trace(run: Run, trace: Path, question: dict) -> None:
    """Each field is what firing heartbeat by heartbeat over the raw lines comes to."""
    done = run("backoff", *arguments(question), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown, expected = json.loads(done.stdout), brute(**question)
    assert list(shown) == FIELDS
    assert {name: shown[name] for name in FIELDS if not same(shown[name], expected[name])} == {}


def test_averages_where_one_phase_would_mislead(run: Run, trace: Path) -> None:
    """Below 20 resumptions, averages over several phases are told, unless a phase was asked for."""
    night = ("backoff", "--since", NIGHT[0], "--until", NIGHT[1])
    record = json.loads(run(*night, "--json").stdout)
    resumed = record["resumptions"]
    assert 1 < resumed < 20
    assert (
        f"\naverages over 8 phases: work resumed only {resumed} times, so one phase would mislead\n"
        f"  heartbeats {record['averaged']['per_day']:.1f} a day, "
    ) in run(*night).stdout
    for more in (["--phase", "0s"], ["--phase", "2m"]):
        assert json.loads(run(*night, *more, "--json").stdout)["averaged"] is None
        assert "averages" not in run(*night, *more).stdout
    assert json.loads(run("backoff", *RANGE, "--json").stdout)["averaged"] is None
    assert "averages" not in run("backoff", *RANGE).stdout


def hour(run: Run, *more: str) -> str:
    """Return the report of an hour in which two touches lie 20 minutes apart."""
    insert([(noon(0), "gt"), (noon(20), "gt")])
    asked = ("--since", "2026-03-01T12:00", "--until", "2026-03-01T13:00")
    done = run("backoff", *asked, *more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_table(run: Run, home: Path) -> None:
    """A small hour, worked by hand: heartbeats at 12:00, :07, :14, :21 and so on."""
    arguments = ("--policy", "fixed:7m", "--phase", "0s", "--cost-per-heartbeat", "0.5")
    assert hour(run, *arguments) == (
        "fixed:7m (armed), 2026-03-01 12:00:00 to 2026-03-01 13:00:00 (UTC),"
        " first heartbeat at the start\n"
        "\n"
        "            in all  a day  share                  cost\n"
        "heartbeats       9  216.0                         4.50\n"
        "wasted           7  168.0  77.8 %                 3.50\n"
        "saved            0    0.0  0.0 % of one every 7m  0.00\n"
        "\n"
        "               median    95 %  at most\n"
        "reaction           1m      1m       1m  of 1 time that work resumed\n"
        "noticed after  7m 30s  7m 57s       8m  of 2 silences, 0 never noticed\n"
        "\n"
        "tier  idle from  interval  time  time %  heartbeats\n"
        "   1          0        7m    1h   100.0           9\n"
    )


def test_table_of_tiers(run: Run, home: Path) -> None:
    """The same hour by tiers, a heartbeat at 12:02 first; the longest interval is warned of."""
    # 12:02 (idle 2m: 4m), :06 (6m: 10m), :16 (16m: 20m), :36 (16m: 20m), :56 (36m: 20m).
    arguments = ("--policy", "tiers:5m=4m,15m=10m,20m", "--phase", "2m")
    assert hour(run, *arguments) == (
        "tiers:5m=4m,15m=10m,20m (armed), 2026-03-01 12:00:00 to 2026-03-01 13:00:00 (UTC),"
        " first heartbeat 2m after the start\n"
        "\n"
        "            in all  a day  share\n"
        "heartbeats       5  124.1\n"
        "wasted           3   74.5  60.0 %\n"
        "saved           10  248.3  66.7 % of one every 4m\n"
        "\n"
        "               median  95 %  at most\n"
        "reaction          16m   16m      16m  of 1 time that work resumed\n"
        "noticed after     16m   16m      16m  of 1 silence, 0 never noticed\n"
        "\n"
        "tier  idle from  interval  time  time %  heartbeats\n"
        "   1          0        4m   10m    16.7           1\n"
        "   2         5m       10m   20m    33.3           1\n"
        "   3        15m       20m   30m    50.0           3\n"
        "\n"
        "warning: the longest interval, 20m, reaches 20m, when an agent counts as stuck"
        " (--stale-after)\n"
    )


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        (["--policy", "gastown"], True),
        (["--policy", "fixed:20m"], True),
        (["--policy", "fixed:1199s"], False),
        (["--policy", "exp:30s,x2,15m"], False),
        (["--policy", "exp:30s,x2,15m", "--stale-after", "15m"], True),
        (["--policy", "gastown", "--stale-after", "61m"], False),
    ],
)
def test_stale_warning(run: Run, more: list[str], warned: bool) -> None:
    """Where the longest interval reaches --stale-after there is a warning, in each command."""
    insert([(noon(0), "gt")])
    assert ("\nwarning: the longest interval, " in run("backoff", *more).stdout) == warned
    assert json.loads(run("backoff", *more, "--json").stdout)["reaches_stale"] == warned
    assert ("reaches --stale-after" in run("backoff", "compare", *more).stdout) == warned


def test_formats(run: Run, trace: Path) -> None:
    """One object as JSON and as a line; the tables in it have no place in CSV and TSV."""
    asked = ("backoff", *RANGE, "--cost-per-heartbeat", "0.25")
    record = json.loads(run(*asked, "--json").stdout)
    assert json.loads(run(*asked, "--nl").stdout) == record
    names = FIELDS[:-2]
    texts = ["" if record[name] is None else str(record[name]) for name in names]
    assert list(csv.reader(run(*asked, "--csv").stdout.splitlines())) == [names, texts]
    as_tsv = csv.reader(run(*asked, "--tsv").stdout.splitlines(), "excel-tab")
    assert list(as_tsv) == [names, texts]


@pytest.mark.parametrize(
    ("conditions", "status", "told"),
    [
        (["heartbeats>451"], 0, []),
        (["heartbeats>450"], 1, ["heartbeats>450: heartbeats is 451"]),
        (["heartbeats==451"], 1, ["heartbeats==451: heartbeats is 451"]),
        ([" wasted_per_day >= 27 "], 1, [" wasted_per_day >= 27 : wasted_per_day is 27.15"]),
        (["reaction_max_s>=1h"], 0, []),
        (["reaction_max_s>=58m54s"], 1, ["reaction_max_s>=58m54s: reaction_max_s is 3534"]),
        (["reaction_max_s>=3534"], 1, ["reaction_max_s>=3534: reaction_max_s is 3534"]),
        (["reaction_max_s<2m", "silences<2", "unnoticed<1e2"], 1, ["unnoticed<1e2: unnoticed is"]),
        (["wasted>1", "saved<9999"], 1, ["wasted>1: wasted is 200", "saved<9999: saved is 1671"]),
        (["reaches_stale==1"], 1, ["reaches_stale==1: reaches_stale is "]),
        (["saved_share<0.75", "saved_share>.8"], 0, []),
    ],
)
def test_fail_if(
    run: Run, trace: Path, conditions: list[str], status: int, told: list[str]
) -> None:
    """The report is printed all the same; if one of the conditions holds, it ends with 1."""
    options = [word for one in conditions for word in ("--fail-if", one)]
    done = run("backoff", *RANGE, *options)
    assert (done.returncode, done.stdout) == (status, run("backoff", *RANGE).stdout)
    lines = done.stderr.splitlines()
    assert len(lines) == len(told)
    for line, start in zip(lines, told, strict=True):
        assert line.startswith(f"keepalive: {start}")
    done = run("backoff", *RANGE, *options, "--json")
    assert (done.returncode, json.loads(done.stdout)["heartbeats"]) == (status, 451)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--fail-if", "wasted"], "'wasted' is not a condition"),
        (["--fail-if", "waste>1"], "there is no figure 'waste'"),
        (["--fail-if", "policy==gastown"], "there is no figure 'policy'"),
        (["--fail-if", "since>0"], "there is no figure 'since'"),
        (["--fail-if", "tiers>0"], "there is no figure 'tiers'"),
        (["--fail-if", "wasted>many"], "'many' is not a number"),
        (["--fail-if", "wasted>1h"], "'1h' is not a number"),
        (["--fail-if", "wasted>nan"], "'nan' is not a number"),
        (["--fail-if", "cost>0"], "A condition on costs needs --cost-per-heartbeat."),
        (["--fail-if", "reaction_max_s>soon"], "'soon' is not a duration"),
        (["--policy", "often"], "'often' is not a policy that I know"),
        (["--policy", "exp:5m,x2,1m"], "the cap is below the base"),
        (["--mode", "reset"], "'reset' is not one of 'armed', 'reset-on-activity'"),
        (["--min", "0s"], "must be more than nothing"),
        (["--phase", "soon"], "'soon' is not a duration"),
        (["--cost-per-heartbeat", "-1"], "is not a number of zero or more"),
        (["--cost-per-heartbeat", "nan"], "nan"),
        (["--cost-per-heartbeat", "inf"], "inf"),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "the range is empty"),
        (["--grep", "x"], "No such option"),
        (["nosuch"], "No such command 'nosuch'."),
        (["--policy", "fixed:5m", "compare"], "Options go behind compare."),
        (["--json", "tune", "--max-reaction", "5m"], "Options go behind tune."),
        (["--since", "1d", "compare"], "Options go behind compare."),
        (["--min", "5m", "compare"], "Options go behind compare."),
        (["compare", "--chart", "--csv"], "--chart draws for people, and goes with no format."),
        (["compare", "--policy", "fixed"], "'fixed' is not a policy that I know"),
        (["compare", "--fail-if", "wasted>1"], "No such option"),
        (["tune"], "Give one bound: --max-reaction or --max-per-day."),
        (["tune", "--max-reaction", "5m", "--max-per-day", "5"], "Give one bound"),
        (["tune", "--max-reaction", "0s"], "must be more than nothing"),
        (["tune", "--max-per-day", "0"], "must be more than nothing"),
        (["tune", "--max-per-day", "nan"], "nan"),
        (["tune", "--max-per-day", "inf"], "inf"),
        (["tune", "--max-reaction", "5m", "--policy", "gastown"], "No such option"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], complaint: str) -> None:
    """What makes no sense ends with 2, and with words on standard error."""
    insert([(noon(0), "gt")])
    done = run("backoff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("keepalive: ")
    assert complaint in done.stderr.splitlines()[0]
    assert done.stderr.count("\n") <= 2


@pytest.mark.parametrize("ledger", ["empty", "nobody"])
def test_without_touches(run: Run, ledger: str) -> None:
    """Where nothing was recorded, an idle range gets the base and an empty one nothing."""
    insert([] if ledger == "empty" else [(noon(0), "gt")])
    who = ["--actor", "nobody"]
    record = json.loads(run("backoff", *RANGE, *who, "--json").stdout)
    assert (record["heartbeats"], record["wasted"]) == (2122, 2121)
    assert (record["silences"], record["resumptions"], record["reaction_max_s"]) == (0, 0, None)
    for more in ([], ["compare"], ["compare", "--chart"], ["--json"]):
        done = run("backoff", *more, *who)
        assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(run("backoff", *who, "--json").stdout)["heartbeats"] == 0


# --- compare --------------------------------------------------------------------------------

COMPARED = [
    [],
    ["--mode", "reset-on-activity"],
    ["--since", NIGHT[0], "--until", NIGHT[1]],
    ["--actor", "dog", "--cost-per-heartbeat", "0.1"],
]
OWN = ["fixed:1m", "fixed:2m", "fixed:1m", "tiers:30m=1m,20m", "exp:1m,x3,1h", "fixed:1h"]


@pytest.mark.parametrize("more", COMPARED)
@pytest.mark.parametrize("own", [[], OWN])
def test_compare(run: Run, trace: Path, own: list[str], more: list[str]) -> None:
    """Side by side are the same replays as one by one, in the order asked for."""
    asked = [*RANGE, *more]
    policies = [word for text in own for word in ("--policy", text)]
    done = run("backoff", "compare", *policies, *asked, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert [one["policy"] for one in shown] == (own or PRESETS)
    for one in shown:
        assert list(one) == [*FIELDS, "unbeaten"]
        del one["unbeaten"]
    alone = [
        json.loads(run("backoff", "--policy", one["policy"], *asked, "--json").stdout)
        for one in shown
    ]
    assert shown == alone


@pytest.mark.parametrize("more", COMPARED)
@pytest.mark.parametrize("own", [[], OWN])
def test_unbeaten(run: Run, trace: Path, own: list[str], more: list[str]) -> None:
    """Marked are those than which no other is better in one thing and no worse in the other."""
    policies = [word for text in own for word in ("--policy", text)]
    asked = ("backoff", "compare", *policies, *RANGE, *more)
    shown = json.loads(run(*asked, "--json").stdout)
    fair = [one["averaged"] or one for one in shown]
    expected = []
    for one in fair:
        beaten = False
        for other in fair:
            no_worse = (
                other["per_day"] <= one["per_day"]
                and other["reaction_p95_s"] <= one["reaction_p95_s"]
            )
            better = (
                other["per_day"] < one["per_day"] or other["reaction_p95_s"] < one["reaction_p95_s"]
            )
            beaten = beaten or (no_worse and better)
        expected.append(not beaten)
    assert [one["unbeaten"] for one in shown] == expected
    assert any(expected)
    lines = run(*asked).stdout.splitlines()[3 : 3 + len(shown)]
    assert [line.split()[0] for line in lines] == [one["policy"] for one in shown]
    assert ["unbeaten" in line for line in lines] == expected
    assert [line.split()[1] for line in lines] == [f"{one['per_day']:.1f}" for one in fair]


def test_compare_table(run: Run, home: Path) -> None:
    """A line a policy, with what the words mean below."""
    insert([(noon(0), "gt"), (noon(20), "gt")])
    asked = ("--since", "2026-03-01T12:00", "--until", "2026-03-01T13:00", "--phase", "0s")
    own = ("--policy", "fixed:7m", "--policy", "fixed:20m", "--policy", "fixed:9m")
    done = run("backoff", "compare", *own, *asked, "--cost-per-heartbeat", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "policies (armed), 2026-03-01 12:00:00 to 2026-03-01 13:00:00 (UTC),"
        " first heartbeat at the start\n"
        "\n"
        "policy     a day  wasted   cost  reaction  95 %  at most  noticed  longest\n"
        "fixed:7m   216.0   168.0  18.00        1m    1m       1m   7m 30s       7m\n"
        "fixed:20m   72.0    24.0   6.00      0.0s  0.0s     0.0s      20m      20m"
        "  unbeaten, reaches --stale-after\n"
        "fixed:9m   168.0   120.0  14.00        7m    7m       7m       8m       9m\n"
        "\n"
        "a day: heartbeats; wasted: of these, with no touch since the one before; reaction and"
        " noticed: medians\n"
    )


def test_compare_formats(run: Run, trace: Path) -> None:
    """All formats have the same rows."""
    asked = ("backoff", "compare", *RANGE)
    records = json.loads(run(*asked, "--json").stdout)
    assert [json.loads(line) for line in run(*asked, "--nl").stdout.splitlines()] == records
    names = [*FIELDS[:-2], "unbeaten"]
    texts = [["" if one[name] is None else str(one[name]) for name in names] for one in records]
    as_csv = csv.reader(run(*asked, "--csv").stdout.splitlines())
    assert list(as_csv) == [names, *texts]
    as_tsv = csv.reader(run(*asked, "--tsv").stdout.splitlines(), "excel-tab")
    assert list(as_tsv) == [names, *texts]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_compare_chart(run: Run, trace: Path, columns: int, encoding: str) -> None:
    """The picture is as wide as the terminal at most, and names each policy with its figures."""
    asked = ("backoff", "compare", *RANGE, "--chart")
    screen = on_terminal(*asked, columns=columns, PYTHONIOENCODING=encoding, NO_COLOR="1")
    picture = screen[screen.index("\nreaction, 95 %") :]
    assert picture.isascii() == (encoding == "ascii")
    assert "\\u" not in screen
    lines = [line for line in picture.splitlines() if not line.startswith("capitals: ")]
    assert [line for line in lines if terminal.width(line) > columns] == []
    records = json.loads(run("backoff", "compare", *RANGE, "--json").stdout)
    for letter, one in zip("ABCDEF", records, strict=True):
        mark = letter if one["unbeaten"] else letter.lower()
        words = [mark, one["policy"], f"{one['per_day']:.1f}"]
        assert any(line.split()[:3] == words for line in lines)
    piped = run(*asked, env={"PYTHONIOENCODING": encoding})
    assert piped.stdout.isascii() == (encoding == "ascii")


# --- tune -----------------------------------------------------------------------------------


def kept(one: dict, bound: tuple[str, str]) -> bool:
    """Tell whether a replay keeps the bound."""
    if bound[0] == "--max-per-day":
        return one["per_day"] <= float(bound[1])
    return (one["reaction_max_s"] or 0) <= int(bound[1].removesuffix("m")) * 60


BOUNDS = [
    ("--max-reaction", "10m"),
    ("--max-reaction", "45m"),
    ("--max-per-day", "50"),
    ("--max-per-day", "300"),
]


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("mode", ["armed", "reset-on-activity"])
def test_tune(run: Run, trace: Path, bound: tuple[str, str], mode: str) -> None:
    """The policy found goes back into --policy, and keeps the bound where it was searched."""
    asked = ("backoff", "tune", *RANGE, *bound, "--mode", mode)
    done = run(*asked, "--json")
    found = json.loads(done.stdout)
    assert done.stderr == ""
    assert list(found) == ["policy", "candidates", "searched", "checked", "holds", "too_short"]
    searched, checked = found["searched"], found["checked"]
    assert (searched["since"], checked["until"]) == (FIRST, END)
    assert searched["until"] == checked["since"]
    length = seconds(END) - seconds(FIRST)
    assert seconds(searched["until"]) == seconds(FIRST) + length * 3 / 4
    for part in (searched, checked):
        edges = ("--since", part["since"], "--until", part["until"])
        policy = ("--policy", found["policy"], "--mode", mode)
        replayed = json.loads(run("backoff", *policy, *edges, "--json").stdout)
        # Here the averages are always told.
        assert {**part, "averaged": None} == {**replayed, "averaged": None}
        assert replayed["averaged"] is None or replayed["averaged"] == part["averaged"]
    assert kept(searched["averaged"], bound)
    assert found["holds"] == kept(checked["averaged"], bound)
    assert found["too_short"] == (min(searched["resumptions"], checked["resumptions"]) < 20)
    assert done.returncode == (0 if found["holds"] else 1)
    quiet = run(*asked, "--quiet")
    assert (quiet.returncode, quiet.stdout) == (done.returncode, found["policy"] + "\n")


def test_tune_report(run: Run, trace: Path) -> None:
    """The report names the policy, both parts, and that the history is too short to tell."""
    done = run("backoff", "tune", *RANGE, "--max-reaction", "10m")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(run("backoff", "tune", *RANGE, "--max-reaction", "10m", "--json").stdout)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{found['policy']}, the best of {found['candidates']} policies"
    assert lines[3].endswith(" 124  2026-02-26 15:13:23 to 2026-03-04 03:48:20 (UTC)")
    assert lines[4].endswith(" 14  2026-03-04 03:48:20 to 2026-03-06 00:00:00 (UTC)")
    assert lines[6] == (
        "The history is too short to tell: work resumed 124 and 14 times, less than 20 in one part."
    )


def test_tune_that_holds(run: Run, home: Path) -> None:
    """Where the history is long enough and the policy keeps the bound, that is said."""
    insert([(noon(20 * number), "gt") for number in range(200)])
    asked = ("backoff", "tune", "--until", "2026-03-04T06:40", "--max-reaction", "5m")
    done = run(*asked)
    assert done.returncode == 0
    found = json.loads(run(*asked, "--json").stdout)
    assert (found["holds"], found["too_short"]) == (True, False)
    said = "It keeps the bound also in the part that was not searched."
    assert done.stdout.splitlines()[6] == said


def test_tune_that_does_not_hold(run: Run, home: Path) -> None:
    """Where the last quarter is unlike the rest, the policy fails it: exit 1, and it is said."""
    # Six days with three hours of work, then two days of it; each touch resumes work.
    bursts = [noon(1440 * day + 6 * number) for day in range(6) for number in range(30)]
    steady = [noon(1440 * 6 + 6 * number) for number in range(480)]
    insert([(at, "gt") for at in bursts + steady])
    asked = ("backoff", "tune", "--until", "2026-03-09T12:00", "--max-per-day", "120")
    done = run(*asked)
    found = json.loads(run(*asked, "--json").stdout)
    assert (done.returncode, found["holds"], found["too_short"]) == (1, False, False)
    assert found["searched"]["averaged"]["per_day"] <= 120 < found["checked"]["averaged"]["per_day"]
    assert "It does not keep the bound in the part that was not searched." in done.stdout
    assert "It keeps" not in done.stdout
    quiet = run(*asked, "--quiet")
    assert (quiet.returncode, quiet.stdout) == (1, found["policy"] + "\n")


@pytest.mark.parametrize("bound", ["0.001", "0.0000000001"])
def test_tune_without_an_answer(run: Run, trace: Path, bound: str) -> None:
    """Where nothing keeps the bound: exit 1, and --quiet prints nothing that --policy would get."""
    asked = ("backoff", "tune", *RANGE, "--max-per-day", bound)
    done = run(*asked, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {**found, "candidates": 0} == {
        "policy": None,
        "candidates": 0,
        "searched": None,
        "checked": None,
        "holds": False,
        "too_short": False,
    }
    done = run(*asked)
    said = f"none of {found['candidates']} policies keeps the bound\n"
    assert (done.returncode, done.stdout) == (1, said)
    done = run(*asked, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")


def test_progress_bar(trace: Path) -> None:
    """On a terminal a bar shows how far the search is; elsewhere nothing does."""
    screen = on_terminal("backoff", "tune", *RANGE, "--max-reaction", "10m")
    assert "Searching  [" in screen
    assert "100%" in screen
