"""Which streams and touches a question is about."""

import os
import sqlite3
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from ledger.errors import BadInputError


class Stream(NamedTuple):
    """A distinct place and actor; '' stands for absent."""

    host: str
    town: str
    workspace: str
    actor: str


class Filters(NamedTuple):
    """Which touches to read; everything, unless said.

    Times are a half-open range in nanoseconds since the epoch. Of the names of one
    kind any may match: exactly, or as a shell pattern where one has ``*``, ``?`` or
    ``[``; a directory also as it is called from here. `grep` is a part of the command,
    as it is written.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    actors: Sequence[str] = ()
    towns: Sequence[str] = ()
    workspaces: Sequence[str] = ()
    hosts: Sequence[str] = ()
    grep: str | None = None

    def of_streams(self) -> bool:
        """Tell whether some streams may be left out."""
        return bool(self.actors or self.towns or self.workspaces or self.hosts)


EVERYTHING = Filters()

Streams = dict[int, Stream]
"""Streams by their id."""


def streams(connection: sqlite3.Connection, filters: Filters = EVERYTHING) -> Streams:
    """Return the streams that `filters` choose, by id.

    Raises BadInputError for a single name in place of several, sqlite3.Error.
    """
    for names in (filters.actors, filters.towns, filters.workspaces, filters.hosts):
        if isinstance(names, str):  # which would be taken letter by letter
            raise BadInputError(f"a filter takes several names: write [{names!r}]")
    towns, workspaces = _directories(filters.towns), _directories(filters.workspaces)
    rows = connection.execute("SELECT id, host, town, workspace, actor FROM streams")
    found = {row[0]: Stream(*row[1:]) for row in rows}
    return {
        number: stream
        for number, stream in found.items()
        if _is_one_of(filters.actors, stream.actor)
        and _is_one_of(filters.hosts, stream.host)
        and _is_one_of(towns, stream.town)
        and _is_one_of(workspaces, stream.workspace)
    }


def _is_one_of(wanted: Sequence[str], name: str) -> bool:
    return not wanted or any(matches(name, one) for one in wanted)


def matches(name: str, wanted: str) -> bool:
    """Tell whether a name is the one that is wanted, or one that it is a pattern of."""
    return name == wanted or (is_pattern(wanted) and fnmatchcase(name, wanted))


def is_pattern(name: str) -> bool:
    """Tell whether a name is matched as a shell pattern."""
    return any(character in name for character in "*?[")


def _directories(wanted: Sequence[str]) -> list[str]:
    """Return the directories as they are given and as they are called from here."""
    return [*wanted, *(os.path.realpath(one) for one in wanted if one)]
