"""``keepalive status``."""

import contextlib
import math
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Unpack

import click

from ledger import activity, database, output, terminal
from ledger.cli import options, places
from ledger.filters import Filters, streams
from ledger.gotime import format_instant
from ledger.heartbeat import NextHeartbeat, next_heartbeat
from ledger.instants import NS, Zone, duration
from ledger.policy import ACTIVE, IDLE, LONG_IDLE, NEVER_SEEN, QUIET, Policy
from ledger.status import StreamStatus, stream_status

COLUMNS = (
    "state", "actor", "workspace", "town", "host", "at", "age_s", "ahead_s", "command",
    "gaps", "longer_than",
)  # fmt: skip

_COLOURS = {ACTIVE: "green", QUIET: "yellow", IDLE: "magenta", LONG_IDLE: "red", NEVER_SEEN: "cyan"}

_REFRESH_S = 1.0

# A screen of its own, without cursor and wrapping, and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command(
    epilog="""\b
Examples:
  keepalive status
  keepalive status --by actor --actor 'gastown/*' --watch
  keepalive status --at '2026-03-01 03:12' --tz Europe/Riga
"""
)
@click.option("--by", type=click.Choice(activity.GROUPS), help="One line each, not per stream.")
@options.policy()
@options.streams_at
@click.option("-w", "--watch", is_flag=True, help="Refresh once a second, until Ctrl-C.")
@options.formats
def command(
    *,
    by: str | None,
    policy: Policy,
    watch: bool,
    form: str | None,
    **chosen: Unpack[options.MomentOptions],
) -> None:
    """Show who is active, who is quiet, since when, and whether that is unusual.

    One line per stream: its state (active, quiet, idle, long idle, by the policy's tiers),
    its last touch, and how many of its own gaps in the last 14 days were shorter than the
    present silence; gaps are those of 60 s and more. Then the town's line: all these
    streams together, and the next heartbeat if one fires now.
    """
    if watch and (form or chosen["at"] or not sys.stdout.isatty()):
        raise click.UsageError("--watch needs a terminal, and goes with no format and no --at.")
    with database.asking(options.note) as connection:
        if watch:
            _watch(connection, by, policy, chosen)
            return
        filters, zone, now_ns = options.read_moment(chosen)
        found = stream_status(connection, filters, by=by, policy=policy, now_ns=now_ns)
        if form:
            output.write(map(_as_dict, found), COLUMNS, form, sys.stdout)
            return
        for line in _lines(connection, found, by, filters, policy, zone, now_ns):
            click.echo(line)


def _as_dict(one: StreamStatus) -> dict[str, object]:
    at = None if one.at_ns is None else format_instant(one.at_ns)
    return {**one._asdict(), **one.stream._asdict(), "at": at}


def _watch(
    connection: sqlite3.Connection, by: str | None, policy: Policy, chosen: options.MomentOptions
) -> None:
    with _own_screen():
        while True:
            filters, zone, now_ns = options.read_moment(chosen)
            found = stream_status(connection, filters, by=by, policy=policy, now_ns=now_ns)
            lines = list(_lines(connection, found, by, filters, policy, zone, now_ns))
            height = os.get_terminal_size(sys.stdout.fileno()).lines
            lines = _cut(lines, height)
            sys.stdout.write(_HOME + f"{_CLEAR_LINE}\r\n".join(lines) + _CLEAR_LINE + _CLEAR_BELOW)
            sys.stdout.flush()
            time.sleep(_REFRESH_S)
            database.drain(connection, database.require_ledger_path())


# The lines before the streams, and those after them.
_HEAD, _FOOT = 3, 3


def _cut(lines: list[str], height: int) -> list[str]:
    """Return what fits the screen: the town's lines at the foot stay in sight."""
    room = height - _FOOT
    if len(lines) <= height or room <= 0:
        return lines[-height:]
    hidden = len(lines) - _FOOT - max(room - 1, _HEAD)
    return [*lines[: room - 1], f"… {hidden} more", *lines[-_FOOT:]]


@contextlib.contextmanager
def _own_screen() -> Iterator[None]:
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _lines(  # noqa: PLR0913, PLR0917 - what was asked and what was found
    connection: sqlite3.Connection,
    found: Sequence[StreamStatus],
    by: str | None,
    filters: Filters,
    policy: Policy,
    zone: Zone,
    now_ns: int,
) -> Iterator[str]:
    yield f"as of {zone.text(now_ns)} ({zone.name})"
    yield ""
    if not found:
        known = bool(streams(connection))
        yield "No stream matches." if known else "The ledger holds no touches yet."
        return
    yield from _table(found, by)
    yield ""
    yield from _town(next_heartbeat(connection, filters, policy=policy, now_ns=now_ns), zone)


def _table(found: Sequence[StreamStatus], by: str | None) -> Iterator[str]:
    place = places.namer(one.stream for one in found)
    columns = [by] if by else ["actor", "place"]
    rows = []
    for one in found:
        names = [getattr(one.stream, by)] if by else [one.stream.actor, place(one.stream)]
        rows.append([one.state, _age(one), *names, _unusual(one), one.command or ""])
    header, *lines = output.grid(
        ["state", "last touch", *columns, "longer than", "last command"],
        rows,
        names=range(2, 2 + len(columns)),
        room=options.terminal_columns(),
    )
    yield header
    for one, line in zip(found, lines, strict=True):
        word = one.state
        painted = click.style(word, fg=_COLOURS[word]) if options.colours() else word
        yield painted + line.removeprefix(word)


def _age(one: StreamStatus) -> str:
    if one.age_s is None:
        return ""
    if one.ahead_s:
        return f"now ({duration(round(one.ahead_s * NS))} ahead)"
    return duration(round(one.age_s * NS))


def _unusual(one: StreamStatus) -> str:
    if one.at_ns is None:
        return ""
    if one.longer_than is None:
        return f"too little history ({terminal.count(one.gaps, 'gap', 'gaps')})"
    return f"{math.floor(round(one.longer_than * 100, 6))} % of its {one.gaps} gaps in 14 days"


def _town(town: NextHeartbeat, zone: Zone) -> Iterator[str]:
    interval = duration(round(town.interval_s * NS))
    if town.idle_s is None:
        yield "all together: never seen"
    elif town.ahead_s:
        ahead = duration(round(town.ahead_s * NS))
        yield f"all together: {town.state}; a touch is {ahead} in the future, which counts as now"
    else:
        yield f"all together: {town.state}, idle for {duration(round(town.idle_s * NS))}"
    yield (
        f"next heartbeat by {terminal.visible(town.policy)}: in {interval} (tier {town.tier}),"
        f" due {zone.text(town.due_ns)}"
    )
