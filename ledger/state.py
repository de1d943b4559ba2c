"""What a signal says, and how old it is."""

import time
from datetime import UTC, datetime, timedelta

from ledger.gotime import format_instant

ZERO_TIME_NS = -62_135_596_800_000_000_000
"""Go's zero time, 0001-01-01T00:00:00Z, in nanoseconds since the epoch."""

_NO_STATE_AGE_NS = 365 * 86_400_000_000_000
_MIN_DURATION_NS = -(2**63)
_MAX_DURATION_NS = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

# The Gregorian calendar repeats itself after 400 years.
_CYCLE_YEARS = 400
_CYCLE_NS = 146_097 * 86_400_000_000_000


class State:
    """The content of a signal: the last command and when it came (Go's keepalive.State).

    `timestamp_ns` is in nanoseconds since the epoch, UTC. Immutable.
    """

    __slots__ = ("last_command", "timestamp_ns")
    __match_args__ = ("last_command", "timestamp_ns")

    last_command: str
    timestamp_ns: int

    def __init__(self, last_command: str, timestamp_ns: int) -> None:
        """Hold the two values as they are."""
        object.__setattr__(self, "last_command", last_command)
        object.__setattr__(self, "timestamp_ns", timestamp_ns)

    @property
    def timestamp(self) -> datetime:
        """The instant as an aware datetime in UTC.

        Nanoseconds are cut to microseconds, toward the past. An instant outside the
        years 1 to 9999 gives the first or the last that datetime has.
        """
        microseconds = min(max(self.timestamp_ns // 1_000, _FIRST_US), _LAST_US)
        return _EPOCH + timedelta(microseconds=microseconds)

    @property
    def rfc3339(self) -> str:
        """The instant in UTC in Go's time.RFC3339Nano layout, whatever the year.

        A year after 9999 has five digits or more, one before 0000 a minus sign.
        """
        cycles, within = divmod(self.timestamp_ns, _CYCLE_NS)
        text = format_instant(within)
        year = int(text[:4]) + cycles * _CYCLE_YEARS
        sign = "-" if year < 0 else ""
        return f"{sign}{abs(year):04d}{text[4:]}"

    def age(self: "State | None") -> timedelta:
        """Return the time since the instant, as the function `age` does; self may be None."""
        return age(self)

    def __eq__(self, other: object) -> bool:
        """Compare both values."""
        if not isinstance(other, State):
            return NotImplemented
        return (self.last_command, self.timestamp_ns) == (other.last_command, other.timestamp_ns)

    def __hash__(self) -> int:
        """Hash both values."""
        return hash((self.last_command, self.timestamp_ns))

    def __repr__(self) -> str:
        """Return the call that would make an equal state."""
        return f"State(last_command={self.last_command!r}, timestamp_ns={self.timestamp_ns!r})"

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: raises AttributeError."""
        raise AttributeError(f"a State cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        """Refuse: raises AttributeError."""
        raise AttributeError(f"a State cannot be changed: {name}")

    def __reduce__(self) -> tuple[type["State"], tuple[str, int]]:
        """Let pickle and copy make an equal state by calling the class."""
        return State, (self.last_command, self.timestamp_ns)


def age(state: State | None) -> timedelta:
    """Return how long ago `state` was, now; 365 days for None (Go's State.Age).

    As `age_ns`, with the nanoseconds cut toward zero (Go's Duration.Microseconds).
    """
    ns = age_ns(state)
    return timedelta(microseconds=ns // 1_000 if ns >= 0 else -(-ns // 1_000))


def age_ns(state: State | None, now_ns: int | None = None) -> int:
    """Return how many nanoseconds `state` lies before `now_ns` (Go's State.Age).

    Negative for a state in the future; saturated at the limits of 64 bits, so at about
    292 years either way; 365 days for None, whatever `now_ns` is. `now_ns` is in
    nanoseconds since the epoch, without it the wall clock is read.
    """
    if state is None:
        return _NO_STATE_AGE_NS
    if now_ns is None:
        now_ns = time.time_ns()
    return min(max(now_ns - state.timestamp_ns, _MIN_DURATION_NS), _MAX_DURATION_NS)
