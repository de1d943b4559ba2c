"""Replays: every figure of traces worked by hand, and a simulation event by event."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.instants import NS
from ledger.periods import ActivePeriods, unite
from ledger.policy import GASTOWN, PRESETS, Policy, parse_policy
from ledger.replay import (
    ARMED,
    MODES,
    RESET_ON_ACTIVITY,
    Outcome,
    Schedule,
    heartbeats,
    replay,
    time_by_tier,
)

MINUTE = 60 * NS
HOUR = 60 * MINUTE


def active(touches: list[int], gap_ns: int = MINUTE) -> ActivePeriods:
    """Return the active periods of single touches."""
    return unite([(at, at) for at in touches], gap_ns)


def minutes(*numbers: float) -> list[int]:
    return [int(number * MINUTE) for number in numbers]


# --- worked by hand -------------------------------------------------------------------------

# Touches at 0, 1 and 2 minutes, a silence of 58, then one at an hour.
AN_HOUR = active(minutes(0, 0.9, 1.8, 2, 60))


def test_gastown_by_hand() -> None:
    """Idle 3, 8, 18, 48 minutes as heartbeats fire: intervals of 5, 10, 30 and 60."""
    fired = list(heartbeats(GASTOWN, AN_HOUR, Schedule(0, 3 * HOUR)))
    assert fired == [
        (0, 1, False),
        (5 * MINUTE, 1, False),  # idle 3
        (10 * MINUTE, 2, True),  # idle 8
        (20 * MINUTE, 3, True),  # idle 18
        (50 * MINUTE, 4, True),  # idle 48
        (110 * MINUTE, 4, False),  # idle 50, but somebody touched at 60
        (170 * MINUTE, 4, True),
    ]
    assert replay(GASTOWN, AN_HOUR, Schedule(0, 3 * HOUR), 5 * MINUTE) == Outcome(
        by_tier=[2, 1, 1, 3],
        wasted=4,
        reactions_ns=[50 * MINUTE],
        noticed_ns=[8 * MINUTE, 50 * MINUTE],
        unnoticed=0,
    )


def test_reset_on_activity_by_hand() -> None:
    """The touch at an hour re-arms: the next heartbeat comes a base interval after it."""
    schedule = Schedule(0, 2 * HOUR, mode=RESET_ON_ACTIVITY)
    assert [at // MINUTE for at, *_ in heartbeats(GASTOWN, AN_HOUR, schedule)] == [
        0, 5, 10, 20, 50, 65, 75, 105,
    ]  # fmt: skip
    assert replay(GASTOWN, AN_HOUR, schedule, 5 * MINUTE) == Outcome(
        by_tier=[2, 2, 2, 2],
        wasted=5,
        reactions_ns=[5 * MINUTE],
        noticed_ns=[5 * MINUTE, 8 * MINUTE],
        unnoticed=0,
    )


def test_fixed_by_hand() -> None:
    """Every 20 minutes from the phase on, whatever happens."""
    schedule = Schedule(0, 2 * HOUR, phase_ns=10 * MINUTE)
    policy = parse_policy("fixed:20m")
    assert [at // MINUTE for at, *_ in heartbeats(policy, AN_HOUR, schedule)] == [
        10, 30, 50, 70, 90, 110,
    ]  # fmt: skip
    # The silence from minute 2 on began before the first heartbeat.
    assert replay(policy, AN_HOUR, schedule, 5 * MINUTE) == Outcome(
        by_tier=[6],
        wasted=4,
        reactions_ns=[10 * MINUTE],
        noticed_ns=[10 * MINUTE],
        unnoticed=0,
    )


def test_exponential_by_hand() -> None:
    """The interval doubles with each heartbeat in silence, and falls back after a touch."""
    policy = parse_policy("exp:2m,x2,10m")
    fired = list(heartbeats(policy, AN_HOUR, Schedule(0, 80 * MINUTE)))
    assert [(at // MINUTE, tier, wasted) for at, tier, wasted in fired] == [
        (0, 1, False),
        (2, 1, False),
        (4, 2, True),
        (8, 3, True),
        (16, 4, True),
        (26, 4, True),
        (36, 4, True),
        (46, 4, True),
        (56, 4, True),
        (66, 1, False),
        (68, 2, True),
        (72, 3, True),
    ]


@pytest.mark.parametrize(
    ("idle_m", "tier"), [(4.999, 1), (5, 2), (14.999, 2), (15, 3), (44.999, 3), (45, 4)]
)
def test_boundaries_are_strict(idle_m: float, tier: int) -> None:
    """Exactly 5, 15 and 45 minutes idle are already the next tier."""
    at = int(idle_m * MINUTE)
    assert list(heartbeats(GASTOWN, active([0]), Schedule(at, at + 1))) == [(at, tier, False)]


def test_nothing_was_ever_recorded() -> None:
    """Without any touch before it the interval is the base, and later touches change nothing."""
    for touches in ([], [HOUR]):
        fired = list(heartbeats(GASTOWN, active(touches), Schedule(0, 20 * MINUTE)))
        assert fired == [(number * 5 * MINUTE, 1, number > 0) for number in range(4)]


def test_a_silence_too_short_to_notice() -> None:
    """A silence that ended before a heartbeat found it is counted as not noticed."""
    touches = active(minutes(0, 6, 12))
    outcome = replay(parse_policy("fixed:1h"), touches, Schedule(0, HOUR), 5 * MINUTE)
    assert (outcome.noticed_ns, outcome.unnoticed) == ([], 3)
    assert outcome.reactions_ns == [48 * MINUTE, 54 * MINUTE]


def test_a_year_costs_little() -> None:
    """A year of silence is a few steps, and its heartbeats are counted all the same."""
    outcome = replay(GASTOWN, active([0]), Schedule(0, 8760 * HOUR), 5 * MINUTE)
    assert outcome.by_tier == [1, 1, 1, 8760]


# --- invariants -----------------------------------------------------------------------------

policies = st.sampled_from(
    [*PRESETS, "fixed:90s", "tiers:2m=3m,4m=1m,10m", "tiers:90s=2m,8m=20m,5m", "exp:1m,x3,1h"]
).map(parse_policy)
steps = st.one_of(st.integers(0, 61), st.integers(0, 4000), st.sampled_from([30, 60, 300, 900]))
traces = st.lists(steps, max_size=30).map(
    lambda lengths: [sum(lengths[: n + 1]) * NS for n in range(len(lengths))]
)
schedules = st.builds(
    lambda since, length, phase, mode: Schedule(
        since * NS, (since + length) * NS, phase * NS, mode
    ),
    st.integers(-1000, 5000),
    st.integers(1, 9000),
    st.just(0) | st.integers(0, 600),
    st.sampled_from(MODES),
)
thresholds = st.sampled_from(minutes(1, 1.5, 5))


def simulated(
    policy: Policy, touches: list[int], schedule: Schedule
) -> list[tuple[int, int, bool]]:
    """Fire one heartbeat after another, looking at all touches each time; with one too many."""
    fired: list[tuple[int, int, bool]] = []
    at, cycles = schedule.since_ns + schedule.phase_ns, 0
    while True:
        past = [touch for touch in touches if touch <= at]
        wasted = bool(fired) and not any(fired[-1][0] < touch for touch in past)
        cycles = cycles + 1 if wasted and past else 0
        if not past:
            tier = 0
        elif policy.by_cycles:
            tier = min(cycles, len(policy.intervals_ns) - 1)
        else:
            tier = sum(at - past[-1] >= boundary for boundary in policy.boundaries_ns)
        fired.append((at, tier + 1, wasted))
        if at >= schedule.until_ns:
            return fired
        following = at + policy.intervals_ns[tier]
        later = [touch for touch in touches if touch > at]
        if schedule.mode == RESET_ON_ACTIVITY and later:
            following = min(following, later[0] + policy.intervals_ns[0])
        at = following


@settings(max_examples=400)
@given(policies, traces, schedules, thresholds)
def test_as_simulated(policy: Policy, touches: list[int], schedule: Schedule, min_ns: int) -> None:
    """Heartbeats and figures are those of a simulation over single touches."""
    periods = active(touches, min(policy.shortest_ns, min_ns, MINUTE))
    *fired, (beyond, *_) = simulated(policy, touches, schedule)
    assert list(heartbeats(policy, periods, schedule)) == fired
    instants = [at for at, *_ in fired]
    first = schedule.since_ns + schedule.phase_ns
    reactions, noticed, unnoticed = [], [], 0
    for began, resumed in zip(touches, [*touches[1:], None], strict=False):
        in_range = resumed is not None and first <= resumed < schedule.until_ns
        if in_range and resumed - began >= min_ns:
            reactions.append(min(at for at in [*instants, beyond] if at >= resumed) - resumed)
        over = schedule.until_ns if resumed is None else min(resumed, schedule.until_ns)
        if began >= first and over - began >= min_ns:
            found = [at for at in instants if began + min_ns <= at < (resumed or at + 1)]
            noticed += [found[0] - began] if found else []
            unnoticed += not found
    outcome = replay(policy, periods, schedule, min_ns)
    assert outcome == Outcome(
        [sum(tier == n + 1 for _, tier, _ in fired) for n in range(len(policy.intervals_ns))],
        sum(wasted for *_, wasted in fired),
        sorted(reactions),
        sorted(noticed),
        unnoticed,
    )


@given(policies, traces, schedules)
def test_intervals_are_the_policys(policy: Policy, touches: list[int], schedule: Schedule) -> None:
    """Armed, each interval is one that the policy can give; re-armed, none is longer."""
    periods = active(touches, min(policy.shortest_ns, MINUTE))
    instants = [at for at, *_ in heartbeats(policy, periods, schedule)]
    intervals = {later - earlier for earlier, later in pairwise(instants)}
    if schedule.mode == ARMED:
        assert intervals <= set(policy.intervals_ns)
    assert all(0 < interval <= policy.longest_ns for interval in intervals)


@given(policies, st.sampled_from(MODES), st.integers(1, 29))
def test_constant_activity_gives_the_base_rate(policy: Policy, mode: str, step_s: int) -> None:
    """While touches come all the time the base interval is the only one, and nothing is wasted."""
    touches = list(range(0, 4 * HOUR, step_s * NS))
    periods = active(touches, min(policy.shortest_ns, MINUTE))
    fired = list(heartbeats(policy, periods, Schedule(HOUR, 3 * HOUR, mode=mode)))
    assert fired == [(at, 1, False) for at in range(HOUR, 3 * HOUR, policy.base_ns)]


@given(policies, st.sampled_from(MODES))
def test_silence_gives_the_last_interval(policy: Policy, mode: str) -> None:
    """After days of silence the interval is that of the last tier."""
    schedule = Schedule(0, 240 * HOUR, mode=mode)
    *_, (before, tier, wasted), (at, *_) = heartbeats(policy, active([0]), schedule)
    assert (at - before, tier, wasted) == (policy.intervals_ns[-1], len(policy.intervals_ns), True)


@given(policies, traces, schedules, thresholds)
def test_no_reaction_exceeds_the_longest_interval(
    policy: Policy, touches: list[int], schedule: Schedule, min_ns: int
) -> None:
    """Reactions lie between nothing and the longest interval; re-armed, the base is the longest."""
    periods = active(touches, min(policy.shortest_ns, min_ns, MINUTE))
    outcome = replay(policy, periods, schedule, min_ns)
    assert all(0 <= ns <= policy.longest_ns for ns in outcome.reactions_ns)
    if schedule.mode == RESET_ON_ACTIVITY:
        assert all(ns <= policy.base_ns for ns in outcome.reactions_ns)
    assert outcome.wasted <= outcome.heartbeats
    assert all(ns >= min_ns for ns in outcome.noticed_ns)


@settings(max_examples=50)
@given(policies, traces, st.integers(-500, 3000), st.integers(1, 3000))
def test_time_by_tier_second_by_second(
    policy: Policy, touches: list[int], since_s: int, length_s: int
) -> None:
    """The time in each tier is that of a clock that looks every second."""
    periods = active(touches, min(policy.shortest_ns, MINUTE))
    counted = [0] * len(policy.intervals_ns)
    for second in range(since_s, since_s + length_s):
        past = [touch for touch in touches if touch <= second * NS]
        idle = second * NS - past[-1] if past else 0
        # A boundary may lie within a second: half seconds are exact enough to tell.
        counted[sum(idle >= boundary for boundary in policy.boundaries_ns)] += 1
    found = time_by_tier(policy, periods, since_s * NS, (since_s + length_s) * NS)
    assert sum(found) == length_s * NS
    assert all(
        abs(ns / NS - seconds) <= len(touches) + 1
        for ns, seconds in zip(found, counted, strict=True)
    )
