"""How far a filtered page of touches looks, so that it answers in time.

Datasette finds a page's rows by walking through the touches, the newest first, which takes
too long where few of many are wanted. So such a page looks among the newest touches of the
streams that it asks for, which their active periods lead to, or among the newest of all,
and says so. What programs read (JSON, CSV) is never cut.
"""

import json
import sqlite3
from itertools import islice, takewhile
from typing import Any, NamedTuple

from ledger.browse.ledgers import plain
from ledger.filters import EVERYTHING, Filters, streams
from ledger.history import by_stream
from ledger.instants import zone

MOST = 500_000
"""Touches that a page looks through; a ledger with fewer is looked through whole."""

MOST_OF_STREAMS = 5_000
"""Touches of chosen streams that a page looks through."""

_MOST_SKIPPED = 100_000  # by paging; further on Datasette's own limits hold

_STREAM_COLUMNS = {
    "history": {"stream_id", "actor", "workspace", "town", "host"},
    "touches": {"stream_id"},
}

# What the index on instants answers; other conditions on them are Datasette's to look for.
_COMPARISONS = {f"at_ns{suffix}" for suffix in ("", "__exact", "__gt", "__gte", "__lt", "__lte")}

_BY_ID = {"id", "id__exact", "id__in"}

_Conditions = tuple[list[str], dict[str, object]]  # SQL and its parameters


class _Asked(NamedTuple):
    """What a page asks for, as conditions on streams and on touches' instants."""

    streams: _Conditions
    instants: _Conditions
    newest_first: bool
    skipped: int


async def bound(datasette: Any, database: str, table: str, request: Any) -> Any:
    """Return the condition that a page of touches is given, None where it needs none."""
    if table not in _STREAM_COLUMNS or request.url_vars.get("format") not in {None, "html"}:
        return None
    asked = _read(table, request.args)
    if asked is None or asked.skipped > _MOST_SKIPPED:
        return None

    def reach(connection: sqlite3.Connection) -> Any:
        with plain(connection):
            return _reach(connection, asked)

    found = await datasette.get_database(database).execute_fn(reach)
    if found is None:
        return None
    from datasette.filters import FilterArguments

    return FilterArguments(*found)


def _read(table: str, arguments: Any) -> _Asked | None:
    """Return what is asked for, None where an index leads to it."""
    from datasette.filters import Filters as Conditions

    given = [
        (key.partition("__")[0], key, value)
        for key in arguments
        if "__" in key or not key.startswith("_")
        for value in arguments.getlist(key)
    ]
    if any(key in _BY_ID for _, key, _ in given):
        return None
    if "_where" not in arguments and all(key in _COMPARISONS for _, key, _ in given):
        return None
    of_streams = [
        (key.replace("stream_id", "id", 1) if column == "stream_id" else key, value)
        for column, key, value in given
        if column in _STREAM_COLUMNS[table]
    ]
    instants = [(key, value) for _, key, value in given if key in _COMPARISONS]
    newest_first = arguments.get("_sort") != "at_ns"
    skipped = 0
    token, *tie = arguments.get("_next", "").split(",")
    if token.isdecimal() and tie:  # the last instant of the page before; a view has an offset
        instants.append(("at_ns__lte" if newest_first else "at_ns__gte", token))
    elif token.isdecimal():
        skipped = int(token)
    return _Asked(
        Conditions(sorted(of_streams)).build_where_clauses("streams"),
        Conditions(sorted(instants)).build_where_clauses("touches"),
        newest_first,
        skipped,
    )


def _reach(connection: sqlite3.Connection, asked: _Asked) -> Any:
    """Return a condition, its parameters and how people would say it."""
    (last_id,) = connection.execute("SELECT max(id) FROM touches").fetchone()
    if (last_id or 0) <= MOST:
        return None
    return _of_streams(connection, asked) if asked.streams[0] else _of_all(connection, asked)


def _of_all(connection: sqlite3.Connection, asked: _Asked) -> Any:
    where, parameters = _where(asked.instants)
    furthest = connection.execute(
        f"SELECT at_ns FROM touches{where} ORDER BY at_ns {'DESC' if asked.newest_first else 'ASC'}"
        f" LIMIT 1 OFFSET {MOST - 1}",
        parameters,
    ).fetchone()
    if furthest is None:
        return None
    comparison = ">=" if asked.newest_first else "<="
    return (
        [f"at_ns {comparison} :keepalive_at_ns"],
        {"keepalive_at_ns": furthest[0]},
        [_said(MOST, "touches", furthest[0], newest_first=asked.newest_first)],
    )


def _of_streams(connection: sqlite3.Connection, asked: _Asked) -> Any:
    where, parameters = _where(asked.streams)
    numbers = {row[0] for row in connection.execute(f"SELECT id FROM streams{where}", parameters)}
    chosen = {key: one for key, one in streams(connection, EVERYTHING).items() if key in numbers}
    where, parameters = _where(asked.instants)
    first_ns, last_ns = connection.execute(
        f"SELECT (SELECT min(at_ns) FROM touches{where}), (SELECT max(at_ns) FROM touches{where})",
        parameters,
    ).fetchone()
    span = Filters(since_ns=first_ns, until_ns=None if last_ns is None else last_ns + 1)
    walk = by_stream(
        connection, span, {} if last_ns is None else chosen, newest_first=asked.newest_first
    )
    found = list(islice(walk, MOST_OF_STREAMS + asked.skipped))
    said = []
    if len(found) == MOST_OF_STREAMS + asked.skipped:
        # Of one instant all: Datasette has these in another order than the walk.
        found += takewhile(lambda row: row[0] == found[-1][0], walk)
        text = "touches of these streams"
        said = [_said(len(found), text, found[-1][0], newest_first=asked.newest_first)]
    return (
        ["id IN (SELECT value FROM json_each(:keepalive_ids))"],
        {"keepalive_ids": json.dumps([number for _, number, *_ in found])},
        said,
    )


def _where(conditions: _Conditions) -> tuple[str, dict[str, object]]:
    clauses, parameters = conditions
    return (f" WHERE {' AND '.join(clauses)}" if clauses else ""), parameters


def _said(count: int, what: str, at_ns: int, *, newest_first: bool) -> str:
    edge, which, others, comparison = (
        ("newest", "since", "earlier", "<") if newest_first else ("oldest", "until", "later", ">")
    )
    return (
        f"it is among the {edge} {count:,} {what} ({which} {zone(None).text(at_ns)};"
        f" for {others} ones: at_ns {comparison} {at_ns})"
    )
