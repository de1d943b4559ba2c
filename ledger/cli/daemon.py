"""What `next` and `wait` share: the answer that a daemon can rely on, whatever the ledger does."""

import os

from ledger import database, signals
from ledger.database import Tell
from ledger.errors import LedgerUnusableError
from ledger.heartbeat import NextHeartbeat, next_heartbeat
from ledger.history import Filters
from ledger.policy import Policy


def ask(
    filters: Filters, policy: Policy, now_ns: int | None = None, tell: Tell | None = None
) -> NextHeartbeat:
    """Return when the next heartbeat is due by the ledger, or else by activity.json.

    What keeps the answer from being complete is told to `tell`.
    """
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
