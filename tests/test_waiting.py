"""``keepalive wait``: real processes, woken by real touches, and asleep in between."""

import contextlib
import json
import os
import resource
import select
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import watchdog.observers  # noqa: F401 - the child of a test can import nothing any more
from conftest import Run
from support import in_child
from test_cli_history import KEEPALIVE, insert, on_terminal

from ledger.heartbeat import NextHeartbeat, next_heartbeat
from ledger.instants import NS
from ledger.policy import parse_policy
from ledger.state import State
from ledger.waiting import wait_for_heartbeat

LEDGER = ".local/share/keepalive/ledger.db"
DUE, RESUMED = 0, 3

# A second, as promised, and what starting and ending processes takes on a busy machine.
A_SECOND = 2.5

# Quiet after a second; long enough for no test to reach the heartbeat.
EAGER = ("--policy", "tiers:1s=60s,2s=60s,60s")


@contextlib.contextmanager
def waiting(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``keepalive wait``; what hangs is killed."""
    process = subprocess.Popen(
        [*KEEPALIVE, "wait", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    """Wait for something that nobody tells of."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def listens(process: subprocess.Popen[str]) -> bool:
    """Tell whether the kernel tells the process of changes: it holds inotify watches."""
    infos = Path(f"/proc/{process.pid}/fdinfo").glob("*")
    try:
        return any("inotify wd:" in info.read_text() for info in infos)
    except FileNotFoundError:  # a file that it has just closed
        return False


def sleeps(process: subprocess.Popen[str]) -> bool:
    """Tell whether the process has used no time since a moment ago, having begun to wait."""
    used = cpu_ticks(process)
    time.sleep(0.3)
    return used == cpu_ticks(process) > 0


def wake_ups(process: subprocess.Popen[str]) -> int:
    """Return how often the process, with all its threads, has gone to sleep."""
    return sum(
        int(line.split()[1])
        for path in Path(f"/proc/{process.pid}/task").glob("*/status")
        for line in path.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches:")
    )


def cpu_ticks(process: subprocess.Popen[str]) -> int:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def ended(process: subprocess.Popen[str]) -> tuple[int, float]:
    """Return the exit status, and how long it took from now on."""
    began = time.monotonic()
    return process.wait(30), time.monotonic() - began


def still_waits(process: subprocess.Popen[str]) -> bool:
    """Tell whether the process goes on waiting, long enough for it to have looked."""
    try:
        process.wait(1.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def write_signal(town: Path, at: str) -> None:
    """Write activity.json as Gas Town does, by a rename."""
    (town / "daemon").mkdir(parents=True, exist_ok=True)
    new = town / "daemon" / ".new"
    new.write_text(json.dumps({"last_command": "gt", "timestamp": at}))
    new.rename(town / "daemon" / "activity.json")


def spend_idle_time() -> None:
    """Make a ledger whose last touch is of long ago."""
    insert([(NS, "gt long ago")])


# --- the interval ---------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--until-active"]])
def test_the_interval_passes(home: Path, more: list[str]) -> None:
    """It sleeps for the interval and no less, prints nothing, and ends with 0."""
    began = time.monotonic()
    with waiting("--policy", "fixed:1.2s", *more) as process:
        assert process.communicate() == ("", "")
        assert process.returncode == DUE
    assert 1.2 <= time.monotonic() - began < 1.2 + A_SECOND
    assert list(home.iterdir()) == []


def test_the_interval_is_that_of_the_tier(run: Run) -> None:
    """How long it sleeps is what `next` says now; later touches do not shorten it."""
    spend_idle_time()
    began = time.monotonic()
    with waiting("--policy", "tiers:1m=60s,2s") as process:
        until(lambda: sleeps(process))
        run("touch", "gt")
        status, _ = ended(process)
        assert (status, process.communicate()) == (DUE, ("", ""))
    assert 2 <= time.monotonic() - began < 2 + A_SECOND


def test_terminal(home: Path) -> None:
    """On a terminal it says how long it will take."""
    screen = on_terminal("wait", "--policy", "fixed:1s")
    assert screen == "waiting for 1.0s, unless Ctrl-C\n"


def test_interrupted(home: Path) -> None:
    """Ctrl-C ends it with 130 and no traceback."""
    spend_idle_time()
    with waiting("--until-active") as process:
        until(lambda: listens(process))
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "\n")
        assert process.returncode == 128 + signal.SIGINT


# --- activity resumes -----------------------------------------------------------------------


def test_a_touch_ends_it(run: Run, home: Path) -> None:
    """A touch after an idle time ends it with 3, within a second and no traceback."""
    spend_idle_time()
    with waiting("--until-active") as process:
        until(lambda: listens(process))
        run("touch", "gt")
        status, took = ended(process)
        assert (status, process.communicate()) == (RESUMED, ("", ""))
        assert took < A_SECOND


def test_an_idle_time_that_begins_meanwhile(run: Run) -> None:
    """It begins to listen when the streams are no longer active, and not before."""
    run("touch", "gt")
    with waiting("--until-active", *EAGER) as process:
        run("touch", "gt")
        until(lambda: listens(process))
        run("touch", "gt")
        status, took = ended(process)
        assert (status, took < A_SECOND) == (RESUMED, True)


def test_touches_while_active_do_not_end_it(run: Run) -> None:
    """Touches of streams that are active resume nothing: the heartbeat falls when due."""
    run("touch", "gt")
    began = time.monotonic()
    with waiting("--until-active", "--policy", "tiers:1h=2s,60s") as process:
        while process.poll() is None:
            run("touch", "gt")
        assert process.communicate() == ("", "")
        assert process.returncode == DUE
    assert 2 <= time.monotonic() - began < 2 + A_SECOND


@pytest.mark.parametrize("held_s", [0.0, 2.5])
def test_a_spooled_touch_ends_it(run: Run, home: Path, held_s: float) -> None:
    """So does a touch that had to go to a spool which was not there, once the lock is free."""
    spend_idle_time()
    spool = home / f"{LEDGER}-spool"
    with (
        waiting("--until-active") as process,
        contextlib.closing(sqlite3.connect(home / LEDGER, isolation_level=None)) as writer,
    ):
        until(lambda: listens(process))
        writer.execute("BEGIN IMMEDIATE")
        assert not spool.exists()
        run("touch", "gt")
        assert spool.is_dir()
        time.sleep(held_s)
        writer.execute("ROLLBACK")
        status, took = ended(process)
        assert (status, took < A_SECOND) == (RESUMED, True)
    assert run("history", "-n1", "--csv").stdout.endswith(",gt\n")


@pytest.mark.parametrize("ledger", ["missing", "damaged"])
def test_a_signal_ends_it(run: Run, home: Path, ledger: str) -> None:
    """Without a ledger that can be read, an activity.json renamed into place ends it."""
    write_signal(home / "gt", "2026-02-26T15:13:23Z")
    if ledger == "damaged":
        (home / LEDGER).parent.mkdir(parents=True)
        (home / LEDGER).write_text("no database")
    with waiting("--until-active") as process:
        until(lambda: listens(process))
        write_signal(home / "gt", "2026-02-26T15:13:24Z")
        status, took = ended(process)
        assert (status, took < A_SECOND) == (RESUMED, True)
    assert (home / LEDGER).exists() == (ledger == "damaged")


@pytest.mark.parametrize("made", ["ledger", "signal"])
def test_a_directory_that_is_made_meanwhile(run: Run, home: Path, made: str) -> None:
    """Directories that could not be listened to, since they were missing, do not delay it."""
    with waiting("--until-active") as process:
        until(lambda: sleeps(process))
        if made == "ledger":
            run("touch", "gt")
        else:
            write_signal(home / "gt", "2026-02-26T15:13:23Z")
        status, took = ended(process)
        assert (status, took < A_SECOND) == (RESUMED, True)


def test_no_watcher(home: Path) -> None:
    """Where the kernel refuses to tell, a touch is noticed within a second all the same."""
    policy = parse_policy("fixed:60s")
    heard, says = os.pipe()

    def wait() -> tuple[bool, bool]:
        def ask() -> NextHeartbeat:
            touched = select.select([heard], [], [], 0)[0]
            return next_heartbeat(None, policy=policy, signal=State("gt", 2 if touched else 1))

        use_up_files()
        threading.Timer(0.5, os.write, (says, b".")).start()
        began = time.monotonic()
        due = wait_for_heartbeat(ask, policy, [str(home)])
        return due, time.monotonic() - began < 0.5 + A_SECOND

    try:
        assert in_child(wait, privileged=True) == (False, True)
    finally:
        os.close(heard)
        os.close(says)


def use_up_files() -> None:
    """Leave this process no file descriptor, so that it can't listen either."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with contextlib.suppress(OSError):
        while True:
            os.dup(0)


def test_readers_do_not_end_it(run: Run, home: Path) -> None:
    """Those who only look do not end it, though SQLite makes files for them."""
    spend_idle_time()
    with waiting("--until-active") as process:
        until(lambda: listens(process))
        for command in ("history", "status", "idle", "doctor"):
            assert run(command).returncode in {0, 1}
        assert still_waits(process)
        run("touch", "gt")
        assert ended(process)[0] == RESUMED


def test_other_streams_do_not_end_it(run: Run, home: Path) -> None:
    """Of the chosen streams only: somebody else's touch resumes nothing."""
    insert([(NS, "gt long ago")], actor="nux")
    with waiting("--until-active", "--actor", "nux") as process:
        until(lambda: listens(process))
        run("touch", "--actor", "mayor", "gt")
        assert still_waits(process)
        run("touch", "--actor", "nux", "gt")
        assert ended(process)[0] == RESUMED


def test_old_touches_do_not_end_it(run: Run, home: Path) -> None:
    """Touches of long ago that are imported resume nothing."""
    insert([(10 * NS, "gt")])
    with waiting("--until-active") as process:
        until(lambda: listens(process))
        run("import", "-", input='{"at_ns": 5, "command": "of longer ago"}\n')
        assert still_waits(process)


def test_it_sleeps(run: Run, home: Path) -> None:
    """Idle, it wakes up a few times a minute at most and takes no time of the processor."""
    spend_idle_time()
    with waiting("--until-active") as process, waiting() as plain:
        until(lambda: listens(process))
        run("history")
        until(lambda: sleeps(process) and sleeps(plain))
        before = [(wake_ups(one), cpu_ticks(one)) for one in (process, plain)]
        time.sleep(4)
        after = [(wake_ups(one), cpu_ticks(one)) for one in (process, plain)]
        assert process.poll() is plain.poll() is None
    # The next look is due only after these seconds.
    for (woken, used), (more_woken, more_used) in zip(before, after, strict=True):
        assert more_woken - woken <= 2
        assert more_used - used <= 1


@pytest.mark.parametrize("arguments", [["--policy", "x"], ["--at", "now"], ["--json"]])
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    """Wrong usage is told at once, and not taken for a heartbeat."""
    done = run("wait", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("keepalive: ")
