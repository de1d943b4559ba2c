"""Policies as points: what they cost against how late they are."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ledger import terminal
from ledger.instants import NS, duration

_LABEL, _LINE = 110, 13  # room that a label takes
_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 300, 70, 46


class Point(NamedTuple):
    """A policy: heartbeats a day, seconds of reaction, whether none beats it."""

    label: str
    per_day: float
    reaction_s: float
    unbeaten: bool
    reaction: str


def scatter(points: Sequence[Point]) -> str:
    """Return an SVG of heartbeats a day (to the right) against reaction (upwards).

    Nothing where no policy has a reaction, since no work resumed.

    >>> scatter([Point("fixed:5m", 288, 300, True, "5m")]).count("<circle")
    1
    """
    most_x = max((point.per_day for point in points), default=0) or 1
    most_y = max((point.reaction_s for point in points), default=0)
    if not most_y:
        return ""
    right, bottom = _WIDTH - 120, _HEIGHT - _BELOW
    label = "Heartbeats a day against reaction; the table says the same in figures"
    pieces = [
        f'<svg class="scatter" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">',
        f'<path class="axis-line" d="M{_LEFT} 12V{bottom}H{right + 20}"/>',
        f'<text x="{right + 20}" y="{_HEIGHT - 8}" text-anchor="end">heartbeats a day</text>',
        f'<text x="{_LEFT + 8}" y="20">reaction, 95 %</text>',
    ]
    labels: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda one: (-one.reaction_s, one.per_day)):
        x = _LEFT + point.per_day / most_x * (right - _LEFT)
        y = bottom - point.reaction_s / most_y * (bottom - 40)
        below = _free(x, y + 4, labels)
        kind = "unbeaten" if point.unbeaten else "beaten"
        text = escape(terminal.visible(point.label))
        pieces.append(
            f'<g class="{kind}"><circle cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{text}:'
            f" {point.per_day:,.1f} heartbeats a day, reaction {point.reaction}</title></circle>"
            f'<text x="{x + 9:.1f}" y="{below:.1f}">{text}</text></g>'
        )
    for share in (0.5, 1):
        x, y = _LEFT + share * (right - _LEFT), bottom - share * (bottom - 40)
        pieces.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
                      f"{most_x * share:,.0f}</text>")  # fmt: skip
        pieces.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                      f"{duration(round(most_y * share * NS))}</text>")  # fmt: skip
    return "".join([*pieces, "</svg>"])


def _free(x: float, y: float, labels: list[tuple[float, float]]) -> float:
    """Return where a label of a point goes, at the height wanted or lower, and note it."""
    while any(abs(x - left) < _LABEL and abs(y - place) < _LINE for left, place in labels):
        y += 1
    labels.append((x, y))
    return y
