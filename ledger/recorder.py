"""Record a touch: one timestamp, redaction, the signals, then the ledger's row.

Part of the fast lane: a touch imports this. Best effort: nothing here raises or
prints. What could not be done is returned as sentences for ``touch --strict``.
"""

import os
import time

from ledger import paths, signals, spool, store
from ledger.connection import LOCK_WAIT_S, NoLedgerError
from ledger.encode import as_read_back, encode_state
from ledger.redact import redact
from ledger.workspace import find_workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What `record` keeps of a command that begins with a space.
PRIVATE = "[private]"

_HOST = as_read_back(os.uname().nodename)

# How many spooled touches one touch takes along, at some 20 microseconds each.
_DRAIN_MOST = 100


def touch(command: str) -> None:
    """Signal activity in the workspace of the current directory (Go's Touch).

    Outside a workspace nothing happens.
    """
    touch_with_args(command)


def touch_with_args(command: str, args: "Iterable[str] | None" = None) -> None:
    """Signal activity, with the command's arguments (Go's TouchWithArgs).

    The arguments are appended with one space before each, unquoted. Outside a
    workspace nothing happens.
    """
    root = find_workspace()
    if root is not None:
        _record(command, args, root, None, None)


def touch_in_workspace(root: str, command: str) -> None:
    """Signal activity in the workspace `root`, which is made when missing.

    A `root` of '' is the current directory. Source: Go's TouchInWorkspace.
    """
    _record(command, None, root, None, None)


def touch_town_activity(command: str) -> None:
    """Signal activity of the town that the environment names (Go's TouchTownActivity).

    That is ``GT_TOWN_ROOT``, else ``$HOME/gt``; with neither nothing happens.
    """
    town = paths.default_town()
    if town is not None:
        _record(command, None, None, town, None)


def record(
    command: str,
    args: "Iterable[str]" = (),
    *,
    workspace: str | None = None,
    town: str | None = None,
    actor: str | None = None,
) -> None:
    """Record one act: both signals and one row, with one timestamp.

    keepalive.json gets the command with its arguments, when there is a workspace;
    activity.json gets the command alone; the ledger gets one row. None stands for
    what the surroundings say: the workspace of the current directory, the town and
    the actor of the environment. '' stands for none. A command that begins with a
    space is recorded as ``[private]``.
    """
    record_and_tell(command, args, workspace=workspace, town=town, actor=actor)


def record_and_tell(
    command: str,
    args: "Iterable[str]" = (),
    *,
    workspace: str | None = None,
    town: str | None = None,
    actor: str | None = None,
) -> list[str]:
    """Do what `record` does and return what went wrong, a sentence each."""
    return _record(command, args, workspace, town, actor, as_one_act=True)


def _record(  # noqa: PLR0913 - what the five public ones say
    command: str,
    args: "Iterable[str] | None",
    workspace: str | None,
    town: str | None,
    actor: str | None,
    *,
    as_one_act: bool = False,
) -> list[str]:
    """Write the signals that have a place and the row; never raise.

    One act also looks for the places that are not given, and hides private words.
    """
    at_ns = time.time_ns()
    problems: list[str] = []
    try:
        words = (command, args) if isinstance(args, str) else (command, *(args or ()))
        if as_one_act:
            workspace = (find_workspace() if workspace is None else workspace) or None
            town = (paths.default_town() if town is None else town) or None
            words = (PRIVATE,) if command.startswith(" ") else words
        text = redact(*words)
        if workspace is not None:
            _signal(paths.workspace_signal, workspace, text, at_ns, problems)
        if town is not None:
            alone = redact(words[0]) if len(words) > 1 else text
            _signal(paths.town_signal, town, alone, at_ns, problems)
        touch = (
            at_ns,
            _HOST,
            _place(town),
            _place(workspace),
            _text(paths.default_actor() if actor is None else actor),
            as_read_back(text),
        )
        _keep(touch, problems)
    except Exception as error:  # noqa: BLE001 - a touch never raises
        problems.append(f"the touch was not recorded: {error or type(error).__name__}")
    return problems


def _signal(
    path_in: "Callable[[str], str]", root: str, text: str, at_ns: int, problems: list[str]
) -> None:
    try:
        signals.write(path_in(root), encode_state(text, at_ns))
    except (OSError, ValueError) as error:
        problems.append(f"the signal in {root} was not written: {error}")


def _place(root: str | None) -> str:
    """Return `root` as the ledger names it: absolute, or '' for none."""
    if root is None:
        return ""
    try:
        root = paths.absolute(root)
    except (OSError, ValueError):
        pass  # no such place, but the touch was meant for it
    return _text(root)


def _text(name: str) -> str:
    """Return `name` without what cannot stand in a spool field or in UTF-8."""
    return as_read_back(name.replace("\0", "\ufffd"))


def _keep(touch: "store.Touch", problems: list[str]) -> None:
    """Put `touch` into the ledger, else into the spool, else note that it is lost."""
    ledger = paths.ledger_path()
    if ledger is None:
        problems.append("there is no home directory to keep the ledger in: set KEEPALIVE_DB")
        return
    waiting = paths.spool_path(ledger)
    try:
        store.append(ledger, touch)
    except Exception as error:  # noqa: BLE001 - whatever it is, the spool is next
        try:
            spool.put(waiting, touch)
        except OSError as worse:
            problems.append(f"the touch is lost: neither the ledger took it ({error or ledger})")
            problems.append(f"nor the spool {waiting} ({worse})")
            spool.note_loss(waiting, touch[0], str(worse))
            return
        if isinstance(error, NoLedgerError):
            _found(ledger, waiting, problems)
        else:
            problems.append(f"the ledger {ledger} did not take the touch, it waits: {error}")
        return
    try:
        store.drain_some(ledger, waiting, _DRAIN_MOST)
    except FileNotFoundError:
        pass  # no spool
    except Exception as error:  # noqa: BLE001 - it is recorded already
        problems.append(f"touches still wait in the spool {waiting}: {error}")


def _found(ledger: str, waiting: str, problems: list[str]) -> None:
    """Make the ledger, the slow way, unless another process is at it."""
    import fcntl

    lock = os.open(waiting, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The one import that points upward: once in a ledger's life.
        from ledger.database import open_ledger

        open_ledger(ledger, wait_s=LOCK_WAIT_S).close()
    except BlockingIOError:
        pass
    except Exception as error:  # noqa: BLE001 - the touch is safe in the spool
        problems.append(f"the ledger {ledger} can't be made, the touch waits: {error}")
    finally:
        os.close(lock)
