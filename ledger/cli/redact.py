"""``keepalive redact``."""

import click

from ledger import recorder, redact, redaction, terminal
from ledger.encode import as_read_back


@click.command(
    epilog="""\b
Examples:
  keepalive redact curl -H "Authorization: Bearer abc" example.org
  keepalive redact --explain git clone https://me:hunter2@example.org/r
""",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--explain", is_flag=True, help="Show which rules matched.")
@click.argument("words", metavar="COMMAND [ARG]...", nargs=-1, required=True)
def command(*, words: tuple[str, ...], explain: bool) -> None:
    """Show COMMAND as it would be recorded, each secret replaced by a mark.

    Records nothing. Options after COMMAND belong to the command.
    """
    text = " ".join(words)
    private = words[0].startswith(" ")
    recorded = recorder.PRIVATE if private else as_read_back(redact.redact(*words))
    click.echo(terminal.visible(recorded))
    if not explain:
        return
    findings = redaction.explain(*words)
    if private:
        click.echo("It begins with a space, so nothing of it is recorded.")
    elif not findings:
        click.echo("No rule matches.")
    elif recorded == as_read_back(text):
        click.echo("KEEPALIVE_REDACT is off. Else these rules would replace:")
    for finding in () if private else findings:
        click.echo(f"  {finding.rule:<22}{finding.meaning}")
