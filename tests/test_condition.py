"""Conditions on figures, as ``--fail-if`` takes them."""

import operator
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.condition import Condition, parse_condition
from ledger.errors import BadInputError

OPERATORS = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
FIELDS = ["wasted", "wasted_per_day", "reaction_max_s"]


@pytest.mark.parametrize(
    ("text", "field", "sign", "value"),
    [
        ("wasted>100", "wasted", ">", 100),
        ("wasted_per_day<=1.5", "wasted_per_day", "<=", 1.5),
        ("  wasted\t!= -2 ", "wasted", "!=", -2),
        ("wasted==1e3", "wasted", "==", 1000),
        ("wasted>=.5", "wasted", ">=", 0.5),
        ("reaction_max_s<90", "reaction_max_s", "<", 90),
        ("reaction_max_s<90s", "reaction_max_s", "<", 90),
        ("reaction_max_s >= 30m", "reaction_max_s", ">=", 1800),
        ("reaction_max_s>1h30m", "reaction_max_s", ">", 5400),
        ("reaction_max_s>1.5h", "reaction_max_s", ">", 5400),
        ("reaction_max_s>0.25s", "reaction_max_s", ">", 0.25),
    ],
)
def test_parsing(text: str, field: str, sign: str, value: float) -> None:
    """A condition is a figure, an operator and a number; seconds may be a duration."""
    assert parse_condition(text, FIELDS) == Condition(text, field, sign, value)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "'' is not a condition", "Write FIELD>NUMBER; the others are >= < <= == !=."),
        ("wasted", "'wasted' is not a condition", "Write FIELD>NUMBER"),
        ("wasted>", "'wasted>' is not a condition", "Write FIELD>NUMBER"),
        (">1", "'>1' is not a condition", "Write FIELD>NUMBER"),
        ("wasted=1", "'wasted=1' is not a condition", "Write FIELD>NUMBER"),
        ("wasted>1 or wasted<0", "is not a condition", "Write FIELD>NUMBER"),
        ("1>wasted", "there is no figure '1'", "There are wasted, wasted_per_day, reaction_max_s."),
        ("WASTED>1", "there is no figure 'WASTED'", "There are wasted"),
        ("policy==x", "there is no figure 'policy'", "There are wasted"),
        ("wasted>>1", "'>1' is not a number, in 'wasted>>1'", ""),
        ("wasted>many", "'many' is not a number, in 'wasted>many'", ""),
        ("wasted>5m", "'5m' is not a number, in 'wasted>5m'", ""),
        ("wasted>nan", "'nan' is not a number, in 'wasted>nan'", ""),
        ("reaction_max_s>nan", "'nan' is not a", ""),
        ("reaction_max_s>soon", "'soon' is not a duration that I can read", "Write 90s, 15m"),
        ("reaction_max_s>-5m", "'-5m' is not a duration that I can read", "Write 90s, 15m"),
    ],
)
def test_refusals(text: str, message: str, hint: str) -> None:
    """What is no condition is refused, with what could be written instead."""
    with pytest.raises(BadInputError, match=re.escape(message)) as refused:
        parse_condition(text, FIELDS)
    assert refused.value.hint.startswith(hint)


@given(
    st.integers() | st.floats(allow_nan=False),
    st.sampled_from(list(OPERATORS)),
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    st.sampled_from(["", " "]),
)
def test_holds(figure: float, sign: str, value: float, blank: str) -> None:
    """It holds when Python's own operator says so, of whole numbers and of fractions."""
    condition = parse_condition(f"wasted{blank}{sign}{blank}{value!r}", FIELDS)
    assert condition.holds({"wasted": figure, "other": 1}) == OPERATORS[sign](figure, value)


@pytest.mark.parametrize("sign", list(OPERATORS))
def test_missing_figures(sign: str) -> None:
    """A figure that is not there fulfils no condition, not even that it differs."""
    condition = parse_condition(f"reaction_max_s{sign}0", FIELDS)
    assert not condition.holds({"reaction_max_s": None})


def test_truth() -> None:
    """A figure that is true or false is 1 or 0."""
    condition = parse_condition("stale==1", ["stale"])
    assert [condition.holds({"stale": value}) for value in (True, False)] == [True, False]
