"""Import and export: nothing added twice, nothing lost, bad lines named."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import database
from ledger.history import history
from ledger.transfer import Imported, export_line, import_touches

TRACE = Path(__file__).parent / "data" / "town-8-days.jsonl"


def ledger_at(path: Path) -> sqlite3.Connection:
    return database.open_ledger(str(path))


def load(connection: sqlite3.Connection, lines: Iterable[bytes], source: str = "a") -> Imported:
    return import_touches(connection, lines, source, lambda *_: None)


def encoded(lines: Iterable[object]) -> list[bytes]:
    return [json.dumps(line).encode() + b"\n" for line in lines]


def content(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return the history without the rows' ids."""
    return [row[1:] for row in history(connection)]


def rebuilt_periods(connection: sqlite3.Connection) -> list[tuple[int, ...]]:
    """Return the active periods by definition."""
    return connection.execute(
        """
        WITH marked AS (
          SELECT stream_id, at_ns, coalesce(
            at_ns - lag(at_ns) OVER (PARTITION BY stream_id ORDER BY at_ns) >= 60000000000, 1
          ) AS begins FROM touches
        ), numbered AS (
          SELECT *, sum(begins) OVER (PARTITION BY stream_id ORDER BY at_ns) AS period FROM marked
        )
        SELECT stream_id, min(at_ns), max(at_ns), count(*) FROM numbered
        GROUP BY stream_id, period ORDER BY 1, 2
        """
    ).fetchall()


touches = st.fixed_dictionaries(
    {
        "at_ns": st.integers(-3, 12).map(lambda number: number * 20_000_000_000),
        "command": st.sampled_from(["gt status", "gt mail", "", "naïve \x00\x1b"]),
    },
    optional={"actor": st.sampled_from(["mayor", ""]), "host": st.sampled_from(["rig1", None])},
)
files = st.lists(touches, max_size=12)


@settings(max_examples=200)
@given(files, files, st.randoms(use_true_random=False))
def test_importing_twice_adds_nothing(
    tmp_path_factory: pytest.TempPathFactory, first: list, more: list, random: object
) -> None:
    """However often lines come from a source, the ledger has each as often as one file had it."""
    connection = ledger_at(tmp_path_factory.mktemp("ledger") / "ledger.db")
    lines, grown = encoded(first), encoded(first + more)
    random.shuffle(grown)
    assert load(connection, lines) == Imported(len(lines), 0, 0)
    assert load(connection, lines) == Imported(0, len(lines), 0)
    assert load(connection, grown) == Imported(len(more), len(lines), 0)
    assert load(connection, lines + grown[:0]) == Imported(0, len(lines), 0)

    def key(line: dict) -> tuple:
        return line["at_ns"], line.get("host") or "", line.get("actor", ""), line["command"]

    found = Counter(
        (row.at_ns, row.stream.host, row.stream.actor, row.command) for row in history(connection)
    )
    assert found == Counter(map(key, first + more))
    periods = connection.execute("SELECT * FROM periods ORDER BY 1, 2").fetchall()
    assert periods == rebuilt_periods(connection)
    connection.close()


@given(files)
def test_sources_do_not_know_each_other(
    tmp_path_factory: pytest.TempPathFactory, lines: list
) -> None:
    """What another source brought, or what was touched here, is not mistaken for this source's."""
    connection = ledger_at(tmp_path_factory.mktemp("ledger") / "ledger.db")
    added = Imported(len(lines), 0, 0)
    assert load(connection, encoded(lines), "a") == added
    assert load(connection, encoded(lines), "b") == added
    connection.close()


# All that a ledger can hold: any text, any instant, ties, several places.
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
rows = st.lists(
    st.tuples(
        st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 3),
        st.tuples(anything, anything, anything, anything),
        anything,
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(rows)
def test_export_then_import(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    """What one ledger exports gives another an identical history, ties in order."""
    place = tmp_path_factory.mktemp("ledgers")
    ours, theirs = ledger_at(place / "ours.db"), ledger_at(place / "theirs.db")
    for at_ns, stream, command in rows:
        insert = "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?)"
        ours.execute(f"{insert} ON CONFLICT DO NOTHING", stream)
        ours.execute(
            "INSERT INTO touches (stream_id, at_ns, command) SELECT id, ?, ? FROM streams"
            " WHERE host = ? AND town = ? AND workspace = ? AND actor = ?",
            (at_ns, command, *stream),
        )
    lines = encoded(export_line(row) for row in history(ours))
    assert load(theirs, lines) == Imported(len(rows), 0, 0)
    assert content(theirs) == content(ours)
    ours.close()
    theirs.close()


REFUSED = [
    (b"nonsense", "not JSON, at column 1: Expecting value"),
    (b"\xff\xfe", "not UTF-8"),
    (b"[" * 100_000, "nested too deeply"),
    (b"{} {}", "more than one JSON value"),
    (b"null", "not a JSON object"),
    (b'["at"]', "not a JSON object"),
    (b'{"at_ns": 1}', 'no "command" that is a string'),
    (b'{"at_ns": 1, "command": 5}', 'no "command" that is a string'),
    (b'{"command": "gt"}', 'no "at" that is a string, and no "at_ns"'),
    (b'{"command": "gt", "at": 5}', 'no "at" that is a string, and no "at_ns"'),
    (b'{"command": "gt", "at_ns": 1.5}', '"at_ns" is not a whole number'),
    (b'{"command": "gt", "at_ns": true}', '"at_ns" is not a whole number'),
    (b'{"command": "gt", "at_ns": "1"}', '"at_ns" is not a whole number'),
    (
        b'{"command": "gt", "at_ns": 9223372036854775808}',
        "the time is outside the years 1678 to 2261",
    ),
    (
        b'{"command": "gt", "at": "2300-01-01T00:00:00Z"}',
        "the time is outside the years 1678 to 2261",
    ),
    *(
        (
            b'{"command": "gt", "at": "%s"}' % at,
            f'"at" is not a time with its offset (2026-02-26T15:13:23Z): {at.decode()!r}',
        )
        for at in (b"", b"yesterday", b"2026-02-26T15:13:23", b"2026-02-30T00:00:00Z")
    ),
    (
        b'{"at_ns": 1, "command": "gt", "actor": 5}',
        '"host", "town", "workspace" and "actor" must be strings',
    ),
    (
        b'{"at_ns": 1, "command": "gt", "host": ["x"]}',
        '"host", "town", "workspace" and "actor" must be strings',
    ),
    (
        b'{"at_ns": 1, "command": "gt", "town": false}',
        '"host", "town", "workspace" and "actor" must be strings',
    ),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED, ids=lambda value: str(value)[:50])
def test_refused_lines(home: Path, line: bytes, reason: str) -> None:
    """A line that can't be taken is named by its number, and why; the others go in."""
    good = b'{"at_ns": 1, "command": "gt"}\n'
    refused: list[tuple[int, str]] = []
    connection = database.open_ledger()
    result = import_touches(
        connection, [good, b" \r\n", line, good], "a", lambda *told: refused.append(told)
    )
    assert result == Imported(added=2, known=0, refused=1)
    assert refused == [(3, reason)]
    assert connection.execute("SELECT count(*) FROM streams").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("line", "at_ns"),
    [
        ('{"at": "1970-01-01T00:00:01.5Z"}', 1_500_000_000),
        ('{"at": "1970-01-01T02:00:00.000000001+02:00"}', 1),
        ('{"at": "1970-01-01 00:00:01+00:00"}', 1_000_000_000),
        ('{"at": "19700101T000001.123456789Z"}', 1_123_456_789),
        ('{"at": "1970-01-01T00:00:00-00:00:01"}', 1_000_000_000),
        ('{"at_ns": -5, "at": "ignored"}', -5),
        ('{"at_ns": -9223372036854775808}', -(1 << 63)),
    ],
)
def test_instants(home: Path, line: str, at_ns: int) -> None:
    """`at` is any ISO 8601 with an offset; `at_ns` goes before it."""
    connection = database.open_ledger()
    load(connection, [line.replace("{", '{"command": "gt", ', 1).encode()])
    assert connection.execute("SELECT at_ns FROM touches").fetchall() == [(at_ns,)]
    connection.close()


def test_what_is_imported_is_redacted(home: Path) -> None:
    """A secret in an imported command is replaced; and still known as the same line again."""
    connection = database.open_ledger()
    lines = encoded([{"at_ns": 1, "command": "git clone https://me:hunter2@example.org/r"}])
    assert load(connection, lines).added == 1
    assert load(connection, lines).known == 1
    (row,) = history(connection)
    assert "hunter2" not in row.command
    assert "[redacted:" in row.command
    connection.close()


def test_text_that_utf8_cannot_hold(home: Path) -> None:
    """A lone surrogate in a JSON escape becomes U+FFFD, as Go would read it."""
    connection = database.open_ledger()
    line = rb'{"at_ns": 1, "command": "a\ud800", "actor": "b\udfff\ud83c\udfed", "host": null}'
    assert load(connection, [line], "source \udcff") == Imported(1, 0, 0)
    assert load(connection, [line], "source \udcff") == Imported(0, 1, 0)
    (row,) = history(connection)
    assert (row.command, row.stream.actor) == ("a\ufffd", "b\ufffd🏭")
    connection.close()


def test_import_beside_an_import(home: Path) -> None:
    """Two imports of one file at once add what one does."""
    lines = encoded({"at_ns": number // 3, "command": "gt"} for number in range(50_000))
    first, second = database.open_ledger(), database.open_ledger()

    def interrupted() -> Iterator[bytes]:
        """The first import's lines; after the first batch the whole second import runs."""
        for number, line in enumerate(lines):
            if number == 20_000:
                assert load(second, lines) == Imported(30_000, 20_000, 0)
            yield line

    assert load(first, interrupted()) == Imported(20_000, 30_000, 0)
    assert content(first) == [(number // 3, ("", "", "", ""), "gt") for number in range(50_000)]
    first.close()
    second.close()


def test_an_interrupted_import_is_taken_up(home: Path) -> None:
    """An import that broke off is finished by another run, without doubles."""
    connection = database.open_ledger()
    lines = encoded({"at_ns": number, "command": "gt"} for number in range(45_000))

    def broken() -> Iterator[bytes]:
        yield from lines[:41_000]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(connection, broken())
    assert connection.execute("SELECT count(*) FROM touches").fetchone() == (40_000,)
    assert load(connection, lines) == Imported(5_000, 40_000, 0)
    connection.close()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)
fields = ["at", "at_ns", "command", "actor", "workspace", "town", "host"]
objects = st.dictionaries(st.sampled_from(fields), values).map(lambda one: json.dumps(one).encode())


@settings(max_examples=200)
@given(st.lists(objects | st.binary()))
def test_any_line_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    """Whatever a file holds, each of its lines is a touch, blank, or refused with a reason."""
    connection = ledger_at(tmp_path_factory.mktemp("ledger") / "ledger.db")
    reasons: list[tuple[int, str]] = []
    result = import_touches(connection, lines, "a", lambda *told: reasons.append(told))
    blank = sum(not line.strip() for line in lines)
    assert (result.added, result.known) == (len(lines) - blank - len(reasons), 0)
    assert result.refused == len(reasons)
    assert all(reason for _, reason in reasons)
    assert connection.execute("SELECT count(*) FROM touches").fetchone() == (result.added,)
    connection.close()


def test_byte_order_mark(home: Path) -> None:
    """A mark at the start of the file, as some editors put there, is passed over."""
    connection = database.open_ledger()
    line = b'{"at_ns": 1, "command": "gt"}'
    assert load(connection, [b"\xef\xbb\xbf" + line, b"\xef\xbb\xbf" + line]) == Imported(1, 0, 1)
    connection.close()
