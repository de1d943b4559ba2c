"""``keepalive touch``, when the fast lane left it to click: help, completion, errors."""

import click

from ledger import touch_arguments


@click.command(
    epilog="""\b
Examples:
  keepalive touch gt status
  keepalive touch --actor gastown/polecats/nux -- bd close gt-69dai
  keepalive touch --workspace ~/gt --no-town make test
""",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("words", metavar="COMMAND [ARG]...", nargs=-1, required=True)
def command(words: tuple[str, ...], **options: str | bool | None) -> int:
    """Record COMMAND's sign of life: both signals and a row of the ledger.

    keepalive.json of the workspace gets the command with its arguments, activity.json of
    the town the command alone. Options after COMMAND belong to the command.

    Never waits, prints nothing and exits 0, whatever happens: what the ledger can't take
    now waits in the spool. Secrets are redacted; a COMMAND that begins with a space is
    recorded as [private].
    """
    if options["town"] is not None and options["no_town"]:
        raise click.UsageError("--town and --no-town exclude each other.")
    values = {name: value for name, value in options.items() if isinstance(value, str)}
    flags = {name for name, value in options.items() if value is True}
    return touch_arguments.run(list(words), values, flags)


for _name, (_metavar, _help) in touch_arguments.VALUES.items():
    command.params.append(click.Option([f"--{_name}"], metavar=_metavar, help=_help))
for _name, _help in touch_arguments.FLAGS.items():
    _flag = f"--{_name.replace('_', '-')}"
    command.params.append(click.Option([_flag], is_flag=True, help=_help))
