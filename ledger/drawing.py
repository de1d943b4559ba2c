"""What charts are drawn with, and how text stands in them."""

from collections.abc import Iterable
from typing import NamedTuple

from ledger import terminal

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Marks(NamedTuple):
    """What charts are drawn with; of `levels`, `shades` and `bar` the last is the fullest."""

    idle: str
    levels: str
    shades: str
    bar: str
    line: str
    tick: str
    side: str
    side_tick: str
    corner: str
    cut: str


_UTF8 = Marks("·", "▁▂▃▄▅▆▇█", "░▒▓█", "▏▎▍▌▋▊▉█", "─", "┬", "│", "┤", "└", "…")
_ASCII = Marks(".", "-=#", ":=#@", "#", "-", "+", "|", "+", "+", "~")


def chosen_marks(*, utf8: bool) -> Marks:
    """Return the marks of UTF-8, or those of ASCII."""
    return _UTF8 if utf8 else _ASCII


def right(text: str, columns: int) -> str:
    """Return `text` with blanks before it to so many columns."""
    return " " * (columns - terminal.width(text)) + text


def shown(text: str, columns: int, marks: Marks, *, keep_end: bool = False) -> str:
    """Return recorded text, safe and cut; what is not ASCII becomes as wide in question marks."""
    safe = terminal.visible(text)
    if marks is _UTF8:
        return terminal.fit(safe, columns, keep_end=keep_end)
    plain = "".join(one if one.isascii() else "?" * terminal.width(one) for one in safe)
    return terminal.fit(plain, columns, keep_end=keep_end).replace("…", marks.cut)


def legend(items: Iterable[str], columns: int, marks: Marks) -> list[str]:
    """Return the items one after another, on as many lines as they need."""
    lines: list[str] = []
    for item in items:
        text = shown(item, columns, marks)
        if lines and terminal.width(lines[-1]) + 2 + terminal.width(text) <= columns:
            lines[-1] += "  " + text
        else:
            lines.append(text)
    return lines
