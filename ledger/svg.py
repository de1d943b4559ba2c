"""A timeline as SVG: plain records in, one string out. Pure.

    label    ▓▓▓▓░░░░░░░░░░▓▓▓│▓▓░░░░░░░     a lane: active periods, idle periods by tier
             ·  ·   ·    ·    │·    ·  ·     its heartbeats
             └────┬────────┬──┴─────┬───     round times of the zone; the line is AT

Nothing is coloured here: marks have classes (`active`, `idle t1` to `t4`, `heartbeat`,
`at`, `grid`), which ``pages/timeline.css`` styles for light, dark and print. The marks
lie in an inner ``<svg class="plot">`` that stretches sideways only, so that the picture is
as wide as its page while text keeps its size and dots stay round. To zoom is to set the
plot's viewBox and move the text of the axis, which ``pages/timeline.js`` does; the ticks
for closer views are there, hidden, as `data-zoom`. Tooltips are ``<title>`` elements.

`ledger.svg_lanes` has the records, `ledger.svg_marks` says what is drawn of how many marks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from ledger import svg_lanes, svg_marks, terminal
from ledger.instants import Zone, duration
from ledger.svg_lanes import BAR, INSET, WIDTH, Frame, Heartbeat, Idle, Lane, number
from ledger.svg_marks import BINNED, CELLS, SHADES, TITLED
from ledger.time_axis import ticks

__all__ = [
    "BINNED",
    "SHADES",
    "TITLED",
    "Frame",
    "Heartbeat",
    "Idle",
    "Lane",
    "swatch",
    "tiers_legend",
    "timeline",
]

# The ticks of the axis are there for views so many times as close.
_ZOOMS = (1, 3, 9, 27)

# How many characters of a tick's time the narrowest picture has room for.
_ROOM = 78

_TOP, _BETWEEN, _AXIS = 22, 8, 24
_LONGEST_LABEL = 26


def timeline(
    lanes: Sequence[Lane],
    frame: Frame,
    label: str,
    *,
    lane_href: Callable[[Lane], str | None] | None = None,
) -> str:
    """Return a timeline of the lanes over the frame's range as an ``<svg>`` element.

    `label` says in words what the picture shows, for those who can't see it. Marks are cut
    at the range's edges, their tooltips tell their whole length. A lane's label leads to
    `lane_href` where that is given. All text is escaped.

    >>> from ledger.instants import zone
    >>> frame = Frame(0, 10**9, zone("UTC"))
    >>> timeline([Lane("mayor", [(0, 5 * 10**8)])], frame, "A second").count("<path")
    6
    """
    lanes = [svg_lanes.cut(lane, frame) for lane in lanes]
    total = svg_lanes.count(lanes)
    margin = _margin(lanes)
    tops, bottom = [], 0
    for lane in lanes:
        tops.append(bottom + _BETWEEN // 2)
        bottom += lane.height + _BETWEEN
    height = _TOP + bottom + _AXIS + (16 if total > BINNED else 0)
    plot = f'x="{margin}%" width="{100 - margin}%"'
    role = "group" if lane_href else "img"
    found = [ticks(frame.since_ns, frame.until_ns, frame.zone, _ROOM * zoom) for zoom in _ZOOMS]
    pieces = [
        _opening(label, role, height),
        *_labels(lanes, tops, margin, lane_href),
        f'<svg class="plot" {plot} y="{_TOP}" height="{bottom}" viewBox="0 0 {WIDTH} {bottom}"',
        ' preserveAspectRatio="none">',
        *_grid(frame, found, bottom),
        *_marks(lanes, frame, tops, total),
        *_at_line(frame, bottom),
        f'</svg><svg class="axis" {plot} y="0" height="{height}">',
        *_axis(frame, found, _TOP + bottom),
        *_note(frame, total, height),
        "</svg></svg>",
    ]
    return "".join(pieces)


def _opening(label: str, role: str, height: int) -> str:
    return (
        f'<svg class="timeline" role="{role}" aria-label="{escape(terminal.visible(label))}"'
        f' width="100%" height="{height}" xmlns="http://www.w3.org/2000/svg">'
    )


def swatch(kind: str) -> str:
    """Return a small picture of a kind of mark, for a legend: ``active``, ``idle t2``, ...

    >>> swatch("active")[:36]
    '<svg class="swatch" width="22" heigh'
    """
    path = "M11 6h0" if kind.startswith("heartbeat") else "M2 1h18v10h-18z"
    path = "M11 0v12" if kind == "at" else path
    return (
        '<svg class="swatch" width="22" height="12" aria-hidden="true">'
        f'<path class="{kind}" d="{path}"/></svg>'
    )


def tiers_legend(tiers: Iterable[int], most: int) -> list[tuple[str, str]]:
    """Return the kinds of idle marks that there are, with what each means.

    `most` is how many tiers the policy has: the last shade may stand for several.

    >>> tiers_legend([2, 9, 2], 9)
    [('idle t2', 'idle, tier 2'), ('idle t4', 'idle, tier 4 and above')]
    """
    return [
        (f"idle t{tier}", f"idle, tier {tier}{' and above' * (tier == SHADES < most)}")
        for tier in sorted({min(tier, SHADES) for tier in tiers})
    ]


def _margin(lanes: Sequence[Lane]) -> int:
    """Return what the labels take of the width, in percent."""
    longest = max((len(_short(lane.label)) for lane in lanes), default=0)
    return min(longest * 8 // 10 + 2, 21) if longest else 0


def _short(label: str) -> str:
    return terminal.fit(terminal.visible(label), _LONGEST_LABEL, keep_end=True)


def _labels(
    lanes: Sequence[Lane],
    tops: Sequence[int],
    margin: int,
    href: Callable[[Lane], str | None] | None,
) -> Iterator[str]:
    for lane, top in zip(lanes, tops, strict=True):
        whole, short = terminal.visible(lane.label), _short(lane.label)
        title = "" if whole == short else f"<title>{escape(whole, quote=False)}</title>"
        text = (
            f'<text class="label" x="{margin - 1}%" y="{_TOP + top + BAR - 3}"'
            f' text-anchor="end">{escape(short, quote=False)}{title}</text>'
        )
        to = href(lane) if href and lane.label else None
        if lane.label:
            yield text if to is None else f'<a href="{escape(to)}">{text}</a>'


def _marks(lanes: Sequence[Lane], frame: Frame, tops: Sequence[int], total: int) -> Iterator[str]:
    for lane, top in zip(lanes, tops, strict=True):
        yield f'<path class="rail" d="M0 {top + INSET}h{WIDTH}v{BAR - 2 * INSET}h-{WIDTH}z"/>'
        if total <= TITLED:
            yield from svg_marks.titled(lane, frame, top)
            continue
        draw = svg_marks.cells if total > BINNED else svg_marks.joined
        yield from draw(lane, frame, top)
        yield from svg_marks.columns(lane, frame, top, len(lanes))


def _at_line(frame: Frame, bottom: int) -> Iterator[str]:
    if frame.at_ns is not None:
        yield f'<path class="at" d="M{number(frame.x(frame.at_ns))} 0v{bottom}"/>'


_Tick = tuple[int, str]


def _hidden(zoom: int) -> str:
    return f'data-zoom="{zoom}"' + (' display="none"' if zoom > 1 else "")


def _grid(frame: Frame, each: Sequence[Sequence[_Tick]], bottom: int) -> Iterator[str]:
    for zoom, found in zip(_ZOOMS, each, strict=True):
        path = "".join(f"M{number(frame.x(at_ns))} 0v{bottom}" for at_ns, _ in found)
        yield f'<path class="grid" {_hidden(zoom)} d="{path}"/>'


def _axis(frame: Frame, each: Sequence[Sequence[_Tick]], y: int) -> Iterator[str]:
    for zoom, found in zip(_ZOOMS, each, strict=True):
        yield f'<g class="tick" {_hidden(zoom)}>'
        for at_ns, text in found:
            if text:
                yield f'<text x="{_percent(frame, at_ns)}%" y="{y + 15}">{text}</text>'
        yield "</g>"
    if frame.at_ns is not None:
        x = frame.x(frame.at_ns) * 100 / WIDTH
        anchor = "start" if x < 10 else "end" if x > 90 else "middle"
        place = f'x="{_percent(frame, frame.at_ns)}%" y="14" text-anchor="{anchor}"'
        yield (f'<text class="at-label" {place}>{_clock(frame.zone, frame.at_ns)}</text>')


def _percent(frame: Frame, at_ns: int) -> str:
    return f"{frame.x(at_ns) * 100 / WIDTH:.3f}".rstrip("0").removesuffix(".")


def _clock(zone: Zone, at_ns: int) -> str:
    return zone.text(at_ns).partition(" ")[2]


def _note(frame: Frame, total: int, height: int) -> Iterator[str]:
    if total > BINNED:
        each = duration((frame.until_ns - frame.since_ns) // CELLS)
        yield (
            f'<text class="note" x="0" y="{height - 3}">{total:,} marks are too many to draw:'
            f" each cell stands for {each}, darker the more of it was active</text>"
        )
