"""What a post-mortem is told in: sentences and tables that know their parts. Pure.

A sentence is observed or inferred, and made of plain words, instants, commands and names,
so that text, Markdown and HTML can each show these in their own way. What was recorded is
nowhere made part of plain words.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from ledger.filters import Stream
from ledger.instants import NS, Zone, duration

OBSERVED, INFERRED = "observed", "inferred"


class At(NamedTuple):
    """An instant, and how it reads in the story's zone."""

    at_ns: int
    text: str


class Command(NamedTuple):
    """A recorded command."""

    text: str


class Name(NamedTuple):
    """A recorded name, such as that of a stream."""

    text: str


Piece = str | At | Command | Name
Pieces = Sequence[Piece]


class Sentence(NamedTuple):
    """A statement, and whether it was observed or inferred."""

    basis: str
    pieces: Pieces


class Table(NamedTuple):
    """A table of facts on one basis; columns numbered in `right` are set flush right.

    The row numbered `marked` is AT itself.
    """

    basis: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Pieces]]
    right: Collection[int] = ()
    marked: int | None = None


class Section(NamedTuple):
    """A part of the story."""

    title: str
    blocks: Sequence[Sentence | Table]


class Fact(NamedTuple):
    """One of the figures that head the story, and in a `note` what it is measured by."""

    label: str
    basis: str
    piece: At | str
    note: str = ""


def observed(*pieces: Piece) -> Sentence:
    """Return a sentence of what was seen."""
    return Sentence(OBSERVED, pieces)


def inferred(*pieces: Piece) -> Sentence:
    """Return a sentence of what follows, or may follow, from what was seen."""
    return Sentence(INFERRED, pieces)


class Clock:
    """Words for instants: the time alone on the day of AT, with the date on other days."""

    def __init__(self, zone: Zone, at_ns: int) -> None:
        self._zone = zone
        self._day = zone.text(at_ns).partition(" ")[0]

    def at(self, at_ns: int) -> At:
        """Return an instant as the story tells it."""
        day, _, time = self._zone.text(at_ns).partition(" ")
        return At(at_ns, time if day == self._day else f"{day} {time}")

    def dated(self, at_ns: int) -> At:
        """Return an instant with its date, always."""
        return At(at_ns, self._zone.text(at_ns))


def length(length_s: float | None) -> str:
    """Return a duration as people read it; nothing for None.

    >>> length(4380.0), length(None)
    ('1h 13m', '')
    """
    return "" if length_s is None else duration(round(length_s * NS))


def namer(streams: Iterable[Stream]) -> Callable[[Stream], Name]:
    """Return what names a stream, with as much of its place as tells it from the others.

    >>> name = namer([Stream("a", "", "", "mayor"), Stream("b", "", "", "mayor")])
    >>> name(Stream("a", "", "", "mayor")).text
    'mayor on a'
    """
    known = set(streams)
    by_actor: dict[str, list[Stream]] = {}
    for stream in known:
        by_actor.setdefault(stream.actor, []).append(stream)

    def name(stream: Stream) -> Name:
        alike = by_actor.get(stream.actor, [])
        text = stream.actor or "(no actor)"
        places = {one.workspace or one.town for one in alike}
        if (len(places) > 1 or not stream.actor) and (stream.workspace or stream.town):
            text += f" in {stream.workspace or stream.town}"
        if len({one.host for one in alike}) > 1 and stream.host:
            text += f" on {stream.host}"
        return Name(text)

    return name


def listed(names: Sequence[Name], most: int = 12) -> Pieces:
    """Return names with commas between them, and of too many how many more there are."""
    pieces: list[Piece] = []
    for place, name in enumerate(names[:most]):
        pieces += [", ", name] if place else [name]
    if len(names) > most:
        pieces.append(f" and {len(names) - most:,} more")
    return pieces
