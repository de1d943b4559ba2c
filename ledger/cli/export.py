"""``keepalive export``."""

import sys
from typing import Unpack

import click

from ledger import database, output
from ledger.cli import options
from ledger.history import history
from ledger.transfer import export_line


@click.command(
    epilog="""\b
Examples:
  keepalive export > touches.jsonl
  keepalive export --since 7d --actor mayor | gzip > mayor.jsonl.gz
"""
)
@options.filters
def command(**chosen: Unpack[options.FilterOptions]) -> None:
    """Write touches as JSON Lines, oldest first, as `keepalive import` takes them.

    Imported into an empty ledger they give an identical history.
    """
    filters, _ = options.read_filters(chosen)
    with database.asking(options.note) as connection:
        for row in history(connection, filters):
            sys.stdout.write(output.json_text(export_line(row)) + "\n")
