"""What the doctor sees of the ledger from outside: permissions, the spool, leftovers."""

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator

from ledger import spool
from ledger.finding import Finding

# What a writer has made and not yet renamed after this, it never will.
_UNFINISHED_S = 60


def permissions(ledger: str) -> Iterator[Finding]:
    """Tell whether the ledger's file and directory are ours to write, and private."""
    there = directory = os.path.dirname(ledger)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        yield Finding("permissions", f"{there} is no directory", "Move it away.")
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "permissions",
            f"{there} can't be written",
            f"Make it writable (chmod u+wx {there}, or mount it so), or set KEEPALIVE_DB.",
        )
    elif there == directory:
        yield Finding("permissions", f"{directory} {_mode(directory):04o}")
    if not os.path.isfile(ledger):
        return
    mode = _mode(ledger)
    if not os.access(ledger, os.R_OK | os.W_OK):
        yield Finding("permissions", f"{ledger} can't be read and written", f"chmod u+rw {ledger}")
    elif mode & 0o077:
        yield Finding("permissions", f"others may open {ledger} {mode:04o}", f"chmod 600 {ledger}")
    else:
        yield Finding("permissions", f"{ledger} {mode:04o}")


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def spool_state(waiting: str) -> Iterator[Finding]:
    """Tell what the spool directory `waiting` holds that it should not hold for long."""
    try:
        names = os.listdir(waiting)
    except FileNotFoundError:
        names = []
    except OSError as error:
        yield Finding(
            "spool", f"{waiting}: {error.strerror}", f"Make {waiting} a directory of yours."
        )
        return
    touches = sum(not name.startswith(".") for name in names)
    if touches:
        yield Finding(
            "spool",
            f"touches that wait in {waiting}: {touches:,}",
            "Any question takes them in (keepalive history -n 1). If they stay, see the ledger.",
        )
    else:
        yield Finding("spool", "empty")
    hidden = {name for name in names if name.startswith(".")} - {spool.LOST}
    damaged = {name for name in hidden if name.startswith(spool.DAMAGED)}
    if damaged:
        yield Finding(
            "spool",
            f"damaged files in {waiting}: {len(damaged):,}",
            f"Look at them, then delete them: ls {waiting}/{spool.DAMAGED}*",
        )
    yield from leftovers(waiting, hidden - damaged)
    yield from _losses(f"{waiting}/{spool.LOST}")


def leftovers(directory: str, names: Iterable[str]) -> Iterator[Finding]:
    """Find the files that a writer was killed over; the young ones may yet be renamed."""
    oldest_alive = time.time() - _UNFINISHED_S
    for name in sorted(names):
        path = f"{directory}/{name}"
        with contextlib.suppress(OSError):
            if os.lstat(path).st_mtime < oldest_alive:
                yield Finding("leftover", f"{path}: its writer was killed", f"rm {path}")


def _losses(path: str) -> Iterator[Finding]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lost = [line.strip() for line in file if not line.startswith("#")]
    except OSError:
        return
    if lost:
        yield Finding(
            "lost",
            f"touches that could be kept nowhere: {len(lost):,}, the last {lost[-1]}",
            f"Put right what the reason says, then rm {path}",
        )
