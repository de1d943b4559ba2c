"""Where things lie: the ledger, its spool, the town, the two signals.

Part of the fast lane: a touch imports this.
"""

import os
import sys


def clean(path: str) -> str:
    """Return `path` cleaned as text, without a look at the disk (Go's filepath.Clean).

    Doubled slashes, ``.`` and ``name/..`` go; nothing is expanded; '' is ``.``.

    Raises ValueError for a path with a NUL byte, which no file can have.
    """
    if "\0" in path:
        raise ValueError("a path cannot hold a NUL byte")
    path = os.path.normpath(path)
    # POSIX lets two leading slashes mean something else; Go does not.
    return path[1:] if path.startswith("//") else path


def absolute(path: str) -> str:
    """Return `path` cleaned and taken from the current directory (Go's filepath.Abs).

    Raises OSError when the path is relative and the current directory is gone,
    ValueError as `clean` does.
    """
    return clean(path if path.startswith("/") else f"{os.getcwd()}/{path}")


def workspace_signal(root: str) -> str:
    """Return the path of the workspace's signal, keepalive.json; a `root` of '' is here."""
    return clean(f"{root or '.'}/.runtime/keepalive.json")


def town_signal(town: str) -> str:
    """Return the path of the town's signal, activity.json; a `town` of '' is here."""
    return clean(f"{town or '.'}/daemon/activity.json")


def variable(name: str) -> str:
    """Return an environment variable, or '' when it is not set.

    Asking first is three times quicker than os.environ.get, which raises and catches.
    """
    return os.environ[name] if name in os.environ else ""  # noqa: SIM401 - that is the point


def default_town() -> str | None:
    """Return the town of the environment: ``GT_TOWN_ROOT``, else ``$HOME/gt``, else None.

    Unset and empty are the same. The user database is not asked for a home.
    """
    if town := variable("GT_TOWN_ROOT"):
        return town
    home = variable("HOME")
    return f"{home}/gt" if home else None


def default_actor() -> str:
    """Return who acts, by the first variable that says so, or ''."""
    return variable("KEEPALIVE_ACTOR") or variable("BD_ACTOR") or variable("GT_ROLE")


def ledger_path() -> str | None:
    """Return the ledger's absolute path, or None when the user has no home directory.

    ``KEEPALIVE_DB``, else ``ledger.db`` in the user data directory that platformdirs
    names. That rule is written out here for Linux and macOS, since importing
    platformdirs would take longer than a whole touch.

    Raises what `absolute` does.
    """
    if chosen := variable("KEEPALIVE_DB"):
        return absolute(chosen)
    if sys.platform not in ("linux", "darwin") or hasattr(sys, "getandroidapilevel"):
        import platformdirs

        return os.path.join(platformdirs.user_data_dir("keepalive"), "ledger.db")
    data = variable("XDG_DATA_HOME")
    if not data.startswith("/"):
        home = _home()
        if home is None:
            return None
        data = home + (
            "/Library/Application Support" if sys.platform == "darwin" else "/.local/share"
        )
    return clean(f"{data}/keepalive/ledger.db")


def _home() -> str | None:
    home = variable("HOME")
    if not home.startswith("/"):
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            return None
    return home.rstrip("/") if home.startswith("/") else None


def spool_path(ledger: str) -> str:
    """Return the directory in which touches wait that the ledger could not take."""
    return f"{ledger}-spool"
