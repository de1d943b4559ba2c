"""Write the WAL back to the ledger in a process of its own, which nobody waits for.

Part of the fast lane, once in some eighty touches: a checkpoint syncs the disk, and
a touch must not wait for that.
"""

import os
import sys

from ledger import connection

_CODE = """\
import os, sys
os.closerange(3, 1 << 16)  # what else the caller left open: pipes, locks
import sqlite3
connection = sqlite3.connect(sys.argv[1], uri=True, timeout=5)
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.close()
"""


def start(ledger: str) -> None:
    """Start the checkpoint of `ledger`, detached; where that can't be done, leave it.

    A touch killed on the way, or a reader that holds the WAL, costs nothing: the next
    touches try again.
    """
    null = [(os.POSIX_SPAWN_OPEN, file, os.devnull, os.O_RDWR, 0) for file in (0, 1, 2)]
    try:
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", _CODE, connection.uri(ledger, "rw")],
            {},
            file_actions=null,
            setsid=True,
        )
    except (OSError, NotImplementedError, TypeError, ValueError):  # some have no executable
        pass
