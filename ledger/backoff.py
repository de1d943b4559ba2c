"""Backoff analytics: what a policy would have cost over the ledger, and how late it was."""

import sqlite3
import time
from collections.abc import Iterable, Sequence

from ledger.activity import PERIOD_GAP_NS, active_periods, chosen_range, first_touch
from ledger.errors import BadInputError
from ledger.figures import DEFAULT_QUESTION, Backoff, Question, figures
from ledger.filters import EVERYTHING, Filters, streams
from ledger.periods import ActivePeriods, Range
from ledger.policy import GASTOWN, PRESETS, Policy, parse_policy


def replay_policy(
    connection: sqlite3.Connection,
    policy: Policy = GASTOWN,
    filters: Filters = EVERYTHING,
    question: Question = DEFAULT_QUESTION,
    *,
    now_ns: int | None = None,
) -> Backoff:
    """Replay `policy` over the touches that `filters` choose, taken together.

    Raises BadInputError for an empty range, sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> from ledger.instants import NS
    >>> hours = Filters(since_ns=0, until_ns=4 * 3600 * NS)
    >>> replay_policy(open_ledger(), parse_policy("fixed:1h"), hours).heartbeats
    4
    """
    return compare_policies(connection, [policy], filters, question, now_ns=now_ns)[0]


def compare_policies(
    connection: sqlite3.Connection,
    policies: Iterable[Policy] = (),
    filters: Filters = EVERYTHING,
    question: Question = DEFAULT_QUESTION,
    *,
    now_ns: int | None = None,
) -> list[Backoff]:
    """Replay each of the `policies`, by default the presets, over the same touches.

    Raises BadInputError for an empty range, sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> from ledger.instants import NS
    >>> day = Filters(since_ns=0, until_ns=86_400 * NS)
    >>> [round(one.per_day) for one in compare_policies(open_ledger(), [GASTOWN], day)]
    [288]
    """
    policies = list(policies) or [parse_policy(text) for text in PRESETS]
    activity = read_activity(connection, filters, time.time_ns() if now_ns is None else now_ns)
    return [activity.backoff(policy, question) for policy in policies]


class Activity:
    """The activity of some streams in a range: read once, at each gap that a policy needs."""

    def __init__(
        self, connection: sqlite3.Connection, stream_ids: Sequence[int], span: Range
    ) -> None:
        self._connection = connection
        self._stream_ids = stream_ids
        self.span = span
        self._by_gap: dict[int, ActivePeriods] = {}

    def periods(self, gap_ns: int) -> ActivePeriods:
        """Return the active periods parted by gaps of `gap_ns`."""
        if gap_ns not in self._by_gap:
            self._by_gap[gap_ns] = active_periods(
                self._connection, self._stream_ids, self.span, gap_ns
            )
        return self._by_gap[gap_ns]

    def backoff(
        self,
        policy: Policy,
        question: Question,
        span: Range | None = None,
        *,
        average: bool = False,
    ) -> Backoff:
        """Return what the policy would have done, in a part of the range where `span` is given.

        With `average`, over several phases, however many resumptions there are.
        """
        span = span or self.span
        active = self.periods(min(policy.shortest_ns, question.min_ns, PERIOD_GAP_NS))
        return figures(policy, active, span, question, average=average)


def read_activity(connection: sqlite3.Connection, filters: Filters, now_ns: int) -> Activity:
    """Return the activity of the streams that `filters` choose, in their range.

    Of that, the time before the first touch is left out.

    Raises BadInputError for an empty range, sqlite3.Error.
    """
    if filters.grep is not None:
        raise BadInputError("a policy is replayed over streams, not over commands")
    chosen = streams(connection, filters)
    span = chosen_range(connection, filters, chosen, now_ns)
    first = first_touch(connection, chosen)
    if first is not None and span.since_ns < first < span.until_ns:
        # Before it nothing is known, and a policy would stay at its base all the time.
        span = span._replace(since_ns=first)
    return Activity(connection, tuple(chosen), span)


def measure(one: Backoff) -> tuple[float, float]:
    """Return what a policy is judged by: heartbeats a day, and the 95th percentile reaction.

    Averaged over phases where one would mislead. No reaction at all is one of 0 s.
    """
    fair = one.averaged or one
    return fair.per_day, fair.reaction_p95_s or 0.0


def unbeaten(replays: Sequence[Backoff]) -> list[bool]:
    """Tell of each replay whether no other is better in one thing and no worse in the other.

    The two things are those of `measure`: the Pareto front.
    """
    measured = [measure(one) for one in replays]
    return [
        not any(other != mine and other[0] <= mine[0] and other[1] <= mine[1] for other in measured)
        for mine in measured
    ]
