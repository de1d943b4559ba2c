"""How far a filtered page of touches looks, so that it answers in time.

Datasette finds a page's rows by walking through the touches, the newest first, which takes
too long where few of many are wanted. So such a page looks among the newest touches of the
streams that it asks for, which their active periods lead to, or among the newest of all,
and says so. What programs read (JSON, CSV) is never cut.
"""

import contextlib
import json
import sqlite3
from itertools import islice, takewhile
from typing import Any, NamedTuple

from ledger.browse.ledgers import plain
from ledger.filters import EVERYTHING, Filters, Streams, streams
from ledger.history import by_stream
from ledger.instants import zone

MOST = 500_000
"""Touches that a page looks through; a ledger with fewer is looked through whole."""

MOST_SORTED = 100_000
"""Of so many it looks through those of some time, where it sorts them by something else."""

MOST_OF_STREAMS = 5_000
"""Touches of chosen streams that a page looks through."""

_ORDER = {"history": "at_ns", "touches": "id"}
_STREAM_COLUMNS = {
    "history": {"stream_id", "actor", "workspace", "town", "host"},
    "touches": {"stream_id"},
}

# What an index answers; other conditions are Datasette's to look for.
_BY_ID = {"id", "id__exact", "id__in"}
_COMPARISONS = {f"at_ns{suffix}" for suffix in ("", "__exact", "__gt", "__gte", "__lt", "__lte")}

_Conditions = tuple[list[str], dict[str, object]]  # SQL and its parameters


class _Asked(NamedTuple):
    """What a page asks for: conditions on streams and on touches' instants, and its order."""

    table: str
    streams: _Conditions
    instants: _Conditions
    newest_first: bool
    after_id: int | None


async def bound(datasette: Any, database: str, table: str, request: Any) -> Any:
    """Return the condition that a page of touches is given, None where it needs none."""
    if table not in _ORDER or request.url_vars.get("format") not in {None, "html"}:
        return None
    column, newest_first = await _order(datasette, database, table, request.args)
    asked = _read(table, request.args, newest_first=newest_first)
    if asked is None or column != _ORDER[table]:
        return None

    def reach(connection: sqlite3.Connection) -> Any:
        # A condition that makes no sense is Datasette's to refuse.
        with plain(connection), contextlib.suppress(sqlite3.Error, OverflowError):
            return _reach(connection, asked)
        return None

    found = await datasette.get_database(database).execute_fn(reach)
    if found is None:
        return None
    from datasette.filters import FilterArguments

    return FilterArguments(*found)


async def _order(datasette: Any, database: str, table: str, arguments: Any) -> tuple[str, bool]:
    """Return the column that a page is sorted by, and whether downwards."""
    if arguments.get("_sort") or arguments.get("_sort_desc"):
        told: Any = arguments
        up, down = told.get("_sort"), told.get("_sort_desc")
    else:
        if hasattr(datasette, "table_config"):
            told = await datasette.table_config(database, table)
        else:
            told = datasette.table_metadata(database, table)
        up, down = told.get("sort"), told.get("sort_desc")
    return down or up or "", bool(down)


def _read(table: str, arguments: Any, *, newest_first: bool) -> _Asked | None:
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
    others = "_where" in arguments or any(key not in _COMPARISONS for _, key, _ in given)
    if not given and not others:
        return None
    if table == "history" and not others:
        return None
    of_streams = [
        (key.replace("stream_id", "id", 1) if column == "stream_id" else key, value)
        for column, key, value in given
        if column in _STREAM_COLUMNS[table]
    ]
    instants = [(key, value) for _, key, value in given if key in _COMPARISONS]
    after = arguments.get("_next", "").partition(",")[0]
    return _Asked(
        table,
        Conditions(sorted(of_streams)).build_where_clauses("streams"),
        Conditions(sorted(instants)).build_where_clauses("touches"),
        newest_first,
        int(after) if table == "touches" and after.isdecimal() else None,
    )


def _reach(connection: sqlite3.Connection, asked: _Asked) -> Any:
    """Return a condition, its parameters and how people would say it."""
    (last_id,) = connection.execute("SELECT max(id) FROM touches").fetchone()
    if (last_id or 0) <= MOST:
        return None
    chosen = _chosen(connection, asked) if asked.streams[0] else None
    if chosen is not None and (asked.table == "history" or _few(connection, chosen)):
        return _of_streams(connection, asked, chosen)
    if asked.table == "history":
        return _of_all(connection, asked)
    if asked.instants[0]:
        return _of_a_time(connection, asked)
    return _recorded(asked, last_id)


def _chosen(connection: sqlite3.Connection, asked: _Asked) -> Streams:
    where, parameters = _where(asked.streams)
    numbers = {row[0] for row in connection.execute(f"SELECT id FROM streams{where}", parameters)}
    return {key: one for key, one in streams(connection, EVERYTHING).items() if key in numbers}


def _few(connection: sqlite3.Connection, chosen: Streams) -> bool:
    (touches,) = connection.execute(
        "SELECT coalesce(sum(touches), 0) FROM periods"
        " WHERE stream_id IN (SELECT value FROM json_each(?))",
        (json.dumps([*chosen]),),
    ).fetchone()
    return bool(touches <= MOST_OF_STREAMS)


def _furthest(connection: sqlite3.Connection, asked: _Asked, most: int) -> int | None:
    """Return the instant of the last of so many touches, None where there are fewer."""
    where, parameters = _where(asked.instants)
    found = connection.execute(
        f"SELECT at_ns FROM touches{where} ORDER BY at_ns {'DESC' if asked.newest_first else 'ASC'}"
        f" LIMIT 1 OFFSET {most - 1}",
        parameters,
    ).fetchone()
    return None if found is None else int(found[0])


def _of_all(connection: sqlite3.Connection, asked: _Asked) -> Any:
    """Choose the newest touches of all by their instants."""
    furthest = _furthest(connection, asked, MOST)
    if furthest is None:
        return None
    comparison = ">=" if asked.newest_first else "<="
    return (
        [f"at_ns {comparison} :keepalive_at_ns"],
        {"keepalive_at_ns": furthest},
        [_said(MOST, "touches", furthest, newest_first=asked.newest_first)],
    )


def _of_a_time(connection: sqlite3.Connection, asked: _Asked) -> Any:
    """Choose touches by their instants for a page that is sorted by something else."""
    most = min(MOST_SORTED, MOST)
    furthest = _furthest(connection, asked, most)
    first_ns, last_ns = _edges(connection, asked)
    said = []
    if furthest is not None:
        first_ns, last_ns = (furthest, last_ns) if asked.newest_first else (first_ns, furthest)
        said = [_said(most, "touches", furthest, newest_first=asked.newest_first)]
    return (
        ["id IN (SELECT id FROM touches WHERE at_ns BETWEEN :keepalive_first AND :keepalive_last)"],
        {"keepalive_first": first_ns, "keepalive_last": last_ns},
        said,
    )


def _edges(connection: sqlite3.Connection, asked: _Asked) -> tuple[int | None, int | None]:
    """Return the first and the last instant of those that are asked for."""
    where, parameters = _where(asked.instants)
    first_ns, last_ns = connection.execute(
        f"SELECT (SELECT min(at_ns) FROM touches{where}), (SELECT max(at_ns) FROM touches{where})",
        parameters,
    ).fetchone()
    return first_ns, last_ns


def _recorded(asked: _Asked, last_id: int) -> Any:
    """Choose the touches that were recorded last, or first, or on from the page before."""
    if asked.newest_first:
        start = last_id if asked.after_id is None else asked.after_id
        edge, clause, further = max(start - MOST, 0), "id >= :keepalive_id", "id <"
    else:
        edge, clause, further = (asked.after_id or 0) + MOST, "id <= :keepalive_id", "id >"
    said = f"it is among {MOST:,} of the order of recording (for further ones: {further} {edge})"
    return [clause], {"keepalive_id": edge}, [said]


def _of_streams(connection: sqlite3.Connection, asked: _Asked, chosen: Streams) -> Any:
    """Choose the newest touches of some streams, which all pages then are of."""
    first_ns, last_ns = _edges(connection, asked)
    span = Filters(since_ns=first_ns, until_ns=None if last_ns is None else last_ns + 1)
    walk = by_stream(
        connection, span, {} if last_ns is None else chosen, newest_first=asked.newest_first
    )
    found = list(islice(walk, MOST_OF_STREAMS))
    said = []
    if len(found) == MOST_OF_STREAMS:
        last = found[-1][0]
        found += takewhile(lambda row: row[0] == last, walk)  # so that one can go on from there
        if next(walk, None) is not None:
            text = "touches of these streams"
            said = [_said(len(found), text, last, newest_first=asked.newest_first)]
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
