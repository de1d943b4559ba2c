"""``keepalive history``, ``import`` and ``export``: real processes, terminals and pipes."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from conftest import Run

from ledger import database, paths, spool

TRACE = Path(__file__).parent / "data" / "town-8-days.jsonl"
KEEPALIVE = [sys.executable, "-m", "ledger"]
HOST = os.uname().nodename


@pytest.fixture
def trace(home: Path) -> Path:
    """A ledger that holds the trace of a real town."""
    subprocess.run([*KEEPALIVE, "import", TRACE], check=True, capture_output=True)
    return home / ".local/share/keepalive/ledger.db"


def insert(touches: list[tuple[int, str]], actor: str = "mayor", workspace: str = "") -> None:
    """Put touches (at_ns, command) of one stream into the ledger."""
    with closing(database.open_ledger()) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO streams (host, town, workspace, actor) VALUES ('rig1', '', ?, ?)",
            (workspace, actor),
        )
        connection.executemany(
            "INSERT INTO touches (stream_id, at_ns, command)"
            " VALUES ((SELECT max(id) FROM streams), ?, ?)",
            touches,
        )
        connection.execute("COMMIT")


def on_terminal(*arguments: str, columns: int = 80, **env: str) -> str:
    """Return what ``keepalive`` writes to a terminal so wide."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*KEEPALIVE, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **env},
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # so Linux says that nobody writes any more
            break
        if not chunk:
            break
        text += chunk
    os.close(ours)
    process.wait()
    return text.decode().replace("\r\n", "\n")


@contextmanager
def following(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that does not end by itself; what hangs is killed."""
    process = subprocess.Popen(
        [*KEEPALIVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = threading.Timer(30, process.kill)
    deadline.start()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        deadline.cancel()


# --- what is shown --------------------------------------------------------------------------


def test_table(run: Run, trace: Path) -> None:
    """The newest touches are last, in a table that lines up; times are of the zone asked for."""
    arguments = ("history", "-n", "4", "--actor", "gastown/[cr]*", "--tz", "America/New_York")
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "time (America/New_York)  actor                place  command\n"
        "2026-03-05 09:42:43      gastown/crew/max            bd close gt-071h\n"
        "2026-03-05 09:50:23      gastown/crew/max            bd update gt-pr-sheriff\n"
        "2026-03-05 10:13:25      gastown/crew/max            bd update gt-pr-sheriff\n"
        "2026-03-05 10:46:56      gastown/refinery            bd create gt-5659\n"
    )


@pytest.mark.parametrize("zone", ["Europe/Riga", "America/New_York", "Asia/Kathmandu"])
def test_local_zone(run: Run, trace: Path, zone: str) -> None:
    """Times are of the local zone, read and shown; --tz says the same of any other."""
    arguments = ("history", "-n0", "--since", "2026-03-01", "--until", "2026-03-01T12:00")
    local = run(*arguments, env={"TZ": zone})
    assert local.stdout == run(*arguments, "--tz", zone).stdout
    first, *_, last = [line[:19] for line in local.stdout.splitlines()[1:]]
    assert "2026-03-01 00:00:00" <= first <= last < "2026-03-01 12:00:00"
    assert local.stdout.startswith(f"time ({zone})  ")


def test_formats_agree_with_the_trace(run: Run, trace: Path) -> None:
    """All touches come back, in the order of the trace, in every format."""
    lines = [json.loads(line) for line in TRACE.read_text().splitlines()]
    places = {"workspace": "", "town": "", "host": ""}
    expected = [{**line, **places} for line in lines]
    as_json = run("history", "-n0", "--json").stdout
    assert json.loads(as_json) == expected
    assert list(expected[0]) != list(json.loads(as_json)[0])  # of another order of names
    as_lines = run("history", "--limit", "0", "--nl").stdout
    assert [json.loads(line) for line in as_lines.splitlines()] == expected
    reverse = run("history", "-n0", "--nl", "--reverse").stdout
    assert [json.loads(line) for line in reverse.splitlines()] == expected[::-1]
    as_csv = run("history", "-n0", "--csv").stdout.splitlines()
    assert as_csv[0] == "at,actor,workspace,town,host,command"
    assert as_csv[1:] == [f"{one['at']},{one['actor']},,,,{one['command']}" for one in lines]
    as_tsv = run("history", "-n0", "--tsv").stdout
    assert as_tsv.splitlines() == [line.replace(",", "\t") for line in as_csv]
    default = run("history", "--csv").stdout.splitlines()
    assert default == as_csv[:1] + as_csv[-50:]


def everything(_: object) -> bool:
    return True


def nothing(_: object) -> bool:
    return False


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--actor", "mayor"], lambda line: line["actor"] == "mayor"),
        (["--actor", "gastown/crew/*"], lambda line: line["actor"].startswith("gastown/crew/")),
        (["--actor", "m*", "--actor", "human"], lambda line: line["actor"] in {"mayor", "human"}),
        (["--grep", "bd close"], lambda line: "bd close" in line["command"]),
        (["--grep", "%"], nothing),
        (
            ["--since", "2026-02-27T12:00:00Z", "--until", "2026-02-28T12:00:00Z"],
            lambda line: "2026-02-27T12:00:00Z" <= line["at"] < "2026-02-28T12:00:00Z",
        ),
        (
            ["--since", "2026-02-27", "--actor", "mayor", "--grep", "update"],
            lambda line: (
                line["at"] >= "2026-02-27"
                and line["actor"] == "mayor"
                and "update" in line["command"]
            ),
        ),
        (["--host", HOST], nothing),
        (["--host", ""], everything),
        (["--town", "/nowhere"], nothing),
        (["--workspace", "."], nothing),
        (["--since", "all"], everything),
    ],
)
def test_filters(run: Run, trace: Path, arguments: list[str], wanted: object) -> None:
    """Each filter leaves what it names; `export` takes the same ones."""
    lines = [json.loads(line) for line in TRACE.read_text().splitlines()]
    expected = [(line["at"], line["actor"], line["command"]) for line in lines if wanted(line)]
    for command in (["history", "-n0", "--nl"], ["export"]):
        shown = [json.loads(line) for line in run(*command, *arguments).stdout.splitlines()]
        assert [(line["at"], line["actor"], line["command"]) for line in shown] == expected
    newest = run("history", "-n3", "--nl", *arguments).stdout.splitlines()
    assert [json.loads(line)["at"] for line in newest] == [at for at, *_ in expected[-3:]]


def test_nothing_matches(run: Run, trace: Path) -> None:
    """Where nothing matches, that is said on standard error, and is no failure."""
    done = run("history", "--actor", "nobody")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No touches match.\n")
    done = run("history", env={"KEEPALIVE_DB": "empty.db"})
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "The ledger holds no touches yet.\n"


def test_control_characters_are_escaped(run: Run, home: Path) -> None:
    """No recorded text steers the terminal of whoever reads it."""
    insert([(5, "gt \x1b]0;title\x07\nbd\u202e")], actor="\x1b[31mred", workspace="/w\x9b")
    shown = run("history").stdout
    assert shown.endswith(r"  \x1b[31mred  /w\x9b  gt \x1b]0;title\x07\nbd\u202e" + "\n")
    for form in ("--json", "--nl", "--csv", "--tsv"):
        screen = on_terminal("history", form)
        assert not {c for c in screen if ord(c) < 32 or 0x7F <= ord(c) < 0xA0} - {"\n", "\t"}
    assert json.loads(run("history", "--nl").stdout)["command"] == "gt \x1b]0;title\x07\nbd\u202e"


def test_places(run: Run, home: Path) -> None:
    """A place is the workspace, else the town; with the machine where there are several."""
    insert([(1, "gt")], workspace=f"{home}/gt/rig")
    insert([(2, "gt")], workspace="/srv/gt")
    assert [line.split()[3] for line in run("history").stdout.splitlines()[1:]] == [
        "~/gt/rig",
        "/srv/gt",
    ]
    run("touch", "gt", "--workspace")
    places = [line.split()[-2] for line in run("history").stdout.splitlines()[1:]]
    assert places[:2] == ["rig1:~/gt/rig", "rig1:/srv/gt"]


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_table_fits_the_terminal(trace: Path, columns: int) -> None:
    """On a terminal no line is wider than it; what is cut ends in an ellipsis."""
    insert(
        [(10**18 * 2, "git commit -m '日本語の長いコミットメッセージ'" * 3)],
        actor="gastown/polecats/with-a-long-name",
        workspace="/srv/a/workspace/with/a/long/path",
    )
    lines = on_terminal("history", "-n3", columns=columns).splitlines()
    assert len(lines) == 4
    assert all(len(line) <= columns for line in lines)
    assert lines[-1].endswith("…")
    assert {lines[0].index("command"), lines[1].index("bd "), lines[2].index("bd ")} == {
        lines[0].index("command")
    }


def test_colours(trace: Path) -> None:
    """The doctor's words are coloured on a terminal, unless NO_COLOR is set."""
    coloured = on_terminal("doctor")
    assert "\x1b[32mok   \x1b[0m  integrity    ok\n" in coloured
    plain = on_terminal("doctor", NO_COLOR="1")
    assert "ok     integrity    ok\n" in plain
    assert "\x1b" not in plain
    assert "\x1b[32m" in on_terminal("doctor", NO_COLOR="")


# --- pipes and memory -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["history -n0", "history -n0 --json", "export", "export --help"]
)
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_closed_pipe(trace: Path, command: str, reader: str) -> None:
    """Whoever has seen enough may go: that is success, and silent."""
    script = f"{sys.executable} -m ledger {command} | {reader}; echo ${{PIPESTATUS[0]}} >&2"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "0\n"


def test_full_disk(trace: Path) -> None:
    """Output that can't be written is an error in words."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*KEEPALIVE, "history"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "keepalive: the output can't be written: No space left on device\n"


def test_closed_streams(trace: Path) -> None:
    """A caller that closed standard output or error gets no traceback, and an unharmed ledger."""
    before = trace.read_bytes()
    script = f"{sys.executable} -m ledger history >&- && {sys.executable} -m ledger history 2>&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stderr, done.stdout.count("\n")) == ("", 51)
    assert trace.read_bytes() == before


@pytest.mark.parametrize("arguments", ["history -n0", "history -n0 --json", "history -n 200000"])
def test_memory_does_not_grow_with_the_rows(home: Path, arguments: str) -> None:
    """Printing 200,000 touches takes no more memory than printing 1,000."""
    insert([(number * 10**9, f"bd update gt-{number}") for number in range(200_000)])

    def peak_kib(*more: str) -> int:
        process = subprocess.Popen(
            [*KEEPALIVE, *arguments.split(), *more], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)

    few = peak_kib("--since", "1970-01-03T07:16:40Z")  # the last thousand
    assert peak_kib() < few + 2048


# --- following ------------------------------------------------------------------------------


def test_follow(run: Run, home: Path) -> None:
    """Followed, the history goes on with each new touch, however it came in, until Ctrl-C."""
    assert run("touch", "gt", "first").returncode == 0
    ledger = home / ".local/share/keepalive/ledger.db"
    with following("history", "--follow", "-n", "1", "--nl") as process:
        assert process.stdout is not None

        def next_command() -> str:
            return json.loads(process.stdout.readline())["command"]

        assert next_command() == "gt first"
        run("touch", "--actor", "a new stream", "gt", "second")
        assert next_command() == "gt second"
        run("import", "-", input='{"at_ns": 5, "command": "of long ago"}\n')
        assert next_command() == "of long ago"
        with closing(sqlite3.connect(ledger, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            run("touch", "gt", "spooled")
            assert spool.names(paths.spool_path(str(ledger)))
            writer.execute("INSERT INTO touches (stream_id, at_ns, command) VALUES (1, 6, 'gt in')")
            writer.execute("COMMIT")
        assert {next_command(), next_command()} == {"gt in", "gt spooled"}
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
        assert process.wait() == 130


def test_follow_an_empty_ledger_with_a_filter(run: Run) -> None:
    """Following begins before there is anything, and shows what the filters leave."""
    with following("history", "-f", "--actor", "nux", "--csv") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at,actor,workspace,town,host,command\n"
        run("touch", "--actor", "mayor", "gt", "mail")
        run("touch", "--actor", "nux", "gt", "prime")
        assert process.stdout.readline().split(",")[1::4] == ["nux", "gt prime\n"]


# --- import and export ----------------------------------------------------------------------


def test_import_twice(run: Run, home: Path) -> None:
    """A file imported twice adds nothing, however it is called; a pipe likewise."""
    done = run("import", str(TRACE))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "3,667 touches added, 0 already there, 0 lines refused\n"
    again = "0 touches added, 3,667 already there, 0 lines refused\n"
    os.symlink(TRACE, "link.jsonl")
    assert run("import", "link.jsonl").stderr == again
    assert run("import", "--source", str(TRACE), "-", input=TRACE.read_text()).stderr == again
    added = "3,667 touches added, 0 already there, 0 lines refused\n"
    assert run("import", "-", input=TRACE.read_text()).stderr == added
    assert run("import", "-", input=TRACE.read_text()).stderr == again


def test_bad_lines(run: Run, home: Path) -> None:
    """Bad lines are named, the good ones go in, and the exit status is 1."""
    Path("bad\x1b.jsonl").write_bytes(
        b'{"at_ns": 1, "command": "gt"}\n' + b"bad\n" * 25 + b'{"at_ns": 2, "command": "\x1b"}\n'
        b'{"at_ns": 2, "command": "gt"}'
    )
    done = run("import", "bad\x1b.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    why = "not JSON, at column 1: Expecting value"
    assert lines[:20] == [rf"bad\x1b.jsonl:{number}: {why}" for number in range(2, 22)]
    assert lines[20:] == [
        r"bad\x1b.jsonl: 6 more lines refused",
        "2 touches added, 0 already there, 26 lines refused",
    ]
    assert run("export").stdout.count("\n") == 2


def test_export_then_import(run: Run, home: Path) -> None:
    """A ledger made from an export has an identical history, in each format."""
    run("import", str(TRACE))
    for command in ("one", "two", "three"):
        run("touch", "--workspace", "w", "--actor", "nux", "gt", command, "日本 \x1b")
    run("import", "-", input='{"at": "2026-02-26T15:13:23Z", "command": "tie"}\n' * 2)
    exported = run("export").stdout
    assert exported.count("\n") == 3672
    copy = {"KEEPALIVE_DB": str(home / "copy.db")}
    assert run("import", "-", input=exported, env=copy).returncode == 0
    assert run("export", env=copy).stdout == exported
    for form in ("--json", "--nl", "--csv", "--tsv"):
        arguments = ("history", "-n0", form)
        assert run(*arguments, env=copy).stdout == run(*arguments).stdout
    assert run("history", "-n0", env=copy).stdout == run("history", "-n0").stdout


def test_progress_bar(home: Path) -> None:
    """On a terminal a bar shows how far an import is; elsewhere nothing does."""
    screen = on_terminal("import", str(TRACE))
    assert "Importing  [" in screen
    assert "100%" in screen
    assert screen.endswith("3,667 touches added, 0 already there, 0 lines refused\n")


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that can't be read")
def test_unreadable_input(run: Run) -> None:
    """Input that fails while it is read is named."""
    done = run("import", "/proc/self/mem")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "keepalive: /proc/self/mem can't be read: Input/output error\n"


def test_closed_input(home: Path) -> None:
    """Closed standard input is an empty file."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m ledger import - <&-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == "0 touches added, 0 already there, 0 lines refused\n"
