"""The command line: parse, call, print. One module a command."""

import contextlib
import importlib
import io
import keyword
import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

import click

from ledger import terminal
from ledger.errors import LedgerError
from ledger.touch_arguments import VALUES

# Modules are imported when their command is called, or its help is asked for.
COMMANDS = {
    "touch": "Record a command's sign of life.",
    "read": "Show a signal as it is, and its age.",
    "history": "Show the touches of the ledger, newest last.",
    "status": "Show who is active, who is quiet, and since when.",
    "idle": "Report idle periods, and the time active and idle.",
    "backoff": "Show what a heartbeat policy would have cost, and how late it was.",
    "postmortem": "Tell what happened around an instant, as text or as one HTML file.",
    "browse": "Serve the ledger's pages in the browser, on this machine alone.",
    "check": "Tell whether the last touch is recent, for cron and monitoring.",
    "next": "Print how long a daemon is to wait until the next heartbeat.",
    "wait": "Sleep until the next heartbeat is due.",
    "import": "Add touches from JSON Lines.",
    "export": "Write touches as JSON Lines.",
    "path": "Print where the ledger is.",
    "doctor": "Look the ledger over and say what is wrong.",
    "redact": "Show a command as it would be recorded.",
}


class _PipeClosedError(Exception):
    """Whoever read our output has seen enough. Not an OSError: click ends with 1 on those."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"ledger.cli.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: object,
    ) -> click.Context:
        with _pipe_closing():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _pipe_closing():
            return super().invoke(ctx)


@contextlib.contextmanager
def _pipe_closing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _PipeClosedError from error


@click.command(
    cls=_Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "color": False if os.environ.get("NO_COLOR") else None,
    },
    epilog="""\b
Example:
  keepalive touch gt status && keepalive history

\b
Completion, for ~/.bashrc, ~/.zshrc and fish:
  eval "$(_KEEPALIVE_COMPLETE=bash_source keepalive)"
  eval "$(_KEEPALIVE_COMPLETE=zsh_source keepalive)"
  _KEEPALIVE_COMPLETE=fish_source keepalive | source
""",
)
@click.version_option(package_name="keepalive-ledger", prog_name="keepalive")
def group() -> None:
    """Record signs of life of agent fleets, and answer questions about them.

    `touch` records; everything else asks. The ledger is an SQLite file: open it with
    `datasette "$(keepalive path)"` or the sqlite3 shell.

    Exit status: 0 fine, 1 a negative finding, 2 wrong usage or a ledger that can't be used.
    """


def main() -> NoReturn:
    """Run the command line and end the process; a command's result is the exit status."""
    _mend_streams()
    try:
        try:
            status = group.main(prog_name="keepalive", standalone_mode=False)
        except click.ClickException as error:
            status = _explain_usage(error)
        except LedgerError as error:
            _complain(str(error), error.hint)
            status = error.exit_status
        with _pipe_closing():
            sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        status = 128 + signal.SIGINT
    except (_PipeClosedError, BrokenPipeError):
        _discard_output()
        status = 0
    except OSError as error:
        _complain(f"the output can't be written: {error.strerror}")
        _discard_output()
        status = 2
    sys.exit(status if isinstance(status, int) else 0)


def _mend_streams() -> None:
    """Make printing safe: in place of streams that the caller closed, and whatever the text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and mode == "w":
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Give up what is still buffered, which would fail once more at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _complain(problem: str, hint: str = "") -> None:
    click.echo(f"keepalive: {terminal.visible(problem)}", err=True)
    if hint:
        click.echo(terminal.visible(hint), err=True)


def _explain_usage(error: click.ClickException) -> int:
    """Say what is wrong with the arguments and return the exit status.

    For a touch that is 0, or 1 with --strict: hooks of coding agents take a 2 as a veto.
    """
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
    else:
        named = " ".join(["keepalive", *(word for word in sys.argv[1:2] if word in COMMANDS)])
        path = getattr(getattr(error, "ctx", None), "command_path", "")
        _complain(error.format_message(), f"Try '{max(named, path, key=len)} --help'.")
    if sys.argv[1:2] == ["touch"]:
        return int(_is_strict(sys.argv[2:]))
    return 2


def _is_strict(arguments: list[str]) -> bool:
    """Tell whether --strict is among the options before the touch's command."""
    rest = iter(arguments)
    for word in rest:
        if word == "--strict":
            return True
        if word == "--" or not word.startswith("-"):
            return False
        if word.removeprefix("--") in VALUES:
            next(rest, None)
    return False
