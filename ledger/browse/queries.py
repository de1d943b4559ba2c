"""The canned queries of a ledger, each with parameters that may be left empty.

Instants are read as commands read them, in the zone in which pages show them: the
server's. `ledger.browse.parameters` refuses what can't be read, before it comes here.
"""

import copy
from typing import Any

_NOW = "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000000)"
_HOUR = 3_600_000_000_000
_NOW_END = f"({_NOW} + 999999999)"  # SQLite's clock has milliseconds
_ACTOR = "(coalesce(:actor, '') = '' OR keepalive_matches(streams.actor, :actor))"


def _at_ns(parameter: str, default: str) -> str:
    return (
        f"CASE WHEN trim(coalesce({parameter}, '')) = '' THEN {default}"
        f" ELSE keepalive_at_ns({parameter}) END"
    )


def _number(parameter: str, default: int) -> str:
    return f"CAST(coalesce(nullif(trim({parameter}), ''), {default}) AS REAL)"


def _limit(default: int) -> str:
    """Return a limit that is above nothing; below it SQLite means everything."""
    return f"coalesce(nullif(max(CAST(:limit AS INTEGER), 0), 0), {default})"


_SINCE, _UNTIL = _at_ns(":since", "-9223372036854775808"), _at_ns(":until", _NOW_END)
_TEXTS = "nullif(trim(:since), ''), nullif(trim(:until), '')"

_TIME = "such as 2h, yesterday or 2026-03-01 12:00 in the server's zone"
_RANGE = f"since and until: times {_TIME}."
# How far the server's whole hours lie from those of UTC.
_SHIFT = (
    "60000000000 * strftime('%M', strftime('%s', 'now') / 3600 * 3600, 'unixepoch', 'localtime')"
)

QUERIES: dict[str, dict[str, Any]] = {
    "quiet_now": {
        "title": "Who is quiet now",
        "description": "Every stream, the longest silent first. actor: a name, * and ? work.",
        "params": ["actor"],
        "sql": f"""
WITH seen AS (
  SELECT streams.*,
    (SELECT ended_ns FROM periods WHERE stream_id = streams.id
     ORDER BY started_ns DESC LIMIT 1) AS last_ns
  FROM streams WHERE {_ACTOR})
SELECT actor, workspace, town, host, last_ns,
  max({_NOW} - last_ns, 0) / 1e9 AS silent_s,
  keepalive_tier(max({_NOW} - last_ns, 0) / 1e9) AS tier
FROM seen ORDER BY last_ns""",
    },
    "longest_idle": {
        "title": "Longest idle periods",
        "description": "When nobody touched for min_s seconds (300) or longer, all streams taken"
        f" together, or those of actor, as `keepalive idle` tells. {_RANGE}",
        "params": ["min_s", "since", "until", "actor", "policy", "limit"],
        "sql": f"""
SELECT json_extract(value, '$[0]') AS started_ns, json_extract(value, '$[1]') AS ended_ns,
  json_extract(value, '$[2]') AS idle_s, json_extract(value, '$[3]') AS tier,
  json_extract(value, '$[4]') AS last_command, json_extract(value, '$[5]') AS first_command
FROM json_each(keepalive_idle({_TEXTS}, {_number(":min_s", 300)}, {_limit(20)},
  nullif(:actor, ''), coalesce(nullif(trim(:policy), ''), 'gastown')))""",
    },
    "touches_before": {
        "title": "Last touches before an instant",
        "description": f"The last touches up to at (now), {_TIME}.",
        "params": ["at", "limit"],
        "sql": f"""
SELECT at, actor, workspace, town, host, command, at_ns FROM history
WHERE at_ns <= {_at_ns(":at", _NOW_END)}
ORDER BY at_ns DESC, id DESC LIMIT {_limit(50)}""",
    },
    "busiest_hours": {
        "title": "Busiest hours",
        "description": "Touches and active time by weekday and hour of the server's zone. Both come"
        " from active periods, each stream's on its own: the touches of one that spans several"
        f" hours are shared out by its time in each. {_RANGE}",
        "params": ["since", "until", "actor"],
        "sql": f"""
WITH RECURSIVE span AS (
  SELECT {_SINCE} AS since_ns, {_UNTIL} AS until_ns, {_SHIFT} AS shift_ns),
pieces (started_ns, ended_ns, touches, hour_ns) AS (
  SELECT started_ns, ended_ns, touches,
    started_ns - ((started_ns + shift_ns) % {_HOUR} + {_HOUR}) % {_HOUR}
  FROM periods JOIN streams ON streams.id = stream_id, span
  WHERE ended_ns >= since_ns AND started_ns < until_ns AND {_ACTOR}
  UNION ALL
  SELECT started_ns, ended_ns, touches, hour_ns + {_HOUR} FROM pieces
  WHERE hour_ns + {_HOUR} <= ended_ns),
cut AS (
  SELECT hour_ns, touches, ended_ns - started_ns AS length_ns,
    min(ended_ns, hour_ns + {_HOUR}, until_ns) - max(started_ns, hour_ns, since_ns) AS within_ns
  FROM pieces, span)
SELECT substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', hour_ns / 1000000000,
    'unixepoch', 'localtime'), 3) AS weekday,
  strftime('%H:00', hour_ns / 1000000000, 'unixepoch', 'localtime') AS hour,
  CAST(round(sum(touches * CASE length_ns WHEN 0 THEN 1.0 ELSE 1.0 * within_ns / length_ns END))
    AS INTEGER) AS estimated_touches,
  sum(within_ns) / 1e9 AS active_s
FROM cut WHERE within_ns > 0 OR (within_ns = 0 AND length_ns = 0)
GROUP BY weekday, hour ORDER BY estimated_touches DESC, active_s DESC""",
    },
    "commands": {
        "title": "Commands by count",
        "description": f"Among the newest 50,000 touches of the range. {_RANGE}",
        "params": ["since", "until", "limit"],
        "sql": f"""
SELECT command, count(*) AS touches, min(at_ns) AS first_ns, max(at_ns) AS last_ns
FROM (SELECT command, at_ns FROM touches WHERE at_ns >= {_SINCE} AND at_ns < {_UNTIL}
      ORDER BY at_ns DESC LIMIT 50000)
GROUP BY command ORDER BY touches DESC, command LIMIT {_limit(100)}""",
    },
    "touches_of": {
        "title": "Touches of one actor",
        "description": "The newest touches of actor (a name, * and ? work).",
        "params": ["actor", "limit"],
        # A stream's newest touches are found by walking its periods backwards, without a
        # sort, however long its last period is and however rare it touches.
        "sql": f"""
SELECT history.at, history.actor, history.workspace, history.town, history.host,
  history.command, history.at_ns
FROM streams
CROSS JOIN json_each((SELECT json_group_array(id) FROM (
  SELECT touches.id FROM periods
  CROSS JOIN touches ON touches.at_ns BETWEEN started_ns AND ended_ns
    AND touches.stream_id = streams.id
  WHERE periods.stream_id = streams.id
  ORDER BY periods.started_ns DESC, touches.at_ns DESC, touches.id DESC
  LIMIT {_limit(100)}))) AS own
CROSS JOIN history ON history.id = own.value
WHERE {_ACTOR}
ORDER BY history.at_ns DESC, history.id DESC LIMIT {_limit(100)}""",
    },
    "heartbeats_by_tier": {
        "title": "Heartbeats by tier",
        "description": "The heartbeats that a policy (gastown) would have fired over all streams,"
        f" or those of actor, as `keepalive backoff` tells. {_RANGE}",
        "params": ["policy", "since", "until", "actor"],
        "sql": f"""
SELECT json_extract(value, '$[0]') AS tier, json_extract(value, '$[1]') AS from_s,
  json_extract(value, '$[2]') AS interval_s, json_extract(value, '$[3]') AS time_s,
  json_extract(value, '$[4]') AS heartbeats
FROM json_each(keepalive_heartbeats(coalesce(nullif(trim(:policy), ''), 'gastown'), {_TEXTS},
  nullif(:actor, '')))""",
    },
}


async def is_ours(datasette: Any, database: str, name: str) -> bool:
    """Tell whether a query of a ledger is ours, and not one that the user has in its place."""
    if name not in QUERIES:
        return False
    if not hasattr(datasette, "add_query"):
        return name not in _theirs(datasette, database)
    there = await datasette.get_query(database, name)
    return there is None or there.source == "plugin"


def _theirs(datasette: Any, database: str) -> set[str]:
    """Return the names of the user's queries; Datasette 0.65 puts ours among them."""
    said = datasette.metadata("queries", database=database, fallback=False) or {}
    ours = {name: told["sql"] for name, told in QUERIES.items()}
    return {
        name
        for name, told in said.items()
        if name not in ours or not isinstance(told, dict) or told.get("sql") != ours[name]
    }


def canned(datasette: Any, database: str) -> dict[str, dict[str, Any]]:
    """Return the queries as Datasette 0.65 takes them; it changes them, so each time anew.

    One that the user has under the same name stands.
    """
    theirs = _theirs(datasette, database)
    return {
        name: {**copy.deepcopy(query), "hide_sql": True}
        for name, query in QUERIES.items()
        if name not in theirs
    }


async def add(datasette: Any, database: str) -> None:
    """Give Datasette 1.0 the queries; one that the user has under the same name stands."""
    for name, told in QUERIES.items():
        if await is_ours(datasette, database, name):
            await datasette.add_query(
                database,
                name,
                told["sql"],
                title=told["title"],
                description=told["description"],
                parameters=told["params"],
                hide_sql=True,
                is_trusted=True,
            )


async def remove(datasette: Any, database: str) -> bool:
    """Take the queries back from a database of Datasette 1.0 that is no ledger any more.

    Return whether there were any.
    """
    found = False
    for name, told in QUERIES.items():
        there = await datasette.get_query(database, name)
        if there is not None and there.source == "plugin" and there.title == told["title"]:
            await datasette.remove_query(database, name, source="plugin")
            found = True
    return found
