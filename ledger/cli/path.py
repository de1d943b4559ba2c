"""``keepalive path``."""

import os

import click

from ledger.database import require_ledger_path


@click.command(
    epilog="""\b
Example:
  datasette "$(keepalive path)"
"""
)
def command() -> None:
    """Print where the ledger is, whether it exists yet or not.

    That is $KEEPALIVE_DB, else ledger.db in your data directory.
    """
    # As bytes, so that it can be used whatever it holds.
    click.echo(os.fsencode(require_ledger_path()))
