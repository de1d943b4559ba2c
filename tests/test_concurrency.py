"""Many processes at once, and processes that are killed: nothing lost, nothing twice."""

import json
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Run

from ledger import database, paths, spool

MANY = """
import sys, ledger
name = sys.argv[1]
ledger.find_workspace()
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[2])):
    ledger.record(f"{name}.{n}", workspace="ws", town="", actor=name)
"""


@pytest.mark.slow
def test_64_processes_found_a_ledger(home: Path) -> None:
    """64 processes with 200 touches each, and no ledger yet: after a drain each is there once."""
    processes, touches = 64, 200
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(number), str(touches)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:  # all at once
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        assert (*process.communicate(), process.returncode) == ("", "", 0)
    file = paths.ledger_path()
    connection = sqlite3.connect(file)
    (before,) = connection.execute("SELECT count(*) FROM touches").fetchone()
    assert before + len(spool.names(paths.spool_path(file))) == processes * touches
    database.open_ledger().close()
    found = [row[0] for row in connection.execute("SELECT command FROM touches")]
    assert sorted(found) == sorted(f"{p}.{n}" for p in range(processes) for n in range(touches))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT sum(touches) FROM periods").fetchone() == (len(found),)
    connection.close()


@pytest.mark.slow
def test_killed_500_times(home: Path, run: Run) -> None:
    """Killed at any moment: signals parse, what ended is there once, the ledger is whole."""
    random.seed(20_260_226)
    signals = [home / "ws/.runtime/keepalive.json", home / "gt/daemon/activity.json"]
    ended, killed = [], []
    for number in range(500):
        # The first ones make the ledger, which takes its time; both outcomes shall come.
        longest_s = 0.4 if number < 20 else 0.06
        command = f"touch {number}"
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger", "touch", "--workspace", "ws", command],
            stdout=subprocess.DEVNULL,
        )
        killer = threading.Timer(random.uniform(0, longest_s), process.kill)
        killer.start()
        status = process.wait()
        killer.cancel()
        killer.join()
        (killed if status else ended).append(command)
        for signal in signals:
            if signal.exists():
                assert set(json.loads(signal.read_bytes())) == {"last_command", "timestamp"}
    assert len(ended) > 20
    assert len(killed) > 20
    commands = [json.loads(line)["command"] for line in run("export").stdout.splitlines()]
    assert len(set(commands)) == len(commands)
    assert set(ended) <= set(commands) <= {*ended, *killed}
    connection = sqlite3.connect(paths.ledger_path())
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT sum(touches) FROM periods").fetchone() == (len(commands),)
    connection.close()


@pytest.mark.slow
def test_drains_beside_each_other(home: Path, run: Run) -> None:
    """Several processes that drain one spool take each touch once."""
    run("touch", "--no-town", "first")
    place = paths.spool_path(paths.ledger_path())
    for number in range(2000):
        spool.put(place, (number * 10**9, "h", "", "", "", f"late {number}"))
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "ledger", *command], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        for command in (["history"], ["touch", "--no-town", "x"], ["export"], ["history"]) * 2
    ]  # fmt: skip
    for process in running:
        assert (process.communicate()[1], process.returncode) == ("", 0)
    database.open_ledger().close()
    connection = sqlite3.connect(paths.ledger_path())
    assert connection.execute(
        "SELECT count(*), count(DISTINCT command) FROM touches WHERE command LIKE 'late %'"
    ).fetchone() == (2000, 2000)
    assert spool.names(place) == []
    connection.close()
