"""Sleep until a heartbeat is due, or until activity resumes, without looking all the time.

The kernel tells when the files of the ledger, its spool or a signal change (by way of
watchdog); only while the streams are idle does anybody listen. Where the kernel can't
tell (a network file system, no watches left), a look every so often does.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ledger import paths, spool
from ledger.heartbeat import NextHeartbeat
from ledger.instants import NS
from ledger.policy import ACTIVE, Policy

if TYPE_CHECKING:
    from watchdog.events import FileSystemEventHandler

# A change is looked into a moment later, since a touch changes more than one file. While
# one waits in the spool for whoever holds the lock, and where the kernel can't tell, there
# is a look every second, else seldom.
_SETTLE_S = 0.3
_SOON_S = 1.0
_SELDOM_S = 15.0

Ask = Callable[[], NextHeartbeat]


def wait_for_heartbeat(ask: Ask, policy: Policy, places: Sequence[str] | None = None) -> bool:
    """Sleep until the heartbeat is due that `ask` names now, and return True.

    With `places`, the directories in which a touch changes a file, return False as soon
    as activity resumes: a touch that comes when the streams were no longer active by the
    words of the policy (`Policy.state`).

    >>> from ledger.heartbeat import next_heartbeat
    >>> from ledger.policy import parse_policy
    >>> second = parse_policy("fixed:1s")
    >>> wait_for_heartbeat(lambda: next_heartbeat(None, policy=second), second)
    True
    """
    found = ask()
    due = time.monotonic() + found.interval_s
    idle_after_s = policy.state_boundaries_ns[0] / NS
    while (left := due - time.monotonic()) > 0:
        if places is None:
            time.sleep(left)
        elif found.state == ACTIVE:
            # Until it may be idle nothing can end an idle time, whatever is touched.
            time.sleep(min(left, max(idle_after_s - (found.idle_s or 0), _SETTLE_S)))
            found = ask()
        elif _resumes(ask, found.at_ns, places, due):
            return False
    return True


def _resumes(ask: Ask, last_ns: int | None, places: Sequence[str], due: float) -> bool:
    """Wait until `due` for a touch after the one at `last_ns`; tell whether one came."""
    changed = threading.Event()
    while (left := due - time.monotonic()) > 0:
        # A place that is not there yet is made in the nearest directory that is.
        there = {_nearest(place) for place in places}
        with _told(changed, there, places) as told:
            while there == {_nearest(place) for place in places}:
                if ask().at_ns != last_ns:
                    return True
                if (left := due - time.monotonic()) <= 0:
                    break
                soon = not told or any(map(_waits_in, places))
                if changed.wait(min(left, _SOON_S if soon else _SELDOM_S)):
                    time.sleep(min(left, _SETTLE_S))
                    changed.clear()
    return False


def _waits_in(place: str) -> bool:
    """Tell whether the directory is a spool in which a touch waits."""
    try:
        return place.endswith(paths.spool_path("")) and bool(spool.names(place))
    except OSError:
        return False


def _nearest(place: str) -> str:
    """Return the directory `place`, or the nearest above it that there is."""
    while place != "/" and not os.path.isdir(place):
        place = os.path.dirname(place)
    return place


@contextlib.contextmanager
def _told(changed: threading.Event, there: Iterable[str], places: Sequence[str]) -> Iterator[bool]:
    """Set `changed` when something changes that a touch changes; give False where that can't be."""
    import logging

    from watchdog.observers import Observer

    log = logging.getLogger("watchdog")
    if not log.handlers:  # or else its complaints at the end go to standard error
        log.addHandler(logging.NullHandler())
    try:
        observer = Observer()
        for directory in there:
            observer.schedule(_handler(changed, places), directory)
        observer.start()
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        observer.stop()
        observer.join()


def _handler(changed: threading.Event, places: Sequence[str]) -> "FileSystemEventHandler":
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            kind, path = event.event_type, os.fsdecode(event.dest_path or event.src_path)
            if kind not in {"created", "moved", "modified"}:
                return
            if event.is_directory:
                # Being made is a change; that something was made in it is told by itself.
                told = kind != "modified" and any(f"{p}/".startswith(f"{path}/") for p in places)
            else:
                # A reader makes the WAL and its index.
                by_reader = path.endswith("-shm") or (path.endswith("-wal") and kind == "created")
                told = os.path.dirname(path) in places and not by_reader
            if told:
                changed.set()

    return Handler()
