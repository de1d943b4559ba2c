"""Search for the policy that costs least within a bound, on a town's own history.

The first three quarters of the range are searched, the last one is only looked at with
the policy that was found: what holds there too was not found by luck. Candidates are first
ranked on active periods that only idle periods part, which is quick and nearly right; the
best of them are then replayed exactly, over several phases, until one keeps the bound.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import NamedTuple

from ledger.backoff import Activity, measure, read_activity
from ledger.errors import BadInputError
from ledger.figures import DEFAULT_QUESTION, FEW_RESUMPTIONS, Backoff, Question, figures
from ledger.filters import EVERYTHING, Filters
from ledger.instants import NS, exact_duration
from ledger.periods import Range
from ledger.policy import Policy, parse_policy

_SEARCHED = (3, 4)  # of the range

# In minutes, as people write them; what the bound itself says is added.
_INTERVALS = (1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 45, 60, 120, 240, 480, 1440)
_BASES = (1, 2, 5, 10, 15)
_FACTORS = ("1.5", "2", "3")
_CAPS = (10, 20, 30, 60, 120, 240)
_BOUNDARIES = ((5,), (15,), (5, 15), (5, 45), (5, 15, 45))
_TIERS = (2, 5, 10, 20, 60, 240)

# So many of the best candidates are replayed exactly, over several phases. The quick
# ranking may find a bound exceeded by a little that is kept.
_FINALISTS = 6
_NEARLY = 1.1


class Bound(NamedTuple):
    """What a policy must keep to: the longest reaction, or heartbeats a day."""

    max_reaction_ns: int | None = None
    max_per_day: float | None = None

    def excess(self, one: Backoff) -> float:
        """Return by what factor the replay is over the bound; up to 1 keeps it."""
        if self.max_reaction_ns is not None:
            reaction = (one.averaged or one).reaction_max_s or 0.0
            return reaction * NS / self.max_reaction_ns
        return (one.averaged or one).per_day / (self.max_per_day or 1)

    def price(self, one: Backoff) -> tuple[float, ...]:
        """Return what is to be least: heartbeats within a reaction, reaction within a count.

        Of equals, the one with the shorter longest interval.
        """
        per_day, reaction = measure(one)
        first = (per_day, reaction) if self.max_reaction_ns is not None else (reaction, per_day)
        return (*first, one.longest_interval_s)


class Tuning(NamedTuple):
    """What a search found: the policy, None where none of `candidates` keeps the bound.

    `searched` is its replay over what was searched, `checked` over the rest of the range.
    `holds` says whether it keeps the bound there; `too_short` whether work resumed there,
    or in the part that was searched, less than 20 times, so that neither tells much.
    """

    policy: str | None
    candidates: int
    searched: Backoff | None
    checked: Backoff | None
    holds: bool
    too_short: bool


def tune_policy(  # noqa: PLR0913 - what the command's options say
    connection: sqlite3.Connection,
    bound: Bound,
    filters: Filters = EVERYTHING,
    question: Question = DEFAULT_QUESTION,
    *,
    progress: Callable[[int, int], None] | None = None,
    now_ns: int | None = None,
) -> Tuning:
    """Return the policy that costs least within the bound: fixed, exponential or by tiers.

    `progress` is told how many of how many steps are done.

    Raises BadInputError for an empty range or a bound of nothing, sqlite3.Error.

    >>> from ledger.database import open_ledger
    >>> from ledger.instants import NS
    >>> day = Filters(since_ns=0, until_ns=86_400 * NS)
    >>> found = tune_policy(open_ledger(), Bound(max_reaction_ns=600 * NS), day)
    >>> found.policy, found.too_short
    ('fixed:1d', True)
    """
    if (bound.max_reaction_ns is None) == (bound.max_per_day is None):
        raise BadInputError("a search needs one bound: a reaction, or heartbeats a day")
    if not 0 < (bound.max_reaction_ns or bound.max_per_day or 0) < math.inf:
        raise BadInputError("a search needs a bound of more than nothing")
    activity = read_activity(connection, filters, time.time_ns() if now_ns is None else now_ns)
    whole = activity.span
    if not whole.length_ns:
        raise BadInputError("there is nothing to search: no touch was recorded")
    done, of = _SEARCHED
    split = whole.since_ns + whole.length_ns * done // of
    searched = whole._replace(until_ns=split)
    policies = list(_candidates(bound))
    steps = len(policies) + len(policies) // 4  # the finalists, at a guess
    told = progress or _nobody

    coarse = activity.periods(min(question.min_ns, 60 * NS)).widened(question.min_ns)
    ranked = []
    for number, policy in enumerate(policies, 1):
        one = figures(policy, coarse, searched, question)
        if bound.excess(one) <= _NEARLY:
            ranked.append((bound.price(one), number, policy))
        told(number, steps)
    best = _best(activity, (policy for *_, policy in sorted(ranked)), bound, question, searched)
    told(steps, steps)
    if best is None:
        return Tuning(None, len(policies), None, None, holds=False, too_short=False)
    policy, one = best
    rest = whole._replace(since_ns=split)
    checked = activity.backoff(policy, question, rest, average=True)
    return Tuning(
        policy.text,
        len(policies),
        one,
        checked,
        holds=bound.excess(checked) <= 1,
        too_short=min(one.resumptions, checked.resumptions) < FEW_RESUMPTIONS,
    )


def _best(
    activity: Activity,
    ranked: Iterator[Policy],
    bound: Bound,
    question: Question,
    searched: Range,
) -> tuple[Policy, Backoff] | None:
    """Return the best of the first finalists that keep the bound exactly, with its replay."""
    found: list[tuple[tuple[float, ...], int, Policy, Backoff]] = []
    for policy in ranked:
        if bound.excess(activity.backoff(policy, question, searched)) > 1:
            continue
        one = activity.backoff(policy, question, searched, average=True)
        if bound.excess(one) <= 1:
            found.append((bound.price(one), len(found), policy, one))
        if len(found) == _FINALISTS:
            break
    return min(found)[2:] if found else None


def _nobody(done: int, of: int) -> None:
    """Tell nobody."""


def _candidates(bound: Bound) -> Iterator[Policy]:
    """Yield the policies to search, each once: fixed, exponential, by tiers."""
    minute = 60 * NS
    if bound.max_reaction_ns is not None:
        own = max(bound.max_reaction_ns // NS, 1) * NS
    else:  # whole minutes that fire so often, or a little less
        own = min(-(-1440 * NS // max(int((bound.max_per_day or 1) * NS), 1)), 10_080) * minute

    def lengths(minutes: tuple[int, ...]) -> list[int]:
        return sorted({own, *(number * minute for number in minutes)})

    texts = [f"fixed:{exact_duration(interval)}" for interval in lengths(_INTERVALS)]
    texts += [
        f"exp:{exact_duration(base * minute)},x{factor},{exact_duration(cap)}"
        for base, factor, cap in product(_BASES, _FACTORS, lengths(_CAPS))
        if cap > base * minute
    ]
    for boundaries in _BOUNDARIES:
        for intervals in combinations(lengths(_TIERS), len(boundaries) + 1):
            *tiers, last = map(exact_duration, intervals)
            pairs = (f"{b}m={i}" for b, i in zip(boundaries, tiers, strict=True))
            texts.append(f"tiers:{','.join((*pairs, last))}")
    yield from map(parse_policy, texts)
