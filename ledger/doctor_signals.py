"""Whether the signals on this machine agree with the ledger."""

import contextlib
import fnmatch
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger import paths, spool
from ledger.doctor_files import leftovers
from ledger.finding import Finding
from ledger.instants import duration
from ledger.signals import read_file
from ledger.state import State

# An import brings touches that wrote no signal here.
_LAST_TOUCH = """
SELECT max(at_ns) FROM touches
WHERE stream_id = ? AND at_ns BETWEEN ? AND ?
  AND (source_id IS NULL OR source_id IN (SELECT id FROM sources WHERE kind = 'spool'))
"""

_Streams = dict[str, list[int]]  # ids of the streams that write a signal, by its path


class _Look(NamedTuple):
    """A signal, and the last touch that should have written it, at one moment."""

    state: State | None
    last_ns: int | None

    def agrees(self) -> bool:
        return self.last_ns is None or (
            self.state is not None and self.state.timestamp_ns == self.last_ns
        )


def signals(connection: sqlite3.Connection, waiting: str) -> Iterator[Finding]:
    """Compare each signal on this machine with the last touch that the ledger has of it.

    The spool directory `waiting` counts as well. A place that no longer exists needs no
    signal.

    Raises sqlite3.Error.
    """
    streams, gone = _signals_here(connection)
    for path in streams:
        directory, name = os.path.split(path)
        names = os.listdir(directory) if os.path.isdir(directory) else []
        yield from leftovers(directory, fnmatch.filter(names, f".{name}.*.tmp"))
    # A touch writes the signal a moment before the row: what differs is looked at twice.
    first = _look(connection, waiting, streams)
    suspects = {path: streams[path] for path, look in first.items() if not look.agrees()}
    second = _look(connection, waiting, suspects)
    wrong = [
        path
        for path, look in second.items()
        if not look.agrees() and look.state == first[path].state
    ]
    for path in wrong:
        yield _disagreement(path, second[path])
    if not wrong:
        agreeing = f"{len(streams):,} agree with the ledger" if streams else "none on this machine"
        removed = f"; places that are gone: {gone:,}" if gone else ""
        yield Finding("signals", agreeing + removed)


def _signals_here(connection: sqlite3.Connection) -> tuple[_Streams, int]:
    """Return the signals of this machine, and of how many the place no longer exists."""
    streams: _Streams = defaultdict(list)
    gone = set()
    for stream, town, workspace in connection.execute(
        "SELECT id, town, workspace FROM streams WHERE host = ? ORDER BY town, workspace",
        (os.uname().nodename,),
    ):
        for place, path in _written_in(town, workspace):
            if os.path.isdir(place):
                streams[path].append(stream)
            else:
                gone.add(path)
    return streams, len(gone)


def _written_in(town: str, workspace: str) -> Iterator[tuple[str, str]]:
    if town:
        yield town, paths.town_signal(town)
    if workspace:
        yield workspace, paths.workspace_signal(workspace)


def _look(connection: sqlite3.Connection, waiting: str, streams: _Streams) -> dict[str, _Look]:
    states = {path: read_file(path) for path in streams}
    spooled = _spooled(waiting) if streams else {}
    return {
        path: _Look(states[path], _newest([_last_touch(connection, ids), spooled.get(path)]))
        for path, ids in streams.items()
    }


def _last_touch(connection: sqlite3.Connection, streams: Iterable[int]) -> int | None:
    """Return the instant of the last touch of `streams` that was made here."""
    last_ns = None
    for stream in streams:
        for started_ns, ended_ns in connection.execute(
            "SELECT started_ns, ended_ns FROM periods WHERE stream_id = ? ORDER BY started_ns DESC",
            (stream,),
        ):
            (found_ns,) = connection.execute(_LAST_TOUCH, (stream, started_ns, ended_ns)).fetchone()
            if found_ns is not None:
                last_ns = _newest([last_ns, found_ns])
                break
    return last_ns


def _spooled(waiting: str) -> dict[str, int]:
    """Return the instant of the last touch that waits, by the path of the signal it wrote."""
    last: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for name in spool.names(waiting):
            with contextlib.suppress(OSError, ValueError):
                _, (at_ns, host, town, workspace, *_) = spool.get(waiting, name)
                if host == os.uname().nodename:
                    for _, path in _written_in(town, workspace):
                        last[path] = max(at_ns, last.get(path, at_ns))
    return last


def _newest(instants: Iterable[int | None]) -> int | None:
    return max((at_ns for at_ns in instants if at_ns is not None), default=None)


def _disagreement(path: str, look: _Look) -> Finding:
    if look.state is None or look.last_ns is None:
        return Finding(
            "signals",
            f"{path} is gone or can't be read",
            "The next touch there writes it; if it does not, keepalive touch --strict says why.",
        )
    apart_ns = look.state.timestamp_ns - look.last_ns
    if apart_ns > 0:
        return Finding(
            "signals",
            f"{path} is {duration(apart_ns)} newer than the ledger's last touch there",
            "Something else writes it (gt itself?), or touches were lost.",
        )
    return Finding(
        "signals",
        f"{path} is {duration(-apart_ns)} older than the ledger's last touch there",
        "Something put an old one back, or it could not be written:"
        " keepalive touch --strict says why.",
    )
