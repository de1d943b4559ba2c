"""When streams were last seen, from the point of view of an instant."""

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from ledger.activity import last_touch
from ledger.filters import Filters
from ledger.instants import NS


class Seen(NamedTuple):
    """The last touch of some streams, as seen at an instant; None where there is none.

    A touch from the future (a clock was wrong) counts as just now: `age_s` is then 0 and
    `ahead_s` says how far ahead it is.
    """

    at_ns: int | None
    stream_id: int | None
    now_ns: int

    @property
    def age_ns(self) -> int | None:
        """How long ago it was."""
        return None if self.at_ns is None else max(self.now_ns - self.at_ns, 0)

    @property
    def age_s(self) -> float | None:
        """How long ago it was."""
        return None if self.age_ns is None else self.age_ns / NS

    @property
    def ahead_s(self) -> float:
        """How far in the future its timestamp lies: 0 as a rule."""
        return 0.0 if self.at_ns is None else max(self.at_ns - self.now_ns, 0) / NS


def last_seen(
    connection: sqlite3.Connection, stream_ids: Collection[int], filters: Filters, now_ns: int
) -> Seen:
    """Return the last touch of the streams that lies in the range of `filters`.

    Raises sqlite3.Error.
    """
    until = None if filters.until_ns is None else filters.until_ns - 1
    at_ns, stream = last_touch(connection, stream_ids, until) or (None, None)
    return Seen(at_ns, stream, now_ns)
