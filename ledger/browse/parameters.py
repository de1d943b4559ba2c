"""What pages are asked for in their address, read as the commands read their options.

A canned query that would take a typing error for a range, a limit or a policy answers
with rows that look right, or with none: so it is refused, in words. In filters of tables
an instant may be written as it is shown, or as people say it.
"""

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from ledger import instants
from ledger.browse.queries import QUERIES
from ledger.errors import BadInputError
from ledger.instants import NS
from ledger.policy import parse_policy

_COMPARISONS = {"", "exact", "gt", "gte", "lt", "lte"}
_INSTANTS = {"at", "at_ns", "started_ns", "ended_ns"}
_INT64 = 1 << 63
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_TABLES = {"history", "touches", "periods"}


def read(page: str, query_string: str) -> str:
    """Return the query string of a page, its instants as nanoseconds where Datasette filters.

    Raises BadInputError for what can't be read.
    """
    given = parse_qsl(query_string, keep_blank_values=True)
    if page in QUERIES:
        _check([(key, value) for key, value in given if key in QUERIES[page]["params"]])
        return query_string
    if page not in _TABLES or not any(_is_instant(*one) for one in given):
        return query_string
    return urlencode([one for key, value in given for one in _filter(key, value)])


def _is_instant(key: str, value: str) -> bool:
    """Tell whether a filter compares with an instant that is not in nanoseconds."""
    column, _, comparison = key.partition("__")
    return (
        column in _INSTANTS
        and comparison in _COMPARISONS
        and bool(value.strip())
        and (column == "at" or not _WHOLE.fullmatch(value.strip()))
    )


def _filter(key: str, value: str) -> list[tuple[str, str]]:
    if not _is_instant(key, value):
        return [(key, value)]
    at_ns = _instant(value)
    column, _, comparison = key.partition("__")
    column = "at_ns" if column == "at" else column
    if comparison in {"", "exact"} and at_ns % NS == 0:  # shown to the second, and meant so
        return [(f"{column}__gte", str(at_ns)), (f"{column}__lte", str(at_ns + NS - 1))]
    return [(f"{column}__{comparison or 'exact'}", str(at_ns))]


def _check(given: list[tuple[str, str]]) -> None:
    for key, value in given:
        if key in _READINGS and value.strip():
            _READINGS[key](value)
    first = {key: value for key, value in reversed(given) if value.strip()}  # as Datasette's
    since, until = first.get("since"), first.get("until")
    if since and _instant(since) >= (_instant(until) if until else time.time_ns()):
        raise BadInputError("the range is empty: it ends before it begins", "Name other times.")


def _instant(text: str) -> int:
    return instants.parse(text, time.time_ns(), instants.zone(None))


def _whole(text: str) -> None:
    if not _WHOLE.fullmatch(text.strip()) or not 0 < int(text) < _INT64:
        raise BadInputError(f"{text!r} is not a whole number above 0", "Leave it empty.")


def _length(text: str) -> None:
    if not _NUMBER.fullmatch(text.strip()) or not 1 <= float(text) < _INT64 / NS:
        raise BadInputError(f"{text!r} is not a number of seconds from 1 on", "Leave it empty.")


_READINGS: dict[str, Callable[[str], object]] = {
    "since": _instant,
    "until": _instant,
    "at": _instant,
    "min_s": _length,
    "limit": _whole,
    "policy": parse_policy,
}
