"""The state, its forms and its age: `ledger.state`."""

import copy
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rfc3339 import parse
from ledger.state import ZERO_TIME_NS, State, age, age_ns

AT_NS = 1_766_940_004_123_456_789
AT = State("gt status", AT_NS)
YEAR_NS = 31_536_000_000_000_000

states = st.builds(State, st.text(), st.integers())


@given(states)
def test_equal_values_make_equal_states(state: State) -> None:
    """A state equals and hashes as any made of the same values, by keyword or by copying."""
    same = State(last_command=state.last_command, timestamp_ns=state.timestamp_ns)
    copies = [
        same,
        copy.copy(state),
        copy.deepcopy(state),
    ]
    assert copies == [state] * 3
    assert {*copies, state} == {state}


def test_a_state_shows_its_values() -> None:
    """The repr is the call that would make an equal state."""
    assert repr(State("gt \n", 5)) == "State(last_command='gt \\n', timestamp_ns=5)"


@pytest.mark.parametrize(
    "other", [State("gt", AT_NS), State("gt status", AT_NS + 1), ("gt status", AT_NS), None]
)
def test_other_values_make_other_states(other: object) -> None:
    """A state differs from one of another command or instant, and from what is no state."""
    assert other != AT


@pytest.mark.parametrize("name", ["last_command", "timestamp_ns", "other"])
def test_a_state_cannot_be_changed(name: str) -> None:
    """Neither its values nor anything else can be set or deleted."""
    state = State("gt status", AT_NS)
    with pytest.raises(AttributeError):
        setattr(state, name, 1)
    with pytest.raises(AttributeError):
        delattr(state, name)
    assert state == AT


def test_a_state_can_be_matched() -> None:
    """The two values can be taken out by a pattern, in order."""
    match AT:
        case State(command, at_ns):
            assert (command, at_ns) == ("gt status", AT_NS)


@pytest.mark.parametrize(
    ("ns", "timestamp"),
    [
        (AT_NS, datetime(2025, 12, 28, 16, 40, 4, 123456, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (ZERO_TIME_NS, datetime.min.replace(tzinfo=UTC)),
        (ZERO_TIME_NS + 1_000, datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        (ZERO_TIME_NS - 1, datetime.min.replace(tzinfo=UTC)),
        (-(10**30), datetime.min.replace(tzinfo=UTC)),
        (253_402_300_799_999_999_999, datetime.max.replace(tzinfo=UTC)),
        (253_402_300_800_000_000_000, datetime.max.replace(tzinfo=UTC)),
        (10**30, datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_timestamp_is_an_aware_datetime(ns: int, timestamp: datetime) -> None:
    """The instant is given in UTC to the microsecond below it, within datetime's years."""
    got = State("", ns).timestamp
    assert (got, got.tzinfo) == (timestamp, UTC)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (AT_NS, "2025-12-28T16:40:04.123456789Z"),
        (ZERO_TIME_NS, "0001-01-01T00:00:00Z"),
        (-62_167_219_200 * 10**9, "0000-01-01T00:00:00Z"),
        (-62_167_219_200 * 10**9 - 1, "-0001-12-31T23:59:59.999999999Z"),
        (253_402_300_799_900_000_000, "9999-12-31T23:59:59.9Z"),
        (253_402_300_859 * 10**9, "10000-01-01T00:00:59Z"),
    ],
)
def test_the_text_of_an_instant_has_any_year(ns: int, text: str) -> None:
    """Years that only an offset can lead to are written too."""
    assert State("", ns).rfc3339 == text


NOW_NS = 1_766_940_004_500_000_000


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2025-12-28T16:40:04.5Z", 0),
        ("2025-12-28T16:40:05Z", -500000000),
        ("1970-01-01T00:00:00Z", 1766940004500000000),
        ("1733-09-18T16:52:47.645224195Z", 9223372036854775805),
        ("1733-09-18T16:52:47.645224193Z", 9223372036854775807),
        ("1733-09-18T16:52:47.645224192Z", 9223372036854775807),
        ("1733-09-18T16:52:47.645224191Z", 9223372036854775807),
        ("0001-01-01T00:00:00Z", 9223372036854775807),
        ("2318-04-09T16:27:21.354775806Z", -9223372036854775806),
        ("2318-04-09T16:27:21.354775807Z", -9223372036854775807),
        ("2318-04-09T16:27:21.354775808Z", -9223372036854775808),
        ("2318-04-09T16:27:21.354775809Z", -9223372036854775808),
        ("9999-12-31T23:59:59Z", -9223372036854775808),
    ],
)
def test_an_age_saturates_at_64_bits(timestamp: str, expected: int) -> None:
    """An age is now minus then in nanoseconds, as far as 64 bits go."""
    at_ns = parse(timestamp)
    assert at_ns is not None
    assert age_ns(State("", at_ns), NOW_NS) == expected


def test_no_state_is_a_year_old() -> None:
    """The age of None is 365 days, by whichever way it is asked for."""
    assert age_ns(None) == age_ns(None, NOW_NS) == YEAR_NS
    assert age(None) == State.age(None) == timedelta(days=365)


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (ZERO_TIME_NS, timedelta(microseconds=9_223_372_036_854_775)),
        (253_402_300_799 * 10**9, timedelta(microseconds=-9_223_372_036_854_775)),
    ],
)
def test_ages_beyond_64_bits_are_cut_toward_zero(ns: int, expected: timedelta) -> None:
    """As a timedelta the largest age and the smallest have the same size."""
    assert age(State("", ns)) == State("", ns).age() == expected


def test_an_age_is_taken_by_the_wall_clock() -> None:
    """Without a now the age lies between what clock readings before and after give."""
    before = time.time_ns()
    got = [age_ns(AT), AT.age() // timedelta(microseconds=1) * 1_000, age_ns(AT)]
    after = time.time_ns()
    assert got[0] - 1_000 <= got[1] <= got[2]
    assert before - AT_NS <= got[0] <= got[2] <= after - AT_NS
