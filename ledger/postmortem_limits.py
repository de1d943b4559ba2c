"""The fifth part of a post-mortem told: what cannot be known from the ledger. Pure."""

from collections.abc import Callable, Iterator

from ledger.filters import Stream
from ledger.postmortem import Postmortem
from ledger.postmortem_words import Clock, Name, Sentence, inferred, listed, observed
from ledger.terminal import count


def sentences(
    found: Postmortem, clock: Clock, name: Callable[[Stream], Name]
) -> Iterator[Sentence]:
    """Yield this part's sentences; `name` names a stream."""
    unknown = found.unknown
    if unknown.waiting is None:
        yield observed("The spool can't be read, so that touches may wait there.")
    elif unknown.waiting:
        waiting = count(unknown.waiting, "touch waits", "touches wait")
        inside = f"{unknown.waiting_in_window:,} of the window"
        yield observed(f"{waiting} in the spool, {inside}: they are not in this report.")
    else:
        yield observed("No touch waits in the spool.")
    if unknown.damaged:
        damaged = count(unknown.damaged, "touch", "touches")
        yield observed(f"{damaged} in the spool can't be read, and may be of any time.")
    if unknown.lost:
        yield observed(
            f"{count(unknown.lost, 'touch was', 'touches were')} lost, {unknown.lost_in_window:,}"
            " of the window; more may be, where not even that could be noted."
        )
    else:
        yield observed("No lost touch was noted; one may be lost without a note.")
    if unknown.redacted:
        was = count(unknown.redacted, "command was", "commands were")
        why = "it had a secret in it" if unknown.redacted == 1 else "they had secrets in them"
        yield observed(f"Of the window {was} redacted: {why}.")
    if unknown.private:
        yield observed(
            f"Of the window {count(unknown.private, 'command is', 'commands are')} private, and"
            " not recorded."
        )
    for source in unknown.sources:
        yield observed(
            "The last touches before AT were imported from ", Name(source.name),
            ", which ends with one at ", clock.at(source.last_ns), ".",
        )  # fmt: skip
        yield inferred("So the silence may be missing data: that source may just end there.")
    if unknown.never_before:
        names = listed([name(stream) for stream in unknown.never_before])
        yield observed("Without a touch before AT: ", *names, ".")
    yield observed("What a stream did between two touches is not recorded, nor why it fell silent.")
