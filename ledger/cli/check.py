"""``keepalive check``."""

import sys
from typing import Unpack

import click

from ledger import database, output, terminal
from ledger.cli import options, places
from ledger.gotime import format_instant
from ledger.instants import NS, Zone, duration
from ledger.policy import NEVER_SEEN
from ledger.status import FRESH, STALE, Check, check_age

_EXIT_STATUS = {FRESH: 0, STALE: 1, NEVER_SEEN: 3}


@click.command(
    epilog="""\b
Examples:
  keepalive check --max-age 30m
  keepalive check --actor deacon --max-age 5m --misses 3 || page-somebody
"""
)
@options.duration("--max-age", "30m", "How old the last touch may be; exactly so old is stale.")
@click.option(
    "--misses",
    metavar="NUMBER",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Stale only when --max-age has passed so many times without a touch.",
)
@options.streams_at
@click.option("--json", "as_json", is_flag=True, help="Output one JSON object.")
def command(
    *, max_age_ns: int, misses: int, as_json: bool, **chosen: Unpack[options.MomentOptions]
) -> int:
    """Tell whether the last touch is recent, for cron and monitoring.

    The chosen streams are taken together: one line with the evidence. It tells, it never
    acts. Exit status: 0 fresh, 1 stale, 3 never seen; 2 when the ledger can't be read.
    """
    if max_age_ns == 0:
        raise click.BadParameter("must be more than nothing.", param_hint="'--max-age'")
    filters, zone, now_ns = options.read_moment(chosen)
    with database.asking(options.note) as connection:
        found = check_age(connection, filters, max_age_ns=max_age_ns, misses=misses, now_ns=now_ns)
    if as_json:
        at = None if found.at_ns is None else format_instant(found.at_ns)
        stream = found.stream and found.stream._asdict()
        record = {**found._asdict(), "stream": stream, "at": at}
        del record["at_ns"]
        click.echo(output.json_text(record))
    else:
        sys.stdout.write(terminal.visible(_line(found, misses, zone)) + "\n")
    return _EXIT_STATUS[found.verdict]


def _line(found: Check, misses: int, zone: Zone) -> str:
    if found.stream is None or found.at_ns is None or found.age_s is None:
        return f"{found.verdict}: no touch of these streams"
    place = places.namer([found.stream])(found.stream)
    who = " in ".join(filter(None, (found.stream.actor or "(no actor)", place)))
    on = f" on {found.stream.host}" if found.stream.host else ""
    age = duration(round(found.age_s * NS))
    if found.ahead_s:
        age = f"0.0s, {duration(round(found.ahead_s * NS))} in the future, which counts as now"
    bound = duration(round(found.bound_s * NS))
    if misses > 1:
        each = duration(round(found.max_age_s * NS))
        bound += f", {misses} misses of {each}; missed {found.missed}"
    at = f"{zone.text(found.at_ns)} ({zone.name})"
    return f"{found.verdict}: last touch by {who}{on} at {at}, age {age}, bound {bound}"
