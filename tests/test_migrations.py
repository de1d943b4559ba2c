"""The schema, and that `periods` is always what a rebuild from `touches` gives."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger.migrations.migrations import migrations
from sqlite_utils import Database

from ledger import database
from ledger.connection import APPLICATION_ID, SCHEMA_VERSION

GAP_NS = 60_000_000_000

# The definition: a touch begins a period when none of its stream came in the 60 s before.
REBUILD = """
WITH gaps AS (
  SELECT stream_id, at_ns, id,
    at_ns - lag(at_ns) OVER (PARTITION BY stream_id ORDER BY at_ns, id) AS gap_ns
  FROM touches
), runs AS (
  SELECT stream_id, at_ns,
    count(*) FILTER (WHERE gap_ns IS NULL OR gap_ns >= 60000000000)
      OVER (PARTITION BY stream_id ORDER BY at_ns, id) AS run
  FROM gaps
)
SELECT stream_id, min(at_ns), max(at_ns), count(*) FROM runs
GROUP BY stream_id, run ORDER BY stream_id, min(at_ns)
"""

PERIODS = "SELECT stream_id, started_ns, ended_ns, touches FROM periods ORDER BY 1, 2"

# Few distinct instants, so that equal ones and gaps of just 60 s are common.
instants = st.integers(-3, 12).flatmap(
    lambda step: st.sampled_from([0, -1, 1, GAP_NS // 2]).map(
        lambda offset: step * GAP_NS // 2 + offset
    )
)
touches = st.tuples(st.integers(1, 3), instants)
operations = st.lists(
    st.one_of(
        touches.map(lambda touch: ("insert", *touch)),
        st.integers(0, 30).map(lambda which: ("delete", which)),
    ),
    max_size=40,
)


def new_ledger() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrations.apply(Database(connection, execute_plugins=False))
    connection.executemany(
        "INSERT INTO streams VALUES (?, 'host', '', '', ?)",
        [(n, f"actor {n}") for n in range(1, 4)],
    )
    return connection


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"])
@given(operations=operations)
def test_periods_equal_a_rebuild(recursive: str, verb: str, operations: list) -> None:
    """After any inserts, in order or not, and deletions, periods equal a rebuild from touches."""
    connection = new_ledger()
    connection.execute(f"PRAGMA recursive_triggers = {recursive}")
    for operation in operations:
        if operation[0] == "insert":
            connection.execute(
                f"{verb} INTO touches (stream_id, at_ns, command) VALUES (?, ?, '')", operation[1:]
            )
        else:
            connection.execute(
                "DELETE FROM touches WHERE id = (SELECT id FROM touches LIMIT 1 OFFSET ?)",
                operation[1:],
            )
        assert connection.execute(PERIODS).fetchall() == connection.execute(REBUILD).fetchall()
    connection.close()


@pytest.mark.parametrize(
    ("instants", "periods"),
    [
        ([0, GAP_NS - 1], [(0, GAP_NS - 1, 2)]),
        ([0, GAP_NS], [(0, 0, 1), (GAP_NS, GAP_NS, 1)]),
        ([0, 2 * GAP_NS - 2, GAP_NS - 1], [(0, 2 * GAP_NS - 2, 3)]),
        ([0, 2 * GAP_NS - 1, GAP_NS], [(0, 0, 1), (GAP_NS, 2 * GAP_NS - 1, 2)]),
        ([5, 5, 5], [(5, 5, 3)]),
        ([-1, 0, -GAP_NS], [(-GAP_NS, 0, 3)]),
    ],
)
def test_where_periods_end(instants: list[int], periods: list[tuple[int, int, int]]) -> None:
    """A gap of 60 s parts two periods, one a nanosecond shorter does not."""
    connection = new_ledger()
    for at_ns in instants:
        connection.execute(
            "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, ?, '')", (at_ns,)
        )
    rows = connection.execute("SELECT started_ns, ended_ns, touches FROM periods").fetchall()
    assert rows == periods
    connection.close()


def test_touches_stay_where_they_are() -> None:
    """A touch can't be moved to another instant or stream; its command can be redacted later."""
    connection = new_ledger()
    connection.execute("INSERT INTO touches (stream_id, at_ns, command) VALUES (1, 5, 'secret')")
    for column in ("at_ns", "stream_id"):
        with pytest.raises(sqlite3.IntegrityError, match="a touch keeps its stream"):
            connection.execute(f"UPDATE touches SET {column} = 2")
    connection.execute("UPDATE touches SET command = '[redacted]'")
    assert connection.execute("SELECT command FROM history").fetchall() == [("[redacted]",)]
    connection.close()


def test_history_shows_instants_as_the_signals_do() -> None:
    """`at` is RFC 3339 in UTC, the fraction without trailing zeros, also before 1970."""
    connection = new_ledger()
    expected = {
        0: "1970-01-01T00:00:00Z",
        1: "1970-01-01T00:00:00.000000001Z",
        -1: "1969-12-31T23:59:59.999999999Z",
        -1_500_000_000: "1969-12-31T23:59:58.5Z",
        1_772_118_803_120_000_000: "2026-02-26T15:13:23.12Z",
        (1 << 63) - 1: "2262-04-11T23:47:16.854775807Z",
        -(1 << 63): "1677-09-21T00:12:43.145224192Z",
    }
    for at_ns in expected:
        connection.execute(
            "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, ?, 'x')", (at_ns,)
        )
    assert dict(connection.execute("SELECT at_ns, at FROM history").fetchall()) == expected
    connection.close()


def schema(file: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(file)
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    ).fetchall()
    pragmas = [
        (name, connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("application_id", "user_version")
    ]
    connection.close()
    return rows + pragmas


def test_sqlite_utils_builds_the_same_schema(tmp_path: Path) -> None:
    """`sqlite-utils migrate FILE migrations/` makes what the program makes."""
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    database.open_ledger(str(ours)).close()
    subprocess.run(
        [
            sys.executable, "-m", "sqlite_utils", "migrate", str(theirs),
            str(Path(__file__).parent.parent / "migrations"),
        ],
        check=True,
    )  # fmt: skip
    assert schema(ours) == schema(theirs)
    assert ("application_id", APPLICATION_ID) in schema(theirs)
    assert ("user_version", SCHEMA_VERSION) in schema(theirs)


def test_each_ledger_has_an_id_of_its_own(tmp_path: Path) -> None:
    """ledger_info has one row, and its random id is made once."""
    found = []
    for name in ("a", "a", "b"):
        connection = database.open_ledger(str(tmp_path / name))
        found += connection.execute("SELECT ledger_id FROM ledger_info").fetchall()
        connection.close()
    assert found[0] == found[1] != found[2]
    assert len(found) == 3
