"""``keepalive backoff compare``."""

import sys
from collections.abc import Iterator, Sequence
from typing import Unpack

import click

from ledger import backoff, database, output
from ledger.cli import backoff_options, backoff_report, options
from ledger.cli.backoff_report import length
from ledger.figures import Backoff
from ledger.instants import Zone
from ledger.policy import Policy
from ledger.scatter import Point, scatter

# The picture's size: its height, and its width without a terminal.
_HEIGHT, _COLUMNS = 16, 100


@click.command(
    epilog="""\b
Examples:
  keepalive backoff compare --since 30d
  keepalive backoff compare --policy gastown --policy exp:1m,x2,15m --chart
  keepalive backoff compare --mode reset-on-activity --csv
"""
)
@options.policy(several=True)
@backoff_options.question
@options.streams_in_range
@click.option("--chart", is_flag=True, help="Draw heartbeats a day against reaction.")
@options.formats
def command(
    *,
    policies: Sequence[Policy],
    chart: bool,
    form: str | None,
    **chosen: Unpack[backoff_options.QuestionOptions],
) -> None:
    """Set policies side by side: one replay each, over the same touches.

    Without --policy these are the presets, all that Gas Town has used. A policy is
    unbeaten when none has both fewer heartbeats and a quicker reaction (in 95 % of cases).
    """
    if chart and form:
        raise click.UsageError("--chart draws for people, and goes with no format.")
    filters, zone = options.read_filters(chosen)
    question = backoff_options.read_question(chosen)
    with database.asking(options.note) as connection:
        found = backoff.compare_policies(connection, policies, filters, question)
    best = backoff.unbeaten(found)
    if form:
        rows = (
            {**backoff_report.as_dict(one), "unbeaten": mark}
            for one, mark in zip(found, best, strict=True)
        )
        output.write(rows, [*backoff_report.columns(form), "unbeaten"], form, sys.stdout)
        return
    for line in _lines(found, best, zone, question.cost, draw=chart):
        click.echo(line)


def _lines(
    found: Sequence[Backoff],
    best: Sequence[bool],
    zone: Zone,
    price: float | None,
    *,
    draw: bool,
) -> Iterator[str]:
    first = found[0]
    yield (
        f"policies ({first.mode}), {options.range_text(first.since_ns, first.until_ns, zone)},"
        f" first heartbeat {f'{length(first.phase_s)} after' if first.phase_s else 'at'} the start"
    )
    yield ""
    cost = [] if price is None else ["cost"]
    headers = ["policy", "a day", "wasted", *cost, "reaction", "95 %", "at most", "noticed",
               "longest", ""]  # fmt: skip
    rows = []
    for one, mark in zip(found, best, strict=True):
        fair = one.averaged or one
        rows.append([
            one.policy, f"{fair.per_day:.1f}", f"{fair.wasted_per_day:.1f}",
            *([f"{fair.heartbeats * price:,.2f}"] if price is not None else []),
            length(fair.reaction_median_s), length(fair.reaction_p95_s),
            length(fair.reaction_max_s), length(fair.noticed_median_s),
            length(one.longest_interval_s), _marks(one, unbeaten=mark),
        ])  # fmt: skip
    right = range(1, len(headers) - 1)
    yield from output.grid(headers, rows, right=right, names=(0,), room=options.terminal_columns())
    yield ""
    yield (
        "a day: heartbeats; wasted: of these, with no touch since the one before; reaction and"
        " noticed: medians"
    )
    if any(one.averaged for one in found):
        yield backoff_report.average_note(first)
    if draw:
        yield ""
        yield from _chart(found, best)


def _marks(one: Backoff, *, unbeaten: bool) -> str:
    return ", ".join(["unbeaten"] * unbeaten + ["reaches --stale-after"] * one.reaches_stale)


def _chart(found: Sequence[Backoff], best: Sequence[bool]) -> Iterator[str]:
    points = []
    for one, mark in zip(found, best, strict=True):
        per_day, reaction = backoff.measure(one)
        points.append(
            Point(one.policy, per_day, reaction, mark, f"{per_day:.1f}", length(reaction))
        )
    yield from scatter(
        points,
        options.terminal_columns() or _COLUMNS,
        _HEIGHT,
        x_label="heartbeats a day",
        y_label="reaction, 95 %",
        utf8=options.draws(),
    )
    yield "capitals: unbeaten, no other has both fewer heartbeats and a quicker reaction"
