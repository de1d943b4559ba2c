"""``keepalive next``."""

from typing import Unpack

import click

from ledger import output
from ledger.cli import daemon, options
from ledger.gotime import format_instant
from ledger.policy import Policy


@click.command(
    epilog="""\b
Examples:
  keepalive next
  while heartbeat; do sleep "$(keepalive next)"; done
  keepalive next --policy exp:30s,x2,15m --json
"""
)
@options.policy()
@options.streams_at
@click.option("--json", "as_json", is_flag=True, help="Output one JSON object.")
def command(*, policy: Policy, as_json: bool, **chosen: Unpack[options.MomentOptions]) -> None:
    """Print how many seconds a daemon is to wait until the next heartbeat.

    By the last touch in the ledger; where the ledger can't be read, or holds none, by the
    town's activity.json; where that says nothing either, it is the policy's base.
    Heartbeats are not recorded: an exponential policy counts the idle cycles that there
    would have been since the last touch.
    """
    filters, _, now_ns = options.read_moment(chosen)
    found = daemon.ask(filters, policy, now_ns, options.note)
    if as_json:
        at = None if found.at_ns is None else format_instant(found.at_ns)
        record = {**found._asdict(), "at": at, "due_at": format_instant(found.due_ns)}
        del record["at_ns"], record["due_ns"]
        click.echo(output.json_text(record))
    else:
        click.echo(f"{found.interval_s:.9f}".rstrip("0").rstrip("."))
