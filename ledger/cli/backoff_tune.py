"""``keepalive backoff tune``."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Unpack

import click

from ledger import database, output
from ledger.cli import backoff_options, backoff_report, options
from ledger.cli.backoff_report import length
from ledger.figures import FEW_RESUMPTIONS, Backoff
from ledger.instants import Zone
from ledger.tuning import Bound, Tuning, tune_policy


@click.command(
    epilog="""\b
Examples:
  keepalive backoff tune --max-reaction 10m
  keepalive backoff tune --max-per-day 50 --since 30d --mode reset-on-activity
  p=$(keepalive backoff tune --max-reaction 10m -q) && keepalive backoff --policy "$p"
"""
)
@options.duration("--max-reaction", None, "No reaction may be longer; fewest heartbeats win.")
@click.option(
    "--max-per-day",
    metavar="NUMBER",
    type=options.amount,
    help="No more heartbeats a day; the quickest reaction (in 95 % of cases) wins.",
)
@backoff_options.question
@options.streams_in_range
@click.option("-q", "--quiet", is_flag=True, help="Print the policy and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Output one JSON object.")
def command(
    *,
    max_reaction_ns: int | None,
    max_per_day: float | None,
    quiet: bool,
    as_json: bool,
    **chosen: Unpack[backoff_options.QuestionOptions],
) -> int:
    """Search for the policy that costs least within a bound, on this town's own history.

    Fixed, exponential and tier policies, of intervals up to some hours, are replayed over
    the first three quarters of the range, and the best one over the last quarter, which the
    search has not seen. Exits 1 when no policy keeps the bound, or the one found does not in
    the last quarter.
    """
    if (max_reaction_ns is None) == (max_per_day is None):
        raise click.UsageError("Give one bound: --max-reaction or --max-per-day.")
    for name, value in (("--max-reaction", max_reaction_ns), ("--max-per-day", max_per_day)):
        if value == 0:
            raise click.BadParameter("must be more than nothing.", param_hint=f"'{name}'")
    filters, zone = options.read_filters(chosen)
    question = backoff_options.read_question(chosen)
    bound = Bound(max_reaction_ns, max_per_day)
    with database.asking(options.note) as connection, _progress() as progress:
        found = tune_policy(connection, bound, filters, question, progress=progress)
    if as_json:
        record = {
            **found._asdict(),
            "searched": found.searched and backoff_report.as_dict(found.searched),
            "checked": found.checked and backoff_report.as_dict(found.checked),
        }
        click.echo(output.json_text(record))
    elif quiet:
        click.echo(found.policy or _nothing(found), err=found.policy is None)
        if found.too_short:
            options.note("the history is too short to tell")
    else:
        for line in _lines(found, zone):
            click.echo(line)
    return 0 if found.holds else 1


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="Searching", file=sys.stderr) as bar:

        def show(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        yield show


def _lines(found: Tuning, zone: Zone) -> Iterator[str]:
    if found.policy is None or found.searched is None or found.checked is None:
        yield _nothing(found)
        return
    yield f"{found.policy}, the best of {found.candidates} policies"
    yield ""
    headers = ["", "a day", "wasted", "reaction", "95 %", "at most", "resumed", "range"]
    rows = [_row("searched", found.searched, zone), _row("checked", found.checked, zone)]
    yield from output.grid(headers, rows, right=range(1, 7))
    yield ""
    if not found.holds:
        yield "It does not keep the bound in the part that was not searched."
    if found.too_short:
        yield (
            f"The history is too short to tell: work resumed {found.searched.resumptions} and"
            f" {found.checked.resumptions} times, less than {FEW_RESUMPTIONS} in one part."
        )
    elif found.holds:
        yield "It keeps the bound also in the part that was not searched."
    if found.searched.reaches_stale:
        yield backoff_report.stale_warning(found.searched)


def _nothing(found: Tuning) -> str:
    return f"none of {found.candidates} policies keeps the bound"


def _row(name: str, one: Backoff, zone: Zone) -> list[str]:
    fair = one.averaged or one
    return [
        name,
        f"{fair.per_day:.1f}",
        f"{fair.wasted_per_day:.1f}",
        length(fair.reaction_median_s),
        length(fair.reaction_p95_s),
        length(fair.reaction_max_s),
        f"{one.resumptions:,}",
        options.range_text(one.since_ns, one.until_ns, zone),
    ]
