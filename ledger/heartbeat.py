"""The daemon's question: how long until the next heartbeat, by what is known now."""

import sqlite3
import time
from typing import NamedTuple

from ledger.filters import EVERYTHING, Filters, streams
from ledger.instants import NS
from ledger.policy import GASTOWN, Policy
from ledger.seen import Seen, last_seen
from ledger.state import State

LEDGER, SIGNAL, NOTHING = "ledger", "activity.json", "nothing"


class NextHeartbeat(NamedTuple):
    """The next heartbeat, if one fires now.

    `at_ns` is the last activity, by the `source`: the ledger, activity.json, or nothing
    where neither knows of any; the interval is then the base. `tier` counts from 1.
    """

    policy: str
    source: str
    at_ns: int | None
    idle_s: float | None
    ahead_s: float
    state: str
    tier: int
    interval_s: float
    due_ns: int


def next_heartbeat(
    connection: sqlite3.Connection | None,
    filters: Filters = EVERYTHING,
    *,
    policy: Policy = GASTOWN,
    signal: State | None = None,
    now_ns: int | None = None,
) -> NextHeartbeat:
    """Return the interval that a daemon is to wait from now on, by the last activity.

    By that of the streams that `filters` choose; where there is none, or no `connection`,
    by `signal`, what activity.json says. Heartbeats are not recorded, so an exponential
    policy counts the idle cycles that there would have been since the last touch.

    Raises sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> next_heartbeat(open_ledger()).interval_s
    300.0
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    seen, source = Seen(None, None, now_ns), NOTHING
    if connection is not None:
        seen = last_seen(connection, streams(connection, filters), filters, now_ns)
        source = NOTHING if seen.at_ns is None else LEDGER
    if seen.at_ns is None and signal is not None:
        seen, source = Seen(signal.timestamp_ns, None, now_ns), SIGNAL
    interval_ns = policy.interval_ns(seen.age_ns)
    return NextHeartbeat(
        policy.text,
        source,
        seen.at_ns,
        seen.age_s,
        seen.ahead_s,
        policy.state(seen.age_ns),
        policy.tier(seen.age_ns),
        interval_ns / NS,
        now_ns + interval_ns,
    )
