"""The README does not lie: every command in it runs, and gives what it shows.

``python tests/test_docs.py`` writes what the commands print now into the README.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from ledger.cli import COMMANDS, group

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BREAK = "\x1e"


def outputs(home: Path, commands: list[str]) -> list[str]:
    """Run `commands` in one shell, in the project, and return what each prints."""
    script = "".join(f"printf '{BREAK}'\n{command} || echo FAILED\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    text = done.stdout.replace(str(home), "/home/you").replace(str(ROOT), "/home/you/keepalive")
    text = re.sub(rf"\b{re.escape(os.uname().nodename)}\b", "rig1", text)
    return text.split(BREAK)[1:]


def rendered(text: str, home: Path) -> str:
    """Return the README `text` with the output of each command as it is now."""
    blocks = [
        [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        for block in CONSOLE.findall(text)
    ]
    printed = iter(outputs(home, [command for block in blocks for command in block]))
    left = iter(blocks)

    def render(_: re.Match[str]) -> str:
        lines = ["```console"]
        for command in next(left):
            output = next(printed)
            assert "FAILED" not in output, f"{command}\n{output}"
            lines += [f"$ {command}", *(line.rstrip() for line in output.splitlines())]
        return "\n".join([*lines, "```"])

    return CONSOLE.sub(render, text)


def masked(text: str) -> str:
    """Return `text` without what differs from run to run: digits, and the widths they give."""
    return re.sub(r"[-─ ]{2,}", "  ", re.sub(r"\d+([.,]\d+)*", "0", text))


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the README uses the sqlite3 shell")
def test_commands_print_what_the_readme_shows(home: Path) -> None:
    """Every console command of the README runs, and prints what stands there, digits aside."""
    text = README.read_text()
    assert masked(rendered(text, home)) == masked(text)


def test_python_examples_run(home: Path) -> None:
    """The Python of the README runs."""
    examples = PYTHON.findall(README.read_text())
    assert examples
    for example in examples:
        place = example.replace("/tmp/town", f"{home}/town")
        subprocess.run([sys.executable, "-c", place], check=True)


def test_the_daemon_runs() -> None:
    """The README's loop is a daemon, here one of heartbeats a second apart."""
    (loop,) = re.findall(r"<!-- daemon -->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert "--policy gastown" in loop
    with subprocess.Popen(
        ["bash", "-c", loop.replace("--policy gastown", "--policy fixed:1s")],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as daemon:
        assert daemon.stdout is not None
        heard = [daemon.stdout.readline() for _ in range(2)]
        os.killpg(daemon.pid, signal.SIGTERM)
    assert heard == ["heartbeat\n"] * 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """The README shows each command, and its help has an example."""
    assert f"keepalive {name}" in README.read_text()
    context = click.Context(group)
    command = group.get_command(context, name)
    assert command is not None
    help_text = command.get_help(click.Context(command, info_name=name))
    assert "Example" in help_text
    assert f"keepalive {name}" in help_text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        README.write_text(rendered(README.read_text(), Path(place)))
