"""The third part of a post-mortem told: what the daemon saw, all of it inferred. Pure."""

from collections.abc import Iterator

from ledger.postmortem import Postmortem
from ledger.postmortem_heartbeats import Daemon, Heartbeat, PolicyView
from ledger.postmortem_words import (
    INFERRED,
    Clock,
    Fact,
    Name,
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
    if daemon.older:
        yield Fact("noticed", INFERRED, "before the window")
    elif view.noticed_ns is None:
        yield Fact("noticed", INFERRED, "by no heartbeat")
    else:
        after = f"after {length(view.noticed_after_s)}"
        yield Fact("noticed", INFERRED, clock.at(view.noticed_ns), after)
    if view.resumed_ns is not None:
        late = f"{length(view.reaction_s)} late"
        yield Fact("return met", INFERRED, clock.at(view.resumed_ns), late)


def blocks(found: Postmortem, clock: Clock) -> Iterator[Sentence | Table]:
    """Yield this part's sentences and tables."""
    daemon = found.daemon
    yield inferred(
        "Heartbeats are not recorded. These are the ones that ", Name(daemon.policy),
        " would have fired, if one had fired at the window's start, ",
        clock.at(found.since_ns), ".",
    )  # fmt: skip
    yield from _heartbeats(found, clock)
    yield from _met(daemon, clock)
    if daemon.idle:
        yield inferred("What other policies would have done, likewise from the window's start:")
        header = ["policy", "heartbeats", "noticed", "after", "return met", "late"]
        rows = [_row(view, clock, older=daemon.older) for view in daemon.views]
        yield Table(INFERRED, header, rows, right={1, 3, 5})


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
    if daemon.older:
        yield inferred(
            "The silence was 5m old before the window begins, so that the first heartbeat of"
            " the replay finds it at once. When it was first noticed only a wider window shows."
        )
    elif view.noticed_ns is not None:
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


def _row(view: PolicyView, clock: Clock, *, older: bool) -> list[Pieces]:
    noticed: Pieces = ["-"] if view.noticed_ns is None else [clock.at(view.noticed_ns)]
    after = length(view.noticed_after_s)
    if older:
        noticed, after = ["before"], ""
    return [
        [Name(view.policy)],
        [f"{view.heartbeats:,}"],
        noticed,
        [after],
        ["-"] if view.resumed_ns is None else [clock.at(view.resumed_ns)],
        [length(view.reaction_s)],
    ]
