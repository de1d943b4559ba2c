"""What `next` and `wait` share: the answer that a daemon can rely on, whatever the ledger does."""

import os
import time

from ledger import database, paths, signals, spool
from ledger.database import Tell
from ledger.errors import LedgerUnusableError
from ledger.filters import Filters
from ledger.heartbeat import LEDGER, NextHeartbeat, next_heartbeat
from ledger.policy import ACTIVE, Policy
from ledger.state import State


def ask(
    filters: Filters, policy: Policy, now_ns: int | None = None, tell: Tell | None = None
) -> NextHeartbeat:
    """Return when the next heartbeat is due by the ledger, or else by activity.json.

    What keeps the answer from being complete is told to `tell`.
    """
    now_ns = time.time_ns() if now_ns is None else now_ns
    waiting = None if filters.of_streams() or filters.until_ns else _newest_in_spool()
    if waiting is not None and policy.state(max(now_ns - waiting, 0)) == ACTIVE:
        # Whoever holds the ledger's lock keeps it from there, not from us.
        found = next_heartbeat(None, policy=policy, signal=State("", waiting), now_ns=now_ns)
        return found._replace(source=LEDGER)
    signal = signals.read_town_activity()
    if signal and filters.until_ns is not None and signal.timestamp_ns >= filters.until_ns:
        signal = None  # later than was asked
    try:
        # A ledger that nobody has made yet knows less than the signal; asking would make it.
        if os.path.lexists(database.require_ledger_path()):
            with database.asking(tell) as connection:
                # The signal is everybody's: no answer where some streams were chosen.
                told = None if filters.of_streams() else signal
                return next_heartbeat(
                    connection, filters, policy=policy, signal=told, now_ns=now_ns
                )
    except LedgerUnusableError as error:
        if tell:
            tell(f"{error}; activity.json is asked instead")
    return next_heartbeat(None, filters, policy=policy, signal=signal, now_ns=now_ns)


def _newest_in_spool() -> int | None:
    """Return the instant of the newest touch that waits in the spool, None for none."""
    try:
        place = paths.spool_path(database.require_ledger_path())
        found = [spool.get(place, name)[1][0] for name in spool.names(place)[-1:]]
    except (OSError, ValueError, LedgerUnusableError):  # a drain was quicker, or none can be read
        return None
    return max(found, default=None)
