"""Rows to what people and programs read: the one place that knows the formats."""

import json
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TextIO

from ledger import terminal

Row = Mapping[str, object]

FORMATS = {
    "json": "one JSON array",
    "nl": "JSON, one object a line",
    "csv": "comma-separated values with a header",
    "tsv": "tab-separated values with a header",
}

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write(rows: Iterable[Row], columns: Sequence[str], form: str, stream: TextIO) -> None:
    """Write `rows` to `stream` in one of the FORMATS, one row at a time.

    Values are exact; what could steer a terminal is escaped where the format has an
    escape (JSON), and elsewhere where the stream is a terminal.
    """
    if form == "json":
        separator = "["
        for row in rows:
            stream.write(f"{separator}{_json(row, columns)}")
            separator = ",\n "
        stream.write("[]\n" if separator == "[" else "]\n")
    elif form == "nl":
        for row in rows:
            stream.write(_json(row, columns) + "\n")
    else:
        _write_separated(rows, columns, "excel" if form == "csv" else "excel-tab", stream)


def _write_separated(
    rows: Iterable[Row], columns: Sequence[str], dialect: str, stream: TextIO
) -> None:
    import csv

    shown: Callable[[str], str] = terminal.visible if stream.isatty() else str
    writer = csv.writer(_UnixLines(stream), dialect)
    writer.writerow(columns)
    for row in rows:
        values = [row[column] for column in columns]
        writer.writerow([shown(value) if isinstance(value, str) else value for value in values])


class _UnixLines:
    r"""Ends each row with ``\n``.

    The writer itself ends it with ``\r\n``, since it quotes only those of the two that
    end its rows, and both must be quoted.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row[:-2] + "\n")


def _json(row: Row, columns: Sequence[str]) -> str:
    return json_text({column: row[column] for column in columns})


def json_text(value: object) -> str:
    """Return `value` as JSON in one line, readable and safe to show."""
    return terminal.json_safe(_encode(value))


def grid(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Container[int] = (),
    names: Sequence[int] = (),
    room: int | None = None,
) -> list[str]:
    """Return a small table as lines: recorded text made visible, columns as wide as they need.

    The columns numbered in `right` are set flush right. Where that takes more than `room`,
    the last column is cut first, then those of `names`, which keep their end, and at last
    whole lines. A column with nothing in it is left out.
    """
    cells = [[terminal.visible(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(map(terminal.width, column)) for column in zip(*cells, strict=True)]
    last = len(widths) - 1
    kept = [column for column, width in enumerate(widths) if width]
    over = sum(widths) + 2 * (len(kept) - 1) - (sys.maxsize if room is None else room)
    by_width = sorted(names, key=widths.__getitem__, reverse=True)
    for column, least in ((last, 20), *((name, 8) for name in by_width), (last, 8)):
        cut = max(min(over, widths[column] - least), 0)
        widths[column] -= cut
        over -= cut

    def shown(column: int, cell: str) -> str:
        cell = terminal.fit(cell, widths[column], keep_end=column in names)
        blanks = " " * (widths[column] - terminal.width(cell))
        return blanks + cell if column in right else cell + blanks

    lines = ["  ".join(shown(column, row[column]) for column in kept).rstrip() for row in cells]
    return lines if room is None else [terminal.fit(line, room) for line in lines]


class Table:
    """A table whose rows are written as they come, under headers that come with the first.

    The `widths` are in terminal columns, each at least its header's; the last column
    takes what is left of `room` columns in all. What does not fit is cut, except that
    the names in the columns between the first and the last keep their end. Where `room`
    is None, nothing is cut.
    """

    def __init__(
        self, headers: Sequence[str], widths: Sequence[int], stream: TextIO, room: int | None
    ) -> None:
        """Prepare the columns; `widths` has one for each header but the last."""
        self._stream = stream
        self._headers: Sequence[str] | None = headers
        self._widths = [max(w, terminal.width(h)) for h, w in zip(headers, widths, strict=False)]
        self._room = None if room is None else max(room - sum(self._widths) - 2 * len(widths), 10)

    def row(self, cells: Sequence[str]) -> None:
        """Write a row of recorded text, made visible."""
        if self._headers is not None:
            headers, self._headers = self._headers, None
            self.row(headers)
        first, *names, last = map(terminal.visible, cells)
        if self._room is not None:
            last = terminal.fit(last, self._room)
            names = [
                terminal.fit(name, width, keep_end=True)
                for name, width in zip(names, self._widths[1:], strict=True)
            ]
        padded = map(terminal.pad, (first, *names), self._widths)
        self._stream.write("  ".join((*padded, last)).rstrip() + "\n")
