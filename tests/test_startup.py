"""What a touch loads: the promise that keeps it quick."""

import os
import subprocess
import sys
from pathlib import Path

FAST_LANE = {
    "ledger",
    "ledger.connection",
    "ledger.encode",
    "ledger.gotime",
    "ledger.paths",
    "ledger.recorder",
    "ledger.redact",
    "ledger.signals",
    "ledger.spool",
    "ledger.store",
    "ledger.touch_arguments",
    "ledger.workspace",
}

# Runs the command as its script does, and tells at the end what was loaded for it.
TOUCH = """
import os, sys
before = set(sys.modules)
def tell(status):
    os.write(1, "\\n".join(sorted(set(sys.modules) - before)).encode())
    leave(status)
leave, os._exit = os._exit, tell
from ledger.__main__ import main
main()
"""

IMPORT = """
import sys
before = set(sys.modules)
import ledger
print("\\n".join(sorted(set(sys.modules) - before)))
if len(sys.argv) > 1:
    ledger.touch_in_workspace("ws", "gt status")
    print("\\n".join(sorted(set(sys.modules) - before)))
"""


def loaded(code: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_modules_of_a_touch(home: Path) -> None:
    """A touch loads itself, errno and _sqlite3, and nothing else."""
    (home / "mayor").mkdir()
    os.chdir(home)
    loaded(TOUCH, "touch", "gt", "status")  # makes the ledger
    assert loaded(TOUCH, "touch", "gt", "status") - {"errno"} == FAST_LANE | {
        "ledger.__main__",
        "_sqlite3",
    }
    assert (home / ".runtime/keepalive.json").exists()


def test_modules_of_the_library() -> None:
    """Importing the library loads nothing; touching loads the fast lane and what _sqlite3 wants."""
    assert loaded(IMPORT) == {"ledger"}
    loaded(IMPORT, "touch")
    from_sqlite = loaded(
        "import sys\nb = set(sys.modules)\nimport _sqlite3\nprint(*set(sys.modules) - b)"
    )
    assert loaded(IMPORT, "touch") - from_sqlite - {"errno"} == FAST_LANE - {
        "ledger.touch_arguments"
    }
