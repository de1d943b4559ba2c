"""Which directory is the workspace that a touch belongs to.

Part of the fast lane: a touch imports this.
"""

import os

from ledger import paths


def find_workspace(start: str | None = None) -> str | None:
    """Return the workspace root that holds `start` (the current directory), or None.

    Walks up to ``/``. The nearest directory with ``mayor/town.json`` is the root;
    if there is none, the nearest with a directory ``mayor``. The result is a
    physical path: links are resolved before the walk. Where the current directory
    is gone, or an ancestor may not be searched, there is no workspace.

    Source: Find in Gas Town's internal/workspace, at the commit whose vectors
    tests/data/conformance holds.
    """
    try:
        if not (start and start.startswith("/")):
            start = f"{_getwd()}/{start or ''}"
        directory = os.path.realpath(paths.clean(start), strict=True)
    except (OSError, ValueError):
        return None
    secondary = None
    while True:
        mayor = directory.rstrip("/") + "/mayor"
        if _mode(mayor + "/town.json"):
            return directory
        if secondary is None and _mode(mayor) & 0o170000 == 0o040000:
            secondary = directory
        if directory == "/":
            return secondary
        directory = os.path.dirname(directory)


def _getwd() -> str:
    """Return the current directory as Go's os.Getwd: ``$PWD`` where it is true."""
    pwd = os.environ.get("PWD", "")
    if pwd.startswith("/"):
        here = os.stat(".")
        try:
            there = os.stat(pwd)
        except (OSError, ValueError):
            pass
        else:
            if os.path.samestat(here, there):
                return pwd
    return os.getcwd()


def _mode(path: str) -> int:
    """Return the mode of what `path` leads to, or 0 where that does not exist."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0
