"""Sleep until a heartbeat is due, or until activity resumes, without looking all the time.

The kernel tells when the files of the ledger, its spool or a signal change (by way of
watchdog); only while the streams are idle does anybody listen. Where the kernel can't
tell (a network file system, no watches left), a look every so often does.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ledger.heartbeat import NextHeartbeat
from ledger.instants import NS
from ledger.policy import ACTIVE, Policy

if TYPE_CHECKING:
    from watchdog.events import FileSystemEventHandler

# After a change that turned out to be no touch, the next one is looked into this much
# later; without any change a look is taken this often.
_SETTLE_S = 0.4
_LOOK_S = 15.0
_LOOK_UNTOLD_S = 1.0

Ask = Callable[[], NextHeartbeat]


def wait_for_heartbeat(ask: Ask, policy: Policy, places: Iterable[str] | None = None) -> bool:
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


def _resumes(ask: Ask, last_ns: int | None, places: Iterable[str], due: float) -> bool:
    """Wait until `due` for a touch after the one at `last_ns`; tell whether one came."""
    changed = threading.Event()
    with _told(changed, places) as told:
        look_s = _LOOK_S if told else _LOOK_UNTOLD_S
        while ask().at_ns == last_ns:
            if (left := due - time.monotonic()) <= 0:
                return False
            if changed.wait(min(left, look_s)):
                time.sleep(min(left, _SETTLE_S))
                changed.clear()
    return True


@contextlib.contextmanager
def _told(changed: threading.Event, places: Iterable[str]) -> Iterator[bool]:
    """Set `changed` whenever a file changes in the `places`; give False where that can't be."""
    from watchdog.observers import Observer

    observer = Observer()
    try:
        for place in filter(os.path.isdir, places):
            observer.schedule(_handler(changed), place)
        observer.start()
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        observer.stop()
        observer.join()


def _handler(changed: threading.Event) -> "FileSystemEventHandler":
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            name = os.fsdecode(event.dest_path or event.src_path)
            kind = event.event_type
            # A reader makes the WAL and its index, and so changes their directory.
            if (
                kind in {"created", "moved", "modified"}
                and not name.endswith("-shm")
                and not (name.endswith("-wal") and kind == "created")
                and not (event.is_directory and kind == "modified")
            ):
                changed.set()

    return Handler()
