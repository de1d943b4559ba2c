"""A post-mortem as one HTML file that opens offline, also by mail.

Its style and its script are inline and allowed by their hashes alone; nothing else may
load or run, whatever was recorded. Without the script all is there but zoom, pan and
tooltips of our own. Loaded only for ``--html``, since Jinja2 takes its time.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ledger import svg, terminal
from ledger.instants import NS, duration
from ledger.page import instant, own_file, policy_hash
from ledger.policy import parse_policy
from ledger.postmortem import Postmortem
from ledger.postmortem_lanes import Lane
from ledger.postmortem_story import Story, lanes_shown
from ledger.postmortem_words import At, Clock, Command, Piece, Pieces, Sentence, Table

_PAGES = os.path.join(os.path.dirname(__file__), "pages")


def page(found: Postmortem, story: Story) -> str:
    """Return the post-mortem as an HTML document."""
    style = own_file("timeline.css") + own_file("postmortem.css")
    script = own_file("timeline.js")
    shown, hidden = lanes_shown(found)
    return (
        _environment()
        .get_template("postmortem.html")
        .render(
            found=found,
            story=story,
            made=Clock(story.zone, found.at_ns).dated(found.now_ns),
            streams=terminal.count(
                len(found.seen.last) + len(found.unknown.never_before), "stream", "streams"
            ),
            timeline=Markup(_timeline(found, story, shown)),  # noqa: S704 - svg escapes
            legend=_legend(found, shown),
            hidden=hidden,
            style=Markup(style),  # noqa: S704 - our own file, as below
            style_hash=policy_hash(style),
            script=Markup(script),  # noqa: S704
            script_hash=policy_hash(script),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(shown=_shown, runs=_runs, visible=terminal.visible)
    environment.globals["swatch"] = lambda kind: Markup(svg.swatch(kind))  # noqa: S704
    return environment


def _shown(pieces: Pieces) -> Markup:
    """Return the pieces of a sentence or a cell as HTML."""
    return Markup().join(map(_piece, pieces))


def _piece(piece: Piece) -> Markup:
    if isinstance(piece, str):
        return Markup.escape(piece)
    if isinstance(piece, At):
        return instant(piece.at_ns, piece.text)
    text = terminal.visible(piece.text)
    if isinstance(piece, Command):
        return Markup("<code>{}</code>").format(text)
    return Markup('<span class="name">{}</span>').format(text)


def _runs(
    blocks: Sequence[Sentence | Table],
) -> Iterator[tuple[str, list[Sentence | Table]]]:
    """Yield the blocks of a section, those on one basis together."""
    for basis, run in groupby(blocks, key=lambda block: block.basis):
        yield basis, list(run)


def _timeline(found: Postmortem, story: Story, shown: Sequence[Lane]) -> str:
    frame = svg.Frame(found.since_ns, found.until_ns, story.zone, found.at_ns)
    beats = [
        svg.Heartbeat(
            beat.at_ns,
            beat.tier,
            f"next in {duration(round(beat.interval_s * NS))}"
            + ("" if beat.idle_s is None else f", idle {duration(round(beat.idle_s * NS))}"),
        )
        for beat in found.daemon.heartbeats
    ]
    lanes = [
        svg.Lane(
            story.name(lane.stream).text if lane.stream else "all together",
            lane.active,
            [svg.Idle(*one[:3], "and goes on" if one.open else "") for one in lane.idle],
            () if place else beats,
        )
        for place, lane in enumerate(shown)
    ]
    label = (
        f"Timeline from {story.since.text} to {story.until.text} ({story.zone.name}) of"
        f" {terminal.count(len(lanes), 'lane', 'lanes')}: active periods, idle periods by tier,"
        f" {terminal.count(len(beats), 'heartbeat', 'heartbeats')}; a line at {story.at.text}."
        " The sections below say the same in words."
    )
    return svg.timeline(lanes, frame, label)


def _legend(found: Postmortem, shown: Sequence[Lane]) -> list[tuple[str, str]]:
    """Return the kinds of marks in the picture, and what they mean."""
    tiers = (one.tier for lane in shown for one in lane.idle)
    return [
        ("active", "active period"),
        *svg.tiers_legend(tiers, len(parse_policy(found.daemon.policy).intervals_ns)),
        ("heartbeat", "heartbeat (inferred)"),
        ("at", "the instant asked about"),
    ]
