"""``keepalive read``."""

import os

import click

from ledger import instants, output, paths, signals, terminal
from ledger.errors import NotFoundError
from ledger.state import age_ns
from ledger.workspace import find_workspace


@click.command(
    epilog="""\b
Examples:
  keepalive read
  keepalive read --town --json
"""
)
@click.option("--town", is_flag=True, help="The town's activity.json, not the workspace's signal.")
@click.option("--json", "as_json", is_flag=True, help="Output one JSON object.")
def command(*, town: bool, as_json: bool) -> None:
    """Show a signal as it is, and its age.

    The workspace is the one that holds the current directory. Exits 1 when there is no
    signal, or none that can be read; its age is then 365 days, by convention.
    """
    root = paths.default_town() if town else find_workspace()
    if root is None:
        raise NotFoundError(
            "there is no town: neither GT_TOWN_ROOT nor HOME is set"
            if town
            else "this directory is in no workspace",
            "" if town else "A workspace has a directory mayor, here or above.",
        )
    path = paths.town_signal(root) if town else paths.workspace_signal(root)
    state = signals.read_town_activity() if town else signals.read(root)
    old_ns = age_ns(state)
    if as_json:
        click.echo(
            output.json_text(
                {
                    "path": path,
                    "last_command": state and state.last_command,
                    "timestamp": state and state.rfc3339,
                    "age_s": old_ns / instants.NS,
                }
            )
        )
    if state is None:
        there = os.path.lexists(path)
        raise NotFoundError(
            f"{path} {'holds no signal that can be read' if there else 'does not exist'}",
            "" if there else "The first touch makes it: keepalive touch COMMAND.",
        )
    if not as_json:
        click.echo(f"command  {terminal.visible(state.last_command)}")
        click.echo(f"at       {state.rfc3339}")
        click.echo(f"age      {instants.duration(old_ns)}")
        click.echo(f"file     {terminal.visible(path)}")
