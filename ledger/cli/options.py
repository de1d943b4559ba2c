"""Options that several commands share, and what they are turned into."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

import click

from ledger import instants, output, terminal
from ledger.encode import as_read_back
from ledger.history import Filters

_Function = TypeVar("_Function", bound=Callable[..., Any])


def formats(function: _Function) -> _Function:
    """Add one flag for each output format; the command gets `form`, None for a table."""
    for name, meaning in reversed(output.FORMATS.items()):
        function = click.option(
            f"--{name}", "form", flag_value=name, default=None, help=f"Output {meaning}."
        )(function)
    return function


_FILTERS = (
    click.option("--since", metavar="TIME", help="From this time on: 15m, 2h, 7d, today, ..."),
    click.option("--until", metavar="TIME", help="Before this time, itself not included."),
    click.option("--tz", metavar="ZONE", help="Zone of the times, such as UTC (default: local)."),
    click.option("--actor", metavar="NAME", multiple=True, help="Of this actor; * and ? work."),
    click.option("--town", metavar="DIR", multiple=True, help="Of this town; likewise."),
    click.option("--workspace", metavar="DIR", multiple=True, help="Of this workspace; likewise."),
    click.option("--host", metavar="NAME", multiple=True, help="Of this machine; likewise."),
    click.option("--grep", metavar="TEXT", help="With this text in the command, as written."),
)


def filters(function: _Function) -> _Function:
    """Add the options that choose touches; the command hands them to `read_filters`."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


class FilterOptions(TypedDict):
    """What a command gets from the options of `filters`."""

    since: str | None
    until: str | None
    tz: str | None
    actor: Sequence[str]
    town: Sequence[str]
    workspace: Sequence[str]
    host: Sequence[str]
    grep: str | None


def read_filters(options: FilterOptions) -> tuple[Filters, instants.Zone]:
    """Return what the options of `filters` say, and the zone in which to show times.

    Raises BadInputError.
    """
    zone = instants.zone(options["tz"])
    now_ns = time.time_ns()
    since, until, grep = options["since"], options["until"], options["grep"]
    chosen = Filters(
        since_ns=None if since in {None, "all"} else instants.parse(since, now_ns, zone),
        until_ns=None if until is None else instants.parse(until, now_ns, zone),
        # Bytes that are no text were recorded as the ledger can hold them.
        actors=list(map(as_read_back, options["actor"])),
        towns=list(map(as_read_back, options["town"])),
        workspaces=list(map(as_read_back, options["workspace"])),
        hosts=list(map(as_read_back, options["host"])),
        grep=None if grep is None else as_read_back(grep),
    )
    return chosen, zone


def terminal_columns() -> int | None:
    """Return how wide the terminal on standard output is, or None when there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def note(text: str) -> None:
    """Tell on standard error what keeps the answer from being complete."""
    click.echo(f"keepalive: {terminal.visible(text)}", err=True)
