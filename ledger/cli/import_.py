"""``keepalive import``."""

import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

import click

from ledger import database, terminal
from ledger.cli import options
from ledger.errors import BadInputError
from ledger.transfer import import_touches

# Refused lines beyond these are only counted.
_TOLD = 20

# The bar moves after so many bytes.
_BAR_STEP = 1 << 18

_STANDARD_INPUT = "standard input"


@click.command(
    epilog="""\b
Examples:
  keepalive import town-8-days.jsonl
  ssh build2 keepalive export --since 1d | keepalive import --source build2 -
"""
)
@click.argument("file", type=click.File("rb"))
@click.option("--source", metavar="NAME", help="Name of the source (default: the file's path).")
def command(*, file: BinaryIO, source: str | None) -> int:
    """Add the touches in FILE, or - for standard input, to the ledger.

    One JSON object a line: "at" (2026-02-26T15:13:23Z) or "at_ns", "command", and where
    known "actor", "workspace", "town" and "host".

    Importing a source again adds only what is new in it. A line that can't be taken is
    named, the others go in, and the exit status is 1.
    """
    from_pipe = file.name == "<stdin>"
    shown = terminal.visible(_STANDARD_INPUT if from_pipe else os.fsdecode(file.name))
    over_bar = "\r\x1b[K" if sys.stderr.isatty() else ""
    refused = 0

    def refuse(number: int, reason: str) -> None:
        nonlocal refused
        refused += 1
        if refused <= _TOLD:
            click.echo(f"{over_bar}{shown}:{number}: {terminal.visible(reason)}", err=True)

    name = source or (_STANDARD_INPUT if from_pipe else os.path.realpath(file.name))
    with database.asking(options.note) as connection:
        lines = _readable(_with_progress(file), shown)
        result = import_touches(connection, lines, name, refuse)
    if refused > _TOLD:
        click.echo(f"{shown}: {refused - _TOLD:,} more lines refused", err=True)
    click.echo(
        f"{terminal.count(result.added, 'touch', 'touches')} added, {result.known:,} already there,"
        f" {terminal.count(result.refused, 'line', 'lines')} refused",
        err=True,
    )
    return 1 if result.refused else 0


def _readable(lines: Iterator[bytes], shown: str) -> Iterator[bytes]:
    try:
        yield from lines
    except OSError as error:
        raise BadInputError(f"{shown} can't be read: {error.strerror}") from error


def _with_progress(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of `file`, with a bar on a terminal."""
    size = os.fstat(file.fileno()).st_size
    if not (size and sys.stderr.isatty()):
        yield from file
        return
    with click.progressbar(length=size, label="Importing", file=sys.stderr) as bar:
        passed = 0
        for line in file:
            passed += len(line)
            if passed >= _BAR_STEP:
                bar.update(passed)
                passed = 0
            yield line
        bar.update(passed)
