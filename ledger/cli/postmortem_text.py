"""A post-mortem as text for terminals and pipes, and as Markdown."""

import re
import textwrap
from collections.abc import Collection, Iterator, Sequence

from ledger import binning, charts, output, terminal
from ledger.cli import options
from ledger.postmortem import Postmortem
from ledger.postmortem_story import Story, lanes_shown
from ledger.postmortem_words import At, Command, Name, Piece, Pieces, Sentence, Table

# Without a terminal.
_COLUMNS = 100

# What the basis of a statement takes before it.
_MARGIN = 10


def lines(found: Postmortem, story: Story) -> Iterator[str]:
    """Yield the post-mortem as text."""
    room = options.terminal_columns()
    yield f"post-mortem of {story.at.text} ({story.zone.name})"
    yield f"window {story.since.text} to {story.until.text}, policy {_policy(found)}"
    yield ""
    first, *rest = [(fact.basis, fact.label, _text(fact.piece), fact.note) for fact in story.facts]
    yield from output.grid(first, rest, room=room)
    yield ""
    yield from _chart(found, story, room or _COLUMNS, utf8=options.draws())
    for number, section in enumerate(story.sections, 1):
        yield ""
        yield f"{number}. {section.title}"
        for block in section.blocks:
            yield from _said(block, room) if isinstance(block, Sentence) else _table(block, room)


def _policy(found: Postmortem) -> str:
    return terminal.visible(found.daemon.policy)


def _chart(found: Postmortem, story: Story, columns: int, *, utf8: bool) -> Iterator[str]:
    """Yield the timeline of the window, of all together and of each stream active in it."""
    shown, hidden = lanes_shown(found)
    names = [story.name(lane.stream).text if lane.stream else "all together" for lane in shown]
    count = charts.timeline_width(names, columns)
    since, until = found.since_ns, found.until_ns
    rows = [
        (name, binning.timeline(lane.active, since, until, lane.first_ns, count))
        for name, lane in zip(names, shown, strict=True)
    ]
    yield from charts.timeline(rows, since, until, story.zone, columns, utf8=utf8)
    if hidden:
        yield hidden


def _plain(pieces: Pieces) -> str:
    return "".join(map(_text, pieces))


def _text(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    return piece.text if isinstance(piece, At) else terminal.visible(piece.text)


def _said(sentence: Sentence, room: int | None) -> Iterator[str]:
    text = _plain(sentence.pieces)
    width = max(room - _MARGIN, 30) if room else 0
    wrapped = textwrap.wrap(text, width, break_on_hyphens=False) if width else [text]
    for place, line in enumerate(wrapped):
        yield f"{'' if place else sentence.basis:{_MARGIN}}{line}"


def _table(table: Table, room: int | None) -> Iterator[str]:
    rows = [[_plain(cell) for cell in row] for row in table.rows]
    left = None if room is None else room - _MARGIN
    names = [place for place, header in enumerate(table.headers) if header == "stream"]
    grid = output.grid(table.headers, rows, right=table.right, names=names, room=left)
    for place, line in enumerate(grid):
        yield f"{'' if place else table.basis:{_MARGIN}}{line}".rstrip()


def markdown(found: Postmortem, story: Story) -> Iterator[str]:
    """Yield the post-mortem as Markdown."""
    yield f"# Post-mortem of {story.at.text} ({_escaped(story.zone.name)})"
    yield ""
    yield f"Window {story.since.text} to {story.until.text}, policy {_code(found.daemon.policy)}."
    yield ""
    facts: list[list[Pieces]] = [
        [[fact.basis], [fact.label], [fact.piece], [fact.note]] for fact in story.facts
    ]
    yield from _pipes(["", "", "", ""], facts, ())
    yield ""
    yield "```text"
    yield from (line.replace("`", "'") for line in _chart(found, story, _COLUMNS, utf8=True))
    yield "```"
    for number, section in enumerate(story.sections, 1):
        yield ""
        yield f"## {number}. {section.title}"
        yield ""
        for block in section.blocks:
            if isinstance(block, Sentence):
                yield f"- *{block.basis}*: {_marked(block.pieces)}"
            else:
                yield f"- *{block.basis}*:"
                yield ""
                yield from _pipes(block.headers, block.rows, block.right)
                if block is not section.blocks[-1]:
                    yield ""


def _pipes(
    headers: Sequence[str], rows: Sequence[Sequence[Pieces]], right: Collection[int]
) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    rules = ["--:" if place in right else "---" for place in range(len(headers))]
    yield f"|{'|'.join(rules)}|"
    for row in rows:
        # A bar parts cells even within a code span.
        cells = [_marked(cell).replace("|", r"\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def _marked(pieces: Pieces) -> str:
    return "".join(map(_mark, pieces))


def _mark(piece: Piece) -> str:
    if isinstance(piece, Command):
        return _code(terminal.visible(piece.text))
    if isinstance(piece, Name):
        return _escaped(terminal.visible(piece.text))
    return _text(piece)


def _code(text: str) -> str:
    """Return text as a code span, whatever backticks it has."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    inner = f" {text} " if longest else text
    return f"{fence}{inner}{fence}" if text.strip() else text


def _escaped(text: str) -> str:
    r"""Return text that Markdown, and the HTML in it, takes as it is.

    >>> _escaped("a_b <i>")
    'a\\_b &lt;i>'
    """
    return re.sub(r"([\\`*_{}\[\]#!~])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")
