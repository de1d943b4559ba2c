"""A post-mortem told: its facts as sentences and tables, in the order of the five questions.

Pure. The renderers (text, Markdown, HTML) show what comes out here, each in its own way.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ledger import postmortem_limits, postmortem_watched
from ledger.filters import Stream
from ledger.history import HistoryRow
from ledger.instants import NS, Zone, duration
from ledger.postmortem import Postmortem
from ledger.postmortem_lanes import Lane
from ledger.postmortem_silences import Silence
from ledger.postmortem_words import (
    OBSERVED,
    At,
    Clock,
    Command,
    Fact,
    Name,
    Pieces,
    Section,
    Sentence,
    Table,
    inferred,
    length,
    listed,
    namer,
    observed,
)
from ledger.terminal import count

# So many lanes are all drawn, also those of streams that have no touch in the window.
_FEW_LANES = 8

# What is above so much of a stream's own gaps is called unusual.
_UNUSUAL = 0.95


class Story(NamedTuple):
    """A post-mortem in words: what it is of, the figures that head it, and its five parts."""

    at: At
    since: At
    until: At
    zone: Zone
    facts: Sequence[Fact]
    sections: Sequence[Section]
    name: Callable[[Stream], Name]


def tell(found: Postmortem, zone: Zone) -> Story:
    """Return the post-mortem as it is told, with times of `zone`."""
    clock = Clock(zone, found.at_ns)
    name = namer(
        [
            *(one.stream for one in found.seen.last),
            *(one.stream for one in found.seen.fell_silent),
            *found.unknown.never_before,
        ]
    )
    sections = [
        Section("What was seen", [*_seen(found, clock, name)]),
        Section("Is it unusual?", [*_unusual(found, clock, name)]),
        Section("What the daemon saw", [*postmortem_watched.blocks(found, clock)]),
        Section("The touches themselves", [*_touches(found, clock, name)]),
        Section("What cannot be known", [*postmortem_limits.sentences(found, clock, name)]),
    ]
    at, since = clock.dated(found.at_ns), clock.dated(found.since_ns)
    until = Clock(zone, found.since_ns).at(found.until_ns)
    facts = [*_facts(found, clock), *postmortem_watched.facts(found, clock)]
    return Story(at, since, until, zone, facts, sections, name)


def lanes_shown(found: Postmortem) -> tuple[Sequence[Lane], str]:
    """Return the lanes to draw, and what to say of the others.

    These are of streams that lie idle all the window long, where there are many lanes. The
    heartbeats belong to the first lane: that of all together, or of the only stream.
    """
    together, *lanes = found.lanes
    if len(lanes) == 1:
        return lanes, ""
    if len(lanes) <= _FEW_LANES:
        return found.lanes, ""
    busy = [lane for lane in lanes if lane.active]
    hidden = len(lanes) - len(busy)
    note = f"{count(hidden, 'stream', 'streams')} without a touch in the window not drawn"
    return [together, *busy], note if hidden else ""


def _facts(found: Postmortem, clock: Clock) -> Iterator[Fact]:
    together = found.unusual.together
    age = length((found.at_ns - together.began_ns) / NS)
    yield Fact("last touch", OBSERVED, clock.at(together.began_ns), f"{age} before")
    if together.ended_ns is None:
        yield Fact("next touch", OBSERVED, "none yet")
    else:
        later = length((together.ended_ns - found.at_ns) / NS)
        yield Fact("next touch", OBSERVED, clock.at(together.ended_ns), f"{later} after")
    if not together.silent:
        return
    yield Fact("silent for", OBSERVED, length(together.length_s))
    if together.longer_than is not None:
        share, _, gaps = _share(together).rpartition(" ")
        yield Fact("longer than", OBSERVED, share, f"{gaps} gaps in 14 days")


def _share(one: Silence) -> str:
    """Return how much of its gaps a silence was longer than."""
    if one.longer_than is None:
        return f"too little history ({count(one.gaps, 'gap', 'gaps')})"
    if one.longer_than == 1:
        return f"all {one.gaps:,}"
    return f"{int(one.longer_than * 100)} % of {one.gaps:,}"


_Name = Callable[[Stream], Name]


def _seen(found: Postmortem, clock: Clock, name: _Name) -> Iterator[Sentence]:
    for one in found.seen.last:
        before = f", {length(one.age_s)} before, with " if one.age_s else ", with "
        words = (name(one.stream), " was last seen at ", clock.at(one.at_ns), before)
        yield observed(*words, Command(one.command), ".")
    together = found.unusual.together
    if not together.silent:
        yield observed(
            "At ", clock.at(found.at_ns), " they were not silent: together they touched at ",
            clock.at(together.began_ns), f" and again {length(together.length_s)} later.",
        )  # fmt: skip
        return
    silent = found.seen.fell_silent
    if len(silent) == 1:
        yield observed(
            name(silent[0].stream), " was the last to touch, and of all streams of the ledger"
            " no other fell silent within 30 s of it.",
        )  # fmt: skip
        return
    mine = [name(one.stream) for one in silent if one.chosen]
    others = [name(one.stream) for one in silent if not one.chosen]
    yield observed(
        f"{len(silent)} fell silent within 30 s of the last touch, ",
        clock.at(together.began_ns), ": ", *listed(mine),
        *(["; and of those not asked about: ", *listed(others)] if others else []), ".",
    )  # fmt: skip
    hosts = {one.stream.host for one in silent}
    if len(hosts) == 1 and hosts != {""}:
        yield observed("All of them are on ", Name(hosts.pop()), ".")
    yield inferred(
        "Several at once point to something that they share, such as a host or a service,"
        " rather than to one agent. Which it was, the ledger does not say."
    )


def _unusual(found: Postmortem, clock: Clock, name: _Name) -> Iterator[Sentence | Table]:
    together = found.unusual.together
    if together.silent:
        over: Pieces = (
            [", which goes on"] if together.ended_ns is None
            else [" until ", clock.at(together.ended_ns)]
        )  # fmt: skip
        yield observed(
            "Taken together they were silent from ", clock.at(together.began_ns), *over,
            f": {length(together.length_s)}.",
        )  # fmt: skip
        yield _verdict(together)
    header = ["stream", "silent for", "until", "longer than", "median", "95 %", "as long"]
    rows = [_row(one, clock, name) for one in found.unusual.each]
    yield Table(OBSERVED, header, rows, right={1, 4, 5, 6})
    yield observed(
        "The silence around AT is set against the stream's own gaps of 60 s and more that"
        " ended in the 14 days before it began; as long: so many of these were as long or longer."
    )
    yield observed(
        "Whether a host was off is unknown: nothing that could tell is recorded with the touches."
    )


def _verdict(one: Silence) -> Sentence:
    if one.longer_than is None or one.median_s is None:
        return observed(
            f"There is too little history to compare with: {count(one.gaps, 'gap', 'gaps')}"
            " of 60 s and more in the 14 days before, less than 20."
        )
    figures = f"median {length(one.median_s)}, 95th percentile {length(one.p95_s)}"
    verdict = "unusual" if one.longer_than >= _UNUSUAL else "nothing unusual"
    return inferred(
        f"By their own history that is {verdict}: it is longer than {_share(one)} gaps of the 14"
        f" days before ({figures}); {one.as_long or 'none'} of these"
        f" {'was' if one.as_long == 1 else 'were'} as long or longer."
    )


def _row(one: Silence, clock: Clock, name: _Name) -> list[Pieces]:
    who: Pieces = [name(one.stream)] if one.stream else []
    if not one.silent:
        return [who, ["active"], [], [], [], [], []]
    return [
        who,
        [length(one.length_s)],
        ["now"] if one.ended_ns is None else [clock.at(one.ended_ns)],
        [_share(one)],
        [length(one.median_s)],
        [length(one.p95_s)],
        [] if one.as_long is None else [f"{one.as_long:,}"],
    ]


def _touches(found: Postmortem, clock: Clock, name: _Name) -> Iterator[Sentence | Table]:
    touches = found.touches
    if not touches.all_before + touches.all_after:
        yield observed("There is no touch of these streams in the window.")
        return
    if hidden := touches.all_before - len(touches.before):
        yield observed(f"{count(hidden, 'earlier touch', 'earlier touches')} of the window"
                       " left out.")  # fmt: skip

    def row(one: HistoryRow) -> list[Pieces]:
        away = one.at_ns - found.at_ns
        sign = "+" if away > 0 else "-" if away else ""
        distance = f"{sign}{duration(abs(away))}"
        return [[clock.at(one.at_ns)], [distance], [name(one.stream)], [Command(one.command)]]

    at: list[Pieces] = [[clock.at(found.at_ns)], ["AT"], [], []]
    rows = [*map(row, touches.before), at, *map(row, touches.after)]
    yield Table(
        OBSERVED, ["time", "from AT", "stream", "command"], rows, right={1},
        marked=len(touches.before),
    )  # fmt: skip
    if hidden := touches.all_after - len(touches.after):
        yield observed(f"{count(hidden, 'later touch', 'later touches')} of the window left out.")
