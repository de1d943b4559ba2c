"""Policies: the rule from idle time to the next heartbeat interval. Pure.

A policy is written as text and parsed once:

    gastown                            Gas Town's own: tiers:5m=5m,15m=10m,45m=30m,60m
    fixed:10m                          always 10 minutes
    tiers:5m=5m,15m=10m,45m=30m,60m    idle under 5 minutes: 5; under 15: 10; ...; else 60
    exp:30s,x2,15m                     base 30 s, doubled with every idle cycle, at most 15 min

Boundaries are strict: exactly 5 minutes idle is already the second tier. An idle cycle is
a heartbeat with no touch since the one before; each is a tier of its own.

Source: the daemon of Gas Town (calculateHeartbeatInterval) for the tiers, its patrol's
await-signal for the exponential form.
"""

import re
from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from ledger.errors import BadInputError
from ledger.instants import NS, parse_duration

ACTIVE, QUIET, IDLE, LONG_IDLE, NEVER_SEEN = "active", "quiet", "idle", "long idle", "never seen"
_STATES = (ACTIVE, QUIET, IDLE, LONG_IDLE)

_HINT = "Write gastown, fixed:10m, exp:30s,x2,15m or tiers:5m=5m,15m=10m,45m=30m,60m."

# A shorter interval is no heartbeat, and a smaller factor makes thousands of tiers.
_LEAST_INTERVAL_NS = NS
_LEAST_FACTOR = Fraction(101, 100)

# The words of all policies that have no tiers by idle time.
_GASTOWN_BOUNDARIES_NS = (300 * NS, 900 * NS, 2700 * NS)


class Policy(NamedTuple):
    """A parsed policy: tier by tier the interval, and the idle time at which each ends.

    The last tier has no end, so `boundaries_ns` is one shorter than `intervals_ns`. With
    `by_cycles` a replay's tier is the number of idle cycles, and the boundaries are the
    idle times at which a daemon that began at the last touch would have counted so many.
    """

    text: str
    intervals_ns: tuple[int, ...]
    boundaries_ns: tuple[int, ...]
    by_cycles: bool

    @property
    def base_ns(self) -> int:
        """The interval while active, and where nothing was ever recorded."""
        return self.intervals_ns[0]

    @property
    def longest_ns(self) -> int:
        """The longest interval that the policy can give."""
        return max(self.intervals_ns)

    @property
    def shortest_ns(self) -> int:
        """The shortest time that the policy can tell apart: an interval or a boundary."""
        return min(self.intervals_ns + (() if self.by_cycles else self.boundaries_ns))

    @property
    def state_boundaries_ns(self) -> tuple[int, ...]:
        """The idle times at which a stream's state changes: the tiers' own, or Gas Town's."""
        if self.by_cycles or not self.boundaries_ns:
            return _GASTOWN_BOUNDARIES_NS
        return self.boundaries_ns[: len(_STATES) - 1]

    def tier(self, idle_ns: int | None) -> int:
        """Return the tier, counted from 1, after so long an idle time.

        None, for no activity ever, is the first tier, and so is less than nothing (a
        touch from the future).
        """
        return 1 if idle_ns is None else bisect_right(self.boundaries_ns, idle_ns) + 1

    def interval_ns(self, idle_ns: int | None) -> int:
        """Return the heartbeat interval after so long an idle time.

        >>> parse_policy("gastown").interval_ns(300 * NS) // NS
        600
        """
        return self.intervals_ns[self.tier(idle_ns) - 1]

    def state(self, idle_ns: int | None) -> str:
        """Return the state in a word: active, quiet, idle, long idle, or never seen for None."""
        if idle_ns is None:
            return NEVER_SEEN
        return _STATES[bisect_right(self.state_boundaries_ns, idle_ns)]


# Around separators and between the parts of a duration; not within a word or a number.
_BLANKS = re.compile(r"\s*([:,=])\s*|(?<=[a-z])\s+(?=[0-9])")


def parse_policy(text: str) -> Policy:
    """Return the policy that `text` describes.

    Raises BadInputError.

    >>> parse_policy("exp:30s,x2,15m").intervals_ns[:3]
    (30000000000, 60000000000, 120000000000)
    """
    words = _BLANKS.sub(r"\1", text.strip().lower())
    kind, _, rule = words.partition(":")
    if words == "gastown":
        intervals, boundaries = _tiers("5m=5m,15m=10m,45m=30m,60m", text)
    elif kind == "fixed" and rule:
        intervals, boundaries = (_interval_ns(rule, text),), ()
    elif kind == "tiers" and rule:
        intervals, boundaries = _tiers(rule, text)
    elif kind == "exp" and rule:
        intervals, boundaries = _exponential(rule, text)
    else:
        raise BadInputError(f"{text!r} is not a policy that I know", _HINT)
    return Policy(words, intervals, boundaries, by_cycles=kind == "exp")


def _interval_ns(text: str, policy: str) -> int:
    try:
        length_ns = parse_duration(text)
    except BadInputError as error:
        raise BadInputError(f"in the policy {policy!r} {error}", _HINT) from error
    if length_ns < _LEAST_INTERVAL_NS:
        raise BadInputError(f"in the policy {policy!r} {text!r} is less than a second", _HINT)
    return length_ns


_Tiers = tuple[tuple[int, ...], tuple[int, ...]]  # intervals, boundaries


def _tiers(rule: str, policy: str) -> _Tiers:
    *tiers, last = rule.split(",")
    intervals, boundaries = [], []
    for tier in tiers:
        boundary, equals, interval = tier.partition("=")
        if not equals:
            raise BadInputError(
                f"in the policy {policy!r} {tier!r} says no interval",
                "Each tier but the last is BOUNDARY=INTERVAL, such as 5m=10m.",
            )
        boundaries.append(_interval_ns(boundary, policy))
        intervals.append(_interval_ns(interval, policy))
    if any(later <= earlier for earlier, later in pairwise(boundaries)):
        raise BadInputError(f"in the policy {policy!r} the boundaries do not grow", _HINT)
    return (*intervals, _interval_ns(last, policy)), tuple(boundaries)


_EXPONENTIAL = re.compile(r"([^,]+),x([0-9]{1,9}(?:\.[0-9]{1,9})?),([^,]+)")


def _exponential(rule: str, policy: str) -> _Tiers:
    match = _EXPONENTIAL.fullmatch(rule)
    if match is None:
        raise BadInputError(
            f"{policy!r} is not an exponential policy", "Write BASE,xFACTOR,CAP: exp:30s,x2,15m."
        )
    base, cap = _interval_ns(match[1], policy), _interval_ns(match[3], policy)
    factor = Fraction(match[2])
    if cap < base:
        raise BadInputError(f"in the policy {policy!r} the cap is below the base", _HINT)
    if factor < _LEAST_FACTOR and cap > base:
        raise BadInputError(f"in the policy {policy!r} the factor is below 1.01", _HINT)
    intervals, interval = [], Fraction(base)
    while interval < cap:
        intervals.append(int(interval))
        interval *= factor
    return (*intervals, cap), tuple(accumulate(intervals))


GASTOWN = parse_policy("gastown")

PRESETS = (
    "gastown",
    "fixed:5m",
    "fixed:10m",
    "exp:60s,x1.5,10m",
    "exp:30s,x2,5m",
    "exp:30s,x2,15m",
)
"""What Gas Town has used, and what a comparison shows when none is named."""
