"""SQL functions on connections to a ledger: for people's own queries, and for the canned ones."""

import contextlib
import json
import sqlite3
import time
from typing import Any

from ledger.backoff import replay_policy
from ledger.browse.ledgers import plain
from ledger.errors import LedgerError
from ledger.figures import Question
from ledger.filters import Filters, matches
from ledger.idle import idle_report
from ledger.instants import NS, duration, parse, zone
from ledger.policy import GASTOWN, parse_policy


def register(connection: sqlite3.Connection) -> None:
    """Give `connection` the functions.

    ``keepalive_duration(seconds)`` gives ``4m 12s``, ``keepalive_tier(idle_seconds,
    policy)`` the tier, counted from 1, by default of Gas Town's own policy,
    ``keepalive_at_ns(text)`` an instant in nanoseconds, as commands read it (``2h``,
    ``2026-03-01 12:00``), in the local zone. All give NULL for what they can't read.
    ``keepalive_matches(name, pattern)`` tells whether an actor is the one asked for, or
    one of them. ``keepalive_idle(since, until, min_seconds, limit, actor, policy)`` and
    ``keepalive_heartbeats(policy, since, until, actor)`` give JSON arrays.
    """
    connection.create_function("keepalive_duration", 1, _duration, deterministic=True)
    connection.create_function("keepalive_matches", 2, _matches, deterministic=True)
    connection.create_function("keepalive_at_ns", 1, _at_ns, deterministic=True)
    for count in (1, 2):
        connection.create_function("keepalive_tier", count, _tier, deterministic=True)

    def idle(  # noqa: PLR0913, PLR0917 - the query's parameters
        since: object, until: object, min_s: object, limit: object, actor: object, policy: object
    ) -> Any:
        with plain(connection), contextlib.suppress(LedgerError, OverflowError):
            return _idle(connection, _filters(since, until, actor), min_s, limit, policy)
        return None

    def heartbeats(policy: object, since: object, until: object, actor: object) -> Any:
        with plain(connection), contextlib.suppress(LedgerError):
            return _heartbeats(connection, policy, _filters(since, until, actor))
        return None

    connection.create_function("keepalive_idle", 6, idle)
    connection.create_function("keepalive_heartbeats", 4, heartbeats)


def _duration(seconds: object) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    with contextlib.suppress(OverflowError):  # infinite
        return duration(round(seconds * NS))
    return None


def _at_ns(text: object) -> int | None:
    with contextlib.suppress(LedgerError):
        return _read(text)
    return None


def _read(text: object) -> int:
    return parse(str(text), time.time_ns(), zone(None))


def _matches(name: object, pattern: object) -> bool | None:
    if isinstance(name, str) and isinstance(pattern, str):
        return matches(name, pattern)
    return None


def _tier(idle_s: object, policy: object = None) -> int | None:
    if not isinstance(idle_s, int | float):
        return None
    with contextlib.suppress(LedgerError, OverflowError):
        rule = GASTOWN if policy is None else parse_policy(str(policy))
        return rule.tier(round(idle_s * NS))
    return None


def _filters(since: object, until: object, actor: object) -> Filters:
    return Filters(
        since_ns=None if since is None else _read(since),
        until_ns=None if until is None else _read(until),
        actors=() if actor is None else (str(actor),),
    )


def _idle(
    connection: sqlite3.Connection, filters: Filters, min_s: object, limit: object, policy: object
) -> str:
    """Return the longest idle periods; more than these nobody reads."""
    most = min(limit if isinstance(limit, int) and limit > 0 else 0, 1_000)
    min_ns = round(min_s * NS) if isinstance(min_s, int | float) else 0
    rule = parse_policy(str(policy))
    report = idle_report(
        connection, filters, min_ns=min_ns, policy=rule, limit=most, longest_first=True
    )
    return json.dumps(
        [
            (one.started_ns, one.ended_ns, one.idle_s, one.tier, one.last_command,
             one.first_command)
            for one in report.periods
        ]
    )  # fmt: skip


def _heartbeats(connection: sqlite3.Connection, policy: object, filters: Filters) -> str:
    found = replay_policy(connection, parse_policy(str(policy)), filters, Question())
    return json.dumps([tuple(tier) for tier in found.tiers])
