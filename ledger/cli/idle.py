"""``keepalive idle``."""

import sys
from collections.abc import Iterable
from typing import Unpack

import click

from ledger import activity, database, output
from ledger.cli import idle_charts, options
from ledger.cli.idle_tables import (
    COLUMNS,
    DAILY,
    PERIODS,
    SUMMARY,
    days,
    periods,
    rows,
    summaries,
)
from ledger.idle import IdleReport, idle_report
from ledger.instants import Zone, duration
from ledger.policy import Policy

# What a table shows unless told otherwise; programs get everything.
_NEWEST = 50


@click.command(
    epilog="""\b
Examples:
  keepalive idle --since 7d
  keepalive idle --since 2026-02-26 --until 2026-03-06 --by actor --min 1h
  keepalive idle --since 30d --daily --tz Europe/Riga --csv
  keepalive idle --since 7d --chart
"""
)
@options.duration("--min", "5m", "Only idle periods at least so long; 60 s and more are quickest.")
@click.option("--by", type=click.Choice(activity.GROUPS), help="Each on its own, not together.")
@options.policy()
@options.streams_in_range
@click.option("-n", "--limit", metavar="NUMBER", type=click.IntRange(0),
              help=f"Only the newest so many, 0 for all (a table: {_NEWEST}).")  # fmt: skip
@click.option("--summary", is_flag=True, help="Only the figures of the whole range.")
@click.option("--daily", is_flag=True, help="The figures day by day.")
@click.option("--chart", is_flag=True, help="Draw a timeline, idle lengths, and the week by hour.")
@options.formats
def command(  # noqa: PLR0913 - its options
    *,
    min_ns: int,
    by: str | None,
    policy: Policy,
    limit: int | None,
    summary: bool,
    daily: bool,
    chart: bool,
    form: str | None,
    **chosen: Unpack[options.RangeOptions],
) -> None:
    """Report idle periods: when nobody touched for --min or longer, and how much in all.

    The chosen streams are taken together, or each group --by something on its own.
    Periods that reach beyond the range count by their whole length, are cut at its edges,
    and marked. The range is everything until now, unless said; days are days of --tz.
    """
    if summary + daily + chart > 1 or (chart and form):
        raise click.UsageError(
            "--summary, --daily and --chart are one of three, and --chart goes with no format."
        )
    filters, zone = options.read_filters(chosen)
    if limit is None:
        limit = 0 if form else _NEWEST
    listed = 0 if summary or daily or chart else limit or None
    with database.asking(options.note) as connection:
        report = idle_report(connection, filters, min_ns=min_ns, by=by, policy=policy, limit=listed)
        together = report
        if chart and by:
            together = idle_report(connection, filters, min_ns=min_ns, limit=0)
    if form:
        view = DAILY if daily else SUMMARY if summary else PERIODS
        output.write(rows(report, zone, view), COLUMNS[view], form, sys.stdout)
    elif all(group.first_ns is None for group in report.groups):
        click.echo("No stream matches, or none of them has a touch.", err=True)
    elif chart:
        _print(report, zone, idle_charts.lines(report, together.groups[0], zone), daily=False)
    else:
        listing = [] if summary or daily else periods(report, by, policy, zone)
        _print(report, zone, listing, daily=daily)


def _print(report: IdleReport, zone: Zone, body: Iterable[str], *, daily: bool) -> None:
    """Print the range, the body, and the figures."""
    click.echo(
        f"idle periods of {duration(report.min_ns)} and more,"
        f" {options.range_text(report.since_ns, report.until_ns, zone)}\n"
    )
    for line in body:
        click.echo(line)
    figures = days(report, zone) if daily else summaries(report)
    for line in ["", *figures] if body else figures:
        click.echo(line)
    first = min(group.first_ns for group in report.groups if group.first_ns is not None)
    if report.since_ns < first:
        click.echo(f"\nnothing is known of the time before {zone.text(first)}, the first touch")
