"""How a table names the place of a stream."""

import os
from collections.abc import Callable, Iterable

from ledger.filters import Stream


def namer(chosen: Iterable[Stream]) -> Callable[[Stream], str]:
    """Return what names a stream's place in short, knowing all that are `chosen`.

    That is the workspace, else the town, with ~ for home, and with its machine where
    there are several.
    """
    home = os.path.expanduser("~")
    by_host = len({stream.host for stream in chosen if stream.host}) > 1

    def place(stream: Stream) -> str:
        name = stream.workspace or stream.town
        if name == home or name.startswith(home + "/"):
            name = "~" + name[len(home) :]
        return f"{stream.host}:{name}" if by_host and stream.host and name else name

    return place
