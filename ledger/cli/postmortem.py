"""``keepalive postmortem``."""

import os
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterable
from typing import Unpack

import click

from ledger import database, instants, output, paths, postmortem_json
from ledger.cli import options, postmortem_text
from ledger.errors import BadInputError
from ledger.policy import Policy
from ledger.postmortem import tell_postmortem
from ledger.postmortem_story import tell


@click.command(
    epilog="""\b
Examples:
  keepalive postmortem
  keepalive postmortem '2026-03-01 03:12' --tz Europe/Riga --window 4h
  keepalive postmortem yesterday --actor 'gastown/*' --html night.html
  keepalive postmortem 2h --open
  keepalive postmortem 2026-03-01T01:12Z --json | jq .daemon.policies
"""
)
@click.argument("at", required=False)
@options.duration("--window", "2h", "How long a time is looked at; AT is in its middle.")
@options.policy()
@options.streams
@click.option("--tz", metavar="ZONE", help="Zone of the times, such as UTC (default: local).")
@click.option("--html", metavar="FILE", help="Write one HTML file that needs no other; - prints.")
@click.option("--md", "as_markdown", is_flag=True, help="Output Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Output one JSON object.")
@click.option("--open", "open_it", is_flag=True, help="Open the HTML, by default a temporary file.")
def command(  # noqa: PLR0913 - its options
    *,
    at: str | None,
    window_ns: int,
    policy: Policy,
    tz: str | None,
    html: str | None,
    as_markdown: bool,
    as_json: bool,
    open_it: bool,
    **chosen: Unpack[options.StreamOptions],
) -> None:
    """Tell what happened around AT: what was seen, what is unusual, what is not known.

    AT is a time as for --since (`keepalive history --help`); by default the start of the
    last idle period of 5 minutes and more. What is said is called observed where it is a
    fact of the ledger, else inferred. Exit status: 1 where there is nothing to tell of.
    """
    if as_markdown + as_json + bool(html is not None or open_it) > 1 or (open_it and html == "-"):
        raise click.UsageError("--html (with --open), --md and --json are one of three.")
    zone = instants.zone(tz)
    now_ns = time.time_ns()
    at_ns = None if at is None else instants.parse(at, now_ns, zone)
    filters = options.read_streams(chosen)
    spool = paths.spool_path(database.require_ledger_path())
    with database.asking(options.note) as connection:
        found = tell_postmortem(
            connection, filters, at_ns,
            window_ns=window_ns, policy=policy, spool=spool, now_ns=now_ns,
        )  # fmt: skip
    if as_json:
        click.echo(output.json_text(postmortem_json.as_object(found)))
        return
    story = tell(found, zone)
    if html is None and not open_it:
        text = postmortem_text.markdown if as_markdown else postmortem_text.lines
        _print(text(found, story))
        return
    from ledger.postmortem_page import page

    file = _write(page(found, story), html)
    if open_it and file is not None and not webbrowser.open(f"file://{file}"):
        options.note(f"no browser was found to open {file}")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


def _write(page: str, html: str | None) -> str | None:
    """Write the page where it is to go and return the file's path, None for standard output."""
    if html == "-":
        sys.stdout.write(page)
        return None
    try:
        if html is None:
            handle, html = tempfile.mkstemp(prefix="keepalive-postmortem-", suffix=".html")
        else:  # commands are private, so a new file is its owner's
            handle = os.open(html, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(page)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInputError(f"{html} can't be written: {reason}") from error
    return os.path.abspath(html)
