"""``keepalive history``."""

import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Unpack

import click

from ledger import database, output, terminal
from ledger.cli import options, places
from ledger.filters import Filters, Stream, streams
from ledger.gotime import format_instant
from ledger.history import HistoryRow, history
from ledger.instants import Zone

COLUMNS = ("at", "actor", "workspace", "town", "host", "command")

# How often --follow looks for new touches.
_FOLLOW_S = 0.5

# What the table's columns take: a time, a name at most and at least, blanks between; and
# what a terminal leaves to the command, if need be at the names' cost.
_TIME, _NAME, _LEAST, _BLANKS, _COMMAND = 19, 40, 8, 6, 24


@click.command(
    epilog="""\b
Examples:
  keepalive history -n 20 --actor 'gastown/*'
  keepalive history --since yesterday --until today --grep 'bd close'
  keepalive history --since 2h --nl | jq -r .command
"""
)
@click.option(
    "-n",
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Only the newest so many; 0 for all.",
)
@options.filters
@click.option("--reverse", is_flag=True, help="Newest first.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new touches, until Ctrl-C.")
@options.formats
def command(
    *,
    limit: int,
    reverse: bool,
    follow: bool,
    form: str | None,
    **chosen: Unpack[options.FilterOptions],
) -> None:
    """Show the touches of the ledger, newest last.

    Times are local unless --tz names a zone; JSON, CSV and TSV always show UTC. A range
    includes its start, not its end.
    """
    if follow and (reverse or form == "json"):
        raise click.UsageError("--follow goes with neither --reverse nor --json (try --nl).")
    filters, zone = options.read_filters(chosen)
    with database.asking(options.note) as connection:
        if follow:
            rows = _and_follow(connection, filters, limit or None)
        else:
            rows = history(connection, filters, limit=limit or None, newest_first=reverse)
        if form is not None:
            output.write(map(_as_dict, rows), COLUMNS, form, sys.stdout)
        elif not _print_table(rows, streams(connection, filters).values(), zone):
            found = connection.execute("SELECT 1 FROM touches LIMIT 1").fetchone()
            holds = "No touches match." if found else "The ledger holds no touches yet."
            click.echo(holds, err=True)


def _and_follow(
    connection: sqlite3.Connection, filters: Filters, limit: int | None
) -> Iterator[HistoryRow]:
    """Yield the touches there are, then each new one, whatever instant it is of."""
    ledger = database.require_ledger_path()
    newest: int | None = None
    while True:
        # One snapshot, so that no touch falls between the two questions or into both.
        connection.execute("BEGIN")
        after, newest = newest, _newest_id(connection)
        if after is None:
            yield from history(connection, filters, limit=limit)
        elif newest > after:
            yield from history(connection, filters, after_id=after)
        connection.execute("COMMIT")
        sys.stdout.flush()
        time.sleep(_FOLLOW_S)
        database.drain(connection, ledger)


def _newest_id(connection: sqlite3.Connection) -> int:
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM touches").fetchone()
    return int(newest)


def _as_dict(row: HistoryRow) -> dict[str, object]:
    return {"at": format_instant(row.at_ns), **row.stream._asdict(), "command": row.command}


def _print_table(rows: Iterable[HistoryRow], chosen: Iterable[Stream], zone: Zone) -> bool:
    """Print `rows`, all of streams that are `chosen` or newer; return whether there were any."""
    chosen = list(chosen)
    name = places.namer(chosen)
    columns = options.terminal_columns()
    actor = _widest(stream.actor for stream in chosen)
    place = _widest(name(stream) for stream in chosen)
    if columns is not None:
        actor, place = _share(actor, place, columns - _TIME - _BLANKS - _COMMAND)
    table = output.Table(
        (f"time ({zone.name})", "actor", "place", "command"),
        (_TIME, actor, place),
        sys.stdout,
        columns,
    )
    found = False
    for row in rows:
        found = True
        at = zone.text(row.at_ns)
        table.row((at, row.stream.actor, name(row.stream), row.command))
    return found


def _widest(names: Iterable[str]) -> int:
    return min(max((terminal.width(terminal.visible(name)) for name in names), default=0), _NAME)


def _share(one: int, other: int, room: int) -> tuple[int, int]:
    """Return what two columns get of `room`: the narrower what it wants, up to a half."""
    if one > other:
        return _share(other, one, room)[::-1]
    one = min(one, max(room // 2, _LEAST))
    return one, min(other, max(room - one, _LEAST))
