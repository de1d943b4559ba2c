"""Touches to JSON Lines and back: ``keepalive export`` and ``keepalive import``.

A line is an object with ``at`` (RFC 3339, with its offset) or ``at_ns``, ``command``,
and what is known of ``actor``, ``workspace``, ``town`` and ``host``. Other keys are
passed over.
"""

import json
import sqlite3
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from ledger import rfc3339
from ledger.encode import as_read_back
from ledger.gotime import format_instant
from ledger.history import HistoryRow
from ledger.instants import parse_iso
from ledger.redact import redact

# So many lines go into one transaction: about a fifth of a second, in which touches
# made meanwhile go to the spool.
_AT_ONCE = 20_000

_INT64 = range(-(1 << 63), 1 << 63)

_decode = json.JSONDecoder().raw_decode

_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

_Touch = tuple[int, int, str]  # stream id, at_ns, command


@dataclass
class Imported:
    """What an import did: touches added, touches already there, lines refused."""

    added: int = 0
    known: int = 0
    refused: int = 0


def export_line(row: HistoryRow) -> dict[str, str]:
    """Return one touch as the object that `import_touches` takes."""
    line = {"at": format_instant(row.at_ns), "command": row.command}
    line.update((name, value) for name, value in row.stream._asdict().items() if value)
    return line


def import_touches(
    connection: sqlite3.Connection,
    lines: Iterable[bytes],
    source: str,
    refuse: Callable[[int, str], None],
) -> Imported:
    """Add the touches in JSON `lines` to the ledger, as coming from `source`.

    A touch that an earlier import from the same source brought is known by its whole
    content and not added again; equal lines of one file are touches of their own.
    Commands are redacted. A line that can't be taken is told to `refuse`, with its number
    and the reason, and the others go in. Committed every 20,000 lines; what an
    interruption leaves undone, another run adds.

    Raises sqlite3.Error.
    """
    source = as_read_back(source)
    connection.execute(
        "INSERT INTO sources (kind, name, added_at)"
        " VALUES ('import', ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) ON CONFLICT DO NOTHING",
        (source,),
    )
    run = _Import(connection, source, refuse)
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, _AT_ONCE)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            run.add(batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return run.result


class _RefusedError(Exception):
    """A line that can't be taken, and why."""


class _Import:
    """One run over the lines of one source."""

    def __init__(
        self, connection: sqlite3.Connection, source: str, refuse: Callable[[int, str], None]
    ) -> None:
        self.result = Imported()
        self._connection = connection
        self._refuse = refuse
        (self._source_id,) = connection.execute(
            "SELECT id FROM sources WHERE kind = 'import' AND name = ?", (source,)
        ).fetchone()
        self._stream_ids: dict[tuple[object, ...], int] = {}
        # A byte for each id up to the newest touch that another run brought from this
        # source: 1 where a line of this run was it, or where it is this run's own.
        self._matched = bytearray()
        self._newest = 0
        self._last_match: tuple[_Touch | None, int] = None, 0

    def add(self, batch: Iterable[tuple[int, bytes]]) -> None:
        """Add a batch of numbered lines, in a transaction that the caller began."""
        self._look_for_other_runs()
        new = []
        for number, text in batch:
            line = (text.removeprefix(BOM_UTF8) if number == 1 else text).strip()
            if not line:
                continue
            try:
                touch = self._touch(line)
            except _RefusedError as error:
                self.result.refused += 1
                self._refuse(number, str(error))
                continue
            if self._matched and self._is_known(touch):
                self.result.known += 1
            else:
                new.append((*touch, self._source_id))
        self._connection.executemany(
            "INSERT INTO touches (stream_id, at_ns, command, source_id) VALUES (?, ?, ?, ?)", new
        )
        self.result.added += len(new)
        (self._newest,) = self._connection.execute(
            "SELECT coalesce(max(id), 0) FROM touches"
        ).fetchone()

    def _look_for_other_runs(self) -> None:
        """Take note of what other runs, earlier or beside this one, brought from this source."""
        (newest,) = self._connection.execute(
            "SELECT max(id) FROM touches WHERE id > ? AND source_id = ?",
            (self._newest, self._source_id),
        ).fetchone()
        if newest is not None:
            self._matched += b"\1" * (self._newest + 1 - len(self._matched))
            self._matched += bytes(newest + 1 - len(self._matched))

    def _is_known(self, touch: _Touch) -> bool:
        """Tell whether another run brought this very touch, once for each time it did."""
        last, last_id = self._last_match
        after = last_id if touch == last else 0
        for (number,) in self._connection.execute(
            "SELECT id FROM touches"
            " WHERE stream_id = ? AND at_ns = ? AND command = ? AND source_id = ?"
            " AND id > ? AND id < ? ORDER BY id",
            (*touch, self._source_id, after, len(self._matched)),
        ):
            if not self._matched[number]:
                self._matched[number] = 1
                self._last_match = touch, number
                return True
        return False

    def _touch(self, text: bytes) -> _Touch:
        """Return the touch of a line. Raises _RefusedError."""
        get = _object(text).get
        command, at_ns = get("command"), get("at_ns")
        if not isinstance(command, str):
            raise _RefusedError('no "command" that is a string')
        if at_ns is None:
            at_ns = _read_at(get("at"))
        elif not isinstance(at_ns, int) or isinstance(at_ns, bool):
            raise _RefusedError('"at_ns" is not a whole number')
        if at_ns not in _INT64:
            raise _RefusedError("the time is outside the years 1678 to 2261")
        names = get("host"), get("town"), get("workspace"), get("actor")
        try:
            stream_id = self._stream_ids[names]
        except (KeyError, TypeError):
            stream_id = self._stream_id(names)
        return stream_id, at_ns, redact(_valid(command))

    def _stream_id(self, names: tuple[object, ...]) -> int:
        stream = []
        for name in names:
            if not isinstance(name, str | None):
                raise _RefusedError('"host", "town", "workspace" and "actor" must be strings')
            stream.append(_valid(name or ""))
        self._connection.execute(
            "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            stream,
        )
        (number,) = self._connection.execute(
            "SELECT id FROM streams WHERE host = ? AND town = ? AND workspace = ? AND actor = ?",
            stream,
        ).fetchone()
        self._stream_ids[names] = number
        return int(number)


def _object(text: bytes) -> dict[str, object]:
    try:
        characters = text.decode()
        line, end = _decode(characters)
    except UnicodeDecodeError:
        raise _RefusedError("not UTF-8") from None
    except RecursionError:
        raise _RefusedError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _RefusedError(f"not JSON, at column {error.colno}: {error.msg}") from None
    except ValueError as error:  # a number of thousands of digits
        raise _RefusedError(str(error)) from None
    if end != len(characters):
        raise _RefusedError("more than one JSON value")
    if not isinstance(line, dict):
        raise _RefusedError("not a JSON object")
    return line


def _read_at(at: object) -> int:
    if not isinstance(at, str):
        raise _RefusedError('no "at" that is a string, and no "at_ns"')
    at_ns = rfc3339.parse(at)
    if at_ns is None:  # Go's rules know only a part of ISO 8601
        try:
            at_ns = parse_iso(at, None)
        except (ValueError, OverflowError):
            raise _RefusedError(
                f'"at" is not a time with its offset (2026-02-26T15:13:23Z): {at[:40]!r}'
            ) from None
    return at_ns


def _valid(text: str) -> str:
    """Return `text` with U+FFFD for each surrogate that JSON left alone, as Go reads it."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.translate(_SURROGATES)
    return text
