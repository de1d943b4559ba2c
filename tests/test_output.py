"""Rows in every format, exact for programs and safe for people."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import output, terminal

COLUMNS = ("at", "touches", "command")
ROWS = [
    {"command": 'say "hi", you', "at": "2026-02-26T15:13:23Z", "touches": 3, "more": 1},
    {"command": "tab\there\nand \x1b[31m \u202e 日本 é", "at": "", "touches": None},
]

# Text as a ledger can hold it.
texts = st.text(st.characters(exclude_categories=["Cs"]))
rows = st.lists(st.fixed_dictionaries({"at": texts, "touches": st.integers(), "command": texts}))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(form: str, rows: list[dict[str, object]], stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    output.write(rows, COLUMNS, form, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (
            "json",
            r"""[{"at": "2026-02-26T15:13:23Z", "touches": 3, "command": "say \"hi\", you"},
 {"at": "", "touches": null, "command": "tab\there\nand \u001b[31m \u202e 日本 é"}]
""",
        ),
        (
            "nl",
            r"""{"at": "2026-02-26T15:13:23Z", "touches": 3, "command": "say \"hi\", you"}
{"at": "", "touches": null, "command": "tab\there\nand \u001b[31m \u202e 日本 é"}
""",
        ),
        (
            "csv",
            (
                'at,touches,command\n2026-02-26T15:13:23Z,3,"say ""hi"", you"\n'
                ',,"tab\there\nand \x1b[31m \u202e 日本 é"\n'
            ),
        ),
        (
            "tsv",
            (
                'at\ttouches\tcommand\n2026-02-26T15:13:23Z\t3\t"say ""hi"", you"\n'
                '\t\t"tab\there\nand \x1b[31m \u202e 日本 é"\n'
            ),
        ),
    ],
)
def test_formats(form: str, text: str) -> None:
    """Each format holds the named columns, in their order."""
    assert written(form, ROWS) == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", "[]\n"),
        ("nl", ""),
        ("csv", "at,touches,command\n"),
        ("tsv", "at\ttouches\tcommand\n"),
    ],
)
def test_no_rows(form: str, text: str) -> None:
    """No rows are an empty array, no lines, or a header alone."""
    assert written(form, []) == text


@given(rows)
def test_programs_read_what_was_written(rows: list[dict[str, object]]) -> None:
    """Every format gives back its rows to the character."""
    assert json.loads(written("json", rows)) == rows
    assert [json.loads(line) for line in written("nl", rows).splitlines()] == rows
    for form, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        lines = io.StringIO(written(form, rows), newline="")
        read = [
            {**row, "touches": int(row["touches"])}
            for row in csv.DictReader(lines, dialect=dialect)
        ]
        assert read == rows


@given(rows, st.sampled_from(sorted(output.FORMATS)))
def test_nothing_steers_a_terminal(rows: list[dict[str, object]], form: str) -> None:
    """On a terminal no format lets a control character through, but its own."""
    text = written(form, rows, Terminal())
    own = text.replace("\n", "").replace("\t", "")
    assert terminal.visible(own) == own


def test_rows_are_written_as_they_come() -> None:
    """No format waits for the last row."""
    for form in output.FORMATS:
        stream = io.StringIO()
        seen: list[str] = []

        def rows() -> Iterator[dict[str, object]]:
            for number in range(3):
                seen.append(stream.getvalue())  # noqa: B023
                yield {"at": f"row{number}", "touches": 0, "command": ""}

        output.write(rows(), COLUMNS, form, stream)
        assert ["row0" in text for text in seen] == [False, True, True]
        assert ["row1" in text for text in seen] == [False, False, True]


def table(room: int | None, *rows: tuple[str, ...]) -> str:
    stream = io.StringIO()
    made = output.Table(("time", "actor", "command"), (5, 7), stream, room)
    for row in rows:
        made.row(row)
    return stream.getvalue()


def test_table() -> None:
    """Columns line up, whatever the width of their characters."""
    assert table(
        None,
        ("12:00", "mayor", "gt status " + "x" * 100),
        ("12:01", "市長", "日本"),
        ("12:02", "e\u0301", "\x1b[2J"),
        ("12:03", "gastown/polecats/nux", "gt"),
        ("12:04", "", ""),
    ) == (
        "time   actor    command\n"
        f"12:00  mayor    gt status {'x' * 100}\n"
        "12:01  市長     日本\n"
        "12:02  e\u0301        \\x1b[2J\n"
        "12:03  gastown/polecats/nux  gt\n"
        "12:04\n"
    )


def test_table_on_a_narrow_terminal() -> None:
    """Where there is no room, commands lose their end and names their beginning."""
    assert table(
        28,
        ("12:00", "mayor", "gt status --all"),
        ("12:01", "gastown/nux", "gt sling"),
        ("12:02", "市長市長", "日本語日本語日本語"),
        ("12:03", "nux", "gt status --al"),
    ) == (
        "time   actor    command\n"
        "12:00  mayor    gt status -…\n"
        "12:01  …wn/nux  gt sling\n"
        "12:02  …長市長  日本語日本…\n"
        "12:03  nux      gt status -…\n"
    )


def test_table_without_rows() -> None:
    """A table without rows has no headers either."""
    assert table(80) == ""
