"""Replays: by hand, and against a daemon that is run event by event over the touches."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import database
from ledger.activity import active_periods
from ledger.instants import NS
from ledger.periods import ActivePeriods, Range, unite
from ledger.policy import GASTOWN, PRESETS, Policy, parse_policy
from ledger.replay import (
    ARMED,
    MODES,
    RESET_ON_ACTIVITY,
    Outcome,
    Schedule,
    Stretch,
    heartbeats,
    replay,
    stretches,
    time_by_tier,
)

MINUTE = 60 * NS
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1

Beat = tuple[int, int, bool]  # when, its tier, whether wasted


def active_of(touches: Sequence[int], policy: Policy, min_ns: int) -> ActivePeriods:
    """Return the active periods that a replay needs: parted by the shortest time that counts."""
    gap_ns = min(policy.shortest_ns, min_ns, MINUTE)
    return unite([(at, at) for at in sorted(touches)], gap_ns)


def minutes(*values: float) -> list[int]:
    return [int(value * MINUTE) for value in values]


# By hand


class Case(NamedTuple):
    """A trace and what becomes of it: all times in minutes, beats as (when, tier)."""

    policy: str
    touches: list[float]
    until: float
    min_idle: float
    mode: str
    beats: list[tuple[float, int]]
    by_tier: list[int]
    wasted: list[float]
    reactions: list[float]
    noticed: list[float]
    unnoticed: int
    since: float = 0
    phase: float = 0


CASES = {
    "one touch, then silence": Case(
        "gastown", [0], 240, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (165, 4), (225, 4)], [1, 1, 1, 4],
        wasted=[5, 15, 45, 105, 165, 225], reactions=[], noticed=[5], unnoticed=0,
    ),
    "work waits for the hour that was armed": Case(
        "gastown", [0, 110], 240, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (165, 4), (225, 4)], [1, 1, 1, 4],
        wasted=[5, 15, 45, 105, 225], reactions=[55], noticed=[5, 55], unnoticed=0,
    ),
    "work does not wait": Case(
        "gastown", [0, 110], 240, 5, RESET_ON_ACTIVITY,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (115, 2), (125, 3), (155, 4), (215, 4)],
        [1, 2, 2, 4],
        wasted=[5, 15, 45, 105, 125, 155, 215], reactions=[5], noticed=[5, 5], unnoticed=0,
    ),
    "never later than it would have been": Case(
        "gastown", [0, 162], 230, 5, RESET_ON_ACTIVITY,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (165, 1), (170, 2), (180, 3), (210, 4)],
        [2, 2, 2, 3],
        wasted=[5, 15, 45, 105, 170, 180, 210], reactions=[3], noticed=[5, 8], unnoticed=0,
    ),
    "only the first touch after a heartbeat re-arms": Case(
        "gastown", [0, 110, 112, 114], 125, 5, RESET_ON_ACTIVITY,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (115, 1), (120, 2)], [2, 2, 1, 2],
        wasted=[5, 15, 45, 105, 120], reactions=[5], noticed=[5, 6], unnoticed=0,
    ),
    "steady work": Case(
        "gastown", [0, 4, 8, 12, 16, 20], 21, 5, ARMED,
        [(0, 1), (5, 1), (10, 1), (15, 1), (20, 1)], [5, 0, 0, 0],
        wasted=[], reactions=[], noticed=[], unnoticed=0,
    ),
    "a touch at the very instant of a heartbeat": Case(
        "gastown", [0, 45, 50], 60, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 1), (50, 1), (55, 2)], [3, 2, 1, 0],
        wasted=[5, 15, 55], reactions=[0, 0], noticed=[5, 5], unnoticed=1,
    ),
    "nothing ever": Case(
        "gastown", [], 60, 5, ARMED,
        [(5 * number, 1) for number in range(12)], [12, 0, 0, 0],
        wasted=[5 * number for number in range(1, 12)], reactions=[], noticed=[], unnoticed=0,
    ),
    "the first touch ever": Case(
        "gastown", [32], 60, 5, ARMED,
        [*((5 * number, 1) for number in range(8)), (40, 2), (50, 3)], [8, 1, 1, 0],
        wasted=[5, 10, 15, 20, 25, 30, 40, 50], reactions=[], noticed=[8], unnoticed=0,
    ),
    "a first touch later than the range": Case(
        "gastown", [99], 12, 5, RESET_ON_ACTIVITY,
        [(0, 1), (5, 1), (10, 1)], [3, 0, 0, 0],
        wasted=[5, 10], reactions=[], noticed=[], unnoticed=0,
    ),
    "silence from before the range": Case(
        "gastown", [-20, 50], 60, 5, ARMED,
        [(0, 3), (30, 4)], [0, 0, 1, 1],
        wasted=[30], reactions=[40], noticed=[], unnoticed=1,
    ),
    "the next heartbeat falls behind the range": Case(
        "gastown", [0, 110], 115, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4)], [1, 1, 1, 2],
        wasted=[5, 15, 45, 105], reactions=[55], noticed=[5], unnoticed=1,
    ),
    "the next heartbeat falls behind the range, re-armed": Case(
        "gastown", [0, 110], 112, 5, RESET_ON_ACTIVITY,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4)], [1, 1, 1, 2],
        wasted=[5, 15, 45, 105], reactions=[5], noticed=[5], unnoticed=0,
    ),
    "work that resumes as the range ends": Case(
        "gastown", [0, 115], 115, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4)], [1, 1, 1, 2],
        wasted=[5, 15, 45, 105], reactions=[], noticed=[5], unnoticed=0,
    ),
    "two resumptions before one heartbeat": Case(
        "gastown", [0, 110, 120, 150], 170, 5, ARMED,
        [(0, 1), (5, 2), (15, 3), (45, 4), (105, 4), (165, 3)], [1, 1, 2, 2],
        wasted=[5, 15, 45, 105], reactions=[15, 45, 55], noticed=[5, 15], unnoticed=2,
    ),
    "a phase": Case(
        "gastown", [0], 110, 5, ARMED,
        [(2, 1), (7, 2), (17, 3), (47, 4), (107, 4)], [1, 1, 1, 2],
        wasted=[7, 17, 47, 107], reactions=[], noticed=[], unnoticed=0, phase=2,
    ),
    "a phase up to a touch": Case(
        "gastown", [0, 30], 50, 5, ARMED,
        [(30, 1), (35, 2), (45, 3)], [1, 1, 1, 0],
        wasted=[35, 45], reactions=[0], noticed=[5], unnoticed=0, since=10, phase=20,
    ),
    "a phase as long as the range": Case(
        "gastown", [0, 30], 50, 5, ARMED, [], [0, 0, 0, 0],
        wasted=[], reactions=[], noticed=[], unnoticed=0, phase=50,
    ),
    "fixed": Case(
        "fixed:10m", [0, 25], 60, 15, ARMED,
        [(10 * number, 1) for number in range(6)], [6],
        wasted=[10, 20, 40, 50], reactions=[5], noticed=[15, 20], unnoticed=0,
    ),
    "fixed, a silence that no heartbeat finds": Case(
        "fixed:10m", [0, 25], 60, 25, ARMED,
        [(10 * number, 1) for number in range(6)], [6],
        wasted=[10, 20, 40, 50], reactions=[5], noticed=[25], unnoticed=1,
    ),
    "fixed, re-armed by nothing": Case(
        "fixed:10m", [0, 25], 60, 26, RESET_ON_ACTIVITY,
        [(10 * number, 1) for number in range(6)], [6],
        wasted=[10, 20, 40, 50], reactions=[], noticed=[], unnoticed=1,
    ),
    "fixed, with a phase": Case(
        "fixed:10m", [0, 25], 60, 15, ARMED,
        [(9, 1), (19, 1), (29, 1), (39, 1), (49, 1), (59, 1)], [6],
        wasted=[19, 39, 49, 59], reactions=[4], noticed=[24], unnoticed=0, phase=9,
    ),
    "exponential": Case(
        "exp:1m,x2,4m", [0, 10], 20, 2, ARMED,
        [(0, 1), (1, 2), (3, 3), (7, 3), (11, 1), (12, 2), (14, 3), (18, 3)], [2, 2, 4],
        wasted=[1, 3, 7, 12, 14, 18], reactions=[1], noticed=[2, 3], unnoticed=0,
    ),
    "exponential, armed": Case(
        "exp:1m,x2,4m", [0, 8], 20, 2, ARMED,
        [(0, 1), (1, 2), (3, 3), (7, 3), (11, 1), (12, 2), (14, 3), (18, 3)], [2, 2, 4],
        wasted=[1, 3, 7, 12, 14, 18], reactions=[3], noticed=[3, 3], unnoticed=0,
    ),
    "exponential, re-armed": Case(
        "exp:1m,x2,4m", [0, 8], 20, 2, RESET_ON_ACTIVITY,
        [(0, 1), (1, 2), (3, 3), (7, 3), (9, 1), (10, 2), (12, 3), (16, 3)], [2, 2, 4],
        wasted=[1, 3, 7, 10, 12, 16], reactions=[1], noticed=[2, 3], unnoticed=0,
    ),
    "exponential, the first heartbeat in silence": Case(
        "exp:1m,x2,4m", [-30], 8, 2, ARMED,
        [(0, 1), (1, 2), (3, 3), (7, 3)], [1, 1, 2],
        wasted=[1, 3, 7], reactions=[], noticed=[], unnoticed=0,
    ),
    "exponential, nothing ever": Case(
        "exp:1m,x2,4m", [], 4, 2, ARMED,
        [(0, 1), (1, 1), (2, 1), (3, 1)], [4, 0, 0],
        wasted=[1, 2, 3], reactions=[], noticed=[], unnoticed=0,
    ),
    "tiers that grow shorter": Case(
        "tiers:5m=20m,2m", [0, 30], 60, 5, RESET_ON_ACTIVITY,
        [(0, 1), *((minute, 2) for minute in (20, 22, 24, 26, 28)), (30, 1),
         *((minute, 2) for minute in (50, 52, 54, 56, 58))], [2, 10],
        wasted=[20, 22, 24, 26, 28, 50, 52, 54, 56, 58], reactions=[0], noticed=[20, 20],
        unnoticed=0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_by_hand(case: Case) -> None:
    """Each figure of a replay, written out."""
    policy = parse_policy(case.policy)
    since, until, phase, min_ns = minutes(case.since, case.until, case.phase, case.min_idle)
    active = active_of(minutes(*case.touches), policy, min_ns)
    schedule = Schedule(since, until, phase, case.mode)
    assert list(heartbeats(policy, active, schedule)) == [
        (*minutes(at), tier, at in case.wasted) for at, tier in case.beats
    ]
    outcome = replay(policy, active, schedule, min_ns)
    assert outcome == Outcome(
        case.by_tier,
        len(case.wasted),
        minutes(*case.reactions),
        minutes(*case.noticed),
        case.unnoticed,
    )
    assert outcome.heartbeats == len(case.beats)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("idle_ns", "tier", "interval"),
    [
        (0, 1, 5),
        (5 * MINUTE - 1, 1, 5),
        (5 * MINUTE, 2, 10),
        (15 * MINUTE - 1, 2, 10),
        (15 * MINUTE, 3, 30),
        (45 * MINUTE - 1, 3, 30),
        (45 * MINUTE, 4, 60),
        (365 * 1440 * MINUTE, 4, 60),
        (None, 1, 5),  # no touch ever
        (-1, 1, 5),  # none yet: it is later than the heartbeat
    ],
)
def test_original_arithmetic(mode: str, idle_ns: int | None, tier: int, interval: int) -> None:
    """The interval is fixed as a heartbeat fires, by the idle time at that very instant."""
    at = 10**18
    touches = [] if idle_ns is None else [at - idle_ns]
    active = active_of(touches, GASTOWN, MINUTE)
    (first, *_) = stretches(GASTOWN, active, Schedule(at - 7, at + 1, 7, mode))
    silent = idle_ns is not None and idle_ns > 0
    assert first == Stretch(
        first_ns=at,
        beats=1,
        interval_ns=interval * MINUTE,
        tier=tier,
        wasted=first.wasted,  # a lone heartbeat is its stretch's first
        first_wasted=False,
        touched_ns=touches[0] if silent else None,
        next_ns=at + interval * MINUTE,
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_year_of_silence_costs_one_step(mode: str) -> None:
    """However long silence or steady work lasts, it is one stretch."""
    year = 365 * 86_400 * NS
    silence = list(stretches(GASTOWN, unite([(0, 0)], 1), Schedule(0, year, 0, mode)))
    assert [one.beats for one in silence] == [1, 1, 1, (year - 45 * MINUTE) // (60 * MINUTE) + 1]
    work = list(stretches(GASTOWN, unite([(0, year)], 1), Schedule(0, year, 0, mode)))
    assert [one.beats for one in work] == [year // (5 * MINUTE)]
    never = list(stretches(GASTOWN, unite([], 1), Schedule(0, year, 0, mode)))
    assert [one.beats for one in never] == [year // (5 * MINUTE)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["gastown", "fixed:1s", "exp:1s,x2,15000w", "fixed:15000w"])
@pytest.mark.parametrize("touches", [[], [INT64_MIN], [INT64_MAX], [INT64_MIN, 0, INT64_MAX]])
def test_the_ends_of_time(mode: str, policy: str, touches: list[int]) -> None:
    """Over all the time that a ledger can hold a replay adds up."""
    parsed = parse_policy(policy)
    active = active_of(touches, parsed, NS)
    schedule = Schedule(INT64_MIN, INT64_MAX, 0, mode)
    outcome = replay(parsed, active, schedule, NS)
    found = list(stretches(parsed, active, schedule))
    assert outcome.heartbeats == sum(one.beats for one in found)
    assert 0 <= outcome.wasted < outcome.heartbeats
    assert all(one.first_ns < INT64_MAX for one in found)
    assert sum(time_by_tier(parsed, active, INT64_MIN, INT64_MAX)) == INT64_MAX - INT64_MIN


def test_time_by_tier_over_centuries() -> None:
    """A silence of more than 292 years is of the last tier all the while."""
    active = unite([(INT64_MIN, INT64_MIN)], 1)
    times = time_by_tier(GASTOWN, active, INT64_MIN, INT64_MAX)
    last = INT64_MAX - INT64_MIN - 45 * MINUTE
    assert times == [5 * MINUTE, 10 * MINUTE, 30 * MINUTE, last]
    assert time_by_tier(GASTOWN, active, 5, 50) == [0, 0, 0, 45]


@pytest.mark.parametrize(
    ("touches", "since", "until", "expected"),
    [
        ([], 0, 60, [60, 0, 0, 0]),
        ([0], 0, 60, [5, 10, 30, 15]),
        ([0], 5, 60, [0, 10, 30, 15]),
        ([0], 6, 14, [0, 8, 0, 0]),
        ([0], 50, 60, [0, 0, 0, 10]),
        ([0], -60, 3, [63, 0, 0, 0]),
        ([0, 5], 0, 10, [10, 0, 0, 0]),
        ([0, 6, 30, 90], 0, 100, [20, 26, 39, 15]),
        ([100], 0, 60, [60, 0, 0, 0]),
        ([60], 0, 60, [60, 0, 0, 0]),
        ([0], 60, 60, [0, 0, 0, 0]),
    ],
)
def test_time_by_tier_by_hand(
    touches: list[int], since: int, until: int, expected: list[int]
) -> None:
    """Silence passes from tier to tier; work, and the time before it, is of the first."""
    active = active_of(minutes(*touches), GASTOWN, MINUTE)
    found = time_by_tier(GASTOWN, active, *minutes(since, until))
    assert found == minutes(*expected)


# Event by event


class Simulated(NamedTuple):
    """What a daemon did, and what there was to be noticed."""

    beats: list[Beat]
    reactions: list[int]
    noticed: list[int]
    unnoticed: int


def run_daemon(
    policy: Policy, touches: Sequence[int], schedule: Schedule
) -> tuple[list[Beat], int]:
    """Run a daemon over touches; return its heartbeats, and when the next one would fall."""
    since, until, phase, mode = schedule
    beats: list[Beat] = []
    at, before, cycles = since + phase, None, 0
    while at < until:
        known = [touch for touch in touches if touch <= at]
        silent = before is not None and not any(touch > before for touch in known)
        tier = 1
        if policy.by_cycles and known:
            cycles = cycles + 1 if silent else 0
            tier = min(cycles + 1, len(policy.intervals_ns))
        elif known:
            for boundary in policy.boundaries_ns:
                if at - max(known) >= boundary:
                    tier += 1
        beats.append((at, tier, silent))
        following = at + policy.intervals_ns[tier - 1]
        later = [touch for touch in touches if touch > at]
        if mode == RESET_ON_ACTIVITY and later:
            following = min(following, min(later) + policy.intervals_ns[0])
        before, at = at, following
    return beats, at


def simulate(policy: Policy, touches: Sequence[int], schedule: Schedule, min_ns: int) -> Simulated:
    """Run a daemon, and look at each touch for how it was reacted to and when it was missed."""
    beats, following = run_daemon(policy, touches, schedule)
    first, until = schedule.since_ns + schedule.phase_ns, schedule.until_ns
    fired = [at for at, _, _ in beats]
    ordered = sorted(set(touches))
    reactions, noticed, unnoticed = [], [], 0
    for before, resumed in pairwise(ordered):
        if resumed - before >= min_ns and first <= resumed < until:
            reactions.append(min(at for at in [*fired, following] if at >= resumed) - resumed)
    for began, over in pairwise([*ordered, INT64_MAX]):
        if began < first:
            continue
        finding = [at for at in fired if at < over and at - began >= min_ns]
        if finding and finding[0] >= began:
            noticed.append(finding[0] - began)
        elif min(over, until) - began >= min_ns:
            unnoticed += 1
    return Simulated(beats, sorted(reactions), sorted(noticed), unnoticed)


def outcome_of(policy: Policy, expected: Simulated) -> Outcome:
    """Return the figures of what a daemon did."""
    tiers = [tier for _, tier, _ in expected.beats]
    return Outcome(
        [tiers.count(tier) for tier in range(1, len(policy.intervals_ns) + 1)],
        sum(wasted for _, _, wasted in expected.beats),
        expected.reactions,
        expected.noticed,
        expected.unnoticed,
    )


seconds = st.integers(1, 30).map(lambda number: f"{number}s")


@st.composite
def small_policies(draw: st.DrawFn) -> Policy:
    """Draw a policy of seconds, its intervals in any order."""
    kind = draw(st.sampled_from(["fixed", "tiers", "exp"]))
    if kind == "fixed":
        return parse_policy(f"fixed:{draw(seconds)}")
    if kind == "tiers":
        boundaries = sorted(draw(st.sets(st.integers(1, 40), max_size=4)))
        tiers = [f"{boundary}s={draw(seconds)}" for boundary in boundaries]
        return parse_policy("tiers:" + ",".join([*tiers, draw(seconds)]))
    base, cap = sorted([draw(st.integers(1, 40)), draw(st.integers(1, 40))])
    factor = draw(st.sampled_from(["1.1", "1.5", "2", "3", "100"]))
    return parse_policy(f"exp:{base}s,x{factor},{cap}s")


class Question(NamedTuple):
    """What a replay is asked."""

    policy: Policy
    touches: list[int]
    schedule: Schedule
    min_ns: int

    @property
    def active(self) -> ActivePeriods:
        return active_of(self.touches, self.policy, self.min_ns)


@st.composite
def questions(draw: st.DrawFn, mode: str | None = None) -> Question:
    """Draw a policy of seconds or one of the presets, and touches before, in, after a range."""
    if draw(st.booleans()):
        policy, unit, shift = draw(small_policies()), NS, st.sampled_from([0, 0, 0, -1, 1])
    else:
        policy, unit = parse_policy(draw(st.sampled_from(PRESETS))), MINUTE
        shift = st.sampled_from([0, 0, 0, -1, 1, 30 * NS])
    instants = st.builds(
        lambda number, off: number * unit + off, st.integers(-60, 160) | st.integers(0, 40), shift
    )
    since, until = sorted(draw(st.tuples(instants, instants)))
    schedule = Schedule(
        since,
        until,
        draw(st.integers(0, 20)) * unit,
        draw(st.sampled_from(MODES)) if mode is None else mode,
    )
    # Runs of touches as well as lone ones.
    touches = draw(st.lists(instants, max_size=12))
    for start, count in draw(st.lists(st.tuples(instants, st.integers(1, 25)), max_size=2)):
        step = draw(st.sampled_from([unit // 2, unit, 2 * unit]))
        touches += [start + number * step for number in range(count)]
    min_ns = max(draw(st.integers(0, 40)) * unit + draw(shift), 1)
    return Question(policy, sorted(touches), schedule, min_ns)


@settings(max_examples=600)
@given(questions())
def test_a_replay_is_what_a_daemon_does(question: Question) -> None:
    """Heartbeats and all figures are those of a daemon that is run touch by touch."""
    policy, touches, schedule, min_ns = question
    expected = simulate(policy, touches, schedule, min_ns)
    assert list(heartbeats(policy, question.active, schedule)) == expected.beats
    assert replay(policy, question.active, schedule, min_ns) == outcome_of(policy, expected)


@settings(max_examples=200)
@given(questions(), st.floats(0, 1, exclude_min=True))
def test_a_finer_look_at_the_touches_changes_nothing(question: Question, part: float) -> None:
    """Active periods parted by shorter gaps than need be give the same replay."""
    policy, touches, schedule, min_ns = question
    active = question.active
    finer = unite([(at, at) for at in touches], max(int(active.gap_ns * part), 1))
    assert replay(policy, finer, schedule, min_ns) == replay(policy, active, schedule, min_ns)
    expected = list(heartbeats(policy, active, schedule))
    assert list(heartbeats(policy, finer, schedule)) == expected
    span = schedule.since_ns, schedule.until_ns
    assert time_by_tier(policy, finer, *span) == time_by_tier(policy, active, *span)


@settings(max_examples=200)
@given(questions())
def test_stretches_follow_each_other(question: Question) -> None:
    """Each stretch says when the next begins, and all of them lie in the range."""
    policy, _, schedule, _ = question
    found = list(stretches(policy, question.active, schedule))
    assert [one.first_ns for one in found] == [
        at for at in [schedule.first_ns, *(one.next_ns for one in found)] if at < schedule.until_ns
    ]
    for one in found:
        last = one.first_ns + (one.beats - 1) * one.interval_ns
        assert one.beats >= 1
        assert last < min(one.next_ns, schedule.until_ns)
        assert one.next_ns <= last + one.interval_ns
        assert one.interval_ns == policy.intervals_ns[one.tier - 1]
        assert one.wasted or not one.first_wasted
        assert one.touched_ns is None or one.touched_ns < one.first_ns


@settings(max_examples=200)
@given(questions(ARMED))
def test_armed_intervals_are_the_policy_s(question: Question) -> None:
    """Between two heartbeats lies an interval of the policy, and nothing else, as it was armed."""
    policy, _, schedule, _ = question
    beats = list(heartbeats(policy, question.active, schedule))
    for (at, tier, _), (following, _, _) in pairwise(beats):
        assert following - at == policy.intervals_ns[tier - 1]


@settings(max_examples=200)
@given(questions())
def test_what_always_holds(question: Question) -> None:
    """No time is negative, no reaction longer than the longest interval, no waste without beats."""
    policy, _, schedule, min_ns = question
    outcome = replay(policy, question.active, schedule, min_ns)
    assert 0 <= outcome.wasted <= max(outcome.heartbeats - 1, 0)
    assert all(0 <= late <= policy.longest_ns for late in outcome.reactions_ns)
    assert all(late >= min_ns for late in outcome.noticed_ns)
    assert outcome.unnoticed >= 0
    assert outcome.reactions_ns == sorted(outcome.reactions_ns)
    assert outcome.noticed_ns == sorted(outcome.noticed_ns)


@settings(max_examples=200)
@given(questions(RESET_ON_ACTIVITY))
def test_re_armed_work_waits_for_the_base_at_most(question: Question) -> None:
    """Re-armed, the first heartbeat after work resumed comes within the base interval."""
    policy, _, schedule, min_ns = question
    outcome = replay(policy, question.active, schedule, min_ns)
    assert all(late <= policy.base_ns <= policy.longest_ns for late in outcome.reactions_ns)


@given(small_policies(), st.sampled_from(MODES), st.integers(0, 30), st.integers(0, 200))
def test_steady_work_is_watched_at_the_base_rate(
    policy: Policy, mode: str, phase: int, length: int
) -> None:
    """While touches come more often than anything else, each heartbeat is of the first tier."""
    touches = [number * NS // 2 for number in range(-10, 500)]
    schedule = Schedule(0, length * NS, phase * NS, mode)
    assert list(heartbeats(policy, active_of(touches, policy, NS), schedule)) == [
        (at, 1, False) for at in range(phase * NS, length * NS, policy.base_ns)
    ]


@given(small_policies(), st.sampled_from(MODES), st.integers(0, 50))
def test_silence_ends_in_the_last_tier(policy: Policy, mode: str, idle: int) -> None:
    """When touches stay away, the interval becomes that of the last tier and stays so."""
    active = active_of([-idle * NS], policy, NS)
    beats = list(heartbeats(policy, active, Schedule(0, 10_000 * NS, 0, mode)))
    last = len(policy.intervals_ns)
    assert [tier for _, tier, _ in beats] == sorted(tier for _, tier, _ in beats)
    assert all(tier == last for _, tier, _ in beats[-3:])
    assert {b[0] - a[0] for a, b in pairwise(beats[-3:])} == {policy.intervals_ns[-1]}
    assert [wasted for _, _, wasted in beats] == [False] + [True] * (len(beats) - 1)


@settings(max_examples=200)
@given(
    small_policies(),
    st.lists(st.integers(-60, 160), max_size=12),
    st.tuples(st.integers(-80, 180), st.integers(-80, 180)).map(sorted),
)
def test_time_by_tier_second_by_second(
    policy: Policy, touches: list[int], span: tuple[int, int]
) -> None:
    """Each second counts for the tier of the silence in which it passes."""
    # Boundaries of exponential policies may be parts of seconds; halves and tenths are kept.
    tenth = NS // 10
    since, until = span
    expected = [0] * len(policy.intervals_ns)
    boundaries = [-(-boundary // tenth) for boundary in policy.boundaries_ns]
    exact = all(boundary % tenth == 0 for boundary in policy.boundaries_ns)
    for now in range(since * 10, until * 10):
        known = [touch * 10 for touch in touches if touch * 10 <= now]
        idle = now - max(known) if known else 0
        expected[sum(boundary <= idle for boundary in boundaries)] += tenth
    active = active_of([touch * NS for touch in touches], policy, NS)
    found = time_by_tier(policy, active, since * NS, until * NS)
    assert sum(found) == (until - since) * NS
    if exact:
        assert found == expected
    else:  # a tenth of a second and a touch at most, for each that is not
        assert found == pytest.approx(expected, abs=(len(touches) + 1) * tenth)


# From the ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    connection = database.open_ledger(str(tmp_path_factory.mktemp("ledger") / "ledger.db"))
    yield connection
    connection.close()


instants = st.integers(-20, 120).map(lambda number: number * 30 * NS)


@settings(max_examples=300)
@given(
    st.sampled_from([*PRESETS, "fixed:60s", "tiers:1m=2m,3m=1m,5m", "exp:20s,x3,2m"]),
    st.lists(st.tuples(st.integers(1, 3), instants), max_size=30),
    st.lists(instants, min_size=3, max_size=3, unique=True).map(sorted),
    st.sampled_from(MODES),
    st.sampled_from([20 * NS, MINUTE, 90 * NS, 5 * MINUTE]),
)
def test_a_replay_over_a_ledger(  # noqa: PLR0913, PLR0917 - what a replay consists of
    ledger: sqlite3.Connection,
    text: str,
    touches: list[tuple[int, int]],
    span: list[int],
    mode: str,
    min_ns: int,
) -> None:
    """What a ledger tells of some streams' active periods is all that a replay needs."""
    for table in ("touches", "periods", "streams"):
        ledger.execute(f"DELETE FROM {table}")
    ledger.executemany(
        "INSERT INTO streams (id, host, town, workspace, actor) VALUES (?, ?, '', '', '')",
        [(number, str(number)) for number in (1, 2, 3)],
    )
    ledger.executemany("INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, '')", touches)
    policy, (since, until, now) = parse_policy(text), span
    gap_ns = min(policy.shortest_ns, min_ns, MINUTE)
    active = active_periods(ledger, [1, 2], Range(since, until, now), gap_ns)
    schedule = Schedule(since, until, 0, mode)
    known = [at for stream, at in touches if stream != 3 and at <= now]
    expected = simulate(policy, known, schedule, min_ns)
    assert list(heartbeats(policy, active, schedule)) == expected.beats
    assert replay(policy, active, schedule, min_ns) == outcome_of(policy, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", PRESETS)
def test_a_day_of_a_real_town(text: str, mode: str) -> None:
    """The presets over a day of a real town do what a daemon would have done."""
    trace = Path(__file__).parent / "data" / "town-8-days.jsonl"
    since = int(datetime.fromisoformat("2026-02-27T00:00Z").timestamp()) * NS
    until = since + 86_400 * NS
    lines = (json.loads(line)["at"] for line in trace.read_text().splitlines())
    touches = sorted({int(datetime.fromisoformat(at).timestamp()) * NS for at in lines})
    near = [at for at in touches if since - 43_200 * NS <= at <= until + 43_200 * NS]
    policy, schedule = parse_policy(text), Schedule(since, until, 7 * NS, mode)
    expected = simulate(policy, near, schedule, 5 * MINUTE)
    active = active_of(touches, policy, 5 * MINUTE)
    assert expected.reactions
    assert list(heartbeats(policy, active, schedule)) == expected.beats
    assert replay(policy, active, schedule, 5 * MINUTE) == outcome_of(policy, expected)
