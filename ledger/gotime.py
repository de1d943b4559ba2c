"""Write an instant as Go's time package does.

Part of the fast lane: a touch imports this.
"""

from time import gmtime

# The first second of the year 0000 and the last of the year 9999.
_FIRST_S = -62_167_219_200
_LAST_S = 253_402_300_799


def format_instant(ns: int) -> str:
    """Return the instant `ns`, nanoseconds since the epoch, as Go's time.RFC3339Nano in UTC.

    The fraction is there only when it is not zero, and never ends in a zero.

    Raises ValueError outside the years 0000 to 9999 (Go's Time.MarshalJSON).
    """
    seconds, nanoseconds = divmod(ns, 1_000_000_000)
    if not _FIRST_S <= seconds <= _LAST_S:
        raise ValueError("the year of an instant must be from 0000 to 9999")
    # An f-string takes half as long again: it would have to name the six fields.
    text = "%04d-%02d-%02dT%02d:%02d:%02d" % gmtime(seconds)[:6]  # noqa: UP031
    if nanoseconds:
        return text + (".%09d" % nanoseconds).rstrip("0") + "Z"  # noqa: UP031
    return text + "Z"
