"""Times and durations as people write and read them: the one parser of all commands, and zones.

Zones and their rules are zoneinfo's, ISO 8601 is datetime's. The few words around them are
read here, since the libraries that read words guess: dateparser and dateutil take ``15m`` or
``26.02.2026`` for something, each for something else, and here a typing error must not
become a range.
"""

import os
import re
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from ledger.errors import BadInputError

NS = 1_000_000_000
_INT64_MAX = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])\s*"
)
# Of a second: behind 15:13:23 or 151323.
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_FRACTION = re.compile(r"(?:(?<=:[0-9]{2}:[0-9]{2})|(?<=[T ][0-9]{6}))[.,]([0-9]+)")


class Zone(NamedTuple):
    """A time zone: its name, and its rules (None: those of this machine, ``TZ`` honoured)."""

    name: str
    rules: tzinfo | None

    def wall_clock(self, at_ns: int) -> datetime:
        """Return the instant as an aware datetime of this zone, microseconds cut off."""
        seconds, ns = divmod(at_ns, NS)
        moment = datetime.fromtimestamp(seconds, self.rules or UTC)
        moment = moment.replace(microsecond=ns // 1000)
        return moment if self.rules else moment.astimezone()

    def text(self, at_ns: int) -> str:
        """Return the instant as people read it: the date and the time to the second."""
        return self.wall_clock(at_ns).strftime("%Y-%m-%d %H:%M:%S")

    def at_ns(self, wall: datetime) -> int:
        """Return the instant when clocks of this zone show the naive `wall`.

        Of the two when clocks went back it is the first; a time that clocks skipped is
        read as if they had not yet gone forward (PEP 495, fold 0). Microseconds count.
        """
        whole = wall.replace(microsecond=0, tzinfo=self.rules)
        return int(whole.timestamp()) * NS + wall.microsecond * 1000

    def midnight(self, at_ns: int, days: int = 0) -> int:
        """Return the start of the day that holds the instant, or of one `days` later."""
        day = self.wall_clock(at_ns).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.at_ns(day.replace(tzinfo=None, fold=0) + timedelta(days=days))


def zone(name: str | None) -> Zone:
    """Return the zone called `name` (``Europe/Riga``, ``UTC``), or the local one for None.

    Raises BadInputError.
    """
    if name is None or name == "local":
        return Zone(_local_name(), None)
    import zoneinfo

    try:
        return Zone(name, zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            f"there is no time zone {name!r}", "Name one such as UTC or Europe/Riga."
        ) from error


def _local_name() -> str:
    name = os.environ.get("TZ")
    if name is None:
        place = os.path.realpath("/etc/localtime")
        return place.partition("/zoneinfo/")[2] or time.tzname[0]
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name.lstrip(":")).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # A rule such as EST5EDT4, which is honoured, or a mistake, which means UTC.
        return time.tzname[0] if time.timezone or time.daylight else "UTC"


def parse(text: str, now_ns: int, where: Zone) -> int:
    """Return the instant that `text` names, in nanoseconds since the epoch.

    A duration (``15m``, ``2h``, ``7d``, ``1w``, ``1h30m``, ``2 hours ago``) is so long
    before `now_ns`; ``m`` is minutes, a day is 24 hours. ``today`` and ``yesterday`` begin
    at midnight of `where`. A time of day (``3:12``) is the last one that is over, a date is
    its midnight, and ISO 8601 without an offset is a time of `where`; to the nanosecond.

    Raises BadInputError.
    """
    words = text.strip().lower()
    try:
        if words == "now":
            at_ns = now_ns
        elif words in {"today", "yesterday"}:
            at_ns = where.midnight(now_ns, days=-(words == "yesterday"))
        elif (length_ns := _duration_ns(words)) is not None:
            at_ns = now_ns - length_ns
        elif _CLOCK.fullmatch(words):
            at_ns = _last_time(words, now_ns, where)
        else:
            at_ns = parse_iso(text.strip(), where)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInputError(
            f"{text!r} is not a time that I can read",
            "Write 15m, 2h, 7d, 1w, today, yesterday, '2 hours ago', 15:13, 2026-02-26,"
            " or 2026-02-26T15:13.",
        ) from error
    if abs(at_ns) > _INT64_MAX:
        raise BadInputError(
            f"{text!r} is outside the years 1678 to 2261", "A ledger holds no others."
        )
    return at_ns


def _last_time(words: str, now_ns: int, where: Zone) -> int:
    """Return when clocks last showed a time of day: today, or yesterday if it is yet to come."""
    clock = datetime.strptime(words, "%H:%M:%S" if words.count(":") > 1 else "%H:%M")  # noqa: DTZ007
    day = where.wall_clock(now_ns).replace(tzinfo=None, fold=0)
    today = day.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
    at_ns = where.at_ns(today)
    return at_ns if at_ns <= now_ns else where.at_ns(today - timedelta(days=1))


def parse_iso(text: str, where: Zone | None) -> int:
    """Return the instant of ISO 8601 `text`, in nanoseconds since the epoch.

    Without an offset it is a time of `where`. Digits after the ninth are dropped.

    Raises ValueError, also for a text without an offset when `where` is None;
    OverflowError and OSError at the ends of the calendar.
    """
    fraction = _FRACTION.search(text)
    moment = datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    if moment.microsecond:  # Python reads a fraction of an hour as one of a second
        raise ValueError("only a second may have a fraction")
    if moment.tzinfo is not None:
        at_ns = (moment - _EPOCH) // timedelta(seconds=1) * NS
    elif where is not None:
        at_ns = where.at_ns(moment)
    else:
        raise ValueError("no offset")
    return at_ns + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def parse_duration(text: str) -> int:
    """Return the length that `text` names (``90s``, ``15m``, ``1h30m``, ``1.5h``) in nanoseconds.

    Raises BadInputError.
    """
    try:
        length_ns = _length_ns(text.strip().lower())
    except ValueError:  # thousands of digits
        length_ns = None
    if length_ns is None or length_ns > _INT64_MAX:
        raise BadInputError(
            f"{text!r} is not a duration that I can read", "Write 90s, 15m, 2h, 1h30m or 1.5h."
        )
    return length_ns


def _duration_ns(words: str) -> int | None:
    return _length_ns(words.removesuffix("ago").rstrip())


def _length_ns(words: str) -> int | None:
    position, total_ns = 0, 0
    while match := _DURATION.match(words, position):
        whole, _, part = match[1].partition(".")
        scale = _UNIT_S[match[2][0]] * NS
        total_ns += int(whole) * scale + int(part or 0) * scale // 10 ** len(part)
        position = match.end()
    return total_ns if 0 < position == len(words) else None


_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def exact_duration(length_ns: int) -> str:
    """Return a duration as `parse_duration` reads it back: ``1h30m``, ``45s``, ``0.5s``.

    >>> exact_duration(5_400_000_000_000)
    '1h30m'
    """
    seconds, fraction_ns = divmod(length_ns, NS)
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        decimals = f".{fraction_ns:09d}".rstrip("0") if unit == "s" and fraction_ns else ""
        if count or decimals:
            parts.append(f"{count}{decimals}{unit}")
    return "".join(parts) or "0s"


def duration(length_ns: int) -> str:
    """Return a duration in its two largest units: ``4m 12s``, ``3d 2h``, ``0.3s``.

    What is smaller is cut off, as a clock would.
    """
    if length_ns < 0:
        return f"-{duration(-length_ns)}"
    if length_ns < 10 * NS:
        return f"{length_ns // (NS // 10) / 10}s"
    seconds = length_ns // NS
    parts: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(part for part in parts[:2] if part[0] != "0")
