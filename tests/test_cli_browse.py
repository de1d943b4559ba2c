"""``keepalive browse``: a real server on loopback."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Run

from ledger import paths, spool

pytest.importorskip("datasette", reason="Datasette is not installed (pip install '.[browse]')")


@contextlib.contextmanager
def browsing(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Serve the ledger; give the process and the dashboard's address."""
    with subprocess.Popen(
        [sys.executable, "-m", "ledger", "browse", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/-/keepalive", address)
            yield process, address
        finally:
            process.kill()
            deadline.cancel()


def fetch(address: str, path: str, host: str | None = None) -> tuple[int, str]:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_it_serves_and_ends(run: Run, home: Path) -> None:
    """The dashboard answers at the address that is printed; Ctrl-C ends it in silence."""
    run("touch", "gt", "status")
    with browsing() as (process, address):
        status, page = fetch(address, "/-/keepalive")
        assert (status, "Longest idle periods" in page) == (200, True)
        rows = json.loads(fetch(address, "/ledger/history.json?_shape=array")[1])
        assert [row["command"] for row in rows] == ["gt status"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (out, "Traceback" in err) == ("", False)
        assert process.returncode in {0, 130}


def test_it_opens_a_browser(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that ends only when it has the page, as one in the terminal, gets it."""
    run("touch", "gt", "status")
    browser = home / "browser"
    browser.write_text(
        f"#!{sys.executable}\n"
        "import sys, urllib.request\n"
        "status = urllib.request.urlopen(sys.argv[1], timeout=20).status\n"
        "with open(__file__ + '.saw', 'w') as file:\n"
        "    file.write(f'{status} {sys.argv[1]}\\n')\n"
    )
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", os.fspath(browser))
    with browsing("--open") as (_, address):
        saw, deadline = home / "browser.saw", threading.Event()
        for _ in range(80):
            if saw.exists() and saw.read_text().endswith("\n"):
                break
            deadline.wait(0.25)
        assert saw.read_text() == f"200 {address}\n"


def test_a_ledger_that_was_not_there(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong KEEPALIVE_DB, and a browser that can't be had, are said."""
    monkeypatch.setenv("KEEPALIVE_DB", str(home / "typo" / "x.db"))
    monkeypatch.setenv("BROWSER", str(home / "no-such-browser"))
    monkeypatch.setenv("PATH", str(home))
    with browsing("--open") as (process, _):
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
        assert f"there was no ledger yet: {home}/typo/x.db is made" in said[0]
        assert "no browser was found to open http://127.0.0.1:" in said[1]


def test_it_answers_to_its_own_name_alone(run: Run) -> None:
    """A page elsewhere that calls itself us gets nothing, and no other address is listened to."""
    run("touch", "gt", "status")
    with browsing() as (_, address):
        port = urlsplit(address).port or 0
        assert fetch(address, "/-/keepalive", host=f"evil.example:{port}")[0] == 421
        assert fetch(address, "/-/keepalive", host=f"localhost:{port}")[0] == 200
        assert fetch(address, "/-/keepalive", host=f"LocalHost:{port}")[0] == 200
        with socket.socket() as probe:
            probe.settimeout(1)
            here = socket.gethostbyname(socket.gethostname())
            if not here.startswith("127."):
                assert probe.connect_ex((here, port)) != 0


def test_touches_that_wait_are_shown(run: Run) -> None:
    """What comes to wait in the spool is drained while it serves."""
    run("touch", "gt", "one")
    ledger = paths.ledger_path()
    assert ledger is not None
    with browsing() as (_, address):
        spool.put(paths.spool_path(ledger), (10**18, "", "", "", "late", "gt two"))
        deadline = threading.Event()
        for _ in range(40):
            rows = json.loads(fetch(address, "/ledger/history.json?_shape=array")[1])
            if len(rows) == 2:
                break
            deadline.wait(0.25)
        assert {row["command"] for row in rows} == {"gt one", "gt two"}


def test_a_port_that_is_taken(run: Run) -> None:
    """A port that somebody has is an error in words."""
    run("touch", "gt", "status")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("browse", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"keepalive: port {port} can't be had: Address already in use\n")


def test_without_datasette(run: Run, home: Path) -> None:
    """Without the extra the error says what to install."""
    (home / "hidden").mkdir()
    (home / "hidden/datasette.py").write_text("raise ImportError('hidden')\n")
    done = run("browse", env={"PYTHONPATH": os.fspath(home / "hidden")})
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'keepalive-ledger[browse]'" in done.stderr
