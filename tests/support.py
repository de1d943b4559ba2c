"""What several tests need: a child without privileges, and trees of files."""

import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import ledger

# A child that has given up its privileges may not be able to read modules any more.
for _name in ledger.__all__:
    getattr(ledger, _name)

_Result = TypeVar("_Result")

NOBODY = 65534


def in_child(function: Callable[[], _Result], *, privileged: bool = False) -> _Result:
    """Call `function` in a forked child, as an ordinary user, and return its result."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0 and not privileged:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer: object = function()
        except BaseException as error:  # noqa: BLE001 - it is raised in the parent
            answer = error
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pickle.load(pipe)
    os.waitpid(child, 0)
    if isinstance(answer, BaseException):
        raise answer
    return answer  # type: ignore[return-value]


def build(top: Path, tree: Sequence["str | dict[str, str]"]) -> None:
    """Build the `tree` of a vector: ``name/``, ``name``, or ``{"link", "target"}``."""
    for entry in tree:
        if isinstance(entry, dict):
            link = top / entry["link"]
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(entry["target"])
        elif entry.endswith("/"):
            (top / entry).mkdir(parents=True, exist_ok=True)
        else:
            (top / entry).parent.mkdir(parents=True, exist_ok=True)
            (top / entry).touch()


def snapshot(top: Path) -> dict[str, tuple[int, bytes | str | None]]:
    """Return all that is below `top`: mode, and content or the link's target."""
    found: dict[str, tuple[int, bytes | str | None]] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content: bytes | str | None = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(top))] = (status.st_mode, content)
    return found
