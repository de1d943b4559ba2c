"""``keepalive backoff``."""

import functools
import sys
from typing import Unpack

import click
from click.core import ParameterSource

from ledger import backoff, condition, database, output
from ledger.cli import backoff_options, backoff_report, options
from ledger.cli.backoff_compare import command as compare
from ledger.cli.backoff_tune import command as tune
from ledger.figures import Backoff
from ledger.policy import Policy

_FIGURES = [
    name for name, kind in Backoff.__annotations__.items()
    if kind in (int, float, bool, float | None) and not name.endswith("_ns")
]  # fmt: skip


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[compare | tune] ...",
    epilog="""\b
Examples:
  keepalive backoff --since 30d --cost-per-heartbeat 0.02
  keepalive backoff --policy fixed:10m --fail-if 'wasted_per_day>100'
  keepalive backoff compare --since 30d --chart
  keepalive backoff tune --since 30d --max-reaction 10m
""",
)
@options.policy()
@backoff_options.question
@click.option("--fail-if", "conditions", metavar="CONDITION", multiple=True,
              help="Exit 1 if so: wasted_per_day>100, reaction_max_s>=30m, ...")  # fmt: skip
@options.streams_in_range
@functools.partial(options.formats, json="one JSON object")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    policy: Policy,
    conditions: tuple[str, ...],
    form: str | None,
    **chosen: Unpack[backoff_options.QuestionOptions],
) -> int:
    """Show what a heartbeat policy would have cost, and how late it would have been.

    The policy is replayed over the touches of the chosen streams, taken together. A
    heartbeat is wasted when nobody touched since the one before. Reaction is the time from
    the touch that ends an idle period of --min or more to the next heartbeat; a silence is
    noticed by the first heartbeat that finds it --min old.

    `compare` sets policies side by side, `tune` searches for the best one.
    """
    if ctx.invoked_subcommand is not None:
        given = ParameterSource.COMMANDLINE
        if any(ctx.get_parameter_source(name) == given for name in ctx.params):
            raise click.UsageError(f"Options go behind {ctx.invoked_subcommand}.")
        return 0
    wanted = [condition.parse_condition(text, _FIGURES) for text in conditions]
    if chosen["cost_per_heartbeat"] is None and any("cost" in one.field for one in wanted):
        raise click.UsageError("A condition on costs needs --cost-per-heartbeat.")
    filters, zone = options.read_filters(chosen)
    question = backoff_options.read_question(chosen)
    with database.asking(options.note) as connection:
        found = backoff.replay_policy(connection, policy, filters, question)
    record = backoff_report.as_dict(found)
    if form == "json":
        click.echo(output.json_text(record))
    elif form:
        columns = backoff_report.columns(form)
        output.write([record], columns, form, sys.stdout)
    else:
        for line in backoff_report.lines(found, zone):
            click.echo(line)
    for one in wanted:
        if found._asdict()[one.field] is None:
            options.note(f"{one.text}: {one.field} is not known here")
    failed = [one for one in wanted if one.holds(found._asdict())]
    for one in failed:
        options.note(f"{one.text}: {one.field} is {found._asdict()[one.field]}")
    return 1 if failed else 0


command.add_command(compare, "compare")
command.add_command(tune, "tune")
