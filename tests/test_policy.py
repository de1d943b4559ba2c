"""Policies as people write them, and the intervals, tiers and states that they give."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInputError
from ledger.instants import NS, exact_duration
from ledger.policy import GASTOWN, PRESETS, Policy, parse_policy

MINUTE = 60 * NS
HINT = "Write gastown, fixed:10m, exp:30s,x2,15m or tiers:5m=5m,15m=10m,45m=30m,60m."
TIER_HINT = "Each tier but the last is BOUNDARY=INTERVAL, such as 5m=10m."
INT64_MAX = (1 << 63) - 1
MOST_W = INT64_MAX // (604_800 * NS)  # weeks that fit into the ledger's numbers

lengths = st.one_of(
    st.integers(1, 7200).map(lambda seconds: seconds * NS), st.integers(NS, 7200 * NS)
)
any_length = st.one_of(lengths, st.integers(NS, INT64_MAX))
fixed = any_length.map(lambda length: f"fixed:{exact_duration(length)}")


@st.composite
def tiers(draw: st.DrawFn) -> str:
    """Draw the text of a policy of some tiers."""
    boundaries = sorted(draw(st.sets(any_length, max_size=6)))
    each = [f"{exact_duration(b)}={exact_duration(draw(any_length))}" for b in boundaries]
    return "tiers:" + ",".join([*each, exact_duration(draw(any_length))])


@st.composite
def exponential(draw: st.DrawFn) -> str:
    """Draw the text of an exponential policy."""
    base, cap = sorted([draw(any_length), draw(any_length)])
    factor = draw(st.sampled_from(["1.01", "1.5", "2", "3.000000001", "10", "999999999.999999999"]))
    return f"exp:{exact_duration(base)},x{factor},{exact_duration(cap)}"


policies = st.one_of(st.sampled_from(PRESETS), fixed, tiers(), exponential())
idle_times = st.one_of(
    st.integers(-INT64_MAX, 1 << 70),
    st.integers(-5, 200).map(lambda minutes: minutes * MINUTE),
    st.integers(-5, 200).map(lambda minutes: minutes * MINUTE - 1),
)


def test_gastown() -> None:
    """Gas Town's own policy is four tiers, and the first of the presets."""
    assert parse_policy("gastown") == GASTOWN == parse_policy(PRESETS[0])
    assert (
        Policy(
            "gastown",
            (5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 60 * MINUTE),
            (5 * MINUTE, 15 * MINUTE, 45 * MINUTE),
            by_cycles=False,
        )
        == GASTOWN
    )
    written = parse_policy("tiers:5m=5m,15m=10m,45m=30m,60m")
    assert written == GASTOWN._replace(text="tiers:5m=5m,15m=10m,45m=30m,60m")


@pytest.mark.parametrize(
    ("text", "intervals_ns", "boundaries_ns"),
    [
        ("fixed:10m", (10 * MINUTE,), ()),
        ("fixed:1s", (NS,), ()),
        ("fixed:1.5h", (90 * MINUTE,), ()),
        ("fixed:1h30m", (90 * MINUTE,), ()),
        (f"fixed:{MOST_W}w", (MOST_W * 604_800 * NS,), ()),
        ("tiers:60m", (60 * MINUTE,), ()),
        ("tiers:1m=2m,3m", (2 * MINUTE, 3 * MINUTE), (MINUTE,)),
        ("tiers:1m=3m,2m", (3 * MINUTE, 2 * MINUTE), (MINUTE,)),
        ("tiers:1s=1s,1.000000001s=2s,3s", (NS, 2 * NS, 3 * NS), (NS, NS + 1)),
    ],
)
def test_policies_by_idle_time(
    text: str, intervals_ns: tuple[int, ...], boundaries_ns: tuple[int, ...]
) -> None:
    """Intervals and boundaries are as they are written."""
    assert parse_policy(text) == Policy(text, intervals_ns, boundaries_ns, by_cycles=False)


@pytest.mark.parametrize(
    ("text", "intervals_s", "boundaries_s"),
    [
        ("exp:30s,x2,15m", (30, 60, 120, 240, 480, 900), (30, 90, 210, 450, 930)),
        ("exp:30s,x2,8m", (30, 60, 120, 240, 480), (30, 90, 210, 450)),
        ("exp:60s,x1.5,10m", (60, 90, 135, 202.5, 303.75, 455.625, 600),
         (60, 150, 285, 487.5, 791.25, 1246.875)),
        ("exp:1s,x1000,1s", (1,), ()),
        ("exp:5m,x1,5m", (300,), ()),
        ("exp:5m,x0.5,5m", (300,), ()),
        ("exp:1s,x999999999,15000w", (1, 999_999_999, 15_000 * 604_800), (1, 1_000_000_000)),
    ],
)  # fmt: skip
def test_exponential_policies(
    text: str, intervals_s: tuple[float, ...], boundaries_s: tuple[float, ...]
) -> None:
    """The interval grows by the factor until it meets the cap; boundaries are their sums."""
    assert parse_policy(text) == Policy(
        text,
        tuple(int(length * NS) for length in intervals_s),
        tuple(int(length * NS) for length in boundaries_s),
        by_cycles=True,
    )


def test_a_factor_is_exact() -> None:
    """What a factor gives is cut to the nanosecond, without adding up what was cut off."""
    policy = parse_policy("exp:1s,x1.1,2s")
    assert policy.intervals_ns == (
        1_000_000_000, 1_100_000_000, 1_210_000_000, 1_331_000_000, 1_464_100_000,
        1_610_510_000, 1_771_561_000, 1_948_717_100, 2_000_000_000,
    )  # fmt: skip
    policy = parse_policy("exp:1.000000001s,x1.5,3s")
    assert policy.intervals_ns == (1_000_000_001, 1_500_000_001, 2_250_000_002, 3_000_000_000)


def test_a_slow_factor_over_three_centuries() -> None:
    """The smallest factor up to the largest cap is some thousands of tiers."""
    policy = parse_policy("exp:1s,x1.01,15000w")
    assert len(policy.intervals_ns) == 2306
    assert policy.longest_ns == 15_000 * 604_800 * NS
    assert policy.interval_ns(1 << 80) == policy.longest_ns


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("GasTown", "gastown"),
        ("  gastown\n", "gastown"),
        ("Fixed: 10M", "fixed:10m"),
        ("exp: 30s, X2, 15m", "exp:30s,x2,15m"),
        ("tiers: 5m = 10m, 20m", "tiers:5m=10m,20m"),
        ("fixed:1h 30m", "fixed:1h30m"),
    ],
)
def test_blanks_and_capitals(text: str, same: str) -> None:
    """Blanks and capitals mean nothing, and the policy's own text has none."""
    assert parse_policy(text) == parse_policy(same)
    assert parse_policy(text).text == same


@pytest.mark.parametrize("text", ["fixed:1 5m", "fi xed:5m", "tiers:5m=1 0m,1h"])
def test_blanks_within_words_and_numbers(text: str) -> None:
    """A blank within a word or a number is a mistake, not another policy."""
    with pytest.raises(BadInputError):
        parse_policy(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "gas town hall", "gastown:", "gastown:5m", "fixed", "fixed:", "fixed: ", "tiers",
        "tiers:", "exp", "exp:", "10m", ":10m", "linear:10m", "fixed=10m", "fixed;10m",
        "5m=5m,10m", "\x1b[31m", "\udcff", "\0", "İ", "gastown,fixed:5m",
    ],
)  # fmt: skip
def test_what_is_no_policy(text: str) -> None:
    """What names no kind of policy is refused, with one example of each."""
    with pytest.raises(BadInputError) as caught:
        parse_policy(text)
    assert (str(caught.value), caught.value.hint) == (f"{text!r} is not a policy that I know", HINT)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("fixed:soon", "'soon' is not a duration that I can read", HINT),
        ("fixed:10", "'10' is not a duration that I can read", HINT),
        ("fixed:-5m", "'-5m' is not a duration that I can read", HINT),
        ("fixed:5m,10m", "'5m,10m' is not a duration that I can read", HINT),
        (f"fixed:{MOST_W + 1}w", f"'{MOST_W + 1}w' is not a duration that I can read", HINT),
        ("fixed:0s", "'0s' is less than a second", HINT),
        ("fixed:0.999999999s", "'0.999999999s' is less than a second", HINT),
        ("tiers:5m=5m,", "'' is not a duration that I can read", HINT),
        ("tiers:5m=5m", "'5m=5m' is not a duration that I can read", HINT),
        ("tiers:5m=,10m", "'' is not a duration that I can read", HINT),
        ("tiers:=5m,10m", "'' is not a duration that I can read", HINT),
        ("tiers:5m=5m=6m,10m", "'5m=6m' is not a duration that I can read", HINT),
        ("tiers:0s=5m,10m", "'0s' is less than a second", HINT),
        ("tiers:5m=0.5s,10m", "'0.5s' is less than a second", HINT),
        ("tiers:5m=5m,0s", "'0s' is less than a second", HINT),
        ("tiers:,", "'' says no interval", TIER_HINT),
        ("tiers:5m,10m", "'5m' says no interval", TIER_HINT),
        ("tiers:15m=5m,5m=10m,20m", "the boundaries do not grow", HINT),
        ("tiers:5m=5m,300s=10m,20m", "the boundaries do not grow", HINT),
        ("exp:0s,x2,15m", "'0s' is less than a second", HINT),
        ("exp:30s,x2,0s", "'0s' is less than a second", HINT),
        ("exp:soon,x2,15m", "'soon' is not a duration that I can read", HINT),
        ("exp:30s,x2,later", "'later' is not a duration that I can read", HINT),
        ("exp:15m,x2,30s", "the cap is below the base", HINT),
        ("exp:30s,x1,15m", "the factor is below 1.01", HINT),
        ("exp:30s,x1.009999999,15m", "the factor is below 1.01", HINT),
        ("exp:30s,x0,15m", "the factor is below 1.01", HINT),
    ],
)  # fmt: skip
def test_mistakes_in_a_policy(text: str, message: str, hint: str) -> None:
    """A mistake is shown with the policy that it is in."""
    with pytest.raises(BadInputError) as caught:
        parse_policy(text)
    expected = f"in the policy {text!r} {message}"
    assert (str(caught.value), caught.value.hint) == (expected, hint)


@pytest.mark.parametrize(
    "text",
    [
        "exp:30s", "exp:30s,x2", "exp:30s,2,15m", "exp:30s,x,15m", "exp:30s,x-2,15m",
        "exp:30s,xtwo,15m", "exp:30s,x2,15m,1h", "exp:,x2,15m", "exp:30s,x2,", "exp:30s,x2.,15m",
        "exp:30s,x.5,15m", "exp:30s,x1e3,15m", "exp:30s,x1234567890,15m",
        "exp:30s,x1.1234567890,15m", "exp:30s,xinf,15m", "exp:30s,xnan,15m", "exp:30s,x٣,15m",
    ],
)  # fmt: skip
def test_what_is_no_exponential_policy(text: str) -> None:
    """Base, factor and cap come in this order, the factor with at most nine digits a side."""
    with pytest.raises(BadInputError) as caught:
        parse_policy(text)
    expected = (f"{text!r} is not an exponential policy", "Write BASE,xFACTOR,CAP: exp:30s,x2,15m.")
    assert (str(caught.value), caught.value.hint) == expected


@pytest.mark.parametrize(
    ("idle_ns", "tier", "minutes", "state"),
    [
        (None, 1, 5, "never seen"),
        (-(1 << 70), 1, 5, "active"),
        (-1, 1, 5, "active"),
        (0, 1, 5, "active"),
        (5 * MINUTE - 1, 1, 5, "active"),
        (5 * MINUTE, 2, 10, "quiet"),
        (15 * MINUTE - 1, 2, 10, "quiet"),
        (15 * MINUTE, 3, 30, "idle"),
        (45 * MINUTE - 1, 3, 30, "idle"),
        (45 * MINUTE, 4, 60, "long idle"),
        (365 * 1440 * MINUTE, 4, 60, "long idle"),
        (1 << 70, 4, 60, "long idle"),
    ],
)
def test_boundaries_are_strict(idle_ns: int | None, tier: int, minutes: int, state: str) -> None:
    """At a boundary the next tier begins; what was never seen has the base interval."""
    assert GASTOWN.tier(idle_ns) == tier
    assert GASTOWN.interval_ns(idle_ns) == minutes * MINUTE
    assert GASTOWN.state(idle_ns) == state


def test_original_arithmetic() -> None:
    """At every second of two idle hours the interval is that of Gas Town's daemon."""
    for seconds in range(7200):
        if seconds < 300:
            minutes = 5
        elif seconds < 900:
            minutes = 10
        elif seconds < 2700:
            minutes = 30
        else:
            minutes = 60
        assert GASTOWN.interval_ns(seconds * NS) == minutes * MINUTE


@pytest.mark.parametrize(
    ("text", "changes_s"),
    [
        ("gastown", [300, 900, 2700]),
        ("tiers:1m=1m,2m=2m,3m=3m,4m=4m,5m", [60, 120, 180]),
        ("tiers:10m=1m,2m", [600]),
        ("tiers:1m=1m,1h=2m,3m", [60, 3600]),
        # Without tiers by idle time the words are Gas Town's.
        ("tiers:60m", [300, 900, 2700]),
        ("fixed:10m", [300, 900, 2700]),
        ("exp:30s,x2,15m", [300, 900, 2700]),
        ("exp:1s,x2,1s", [300, 900, 2700]),
    ],
)
def test_states_in_words(text: str, changes_s: list[int]) -> None:
    """A state has a word: that of the tier, of the fourth for all beyond it."""
    policy, words = parse_policy(text), ["active", "quiet", "idle", "long idle"]
    assert policy.state_boundaries_ns == tuple(second * NS for second in changes_s)
    assert policy.state(None) == "never seen"
    assert policy.state(-1) == "active"
    for number, second in enumerate(changes_s):
        assert policy.state(second * NS - 1) == words[number]
        assert policy.state(second * NS) == words[number + 1]
    assert policy.state(1 << 70) == words[len(changes_s)]


@pytest.mark.parametrize(
    ("text", "base_s", "longest_s", "shortest_s"),
    [
        ("gastown", 300, 3600, 300),
        ("fixed:10m", 600, 600, 600),
        ("tiers:10m=5m,20m=2m,1m", 300, 300, 60),
        ("tiers:30s=5m,10m", 300, 600, 30),
        ("exp:30s,x2,15m", 30, 900, 30),
        ("exp:5m,x1,5m", 300, 300, 300),
    ],
)
def test_extremes(text: str, base_s: int, longest_s: int, shortest_s: int) -> None:
    """The base is the first interval; the shortest time may be a boundary of idle time."""
    policy = parse_policy(text)
    found = policy.base_ns, policy.longest_ns, policy.shortest_ns
    assert found == (base_s * NS, longest_s * NS, shortest_s * NS)


@pytest.mark.parametrize("text", PRESETS)
def test_presets(text: str) -> None:
    """Each preset is written as it is called."""
    assert parse_policy(text).text == text


@given(policies, st.none() | idle_times)
def test_every_interval_is_one_that_is_listed(text: str, idle_ns: int | None) -> None:
    """Whatever the idle time, the interval is that of one of the tiers, from base to longest."""
    policy = parse_policy(text)
    assert policy.interval_ns(idle_ns) == policy.intervals_ns[policy.tier(idle_ns) - 1]
    assert 1 <= policy.tier(idle_ns) <= len(policy.intervals_ns)
    assert len(policy.boundaries_ns) == len(policy.intervals_ns) - 1
    assert NS <= policy.shortest_ns <= policy.base_ns <= policy.longest_ns <= INT64_MAX
    assert policy.interval_ns(None) == policy.interval_ns(-1) == policy.base_ns


@given(policies, idle_times, idle_times)
def test_tiers_grow_with_idle_time(text: str, one_ns: int, other_ns: int) -> None:
    """A longer idle time is never of a lower tier or a livelier state."""
    policy, words = parse_policy(text), ["active", "quiet", "idle", "long idle"]
    shorter, longer = sorted([one_ns, other_ns])
    assert policy.tier(shorter) <= policy.tier(longer)
    assert words.index(policy.state(shorter)) <= words.index(policy.state(longer))


@given(policies)
def test_a_tier_ends_where_its_boundary_is(text: str) -> None:
    """The nanosecond before a boundary is of one tier, the boundary of the next."""
    policy = parse_policy(text)
    for number, boundary_ns in enumerate(policy.boundaries_ns, 1):
        assert (policy.tier(boundary_ns - 1), policy.tier(boundary_ns)) == (number, number + 1)


@settings(max_examples=50)
@given(exponential())
def test_exponential_intervals_grow_up_to_the_cap(text: str) -> None:
    """Each interval is longer than the one before; the last is the cap, and none is over it."""
    policy = parse_policy(text)
    intervals_ns = policy.intervals_ns
    assert list(intervals_ns) == sorted(set(intervals_ns))
    cap = parse_policy(f"fixed:{text.rpartition(',')[2]}")
    base = parse_policy(f"fixed:{text[4:].partition(',')[0]}")
    assert (intervals_ns[0], intervals_ns[-1]) == (base.base_ns, cap.base_ns)
    assert policy.boundaries_ns == tuple(
        sum(intervals_ns[: number + 1]) for number in range(len(intervals_ns) - 1)
    )


@given(policies)
def test_a_policy_reads_its_own_text(text: str) -> None:
    """The text that a policy keeps describes it."""
    policy = parse_policy(text)
    assert parse_policy(policy.text) == policy
    assert parse_policy(f" {text.upper()} ") == policy


pieces = st.sampled_from(
    ["gastown", "fixed:", "exp:", "tiers:", "5m", "10m", "1.5h", "=", ",", "x", "2", "0", "9" * 20,
     " ", ".", "1" * 5000, "s", "w", "٣", "\udcff"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.text() | st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_a_policy_or_an_error(text: str) -> None:
    """Whatever is given for a policy is read, or refused with what to write instead."""
    try:
        policy = parse_policy(text)
    except BadInputError as error:
        told = str(error), error.hint
    else:
        assert parse_policy(policy.text) == policy
        return
    assert repr(text) in told[0]
    assert told[1]
