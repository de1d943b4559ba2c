"""Reading touches back: which, in what order, and at what cost."""

import os
import sqlite3
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import connection

from ledger import database
from ledger.errors import BadInputError
from ledger.filters import EVERYTHING, Filters, Stream, streams
from ledger.history import HistoryRow, history

__all__ = ["connection"]

NS = 1_000_000_000
SOME_STREAMS = [
    Stream("rig1", "/gt", "/gt/a", "mayor"),
    Stream("rig1", "/gt", "/gt/b", "gastown/polecats/nux"),
    Stream("rig2", "/gt", "", "gastown/polecats/toast"),
    Stream("", "", "", ""),
]


def fill(connection: sqlite3.Connection, touches: list[tuple[int, int, str]]) -> list[HistoryRow]:
    """Put touches (index of the stream, at_ns, command) into the ledger; return the rows."""
    connection.executemany(
        "INSERT INTO streams (id, host, town, workspace, actor) VALUES (?, ?, ?, ?, ?)",
        [(number, *stream) for number, stream in enumerate(SOME_STREAMS, 1)],
    )
    connection.executemany(
        "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, ?)",
        [(stream + 1, at_ns, command) for stream, at_ns, command in touches],
    )
    return [
        HistoryRow(number, at_ns, SOME_STREAMS[stream], command)
        for number, (stream, at_ns, command) in enumerate(touches, 1)
    ]


# Many ties, and gaps on both sides of a minute.
touches = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(-5, 20).map(lambda number: number * 30 * NS),
        st.sampled_from(["gt status", "gt mail", "100% _done_", ""]),
    ),
    max_size=40,
)
names = st.lists(
    st.sampled_from(
        ["mayor", "gastown/*", "*/nux", "", "rig1", "rig?", "/gt", "/gt/a", "/gt/[ab]"]
    ),
    max_size=2,
)
filters = st.builds(
    Filters,
    since_ns=st.none() | st.integers(-6, 21).map(lambda number: number * 30 * NS),
    until_ns=st.none() | st.integers(-6, 21).map(lambda number: number * 30 * NS),
    actors=names,
    towns=names,
    workspaces=names,
    hosts=names,
    grep=st.none() | st.sampled_from(["gt", "status", "%", "_", ""]),
)


def chosen(row: HistoryRow, filters: Filters) -> bool:
    """Tell what `filters` mean, in the plainest way."""

    def named(name: str, wanted: list[str]) -> bool:
        return not wanted or any(fnmatchcase(name, one) for one in wanted)

    return (
        (filters.since_ns is None or row.at_ns >= filters.since_ns)
        and (filters.until_ns is None or row.at_ns < filters.until_ns)
        and named(row.stream.actor, filters.actors)
        and named(row.stream.town, filters.towns)
        and named(row.stream.workspace, filters.workspaces)
        and named(row.stream.host, filters.hosts)
        and (filters.grep is None or filters.grep in row.command)
    )


@settings(max_examples=300)
@given(touches, filters, st.none() | st.integers(0, 50))
def test_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    touches: list[tuple[int, int, str]],
    filters: Filters,
    limit: int | None,
) -> None:
    """The newest so many of the touches chosen, by instant and then by recording."""
    connection = database.open_ledger(str(tmp_path_factory.mktemp("ledger") / "ledger.db"))
    rows = fill(connection, touches)
    expected = sorted(
        (row for row in rows if chosen(row, filters)), key=lambda row: (row.at_ns, row.id)
    )
    if limit is not None:
        expected = expected[max(len(expected) - limit, 0) :]
    assert list(history(connection, filters, limit=limit)) == expected
    newest_first = history(connection, filters, limit=limit, newest_first=True)
    assert list(newest_first) == expected[::-1]
    connection.close()


@given(touches, filters, st.integers(0, 45))
def test_what_came_after(
    tmp_path_factory: pytest.TempPathFactory,
    touches: list[tuple[int, int, str]],
    filters: Filters,
    after: int,
) -> None:
    """After an id come the touches recorded later, whatever instant they are of."""
    connection = database.open_ledger(str(tmp_path_factory.mktemp("ledger") / "ledger.db"))
    rows = fill(connection, touches)
    expected = sorted(
        (row for row in rows if row.id > after and chosen(row, filters)),
        key=lambda row: (row.at_ns, row.id),
    )
    assert list(history(connection, filters, after_id=after)) == expected
    connection.close()


def test_directories_as_they_are_called_from_here(
    connection: sqlite3.Connection, home: Path
) -> None:
    """A town or workspace may be named by a relative path, through a link, or by a pattern."""
    (home / "gt" / "rig").mkdir(parents=True)
    (home / "link").symlink_to(home / "gt")
    place = Stream("rig1", f"{home}/gt", f"{home}/gt/rig", "")
    connection.execute(
        "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?)", place
    )
    os.chdir(home / "gt")
    for named in (".", "rig/..", "../link", str(home / "gt"), f"{home}/g?"):
        assert streams(connection, Filters(towns=[named])) == {1: place}
    assert streams(connection, Filters(workspaces=["r*"])) == {1: place}
    assert streams(connection, Filters(workspaces=[""])) == {}
    assert streams(connection, EVERYTHING) == {1: place}


def test_a_name_that_looks_like_a_pattern(connection: sqlite3.Connection) -> None:
    """A name with a star in it can be asked for as it is."""
    connection.execute(
        "INSERT INTO streams (host, town, workspace, actor) VALUES ('', '', '', '[x]')"
    )
    assert [s.actor for s in streams(connection, Filters(actors=["[x]"])).values()] == ["[x]"]


def test_limits_beyond_all_numbers(connection: sqlite3.Connection) -> None:
    """A limit may be larger than SQLite's numbers."""
    rows = fill(connection, [(0, 1, "gt")])
    assert list(history(connection, limit=10**30)) == rows


def test_new_stream_while_reading(connection: sqlite3.Connection) -> None:
    """A stream that comes up between two rows of an answer does not break it."""
    fill(connection, [(0, number, "gt") for number in range(500)])
    rows = history(connection)
    assert next(rows).at_ns == 0
    other = sqlite3.connect(os.environ["HOME"] + "/.local/share/keepalive/ledger.db")
    other.execute("INSERT INTO streams VALUES (99, 'new', '', '', '')")
    other.execute("INSERT INTO touches (stream_id, at_ns, command) VALUES (99, 10000, 'new')")
    other.commit()
    other.close()
    assert sum(1 for _ in rows) in {499, 500}
    assert [row.stream.host for row in history(connection, limit=1)] == ["new"]


def test_touches_without_their_stream_are_passed_over(connection: sqlite3.Connection) -> None:
    """A stream that a hand deleted leaves the others' touches readable."""
    rows = fill(connection, [(0, 1, "gt"), (1, 2, "gt")])
    connection.execute("DELETE FROM streams WHERE id = 1")
    assert list(history(connection)) == rows[1:]


def test_a_quiet_stream_is_found_without_a_walk(connection: sqlite3.Connection) -> None:
    """The newest touches of a stream that is long quiet are read from where they are."""
    rows = fill(connection, [(0, number * NS, "gt") for number in range(5)])
    with connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO touches (stream_id, at_ns, command) VALUES (2, ?, 'gt')",
            ((10**15 + number,) for number in range(100_000)),
        )
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 100)
    for newest_first in (False, True):
        found = list(
            history(connection, Filters(actors=["mayor"]), limit=3, newest_first=newest_first)
        )
        assert sorted(found) == rows[2:]
    assert steps < 10_000  # of 100 instructions each; a walk takes hundreds of thousands


def test_one_name_is_no_list_of_names(connection: sqlite3.Connection) -> None:
    """A name in place of a list would be taken letter by letter: it is refused."""
    with pytest.raises(BadInputError, match=r"write \['mayor'\]"):
        streams(connection, Filters(actors="mayor"))
