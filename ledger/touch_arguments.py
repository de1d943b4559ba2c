"""The arguments of ``keepalive touch``: read here, without click, and run.

Part of the fast lane. `VALUES` and `FLAGS` are the one list of options, which the
click command is made from as well; whatever is not plain (``--help``, an unknown
option, a missing value) is left to that command to explain.
"""

import os
import sys

# Options that take a value, with its name in the help text, and what they do.
VALUES = {
    "workspace": ("DIR", "Workspace root, in place of the one that holds the current directory."),
    "town": ("DIR", "Town root, in place of $GT_TOWN_ROOT or $HOME/gt."),
    "actor": ("NAME", "Who acts, in place of $KEEPALIVE_ACTOR, $BD_ACTOR or $GT_ROLE."),
}
FLAGS = {
    "no_town": "Leave the town's signal alone.",
    "strict": "Say what went wrong on standard error, and exit 1.",
}

# A WAL this large is written back to the ledger, by a process of its own. Until then
# each touch that finds the ledger closed reads it through: 0.3 ms a megabyte.
_WAL_BYTES = 1 << 20


def parse(arguments: list[str]) -> "tuple[list[str], dict[str, str], set[str]] | None":
    """Return the command with its arguments, the options' values, and the flags.

    None when `arguments` are not plain.
    """
    values: dict[str, str] = {}
    flags: set[str] = set()
    rest = arguments[::-1]
    while rest and rest[-1][:1] == "-" and rest[-1] != "-":
        word = rest.pop()
        if word == "--":
            break
        option, equals, value = word.partition("=")
        name = option[2:].replace("-", "_")
        if option != "--" + name.replace("_", "-"):
            return None
        if name in FLAGS and not equals:
            flags.add(name)
        elif name in VALUES and (equals or rest):
            values[name] = value if equals else rest.pop()
        else:
            return None
    if not rest or ("no_town" in flags and "town" in values):
        return None
    return rest[::-1], values, flags


def run(words: list[str], values: dict[str, str], flags: set[str]) -> int:
    """Record a touch and return the exit status.

    An option whose value is empty counts as not given, as an empty variable does.
    """
    from ledger import connection, recorder

    connection.alone = True
    actor = values.get("actor")
    if sys.getfilesystemencoding() != "utf-8":  # then the bytes were read as something else
        words = [_as_utf8(word) for word in words]
        actor = actor and _as_utf8(actor)
    wal = _wal()
    before = _size(wal)
    problems = recorder.record_and_tell(
        words[0],
        words[1:],
        workspace=values.get("workspace") or None,
        town="" if "no_town" in flags else values.get("town") or None,
        actor=actor or None,
    )
    if _size(wal) // _WAL_BYTES > before // _WAL_BYTES:
        from ledger import checkpoint

        checkpoint.start(wal.removesuffix("-wal"))
    if problems and "strict" in flags:
        tell(problems)
        return 1
    return 0


def tell(problems: list[str]) -> None:
    """Write what went wrong to standard error, if there is one."""
    lines = "".join(f"keepalive: {problem}\n" for problem in problems)
    try:
        os.write(2, lines.encode(errors="replace"))
    except OSError:
        pass


def _as_utf8(word: str) -> str:
    return os.fsencode(word).decode("utf-8", "surrogateescape")


def _wal() -> str:
    """Return where SQLite keeps the ledger's WAL: beside the file itself, not a link to it."""
    from ledger import paths

    try:
        ledger = paths.ledger_path() or ""
        return f"{os.path.realpath(ledger) if os.path.islink(ledger) else ledger}-wal"
    except (OSError, ValueError):
        return ""


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
