"""What pages are asked for in their address, read as the commands read their options.

A canned query that would take a typing error for a range, a limit or a policy answers
with rows that look right, or with none: so it is refused, in words. In filters of tables
an instant may be written as it is shown, or as people say it.
"""

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
_TABLES = {"history", "touches", "periods"}


def read(page: str, query_string: str) -> str:
    """Return the query string of a page, its instants as nanoseconds where Datasette filters.

    Raises BadInputError for what can't be read.
    """
    given = parse_qsl(query_string, keep_blank_values=True)
    if page in QUERIES:
        names = QUERIES[page]["params"]
        _check({key: text for key, value in given if key in names and (text := value.strip())})
        return query_string
    if page not in _TABLES or not any(_is_instant(key) for key, _ in given):
        return query_string
    return urlencode([one for key, value in given for one in _filter(key, value)])


def _is_instant(key: str) -> bool:
    column, _, comparison = key.partition("__")
    return column in _INSTANTS and comparison in _COMPARISONS


def _filter(key: str, value: str) -> list[tuple[str, str]]:
    if not _is_instant(key) or value.strip().lstrip("-").isdecimal():
        return [(key, value)]
    at_ns = _instant(value)
    column, _, comparison = key.partition("__")
    column = "at_ns" if column == "at" else column
    if comparison in {"", "exact"} and at_ns % NS == 0:  # shown to the second, and meant so
        return [(f"{column}__gte", str(at_ns)), (f"{column}__lt", str(at_ns + NS))]
    return [(f"{column}__{comparison or 'exact'}", str(at_ns))]


def _check(given: dict[str, str]) -> None:
    for key, reading in _READINGS.items():
        if key in given:
            reading(given[key])
    since, until = given.get("since"), given.get("until")
    if since and until and _instant(since) >= _instant(until):
        raise BadInputError("the range is empty: it ends before it begins", "Swap the two.")


def _instant(text: str) -> int:
    return instants.parse(text, time.time_ns(), instants.zone(None))


def _positive(kind: Callable[[str], float], text: str) -> None:
    try:
        good = 0 < kind(text) < float("inf")
    except ValueError:
        good = False
    if not good:
        raise BadInputError(f"{text!r} is not a number above 0", "Leave it empty for the default.")


_READINGS: dict[str, Callable[[str], object]] = {
    "since": _instant,
    "until": _instant,
    "at": _instant,
    "min_s": lambda text: _positive(float, text),
    "limit": lambda text: _positive(int, text),
    "policy": parse_policy,
}
