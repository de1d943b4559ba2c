"""``keepalive wait``."""

import os
import sys
from typing import Unpack

import click

from ledger import paths
from ledger.cli import daemon, options
from ledger.heartbeat import NextHeartbeat
from ledger.instants import NS, duration
from ledger.policy import Policy
from ledger.waiting import wait_for_heartbeat

_RESUMED = 3


@click.command(
    epilog="""\b
Examples:
  while keepalive wait; do heartbeat; done
  keepalive wait --until-active --policy exp:1m,x2,30m
"""
)
@options.policy()
@click.option("--until-active", is_flag=True, help="Return at once when activity resumes.")
@options.streams
def command(*, policy: Policy, until_active: bool, **chosen: Unpack[options.StreamOptions]) -> int:
    """Sleep until the next heartbeat is due, as `keepalive next` says now.

    Later touches do not shorten the interval, unless --until-active: then a touch that
    comes after an idle time (when `status` no longer says active) ends it within a
    second. Nothing is printed but, on a terminal, how long it will take.

    Exit status: 0 the heartbeat is due, 3 activity resumed.
    """
    filters = options.read_streams(chosen)

    def ask() -> NextHeartbeat:
        return daemon.ask(filters, policy)

    if sys.stderr.isatty():
        length = duration(round(ask().interval_s * NS))
        click.echo(f"waiting for {length}, unless Ctrl-C", err=True)
    due = wait_for_heartbeat(ask, policy, _places() if until_active else None)
    return 0 if due else _RESUMED


def _places() -> list[str]:
    """Return the directories in which a touch changes a file."""
    ledger = paths.ledger_path()
    town = paths.default_town()
    files = [] if ledger is None else [os.path.realpath(ledger), ledger]
    files += [f"{paths.spool_path(ledger)}/"] if ledger else []
    files += [] if town is None else [paths.town_signal(town)]
    return sorted(set(map(os.path.dirname, files)))
