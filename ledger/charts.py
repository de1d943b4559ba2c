"""Pictures in a terminal's own characters: plain values in, lines of text out.

No line is wider than the columns it is given, from 40 on, and nothing in a name steers
the terminal.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from ledger import instants, terminal
from ledger.binning import Cell
from ledger.drawing import WEEKDAYS, Marks, chosen_marks, legend, shown
from ledger.instants import NS, Zone
from ledger.time_axis import time_axis


def timeline_width(names: Iterable[str], columns: int) -> int:
    """Return how many cells a timeline of groups with these names has room for."""
    return max(columns - _margin(names, columns), 1)


def _margin(names: Iterable[str], columns: int) -> int:
    """Return what the names take, and two blanks; nothing for a single group without a name."""
    widest = max((terminal.width(terminal.visible(name)) for name in names), default=0)
    return min(widest, columns // 3 - 2) + 2 if widest else 0


def timeline(  # noqa: PLR0913 - a range is two instants and a zone
    rows: Sequence[tuple[str, Sequence[Cell]]],
    since_ns: int,
    until_ns: int,
    zone: Zone,
    columns: int,
    *,
    utf8: bool,
) -> list[str]:
    """Draw when groups were active: a line each, its name and a character a cell.

    The cells of each are equal parts of the range, as many as `timeline_width` says.
    """
    count = len(rows[0][1]) if rows else 0
    if not count:
        return []
    marks = chosen_marks(utf8=utf8)
    margin = _margin((name for name, _ in rows), columns)
    lines = []
    for name, cells in rows:
        label = shown(name, margin - 2, marks, keep_end=True) if margin else ""
        picture = (_mark(cell, marks.levels, len(marks.levels), marks) for cell in cells)
        lines.append(terminal.pad(label, margin) + "".join(picture))
    lines += [" " * margin + line for line in time_axis(since_ns, until_ns, zone, count, marks)]
    notes = [
        f"{marks.levels} active, by {'eighths' if utf8 else 'thirds'}",
        f"{marks.idle} idle",
        f"a cell is {instants.duration((until_ns - since_ns) // count)}",
        f"times: {zone.name}",
    ]
    notes[2:2] = _note_of_blanks(chain.from_iterable(cells for _, cells in rows))
    return [line.rstrip() for line in lines] + legend(notes, columns, marks)


def _mark(cell: Cell, ramp: str, parts: int, marks: Marks) -> str:
    """Return the character of `ramp` for how many of so many equal `parts` were active."""
    if not cell.observed_ns:
        return " "
    if not cell.touched:
        return marks.idle
    level = -(-cell.active_ns * parts // cell.observed_ns)
    return ramp[min(max(level, 1), len(ramp)) - 1]


def _note_of_blanks(cells: Iterable[Cell]) -> list[str]:
    return [] if all(cell.observed_ns for cell in cells) else ["blank: not observed"]


_BINS = ("0", "1s", "5s", "15s", "1m", "5m", "15m", "45m", "2h", "6h", "1d", "3d")
_BINS_NS = [seconds * NS for seconds in (1, 5, 15, 60, 300, 900, 2700, 7200, 21600, 86400, 259200)]


def histogram(lengths_ns: Sequence[int], columns: int, *, utf8: bool) -> list[str]:
    """Draw how many idle periods were how long: a bar a bin, from the first to the last in use.

    A length belongs to the bin that it begins, as with the boundaries of a policy.
    """
    if not lengths_ns:
        return []
    marks = chosen_marks(utf8=utf8)
    counts = Counter(bisect_right(_BINS_NS, length_ns) for length_ns in lengths_ns)
    bins, most = range(min(counts), max(counts) + 1), max(counts.values())
    table = [("idle for", "times", "share")] + [
        (_bin_name(number), f"{counts[number]:,}", _percent(counts[number], len(lengths_ns)))
        for number in bins
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    header, *heads = ["  ".join(map(str.rjust, row, widths)) for row in table]
    bars = [_bar(counts[number], most, columns - len(header) - 2, marks) for number in bins]
    return [header, *(f"{head}  {bar}".rstrip() for head, bar in zip(heads, bars, strict=True))]


def _bin_name(number: int) -> str:
    if number == 0:
        return f"<{_BINS[1]}"
    return f"{_BINS[number]}+" if number == len(_BINS) - 1 else "-".join(_BINS[number : number + 2])


def _bar(number: int, most: int, room: int, marks: Marks) -> str:
    """Return a bar of its share of the `room`; only none at all has none."""
    if not number:
        return ""
    parts = len(marks.bar)
    whole, rest = divmod(max(number * room * parts // most, 1), parts)
    return marks.bar[-1] * whole + (marks.bar[rest - 1] if rest else "")


def _percent(part: int, whole: int) -> str:
    """Return a whole percentage; only nothing is 0% and only everything 100%."""
    if 0 < part * 100 < whole:
        return "<1%"
    return ">99%" if whole * 99 < part * 100 < whole * 100 else f"{part * 100 / whole:.0f}%"


def heatmap(hours: Sequence[Sequence[Cell]], columns: int, *, utf8: bool) -> list[str]:
    """Draw how active each hour of the week was: a row a weekday, from Monday on.

    The shades are quarters of a round share that no hour exceeds; the legend says which.
    """
    marks = chosen_marks(utf8=utf8)
    size = min(max((columns - 4) // 24, 1), 3)
    every = -(-3 // size)
    lines = ["    " + "".join(f"{hour:02}".ljust(every * size) for hour in range(0, 24, every))]
    cells = list(chain.from_iterable(hours))
    percent = next((one for one in (1, 2, 5, 10, 20) if _within(cells, 4 * one)), 25)
    for name, row in zip(WEEKDAYS, hours, strict=True):
        drawn = (_mark(cell, marks.shades, 100 // percent, marks) for cell in row)
        wide = (" " * ((size - 1) // 2) + one if one == marks.idle else one * size for one in drawn)
        lines.append(f"{name} " + "".join(one.ljust(size) for one in wide))
    shades = [f"{shade} to {percent * (n + 1)}%" for n, shade in enumerate(marks.shades)]
    notes = ["active:", *shades, f"{marks.idle} idle", *_note_of_blanks(cells)]
    return [line.rstrip() for line in lines] + legend(notes, columns, marks)


def _within(cells: Iterable[Cell], percent: int) -> bool:
    return all(cell.active_ns * 100 <= cell.observed_ns * percent for cell in cells)
