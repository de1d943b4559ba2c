"""``keepalive doctor``."""

import sys

import click

from ledger import doctor, output, terminal
from ledger.finding import Finding

COLUMNS = ("subject", "ok", "state", "remedy")


@click.command(
    epilog="""\b
Examples:
  keepalive doctor
  keepalive doctor --json
"""
)
@click.option("--json", "as_json", is_flag=True, help="Output one JSON array.")
def command(*, as_json: bool) -> int:
    """Look over the ledger, its spool and the signals, and change nothing.

    Exits 1 when something is wrong; each such finding says what to do.
    """
    findings = []
    for finding in doctor.examine():
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        rows = [{name: getattr(finding, name) for name in COLUMNS} for finding in findings]
        output.write(rows, COLUMNS, "json", sys.stdout)
    return 0 if all(finding.ok for finding in findings) else 1


def _print(finding: Finding) -> None:
    word = click.style("ok   ", fg="green") if finding.ok else click.style("WRONG", fg="red")
    click.echo(f"{word}  {finding.subject:<12} {terminal.visible(finding.state)}")
    if finding.remedy:
        click.echo(f"{'':20}{terminal.visible(finding.remedy)}")
