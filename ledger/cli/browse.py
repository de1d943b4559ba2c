"""``keepalive browse``."""

import os
import threading
import webbrowser

import click

from ledger import database
from ledger.cli import options
from ledger.errors import BadInputError

# Datasette's own.
_PORT = 8001


@click.command(
    epilog="""\b
Examples:
  keepalive browse --open
  keepalive browse --port 0
"""
)
@click.option(
    "--port",
    metavar="NUMBER",
    type=click.IntRange(0, 65_535),
    default=_PORT,
    show_default=True,
    help="Port to listen at; 0 for any that is free.",
)
@click.option("--open", "opens", is_flag=True, help="Open the browser.")
def command(*, port: int, opens: bool) -> None:
    """Serve the ledger's pages on this machine alone, until Ctrl-C.

    That is Datasette with the dashboard /-/keepalive: activity, idle periods, the week by
    hour, policies compared, and every touch. Needs the extra `browse`. Plain
    `datasette "$(keepalive path)"` shows the same.
    """
    ledger = database.require_ledger_path()
    if not os.path.exists(ledger):
        options.note(f"there was no ledger yet: {ledger} is made")
    database.open_ledger(ledger, options.note).close()

    def listening(address: str) -> None:
        click.echo(address)
        if opens:
            # One that runs in the terminal returns when it is left, and needs us to answer.
            threading.Thread(target=_open, args=(address,), daemon=True).start()

    try:
        from ledger.browse import serving

        serving.serve(ledger, port, listening)
    except ImportError as error:
        raise BadInputError(
            "browsing needs Datasette", "Install it: pip install 'keepalive-ledger[browse]'"
        ) from error
    except OSError as error:
        raise BadInputError(
            f"port {port} can't be had: {os.strerror(error.errno or 0)}",
            "Name another: --port 0 takes any.",
        ) from error


def _open(address: str) -> None:
    if not webbrowser.open(address):
        options.note(f"no browser was found to open {address}")
