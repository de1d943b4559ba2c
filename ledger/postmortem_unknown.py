"""What the ledger can't tell of a time: touches that did not reach it, or not as they were."""

import os
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from ledger import spool
from ledger.activity import last_touch
from ledger.filters import Stream, Streams
from ledger.periods import Range
from ledger.recorder import PRIVATE


class Source(NamedTuple):
    """Where touches were imported from, and the last touch that it has of the chosen streams."""

    kind: str
    name: str
    last_ns: int


class Unknown(NamedTuple):
    """What can't be known.

    `waiting` touches lie in the spool, of which so many are of the window, and `damaged`
    ones can't be read; None where the spool itself can't be read. `lost` is how many could
    be kept nowhere, as far as that was noted. `redacted` and `private` count the commands
    of the window that are not as they were. `sources` are the imported ones that the last
    touches before AT came from and that have no later ones: the silence may be where they
    end. `never_before` are the chosen streams without a touch before AT.
    """

    waiting: int | None
    waiting_in_window: int | None
    damaged: int | None
    lost: int
    lost_in_window: int
    redacted: int
    private: int
    sources: Sequence[Source]
    never_before: Sequence[Stream]


def unknown(
    connection: sqlite3.Connection, chosen: Streams, span: Range, at_ns: int, waiting: str
) -> Unknown:
    """Return what can't be known of the chosen streams in the window `span`.

    `waiting` is the spool's directory. Raises sqlite3.Error.
    """
    last = {number: last_touch(connection, [number], at_ns) for number in chosen}
    redacted, private = _hidden(connection, chosen, span)
    lost = _lost(f"{waiting}/{spool.LOST}")
    return Unknown(
        *_waiting(waiting, span),
        len(lost),
        sum(span.since_ns <= at < span.until_ns for at in lost),
        redacted,
        private,
        _sources(connection, {number: at for number, at in last.items() if at}, at_ns),
        sorted(chosen[number] for number, at in last.items() if at is None),
    )


def _waiting(waiting: str, span: Range) -> tuple[int | None, int | None, int | None]:
    try:
        names = spool.names(waiting)
        damaged = [
            name
            for name in (os.listdir(waiting) if os.path.isdir(waiting) else [])
            if name.startswith(spool.DAMAGED)
        ]
    except OSError:
        return None, None, None
    instants = [_whole_number(name.partition("-")[0]) for name in names]
    inside = sum(at is not None and span.since_ns <= at < span.until_ns for at in instants)
    return len(names), inside, len(damaged)


def _lost(path: str) -> list[int]:
    """Return the instants of the lost touches that were noted."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            words = [line.partition(" ")[0] for line in file if not line.startswith("#")]
    except OSError:
        return []
    return [at for at in map(_whole_number, words) if at is not None]


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _hidden(connection: sqlite3.Connection, chosen: Streams, span: Range) -> tuple[int, int]:
    """Return how many commands of the window were redacted, and how many are private."""
    redacted, private = connection.execute(
        "SELECT count(*) FILTER (WHERE instr(command, '[redacted:')),"
        " count(*) FILTER (WHERE command = ?)"
        " FROM touches WHERE at_ns >= ? AND at_ns < ?"
        " AND stream_id IN (SELECT value FROM json_each(?))",
        (PRIVATE, span.since_ns, span.until_ns, str([*chosen])),
    ).fetchone()
    return redacted, private


def _sources(
    connection: sqlite3.Connection, last: dict[int, tuple[int, int]], at_ns: int
) -> list[Source]:
    """Return the imported sources of the `last` touches that have none after AT."""
    found: dict[int, int] = {}
    for number, (last_ns, _) in last.items():
        for (source,) in connection.execute(
            "SELECT source_id FROM touches WHERE at_ns = ? AND stream_id = ?", (last_ns, number)
        ):
            found[source] = max(last_ns, found.get(source, last_ns))
    imported = connection.execute("SELECT id, kind, name FROM sources WHERE kind = 'import'")
    names = {number: (kind, name) for number, kind, name in imported if number in found}
    if names:
        later = connection.execute(
            "SELECT source_id FROM touches WHERE at_ns > ?"
            " AND stream_id IN (SELECT value FROM json_each(?))"
            " AND source_id IN (SELECT value FROM json_each(?))",
            (at_ns, str([*last]), str([*names])),
        )
        for (source,) in later:
            names.pop(source, None)
            if not names:
                break
    return sorted(Source(*named, found[number]) for number, named in names.items())
