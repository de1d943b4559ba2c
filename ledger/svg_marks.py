"""The marks of one lane of a timeline, as SVG. `ledger.svg` lays the lanes out. Pure.

Up to TITLED marks in the picture, each is an element of its own with a tooltip. Above, a
path holds all of a kind, and invisible columns tell what lies in them. Above BINNED, cells
take the place of the marks: a shade for how active each was.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC
from html import escape
from itertools import pairwise

from ledger import binning, terminal
from ledger.instants import Zone, duration
from ledger.svg_lanes import BAR, BEATS, INSET, Frame, Heartbeat, Idle, Lane, number

TITLED = 1_500
"""Up to so many marks in a picture, each has a tooltip."""

BINNED = 10_000
"""Above so many marks in a picture, it has cells in their place."""

CELLS = 400
"""How many cells a lane has, from the range's start to its end."""

# So many columns with tooltips a picture, over all lanes.
_COLUMNS = 600

_UTC = Zone("UTC", UTC)

SHADES = 4
"""Tiers have so many shades; the last is that of all further ones."""


def titled(lane: Lane, frame: Frame, top: int) -> Iterator[str]:
    """Yield the marks of a lane one by one, each with its tooltip."""
    for idle in lane.idle:
        text = f"idle {duration(idle.ended_ns - idle.started_ns)}, tier {idle.tier}"
        title = _title(frame, text, idle.started_ns, idle.ended_ns, idle.note)
        path = _band(frame, idle.started_ns, idle.ended_ns, top)
        yield _path(f"idle {_shade(idle.tier)}", path, title)
    for started, ended in lane.active:
        text = f"active {duration(ended - started)}" if ended > started else "one touch"
        path = _box(frame, started, ended, top)
        title = _title(frame, text, started, ended)
        yield _path("active", path, title)
    for beat in lane.heartbeats:
        title = _title(frame, f"heartbeat, tier {beat.tier}", beat.at_ns, beat.at_ns, beat.note)
        yield _path(f"heartbeat {_shade(beat.tier)}", _dot(frame, beat.at_ns, top), title)


def joined(lane: Lane, frame: Frame, top: int) -> Iterator[str]:
    """Yield the marks of a lane, all of a kind and a shade in one path."""
    kinds: dict[str, list[str]] = {}
    for idle in lane.idle:
        box = _band(frame, idle.started_ns, idle.ended_ns, top)
        kinds.setdefault(f"idle {_shade(idle.tier)}", []).append(box)
    kinds["active"] = [_box(frame, started, ended, top) for started, ended in lane.active]
    for beat in lane.heartbeats:
        dot = _dot(frame, beat.at_ns, top)
        kinds.setdefault(f"heartbeat {_shade(beat.tier)}", []).append(dot)
    for kind, pieces in kinds.items():
        if pieces:
            yield _path(kind, "".join(pieces))


def cells(lane: Lane, frame: Frame, top: int) -> Iterator[str]:
    """Yield a lane as CELLS cells: a shade for the active, the tier of the idle, dots."""
    edges = _edges(frame, CELLS)
    found = binning.cells(lane.active, frame.since_ns, frame.until_ns, edges)
    kinds = [
        f"active l{max(-(-cell.active_ns * SHADES // cell.observed_ns), 1)}"
        if cell.touched and cell.observed_ns
        else _idle_kind(lane.idle, edge, after)
        for cell, (edge, after) in zip(found, pairwise(edges), strict=True)
    ]
    boxes: dict[str, list[str]] = {}
    first = 0
    for place in range(1, CELLS + 1):
        if place == CELLS or kinds[place] != kinds[first]:
            if kinds[first]:
                draw = _band if kinds[first].startswith("idle") else _box
                box = draw(frame, edges[first], edges[place], top)
                boxes.setdefault(kinds[first], []).append(box)
            first = place
    beats: dict[int, Heartbeat] = {}
    for beat in lane.heartbeats:
        place = bisect_right(edges, beat.at_ns) - 1
        beats[place] = max(beat, beats.get(place, beat), key=lambda one: one.tier)
    for beat in beats.values():
        dot = _dot(frame, beat.at_ns, top)
        boxes.setdefault(f"heartbeat {_shade(beat.tier)}", []).append(dot)
    for kind, pieces in boxes.items():
        yield _path(kind, "".join(pieces))


def _edges(frame: Frame, parts: int) -> list[int]:
    length_ns = frame.until_ns - frame.since_ns
    return [frame.since_ns + length_ns * place // parts for place in range(parts + 1)]


def _idle_kind(idle: Sequence[Idle], edge: int, after: int) -> str:
    """Return the class of a cell that nobody touched: that of the idle period around it."""
    place = bisect_right(idle, (edge + after) // 2, key=lambda one: one.started_ns) - 1
    over = place < 0 or idle[place].ended_ns <= edge
    return "" if over else f"idle {_shade(idle[place].tier)}"


def columns(lane: Lane, frame: Frame, top: int, lanes: int) -> Iterator[str]:
    """Yield invisible columns over a lane that tell, each, what lies in it."""
    parts = min(max(_COLUMNS // lanes, 20), CELLS)
    edges = _edges(frame, parts)
    found = binning.cells(lane.active, frame.since_ns, frame.until_ns, edges)
    starts, ends = [span[0] for span in lane.active], [span[1] for span in lane.active]
    beats = [beat.at_ns for beat in lane.heartbeats]
    for cell, (edge, after) in zip(found, pairwise(edges), strict=True):
        periods = bisect_left(starts, after) - bisect_left(ends, edge)
        fired = bisect_left(beats, after) - bisect_left(beats, edge)
        texts = []
        if periods:
            many = terminal.count(periods, "active period", "active periods")
            texts.append(f"active {duration(cell.active_ns)} in {many}")
        if fired:
            texts.append(terminal.count(fired, "heartbeat", "heartbeats"))
        if texts:
            title = _title(frame, ", ".join(texts), edge, after)
            yield _path("column", _box(frame, edge, after, top, lane.height), title)


def _shade(tier: int) -> str:
    return f"t{min(tier, SHADES)}"


def _box(frame: Frame, started_ns: int, ended_ns: int, top: int, height: int = BAR) -> str:
    left, right = frame.x(started_ns), frame.x(ended_ns)
    width = number(right - left)
    return f"M{number(left)} {top}h{width}v{height}h-{width}"


def _band(frame: Frame, started_ns: int, ended_ns: int, top: int) -> str:
    """Return the outline of an idle period, which is not as high as an active one."""
    return _box(frame, started_ns, ended_ns, top + INSET, BAR - 2 * INSET)


def _dot(frame: Frame, at_ns: int, top: int) -> str:
    return f"M{number(frame.x(at_ns))} {top + BAR + BEATS // 2 + 1}h0"


def _path(kind: str, path: str, title: str = "") -> str:
    if not title:
        return f'<path class="{kind}" d="{path}"/>'
    return f'<path class="{kind}" d="{path}"><title>{title}</title></path>'


def _title(frame: Frame, text: str, started_ns: int, ended_ns: int, note: str = "") -> str:
    """Return a tooltip: what it is, when in the zone, when in UTC, and the note."""
    lines = [text, times(frame.zone, started_ns, ended_ns)]
    if frame.zone.name not in {"UTC", "Etc/UTC"}:
        lines.append(times(_UTC, started_ns, ended_ns))
    if note:
        lines.append(terminal.visible(note))
    return escape("\n".join(lines), quote=False)


def times(zone: Zone, started_ns: int, ended_ns: int) -> str:
    """Return an instant or a stretch of time in a zone; a day is told once.

    >>> from ledger.instants import zone
    >>> times(zone("UTC"), 0, 60 * 10**9)
    '1970-01-01 00:00:00 to 00:01:00 (UTC)'
    """
    started, ended = zone.text(started_ns), zone.text(ended_ns)
    if started == ended:
        return f"{started} ({zone.name})"
    day, _, clock = ended.partition(" ")
    return f"{started} to {clock if started.startswith(day) else ended} ({zone.name})"
