"""Options that several commands share, and what they are turned into."""

import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, cast

import click

from ledger import instants, output, terminal
from ledger.encode import as_read_back
from ledger.filters import Filters
from ledger.policy import PRESETS, parse_policy

_Function = TypeVar("_Function", bound=Callable[..., Any])


def formats(function: _Function, json: str = output.FORMATS["json"]) -> _Function:
    """Add one flag for each output format; the command gets `form`, None for a table."""
    for name, meaning in reversed({**output.FORMATS, "json": json}.items()):
        function = click.option(
            f"--{name}", "form", flag_value=name, default=None, help=f"Output {meaning}."
        )(function)
    return function


def duration(name: str, default: str | None, help_text: str) -> Callable[[_Function], _Function]:
    """Return an option that takes a duration; the command gets nanoseconds, ``..._ns``."""
    return click.option(
        name,
        f"{name.lstrip('-').replace('-', '_')}_ns",
        metavar="DURATION",
        type=instants.parse_duration,
        default=default,
        show_default=default is not None,
        help=help_text,
    )


def amount(text: str | float) -> float:
    """Return a number of something, zero or more: a type of click's."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise click.BadParameter(f"{text} is not a number of zero or more.")
    return number


def _complete_policy(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    return [text for text in PRESETS if text.startswith(incomplete)]


def policy(*, several: bool = False) -> Callable[[_Function], _Function]:
    """Return the option --policy; the command gets a Policy, or `several` as a tuple."""
    return click.option(
        "--policy",
        "policies" if several else "policy",
        metavar="POLICY",
        type=parse_policy,
        multiple=several,
        default=None if several else "gastown",
        show_default=not several,
        shell_complete=_complete_policy,
        help="Such as fixed:10m, exp:30s,x2,15m or tiers:5m=5m,15m=10m,60m.",
    )


_TZ = click.option("--tz", metavar="ZONE", help="Zone of the times, such as UTC (default: local).")
_RANGE = (
    click.option("--since", metavar="TIME", help="From this time on: 15m, 2h, 7d, today, ..."),
    click.option("--until", metavar="TIME", help="Before this time, itself not included."),
    _TZ,
)
_STREAMS = (
    click.option("--actor", metavar="NAME", multiple=True, help="Of this actor; * and ? work."),
    click.option("--town", metavar="DIR", multiple=True, help="Of this town; likewise."),
    click.option("--workspace", metavar="DIR", multiple=True, help="Of this workspace; likewise."),
    click.option("--host", metavar="NAME", multiple=True, help="Of this machine; likewise."),
)
_GREP = (click.option("--grep", metavar="TEXT", help="With this text in the command, as written."),)
_AT = (
    click.option("--at", metavar="TIME", help="As it was at this time, in place of now."),
    _TZ,
)


def _adding(
    options: Sequence[Callable[[_Function], _Function]],
) -> Callable[[_Function], _Function]:
    def add(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


filters = _adding((*_RANGE, *_STREAMS, *_GREP))
"""Add the options that choose touches; the command hands them to `read_filters`."""

streams_in_range = _adding((*_RANGE, *_STREAMS))
"""Add the options that choose streams and a range; for `read_filters` too."""

streams = _adding(_STREAMS)
"""Add the options that choose streams; for `read_streams`."""

streams_at = _adding((*_AT, *_STREAMS))
"""Add the options that choose streams and an instant; for `read_moment`."""


class StreamOptions(TypedDict):
    """What a command gets from the options of `streams`."""

    actor: Sequence[str]
    town: Sequence[str]
    workspace: Sequence[str]
    host: Sequence[str]


class RangeOptions(StreamOptions):
    """What a command gets from the options of `streams_in_range`."""

    since: str | None
    until: str | None
    tz: str | None


class FilterOptions(RangeOptions):
    """What a command gets from the options of `filters`."""

    grep: str | None


class MomentOptions(StreamOptions):
    """What a command gets from the options of `streams_at`."""

    at: str | None
    tz: str | None


def read_filters(options: RangeOptions) -> tuple[Filters, instants.Zone]:
    """Return what the options of `filters` or `streams_in_range` say, and the zone for times.

    Raises BadInputError.
    """
    zone = instants.zone(options["tz"])
    now_ns = time.time_ns()
    since, until = options["since"], options["until"]
    grep = cast("Mapping[str, str | None]", options).get("grep")
    chosen = read_streams(options)._replace(
        since_ns=None if since in {None, "all"} else instants.parse(since, now_ns, zone),
        until_ns=None if until is None else instants.parse(until, now_ns, zone),
        grep=None if grep is None else as_read_back(grep),
    )
    return chosen, zone


def read_moment(options: MomentOptions) -> tuple[Filters, instants.Zone, int]:
    """Return what the options of `streams_at` say, the zone for times, and the instant asked for.

    Raises BadInputError.
    """
    zone = instants.zone(options["tz"])
    now_ns = time.time_ns()
    chosen = read_streams(options)
    if options["at"] is None:
        return chosen, zone, now_ns
    at_ns = instants.parse(options["at"], now_ns, zone)
    return chosen._replace(until_ns=at_ns + 1), zone, at_ns


def read_streams(options: StreamOptions) -> Filters:
    """Return what the options of `streams` say."""
    # Bytes that are no text were recorded as the ledger can hold them.
    return Filters(
        actors=list(map(as_read_back, options["actor"])),
        towns=list(map(as_read_back, options["town"])),
        workspaces=list(map(as_read_back, options["workspace"])),
        hosts=list(map(as_read_back, options["host"])),
    )


def terminal_columns() -> int | None:
    """Return how wide the terminal on standard output is, or None when there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def colours() -> bool:
    """Tell whether standard output is to be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def draws() -> bool:
    """Tell whether standard output can take the characters that charts are drawn with."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def range_text(since_ns: int, until_ns: int, zone: instants.Zone) -> str:
    """Return a range as reports name it."""
    return f"{zone.text(since_ns)} to {zone.text(until_ns)} ({zone.name})"


def note(text: str) -> None:
    """Tell on standard error what keeps the answer from being complete."""
    click.echo(f"keepalive: {terminal.visible(text)}", err=True)
