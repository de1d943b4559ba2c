"""Points in a terminal's own characters, such as what policies cost against how late they are."""

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger import terminal
from ledger.drawing import Marks, chosen_marks, right, shown


class Point(NamedTuple):
    """A dot of a scatter plot, with its values as numbers and as they read."""

    label: str
    x: float
    y: float
    marked: bool
    x_text: str
    y_text: str


def scatter(  # noqa: PLR0913 - two axes
    points: Sequence[Point], columns: int, height: int, *, x_label: str, y_label: str, utf8: bool
) -> list[str]:
    """Draw points as letters, the marked ones as capitals, on `height` lines, and their key.

    The ticks are values of points. An axis is logarithmic where its values are positive and
    span more than a decade, and its label says so. Points after the 26th are all ``*``.
    """
    if not points:
        return []
    marks = chosen_marks(utf8=utf8)
    x_texts = [shown(point.x_text, columns // 4, marks) for point in points]
    y_texts = [shown(point.y_text, columns // 4, marks) for point in points]
    margin = max(map(terminal.width, y_texts)) + 2
    xs, x_scale = _places([point.x for point in points], columns - margin)
    ys, y_scale = _places([point.y for point in points], height)
    letters = [_letter(number, point) for number, point in enumerate(points)]
    drawn: dict[tuple[int, int], int] = {}
    for number in sorted(range(len(points)), key=lambda number: not points[number].marked):
        drawn.setdefault((xs[number], ys[number]), number)
    notes = [
        "" if (first := drawn[place]) == number else f"at {letters[first]}"
        for number, place in enumerate(zip(xs, ys, strict=True))
    ]
    y_ticks = {
        ys[number]: y_texts[number] for number in _ends_first(point.y for point in points)[::-1]
    }
    x_ticks = [(xs[number], x_texts[number]) for number in _ends_first(point.x for point in points)]
    labels = [point.label for point in points]
    dots = {place: letters[number] for place, number in drawn.items()}
    lines = [
        shown(y_label + y_scale, columns, marks),
        *_area(dots, y_ticks, margin, height, marks),
        *_x_axis(x_ticks, margin, columns, marks),
        " " * margin + shown(x_label + x_scale, columns - margin, marks),
        "",
        *_key(list(zip(letters, labels, x_texts, y_texts, notes, strict=True)), columns, marks),
    ]
    return [line.rstrip() for line in lines]


def _letter(number: int, point: Point) -> str:
    letters = string.ascii_uppercase if point.marked else string.ascii_lowercase
    return letters[number] if number < len(letters) else "*"


def _places(values: Sequence[float], size: int) -> tuple[list[int], str]:
    """Return where of so many cells each value belongs, and what to say of the scale."""
    scale = ""
    if min(values) > 0 and max(values) > 10 * min(values):
        values, scale = [math.log(value) for value in values], " (log scale)"
    low, high = min(values), max(values)
    if low == high:
        return [size // 2] * len(values), scale
    return [round((value - low) / (high - low) * (size - 1)) for value in values], scale


def _ends_first(values: Iterable[float]) -> list[int]:
    """Return the indices of the least value and of the greatest, then of what is between."""
    numbered = sorted((value, number) for number, value in enumerate(values))
    low, *between = [number for _, number in numbered]
    return [low, *between[-1:], *between[:-1]]


def _area(
    dots: Mapping[tuple[int, int], str],
    ticks: Mapping[int, str],
    margin: int,
    height: int,
    marks: Marks,
) -> list[str]:
    lines = []
    for y in range(height)[::-1]:
        tick = ticks.get(y, "")
        row = {x: dot for (x, at), dot in dots.items() if at == y}
        side = marks.side_tick if tick else marks.side
        picture = "".join(row.get(x, " ") for x in range(max(row, default=-1) + 1))
        lines.append(f"{right(tick, margin - 2)} {side}{picture}")
    return lines


def _x_axis(
    wanted: Sequence[tuple[int, str]], margin: int, columns: int, marks: Marks
) -> list[str]:
    """Return the line of ticks and that of their texts, of the first of those that have room."""
    ticks: list[tuple[int, int, str, int]] = []
    for x, text in wanted:
        size = terminal.width(text)
        start = max(min(margin + x - size // 2, columns - size), 0)
        if all(start >= end + 2 or start + size + 2 <= other for other, end, *_ in ticks):
            ticks.append((start, start + size, text, x))
    marked = {x for *_, x in ticks}
    line = "".join(marks.tick if x in marked else marks.line for x in range(columns - margin))
    below = ""
    for start, _, text, _ in sorted(ticks):
        below = terminal.pad(below, start) + text
    return [" " * (margin - 1) + marks.corner + line, below]


def _key(rows: Sequence[tuple[str, str, str, str, str]], columns: int, marks: Marks) -> list[str]:
    """Return a line for each letter, label, x, y and note; of these the label is cut if need be."""
    _, _, *others = zip(*rows, strict=True)
    x_width, y_width, note_width = (max(map(terminal.width, texts)) for texts in others)
    room = columns - x_width - y_width - note_width - len("a") - 4 * len("  ")
    labels = [shown(label, max(room, 1), marks) for _, label, *_ in rows]
    widest = max(map(terminal.width, labels))
    return [
        "  ".join((letter, terminal.pad(label, widest), right(x, x_width), right(y, y_width), note))
        for label, (letter, _, x, y, note) in zip(labels, rows, strict=True)
    ]
