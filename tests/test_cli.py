"""The command line as its users meet it: real processes, real files, whole outputs."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.cli import COMMANDS, group
from ledger.errors import LedgerError

KEEPALIVE = [sys.executable, "-m", "ledger"]


# --- help, usage, completion ----------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(run: Run, command: str) -> None:
    """Every help fits 80 columns and ends with an example that names the command."""
    for flag in ("--help", "-h"):
        done = run(*filter(None, [command]), flag, env={"COLUMNS": "80"})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: keepalive {command}".rstrip())
        assert max(map(len, done.stdout.splitlines())) <= 80
        assert f"keepalive {command}" in done.stdout.partition("Example")[2]


def test_version(run: Run) -> None:
    """The version is that of the distribution."""
    assert run("--version").stdout == "keepalive, version 0.1.0\n"


def test_no_command(run: Run) -> None:
    """Without a command, the help goes to standard error."""
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: keepalive [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize(
    ("arguments", "complaint", "hint"),
    [
        (["nosuch"], "No such command 'nosuch'.", "Try 'keepalive --help'."),
        (["history", "-n", "x"], "Invalid value for '-n' / '--limit'", "Try 'keepalive history --"),
        (["history", "-n", "-1"], "Invalid value for '-n' / '--limit'", "Try 'keepalive history "),
        (["history", "--since", "x"], "'x' is not a time that I can read", "Write 15m, 2h, 7d"),
        (["history", "--until", ""], "'' is not a time that I can read", "Write 15m, 2h, 7d"),
        (["export", "--tz", "Mars"], "there is no time zone 'Mars'", "Name one such as UTC or"),
        (["history", "-f", "--reverse"], "--follow goes with neither", "Try 'keepalive history"),
        (["history", "-f", "--json"], "--follow goes with neither", "Try 'keepalive history"),
        (["import"], "Missing argument 'FILE'.", "Try 'keepalive import --help'."),
        (["import", "nosuch"], "'nosuch': No such file or directory", "Try 'keepalive import"),
        (["import", "/"], "'/': Is a directory", "Try 'keepalive import --help'."),
        (["redact"], "Missing argument 'COMMAND [ARG]...'.", "Try 'keepalive redact --help'."),
        (["path", "x"], "Got unexpected extra argument", "Try 'keepalive path --help'."),
        (["read", "\x1b[31m"], r"Got unexpected extra argument (\x1b[31m)", "Try 'keepalive read"),
        (["history", "--since", "\x1b[2J"], r"'\x1b[2J' is not a time", "Write 15m, 2h, 7d"),
        (["history", "--since", b"\xff"], r"'\udcff' is not a time", "Write 15m, 2h, 7d"),
        (["\x1b]0;x\x07"], r"No such command", "Try 'keepalive --help'."),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], complaint: str, hint: str) -> None:
    """Wrong arguments end with 2 and two lines on standard error, safe to look at."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("keepalive: ")
    assert complaint in first
    assert second.startswith(hint)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 0),
        (["--nosuch", "gt"], 0),
        (["--actor"], 0),
        (["--nosuch", "gt", "--strict"], 0),
        (["--actor", "--strict"], 0),
        (["--strict"], 1),
        (["--strict", "--nosuch", "gt"], 1),
        (["--nosuch", "--strict", "gt"], 1),
        (["--actor", "x", "--strict", "--nosuch"], 1),
    ],
)
def test_wrong_usage_of_touch(run: Run, arguments: list[str], status: int) -> None:
    """A touch forgives wrong usage, but for its --strict, and says what was wrong."""
    done = run("touch", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("keepalive: ")
    assert done.stderr.endswith("\nTry 'keepalive touch --help'.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    """Click's completion script for each shell is there."""
    done = run(env={"_KEEPALIVE_COMPLETE": f"{shell}_source"})
    assert done.returncode == 0
    assert f"_KEEPALIVE_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("keepalive ", list(COMMANDS)),
        ("keepalive re", ["read", "redact"]),
        ("keepalive history --f", ["--follow"]),
        ("keepalive touch --s", ["--strict"]),
    ],
)
def test_completion(run: Run, words: str, completions: list[str]) -> None:
    """Commands and options are completed."""
    done = run(
        env={
            "_KEEPALIVE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
    )
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == completions


# --- read, path, redact ---------------------------------------------------------------------


def test_read(run: Run, home: Path) -> None:
    """A signal is shown as it is, with its age; as JSON with the same names."""
    town = home / "gt"
    (town / "mayor").mkdir(parents=True)
    (town / ".runtime").mkdir()
    path = town / ".runtime" / "keepalive.json"
    path.write_text('{"last_command":"gt \\u001b[31m","timestamp":"2026-02-26T17:13:23.5+02:00"}')
    done = run("read", cwd=town)
    assert (done.returncode, done.stderr) == (0, "")
    command, at, age, file = done.stdout.splitlines()
    assert (command, at) == (r"command  gt \x1b[31m", "at       2026-02-26T15:13:23.5Z")
    assert age.startswith("age      ")
    assert file == f"file     {path}"
    shown = json.loads(run("read", "--json", cwd=town).stdout)
    assert shown.pop("age_s") > 0
    assert shown == {
        "path": str(path),
        "last_command": "gt \x1b[31m",
        "timestamp": "2026-02-26T15:13:23.5Z",
    }


def test_read_what_is_not_there(run: Run, home: Path) -> None:
    """No signal is a negative finding; its age is 365 days."""
    town = home / "gt"
    path = f"{town}/daemon/activity.json"
    done = run("read", "--town")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"keepalive: {path} does not exist\nThe first touch makes it: keepalive touch COMMAND.\n"
    )
    done = run("read", "--town", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "path": path,
        "last_command": None,
        "timestamp": None,
        "age_s": 31_536_000.0,
    }
    (town / "daemon").mkdir(parents=True)
    Path(path).write_text("{")
    done = run("read", "--town")
    assert done.stderr == f"keepalive: {path} holds no signal that can be read\n"
    done = run("read")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("keepalive: this directory is in no workspace\n")
    done = run("read", "--town", env={"HOME": ""})
    assert done.stderr == "keepalive: there is no town: neither GT_TOWN_ROOT nor HOME is set\n"


def test_path(run: Run, home: Path) -> None:
    """The ledger's path is printed, byte for byte, and nothing is made."""
    assert run("path").stdout == f"{home}/.local/share/keepalive/ledger.db\n"
    done = subprocess.run(
        [*KEEPALIVE, "path"],
        env={**os.environb, b"KEEPALIVE_DB": b"a\xff\n/../b\xfe"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == os.fsencode(home) + b"/b\xfe\n"
    assert list(home.iterdir()) == []


def test_redact(run: Run) -> None:
    """A command is shown as it would be recorded; options behind it are its own."""
    url = "https://me:hunter2@example.org/r"
    done = run("redact", "git", "clone", "--explain", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "git clone --explain https://me:[redacted:url-password]@example.org/r\n"
    done = run("redact", "--explain", "git", "clone", url)
    assert done.stdout.splitlines() == [
        "git clone https://me:[redacted:url-password]@example.org/r",
        "  url-password          the password in a URL",
    ]
    done = run("redact", "--explain", "git", "clone", url, env={"KEEPALIVE_REDACT": "off"})
    assert done.stdout.splitlines() == [
        f"git clone {url}",
        "KEEPALIVE_REDACT is off. Else these rules would replace:",
        "  url-password          the password in a URL",
    ]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["gt", "status", "-v"], ["gt status -v", "No rule matches."]),
        ([" curl", "x"], ["[private]", "It begins with a space, so nothing of it is recorded."]),
        (["", "x"], [" x", "No rule matches."]),
        (["--", "--explain"], ["--explain", "No rule matches."]),
        (["\x1b[31m", b"\xff"], [r"\x1b[31m " + "\ufffd", "No rule matches."]),
    ],
)
def test_redact_explains(run: Run, words: list[str], lines: list[str]) -> None:
    """Where nothing is replaced, that is said."""
    assert run("redact", "--explain", *words).stdout.splitlines() == lines


# --- anything -------------------------------------------------------------------------------

OPTIONS = ["-n", "--since", "--until", "--tz", "--actor", "--town", "--workspace", "--host"]
OPTIONS += [
    "--grep",
    "--reverse",
    "--json",
    "--nl",
    "--csv",
    "--tsv",
    "--source",
    "--explain",
    "--by",
    "--min",
    "--at",
    "--policy",
    "--phase",
    "--daily",
    "--summary",
    "--chart",
    "--max-age",
    "--max-reaction",
    "--fail-if",
    "compare",
    "tune",
    "--",
]
# A touch is silent whatever it is given, the others take their time.
OTHERS = {"touch", "wait", "browse"}
# Words as they can come from a shell: any bytes but NUL.
words = st.binary(max_size=6).map(lambda b: os.fsdecode(b.replace(b"\0", b"")))
arguments = st.lists(
    st.sampled_from(OPTIONS) | words.filter(lambda word: not word.startswith("-")), max_size=5
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(set(COMMANDS) - OTHERS)), arguments)
def test_no_arguments_end_in_a_traceback(command: str, arguments: list[str]) -> None:
    """Any arguments are understood, or refused with an error that is printed in words."""
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), errors="backslashreplace")),
        contextlib.suppress(click.ClickException, LedgerError),
    ):
        group.main([command, *arguments], prog_name="keepalive", standalone_mode=False)
