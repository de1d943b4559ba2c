"""The canned queries of a ledger, each with parameters that may be left empty.

Instants are ISO 8601, UTC unless they have an offset, in whole seconds.
"""

import copy
from typing import Any

_NOW = "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000000)"
_ACTOR = "streams.actor GLOB coalesce(nullif(:actor, ''), '*')"


def _at_ns(parameter: str, default: str) -> str:
    seconds = f"CAST(strftime('%s', nullif({parameter}, '')) AS INTEGER)"
    return f"coalesce({seconds} * 1000000000, {default})"


def _number(parameter: str, default: int) -> str:
    return f"CAST(coalesce(nullif({parameter}, ''), {default}) AS INTEGER)"


_SINCE, _UNTIL = _at_ns(":since", "-9223372036854775808"), _at_ns(":until", _NOW)
_TEXTS = "nullif(:since, ''), nullif(:until, '')"

_QUERIES: dict[str, dict[str, Any]] = {
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
        " together, as `keepalive idle` tells. since and until: ISO 8601.",
        "params": ["min_s", "since", "until", "limit"],
        "sql": f"""
SELECT json_extract(value, '$[0]') AS started_ns, json_extract(value, '$[1]') AS ended_ns,
  json_extract(value, '$[2]') AS idle_s, json_extract(value, '$[3]') AS tier,
  json_extract(value, '$[4]') AS last_command, json_extract(value, '$[5]') AS first_command
FROM json_each(keepalive_idle({_TEXTS}, {_number(":min_s", 300)}, {_number(":limit", 20)}))""",
    },
    "touches_before": {
        "title": "Last touches before an instant",
        "description": "The last touches up to at (ISO 8601; now).",
        "params": ["at", "limit"],
        "sql": f"""
SELECT at, actor, workspace, town, host, command, at_ns FROM history
WHERE at_ns <= {_at_ns(":at", _NOW)} + 999999999
ORDER BY at_ns DESC, id DESC LIMIT {_number(":limit", 50)}""",
    },
    "busiest_hours": {
        "title": "Busiest hours",
        "description": "Touches and active periods by weekday and hour, UTC, in which the periods"
        " began.",
        "params": ["since", "until", "actor"],
        "sql": f"""
SELECT substr('SunMonTueWedThuFriSat', 1 + 3 * strftime('%w', started_ns / 1000000000,
    'unixepoch'), 3) AS weekday,
  strftime('%H:00', started_ns / 1000000000, 'unixepoch') AS hour,
  sum(touches) AS touches, count(*) AS periods, sum(ended_ns - started_ns) / 1e9 AS active_s
FROM periods JOIN streams ON streams.id = stream_id
WHERE started_ns >= {_SINCE} AND started_ns < {_UNTIL} AND {_ACTOR}
GROUP BY weekday, hour ORDER BY touches DESC""",
    },
    "commands": {
        "title": "Commands by count",
        "description": "Among the newest 50,000 touches of the range.",
        "params": ["since", "until", "limit"],
        "sql": f"""
SELECT command, count(*) AS touches, min(at_ns) AS first_ns, max(at_ns) AS last_ns
FROM (SELECT command, at_ns FROM touches WHERE at_ns >= {_SINCE} AND at_ns < {_UNTIL}
      ORDER BY at_ns DESC LIMIT 50000)
GROUP BY command ORDER BY touches DESC, command LIMIT {_number(":limit", 100)}""",
    },
    "touches_of": {
        "title": "Touches of one actor",
        "description": "The newest touches of actor (a name, * and ? work).",
        "params": ["actor", "limit"],
        # As many periods as touches are wanted hold at least as many, and the newest ones.
        "sql": f"""
SELECT history.at, history.actor, history.workspace, history.town, history.host,
  history.command, history.at_ns
FROM (SELECT stream_id, started_ns, ended_ns FROM periods
      WHERE stream_id IN (SELECT id FROM streams WHERE {_ACTOR})
      ORDER BY ended_ns DESC LIMIT {_number(":limit", 100)}) AS newest
CROSS JOIN history ON history.at_ns BETWEEN newest.started_ns AND newest.ended_ns
  AND history.stream_id = newest.stream_id
ORDER BY history.at_ns DESC, history.id DESC LIMIT {_number(":limit", 100)}""",
    },
    "heartbeats_by_tier": {
        "title": "Heartbeats by tier",
        "description": "The heartbeats that a policy (gastown) would have fired over all streams,"
        " as `keepalive backoff` tells.",
        "params": ["policy", "since", "until"],
        "sql": f"""
SELECT json_extract(value, '$[0]') AS tier, json_extract(value, '$[1]') AS from_s,
  json_extract(value, '$[2]') AS interval_s, json_extract(value, '$[3]') AS time_s,
  json_extract(value, '$[4]') AS heartbeats
FROM json_each(keepalive_heartbeats(coalesce(nullif(:policy, ''), 'gastown'), {_TEXTS}))""",
    },
}


def canned() -> dict[str, dict[str, Any]]:
    """Return the queries as Datasette 0.65 takes them; it changes them, so each time anew."""
    return copy.deepcopy(_QUERIES)


async def add(datasette: Any, database: str) -> None:
    """Give Datasette 1.0 the queries; one that the user has under the same name stands."""
    for name, told in _QUERIES.items():
        there = await datasette.get_query(database, name)
        if there is None or there.source == "plugin":
            await datasette.add_query(
                database,
                name,
                told["sql"],
                title=told["title"],
                description=told["description"],
                parameters=told["params"],
                is_trusted=True,
            )
