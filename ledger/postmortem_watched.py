"""The third part of a post-mortem told: what the daemon saw, all of it inferred. Pure."""

from collections.abc import Iterator

from ledger.postmortem import Postmortem
from ledger.postmortem_heartbeats import Daemon, Heartbeat
from ledger.postmortem_met import PHASES, Extremes, PolicyView
from ledger.postmortem_words import (
    INFERRED,
    Clock,
    Fact,
    Name,
    Piece,
    Pieces,
    Sentence,
    Table,
    inferred,
    length,
    observed,
)
from ledger.terminal import count

# So many heartbeats are listed, those nearest to AT.
_LISTED = 24


def facts(found: Postmortem, clock: Clock) -> Iterator[Fact]:
    """Yield the figures of this part that head the story."""
    daemon = found.daemon
    if not daemon.idle:
        return
    view = daemon.views[0]
    if view.noticed_ns is None:
        yield Fact("noticed", INFERRED, "by no heartbeat")
    else:
        after = f"after {length(view.noticed_after_s)}{_or(view.noticed_range_s)}"
        yield Fact("noticed", INFERRED, clock.at(view.noticed_ns), after)
    if view.resumed_ns is not None:
        late = f"{length(view.reaction_s)} late{_or(view.reaction_range_s)}"
        yield Fact("return met", INFERRED, clock.at(view.resumed_ns), late)


def _or(lengths: Extremes) -> str:
    """Return what other daemons would have come to, where that differs."""
    return f" ({_between(lengths)})" if lengths and lengths[0] != lengths[1] else ""


def _between(lengths: Extremes) -> str:
    if lengths is None:
        return "-"
    shortest, longest = map(length, lengths)
    return shortest if shortest == longest else f"{shortest} to {longest}"


def blocks(found: Postmortem, clock: Clock) -> Iterator[Sentence | Table]:
    """Yield this part's sentences and tables."""
    daemon = found.daemon
    before: list[Piece] = []
    if daemon.earlier_ns is not None:
        before = [" and, for those before it, one at ", clock.at(daemon.earlier_ns)]
    yield inferred(
        "Heartbeats are not recorded. These are the ones that ", Name(daemon.policy),
        " would have fired, if one had fired at ", clock.at(daemon.first_ns), *before, ".",
    )  # fmt: skip
    yield from _heartbeats(found, clock)
    yield from _met(daemon, clock)
    if daemon.idle:
        yield inferred(
            "What other policies would have done, likewise; and how soon or how late"
            f" {PHASES} daemons would have been that began at other instants:"
        )
        header = ["policy", "heartbeats", "noticed", "after", "others", "return met", "late",
                  "others"]  # fmt: skip
        rows = [_row(view, clock) for view in daemon.views]
        yield Table(INFERRED, header, rows, right={1, 3, 4, 6, 7})


def _heartbeats(found: Postmortem, clock: Clock) -> Iterator[Sentence | Table]:
    beats = found.daemon.heartbeats
    before = sum(beat.at_ns <= found.at_ns for beat in beats)
    first = min(max(before - _LISTED // 2, 0), max(len(beats) - _LISTED, 0))
    shown = beats[first : first + _LISTED]
    rows: list[list[Pieces]] = [_beat(beat, clock) for beat in shown]
    marked = before - first
    rows.insert(marked, [[clock.at(found.at_ns)], ["AT"], [], [], []])
    header = ["heartbeat", "idle", "tier", "next in", ""]
    yield Table(INFERRED, header, rows, right={1, 2, 3}, marked=marked)
    if hidden := len(beats) - len(shown):
        yield inferred(
            f"{count(hidden, 'heartbeat', 'heartbeats')} of the window, further from AT, left out."
        )


def _beat(beat: Heartbeat, clock: Clock) -> list[Pieces]:
    idle = "never seen" if beat.idle_s is None else length(beat.idle_s)
    note = "no touch since the one before" if beat.wasted else ""
    return [[clock.at(beat.at_ns)], [idle], [str(beat.tier)], [length(beat.interval_s)], [note]]


def _met(daemon: Daemon, clock: Clock) -> Iterator[Sentence]:
    view = daemon.views[0]
    if not daemon.idle:
        yield inferred("The silence around AT is shorter than 5m: there was none to notice.")
        return
    if view.noticed_ns is not None:
        yield inferred(
            "The first heartbeat to find the silence 5m old is that of ",
            clock.at(view.noticed_ns), f", {length(view.noticed_after_s)} after it began.",
        )  # fmt: skip
    else:
        until = "until now" if daemon.ended_ns is None else "before it ended"
        yield inferred(f"No heartbeat found the silence 5m old {until}.")
    if daemon.ended_ns is None:
        yield observed("No touch has ended the silence until now.")
    else:
        yield observed("The silence ended with a touch at ", clock.at(daemon.ended_ns), ".")
        if view.resumed_ns is not None:
            yield inferred(
                "The first heartbeat after that is the one of ", clock.at(view.resumed_ns),
                f", {length(view.reaction_s)} later.",
            )  # fmt: skip


def _row(view: PolicyView, clock: Clock) -> list[Pieces]:
    noticed: Pieces = ["-"] if view.noticed_ns is None else [clock.at(view.noticed_ns)]
    return [
        [Name(view.policy)],
        [f"{view.heartbeats:,}"],
        noticed,
        [length(view.noticed_after_s)],
        [_between(view.noticed_range_s)],
        ["-"] if view.resumed_ns is None else [clock.at(view.resumed_ns)],
        [length(view.reaction_s)],
        [_between(view.reaction_range_s)],
    ]
