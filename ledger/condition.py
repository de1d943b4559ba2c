"""Conditions on a record's figures, such as ``wasted_per_day>100``: for checks in CI."""

import math
import operator
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.errors import BadInputError
from ledger.instants import NS, parse_duration

_OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*")


class Condition(NamedTuple):
    """A figure, how it is compared, and with what; `text` is how it was written."""

    text: str
    field: str
    operator: str
    value: float

    def holds(self, record: Mapping[str, object]) -> bool:
        """Tell whether it holds of the record; a figure that is not there fulfils nothing."""
        figure = record[self.field]
        if not isinstance(figure, int | float):
            return False
        return bool(_OPERATORS[self.operator](figure, self.value))


def parse_condition(text: str, fields: Sequence[str]) -> Condition:
    """Return the condition that `text` says on one of the `fields`.

    Seconds (``..._s``) may be written as a duration.

    Raises BadInputError.

    >>> parse_condition("reaction_max_s >= 1h", ["reaction_max_s"]).value
    3600.0
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadInputError(
            f"{text!r} is not a condition", "Write FIELD>NUMBER; the others are >= < <= == !=."
        )
    field, sign, value = match.groups()
    if field not in fields:
        raise BadInputError(f"there is no figure {field!r}", f"There are {', '.join(fields)}.")
    try:
        number = float(value)
    except ValueError:
        number = parse_duration(value) / NS if field.endswith("_s") else math.nan
    if math.isnan(number):
        raise BadInputError(f"{value!r} is not a number, in {text!r}")
    return Condition(text, field, sign, number)
