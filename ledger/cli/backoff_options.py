"""The options of ``keepalive backoff`` and its subcommands: how to replay."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ledger.cli import options
from ledger.figures import Question
from ledger.replay import MODES

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    options.duration("--min", "5m", "Silences and resumptions count from so long an idle time."),
    click.option(
        "--mode",
        type=click.Choice(MODES),
        default=MODES[0],
        show_default=True,
        help="Whether an interval stands once armed, or the first touch re-arms it.",
    ),
    options.duration("--phase", None, "First heartbeat so long after the range's start."),
    click.option(
        "--cost-per-heartbeat",
        metavar="PRICE",
        type=options.amount,
        help="Price of a heartbeat, in money of any kind.",
    ),
    options.duration(
        "--stale-after",
        "20m",
        "When an agent counts as stuck: warn of intervals as long.",
    ),
)


def question(function: _Function) -> _Function:
    """Add the options that say how to replay; the command hands them to `read_question`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class QuestionOptions(options.RangeOptions):
    """What a command gets from the options of `question` and of `streams_in_range`."""

    min_ns: int
    mode: str
    phase_ns: int | None
    cost_per_heartbeat: float | None
    stale_after_ns: int


def read_question(chosen: QuestionOptions) -> Question:
    """Return what the options of `question` say."""
    if chosen["min_ns"] == 0:
        raise click.BadParameter("must be more than nothing.", param_hint="'--min'")
    return Question(
        chosen["min_ns"],
        chosen["mode"],
        chosen["phase_ns"],
        chosen["cost_per_heartbeat"],
        chosen["stale_after_ns"],
    )
