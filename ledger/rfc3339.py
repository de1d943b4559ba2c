"""Read a time's text by the rules of Go's time package.

They are RFC 3339 made a little wider: an hour of one digit, a comma before the
fraction, offsets up to ``+24:60`` (Go's time.Parse, which Time.UnmarshalJSON uses).
"""

import re
from datetime import date
from functools import lru_cache

_NS_PER_S = 1_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAYS_PER_CYCLE = 146_097
"""Days in 400 years: the Gregorian calendar repeats itself after them."""

# What follows the ninth digit of the fraction is dropped, not rounded.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"T([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:[.,]([0-9]{1,9}+)[0-9]*+)?"
    r"(?:Z|([+-])([01][0-9]|2[0-4]):([0-5][0-9]|60))"
)


def parse(text: str) -> int | None:
    """Return the instant that `text` names in nanoseconds since the epoch, or None.

    None is for text that Go refuses. With an offset the instant may lie outside the
    years 0000 to 9999.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day_text, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    day = _days_since_epoch(day_text)
    if day is None:
        return None
    seconds = day * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second)
    if sign is not None:
        offset = int(offset_hour) * 3_600 + int(offset_minute) * 60
        seconds += offset if sign == "-" else -offset
    if fraction is None:
        return seconds * _NS_PER_S
    return seconds * _NS_PER_S + int(fraction.ljust(9, "0"))


@lru_cache(maxsize=256)
def _days_since_epoch(text: str) -> int | None:
    """Return the day number of the date ``YYYY-MM-DD``, or None if there is no such day.

    Cached: times that are read together mostly share a few dates.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    # datetime.date has no year 0; the year 400 is like it.
    try:
        days = date(year or 400, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    return days if year else days - _DAYS_PER_CYCLE
