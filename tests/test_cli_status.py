"""``keepalive status``, ``check`` and ``next``: real processes, ledgers and terminals."""

import codecs
import contextlib
import csv
import fcntl
import json
import os
import pty
import re
import select
import sqlite3
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Run
from test_cli_history import KEEPALIVE, TRACE, insert, on_terminal, trace

from ledger import terminal

__all__ = ["trace"]  # a fixture

LEDGER = ".local/share/keepalive/ledger.db"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
COLUMNS = [
    "state", "actor", "workspace", "town", "host", "at", "age_s", "ahead_s", "command", "gaps",
    "longer_than",
]  # fmt: skip
COLOURS = {"active": "32", "quiet": "33", "idle": "35", "long idle": "31", "never seen": "36"}


def record(run: Run, *touches: dict[str, str]) -> None:
    """Put touches of any streams into the ledger."""
    lines = "".join(json.dumps({"command": "gt", **touch}) + "\n" for touch in touches)
    assert run("import", "-", input=lines).returncode == 0


def before_noon(minutes: float) -> str:
    return (NOON - timedelta(minutes=minutes)).isoformat()


def read_trace() -> list[tuple[int, str, str]]:
    """Return the raw trace: instant in seconds, actor, command."""
    lines = [json.loads(line) for line in TRACE.read_text().splitlines()]
    return [
        (int(datetime.fromisoformat(line["at"]).timestamp()), line["actor"], line["command"])
        for line in lines
    ]


# --- status ---------------------------------------------------------------------------------


def test_table(run: Run, home: Path) -> None:
    """One line a stream, the last active first; then all together, and the next heartbeat."""
    record(
        run,
        {"at": before_noon(46), "actor": "mayor", "town": "/srv/gt", "command": "gt mail"},
        {"at": before_noon(16), "actor": "nux", "workspace": f"{home}/gt/rig", "command": "bd"},
        {"at": before_noon(6), "command": "gt prime"},
    )
    done = run("status", "--at", "2026-03-01T14:00", "--tz", "Europe/Riga")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "as of 2026-03-01 14:00:00 (Europe/Riga)\n"
        "\n"
        "state      last touch  actor  place     longer than                  last command\n"
        "quiet      6m                           too little history (0 gaps)  gt prime\n"
        "idle       16m         nux    ~/gt/rig  too little history (0 gaps)  bd\n"
        "long idle  46m         mayor  /srv/gt   too little history (0 gaps)  gt mail\n"
        "\n"
        "all together: quiet, idle for 6m\n"
        "next heartbeat by gastown: in 10m (tier 2), due 2026-03-01 14:10:00\n"
    )


def test_empty_ledger(run: Run) -> None:
    """Without touches, and without a stream that matches, that is said; a program gets nothing."""
    done = run("status", "--at", "2026-03-01T12:00Z")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "as of 2026-03-01 12:00:00 (UTC)\n\nThe ledger holds no touches yet.\n"
    assert run("status", "--json").stdout == "[]\n"
    record(run, {"at": before_noon(1)})
    done = run("status", "--host", "no*", "--at", "2026-03-01T12:00Z")
    assert done.stdout == "as of 2026-03-01 12:00:00 (UTC)\n\nNo stream matches.\n"


STREAMS = [
    {"at": before_noon(1), "actor": "a", "host": "h1", "town": "/t1", "workspace": "/w1"},
    {"at": before_noon(2), "actor": "b", "host": "h2", "town": "/t1", "workspace": "/w2"},
    {"at": before_noon(3), "actor": "b", "host": "h2", "town": "/t2", "workspace": "/w1"},
    {"at": before_noon(9), "actor": "c", "host": "h1", "town": "/t2", "workspace": "/w3"},
]


@pytest.mark.parametrize("by", ["actor", "workspace", "town", "host"])
def test_by(run: Run, by: str) -> None:
    """Grouped, a line is for all streams that share the name, and has the name."""
    record(run, *({**one, "command": f"gt {number}"} for number, one in enumerate(STREAMS)))
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(STREAMS):
        groups.setdefault(one[by], []).append(number)
    nothing = {"actor": "", "workspace": "", "town": "", "host": ""}
    at = ("--at", "2026-03-01T12:00Z")
    shown = json.loads(run("status", "--by", by, "--json", *at).stdout)
    expected = []
    for name, numbers in sorted(groups.items(), key=lambda group: group[1][0]):
        ats = [datetime.fromisoformat(STREAMS[number]["at"]) for number in numbers]
        gaps = [later - earlier for later, earlier in pairwise(ats)]
        expected.append({
            **nothing,
            by: name,
            "state": "active" if NOON - ats[0] < timedelta(minutes=5) else "quiet",
            "at": ats[0].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "age_s": (NOON - ats[0]).total_seconds(),
            "ahead_s": 0.0,
            "command": f"gt {numbers[0]}",
            "gaps": len(gaps),
            "longer_than": None,
        })  # fmt: skip
    assert shown == expected
    lines = run("status", "--by", by, *at).stdout.splitlines()[3:-3]
    assert [name in line.split() for name, line in zip(groups, lines, strict=True)] == [True] * len(
        groups
    )


def test_fields(run: Run) -> None:
    """Each format has each field under its name."""
    record(
        run,
        {"at": before_noon(30), "command": "gt 0", "town": ""},
        {"at": "2026-03-01T11:50:00.000000005Z", "actor": "nux", "host": "rig1", "town": "/t",
         "workspace": "/w", "command": "bd show, 1"},
    )  # fmt: skip
    arguments = ("status", "--at", "2026-03-01T12:00Z", "--actor", "nux", "--actor", "never")
    rows = [
        {
            "state": "quiet",
            "actor": "nux",
            "workspace": "/w",
            "town": "/t",
            "host": "rig1",
            "at": "2026-03-01T11:50:00.000000005Z",
            "age_s": 599.999999995,
            "ahead_s": 0.0,
            "command": "bd show, 1",
            "gaps": 0,
            "longer_than": None,
        },
        {
            "state": "never seen",
            "actor": "never",
            "workspace": "",
            "town": "",
            "host": "",
            "at": None,
            "age_s": None,
            "ahead_s": 0.0,
            "command": None,
            "gaps": 0,
            "longer_than": None,
        },
    ]
    as_json = json.loads(run(*arguments, "--json").stdout)
    assert as_json == rows
    assert [list(row) for row in as_json] == [COLUMNS, COLUMNS]
    as_lines = run(*arguments, "--nl").stdout.splitlines()
    assert [json.loads(line) for line in as_lines] == rows
    texts = [["" if row[name] is None else str(row[name]) for name in COLUMNS] for row in rows]
    as_csv = run(*arguments, "--csv").stdout
    assert list(csv.reader(as_csv.splitlines())) == [COLUMNS, *texts]
    as_tsv = run(*arguments, "--tsv").stdout
    assert list(csv.reader(as_tsv.splitlines(), "excel-tab")) == [COLUMNS, *texts]


@pytest.mark.parametrize(
    ("policy", "edges"),
    [
        ("gastown", ["12:05", "12:15", "12:45"]),
        ("exp:30s,x2,15m", ["12:05", "12:15", "12:45"]),
        ("fixed:1m", ["12:05", "12:15", "12:45"]),
        ("tiers:1m=1s,2m=2s,1h=3s,5s", ["12:01", "12:02", "13:00"]),
        ("tiers:1m=1s,2m=2s,3m=3s,4m=4s,5s", ["12:01", "12:02", "12:03"]),
        ("tiers:2h=5m,1h", ["14:00"]),
    ],
)
def test_states(run: Run, policy: str, edges: list[str]) -> None:
    """Exactly as old as a tier's end is the next state already; the thresholds are the policy's."""
    insert([(NOON_NS, "gt")])
    states = ["active", "quiet", "idle", "long idle"]
    for number, edge in enumerate(edges):
        at = datetime.fromisoformat(f"2026-03-01T{edge}")
        just_before = (at - timedelta(microseconds=1)).isoformat() + "999"
        for instant, state in [(just_before, states[number]), (str(at), states[number + 1])]:
            arguments = ("status", "--policy", policy, "--at", instant)
            assert json.loads(run(*arguments, "--nl").stdout)["state"] == state
            text = run(*arguments).stdout.splitlines()
            assert text[3].startswith(f"{state}  ")
            assert text[5].startswith(f"all together: {state}, idle for ")


def test_never_seen(run: Run) -> None:
    """An actor named in full that has no touch, or none yet at that time, was never seen."""
    insert([(NOON_NS, "gt")], actor="late")
    arguments = ("status", "--actor", "late", "--actor", "lat?", "--actor", "nobody", "--csv")
    done = run(*arguments, "--at", "2026-03-01T11:59Z")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [(row["state"], row["actor"], row["host"]) for row in rows] == [
        ("never seen", "nobody", ""),
        ("never seen", "late", "rig1"),
    ]
    by_actor = run("status", "--by", "actor", "--actor", "nobody", "--at", "2026-03-01T11:59Z")
    assert by_actor.stdout == (
        "as of 2026-03-01 11:59:00 (UTC)\n"
        "\n"
        "state       last touch  actor   longer than  last command\n"
        "never seen              nobody\n"
        "\n"
        "all together: never seen\n"
        "next heartbeat by gastown: in 5m (tier 1), due 2026-03-01 12:04:00\n"
    )


@pytest.mark.parametrize(
    "at",
    [
        "2026-02-26T15:13:23Z",
        "2026-02-27T20:00:00Z",
        "2026-02-28T17:45:12.5Z",
        "2026-03-02T03:12:00Z",
        "2026-03-05T15:46:56Z",
        "2026-03-13T18:00:00Z",
        "2026-03-30T00:00:00Z",
    ],
)
def test_trace(run: Run, trace: Path, at: str) -> None:
    """On the trace each actor's state and history are what its raw lines say."""
    now = datetime.fromisoformat(at).timestamp()
    expected = {}
    for who in {actor for _, actor, _ in read_trace()}:
        own = [(when, command) for when, actor, command in read_trace() if actor == who]
        own = [one for one in own if one[0] <= now]
        if not own:
            expected[who] = ("never seen", None, None, None, 0, None)
            continue
        last = own[-1][0]
        age = now - last
        gaps = [
            later - earlier
            for (earlier, _), (later, _) in pairwise(own)
            if later - earlier >= 60 and later >= now - 14 * 86_400
        ]
        expected[who] = (
            "active" if age < 300 else "quiet" if age < 900 else "idle" if age < 2700
            else "long idle",
            datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            age,
            own[-1][1],
            len(gaps),
            sum(gap < age for gap in gaps) / len(gaps) if len(gaps) >= 20 else None,
        )  # fmt: skip
    shown = json.loads(run("status", "--at", at, "--json").stdout)
    names = ("state", "at", "age_s", "command", "gaps", "longer_than")
    assert {one["actor"]: tuple(one[name] for name in names) for one in shown} == expected
    lasts = [one["at"] or "" for one in shown]
    assert lasts == sorted(lasts, reverse=True)
    lines = run("status", "--at", at).stdout.splitlines()[3:-3]
    for one, line in zip(shown, lines, strict=True):
        if one["longer_than"] is not None:
            shorter = round(one["longer_than"] * one["gaps"])
            words = f"{shorter * 100 // one['gaps']} % of its {one['gaps']} gaps in 14 days"
        elif one["at"]:
            many = "gap" if one["gaps"] == 1 else "gaps"
            words = f"too little history ({one['gaps']} {many})"
        else:
            words = ""
        assert f"  {words}  " in f"{line}  "


@pytest.mark.parametrize(
    ("shorter", "longer", "words"),
    [
        (10, 9, "too little history (19 gaps)"),
        (19, 0, "too little history (19 gaps)"),
        (20, 0, "100 % of its 20 gaps in 14 days"),
        (0, 20, "0 % of its 20 gaps in 14 days"),
        (29, 71, "29 % of its 100 gaps in 14 days"),
        (57, 43, "57 % of its 100 gaps in 14 days"),
        (2, 1, "too little history (3 gaps)"),
        (20, 1, "95 % of its 21 gaps in 14 days"),
    ],
)
def test_how_unusual(run: Run, shorter: int, longer: int, words: str) -> None:
    """From 20 gaps on it is said in whole per cent how many the present silence is longer than."""
    at, touches = NOON_NS, [(NOON_NS, "gt")]
    for length in [3601] * longer + [60] * shorter:
        at -= length * 10**9
        touches.append((at, "gt"))
    insert(touches)
    shown = run("status", "--at", "2026-03-01T13:00Z").stdout.splitlines()[3]
    assert f"  {words}  " in shown


def test_touch_from_the_future(run: Run, home: Path) -> None:
    """A touch whose clock was ahead counts as just now, and that is said."""
    insert([(time.time_ns() + 7200 * 10**9, "gt ahead")], actor="nux")
    lines = run("status").stdout.splitlines()
    assert re.match(r"active  now \(1h 59m ahead\)  nux  ", lines[3])
    assert lines[5:] == [
        "all together: active; a touch is 1h 59m in the future, which counts as now",
        lines[6],
    ]
    assert lines[6].startswith("next heartbeat by gastown: in 5m (tier 1), due ")
    shown = json.loads(run("status", "--nl").stdout)
    assert (shown["state"], shown["age_s"], 7100 < shown["ahead_s"] <= 7200) == ("active", 0, True)
    done = run("check", "--max-age", "1s")
    assert done.returncode == 0
    assert re.fullmatch(
        r"fresh: last touch by nux on rig1 at [-0-9]+ [:0-9]+ \(UTC\), age 0\.0s,"
        r" 1h 59m in the future, which counts as now, bound 1\.0s\n",
        done.stdout,
    )
    check = json.loads(run("check", "--json").stdout)
    assert (check["verdict"], check["age_s"], check["missed"]) == ("fresh", 0, 0)
    assert 7100 < check["ahead_s"] <= 7200
    assert run("next").stdout == "300\n"
    answer = json.loads(run("next", "--json").stdout)
    assert (answer["idle_s"], answer["state"], answer["tier"]) == (0, "active", 1)
    assert 7100 < answer["ahead_s"] <= 7200


def test_colours(run: Run) -> None:
    """States are coloured on a terminal, unless NO_COLOR is set, and nowhere else."""
    ages = {"active": 1, "quiet": 6, "idle": 16, "long idle": 46}
    record(run, *({"at": before_noon(age), "actor": state} for state, age in ages.items()))
    arguments = ["status", "--at", "2026-03-01T12:00Z", "--actor", "*", "--actor", "never seen"]
    screen = on_terminal(*arguments, columns=120)
    for state, colour in COLOURS.items():
        line = rf"^\x1b\[{colour}m{state}\x1b\[0m .*  {state}( |$)"
        assert re.search(line, screen, re.MULTILINE)
    plain = on_terminal(*arguments, columns=120, NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9]*m", "", screen) == plain
    assert "\x1b[32m" in on_terminal(*arguments, NO_COLOR="")
    assert "\x1b" not in run(*arguments).stdout


def test_control_characters_are_escaped(run: Run, home: Path) -> None:
    """No recorded text steers the terminal of whoever asks."""
    insert([(NOON_NS, "gt \x1b]0;title\x07\nbd\u202e")], actor="\x1b[31mred", workspace="/w\x9b")
    at = ("--at", "2026-03-01T12:00Z")
    shown = run("status", *at).stdout.splitlines()[3]
    assert shown.endswith(
        r"  \x1b[31mred  /w\x9b  too little history (0 gaps)  gt \x1b]0;title\x07\nbd\u202e"
    )
    shown = run("check", *at).stdout
    assert r" by \x1b[31mred in /w\x9b on rig1 at " in shown
    commands = [["status", form] for form in ("--json", "--nl", "--csv", "--tsv")]
    commands += [["status", "--by", by] for by in ("actor", "workspace")]
    commands += [["check"], ["check", "--json"], ["next"], ["next", "--json"]]
    for command in commands:
        screen = on_terminal(*command, *at, NO_COLOR="1")
        assert screen
        assert not {c for c in screen if ord(c) < 32 or 0x7F <= ord(c) < 0xA0} - {"\n", "\t"}
        assert "\u202e" not in screen


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("by", [[], ["--by", "actor"]])
def test_status_fits_the_terminal(run: Run, trace: Path, columns: int, by: list[str]) -> None:
    """No line is wider than the terminal, however long the names; what is cut has an ellipsis."""
    record(
        run,
        {
            "at": "2026-03-05T15:59:00Z",
            "actor": "gastown/polecats/with-a-rather-long-name",
            "workspace": "/srv/a/workspace/with/a/long/path",
            "command": "git commit -m '日本語の長いコミットメッセージ'" * 3,
        },
    )
    screen = on_terminal(
        "status", "--at", "2026-03-05T16:00Z", *by, columns=columns, NO_COLOR="1"
    ).splitlines()
    assert len(screen) == 38
    assert [line for line in screen[:-3] if terminal.width(line) > columns] == []
    assert screen[3].startswith("active")
    assert screen[3].endswith("…")


@pytest.mark.parametrize("columns", [80, 120])
def test_town_lines_fit_the_terminal(run: Run, columns: int) -> None:
    """Nor are the town's lines: --watch, which does not wrap, would cut them."""
    insert([(NOON_NS, "gt")])
    screen = on_terminal("status", "--at", "2026-03-01T12:20Z", columns=columns).splitlines()
    assert max(map(len, screen[-2:])) <= columns


# --- status --watch -------------------------------------------------------------------------

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"


class Terminal:
    """A terminal of its own, with a command in it, and what that has written so far."""

    def __init__(self, *arguments: str, lines: int, columns: int) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [*KEEPALIVE, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
        )
        os.close(theirs)
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def read_until(self, wanted: str) -> None:
        """Read on until a screen has `wanted` and the next one has begun."""
        while not any(wanted in frame for frame in self.frames()):
            assert self._read(), self.text

    def read_rest(self) -> None:
        while self._read():
            pass

    def frames(self) -> list[str]:
        """Return the screens that were drawn whole, oldest first."""
        drawn = self.text.replace("\r", "").replace("\x1b[K", "").split("\x1b[H")[1:-1]
        return [frame.removesuffix("\x1b[J") for frame in drawn]

    def _read(self) -> bool:
        assert select.select([self._ours], [], [], 20)[0], self.text
        try:
            chunk = os.read(self._ours, 1 << 16)
        except OSError:  # so Linux says that nobody writes any more
            return False
        self.text += self._decoder.decode(chunk)
        return bool(chunk)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextlib.contextmanager
def watching(*arguments: str, lines: int = 24, columns: int = 80) -> Iterator[Terminal]:
    terminal = Terminal("status", "--watch", *arguments, lines=lines, columns=columns)
    try:
        yield terminal
    finally:
        terminal.close()


def test_watch(run: Run) -> None:
    """It refreshes in place, and Ctrl-C leaves the terminal as it was."""
    run("touch", "--actor", "nux", "gt", "first")
    with watching() as screen:
        screen.read_until("gt first")
        run("touch", "--actor", "mayor", "gt", "second")
        screen.read_until("gt second")
        screen.read_until("gt second")
        screen.type("\x03")
        screen.read_rest()
        assert screen.process.wait() == 130
    assert screen.text.startswith(ENTER)
    assert screen.text.count(ENTER) == screen.text.count(LEAVE) == 1
    before, after = screen.text.split(LEAVE)
    assert after.strip() == ""
    assert "\x1b[2J" not in before
    assert "Traceback" not in before
    first, last = screen.frames()[0], screen.frames()[-1]
    assert first.startswith("as of ")
    assert first.count("\n") == 6
    assert last.count("\n") == 7
    assert re.search(r"^\x1b\[32mactive\x1b\[0m +[0-9.]+s +mayor .* gt second$", last, re.MULTILINE)
    assert "all together: active, idle for " in last


def test_watch_sees_what_waits_in_the_spool(run: Run, home: Path) -> None:
    """A touch that had to go to the spool appears as soon as the ledger is free."""
    run("touch", "gt", "first")
    with watching() as screen:
        screen.read_until("gt first")
        with contextlib.closing(sqlite3.connect(home / LEDGER, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            run("touch", "gt", "spooled")
            writer.execute("ROLLBACK")
        screen.read_until("gt spooled")


@pytest.mark.parametrize("lines", [3, 6, 10, 24, 50])
def test_watch_fits_the_screen(trace: Path, lines: int) -> None:
    """What does not fit the screen is counted, and the town's lines stay in sight."""
    with watching("--by", "actor", lines=lines, columns=60) as screen:
        screen.read_until("next heartbeat by gastown")
    frame = screen.frames()[0].split("\n")
    assert len(frame) == min(lines, 31 + 6)
    assert frame[-1].startswith("next heartbeat by gastown: in 1h (tier 4), due ")
    if 6 <= lines <= 31 + 5:
        shown = [line for line in frame if "long idle" in line and "gap" in line]
        assert f"… {31 - len(shown)} more" in frame


@pytest.mark.parametrize(
    "more", [[], ["--json"], ["--csv"], ["--at", "2026-03-01"], ["--nl", "--by", "actor"]]
)
def test_watch_is_refused(run: Run, more: list[str]) -> None:
    """It needs a terminal, and goes with no format and no --at."""
    done = run("status", "--watch", *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "keepalive: --watch needs a terminal, and goes with no format and no --at.\n"
        "Try 'keepalive status --help'.\n"
    )
    if more:
        assert on_terminal("status", "--watch", *more) == done.stderr


# --- check ----------------------------------------------------------------------------------


def test_check(run: Run, home: Path) -> None:
    """Fresh is 0 and stale is 1, exactly --max-age is stale; the line gives the evidence."""
    record(
        run,
        {"at": "2026-03-01T12:00:00Z", "actor": "nux", "host": "rig1", "workspace": f"{home}/w"},
        {"at": "2026-03-01T11:00:00Z", "actor": "mayor"},
    )
    done = run("check", "--at", "2026-03-01T12:29:59.999999999Z")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "fresh: last touch by nux in ~/w on rig1 at 2026-03-01 12:00:00 (UTC),"
        " age 29m 59s, bound 30m\n"
    )
    done = run("check", "--at", "2026-03-01T12:30Z", "--tz", "America/New_York")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "stale: last touch by nux in ~/w on rig1 at 2026-03-01 07:00:00 (America/New_York),"
        " age 30m, bound 30m\n"
    )
    done = run("check", "--at", "2026-03-01T12:30Z", "--max-age", "1801s")
    assert done.returncode == 0
    done = run("check", "--at", "2026-03-01T12:00Z", "--actor", "mayor", "--max-age", "1h")
    assert (done.returncode, done.stdout) == (
        1,
        "stale: last touch by mayor at 2026-03-01 11:00:00 (UTC), age 1h, bound 1h\n",
    )


def test_check_misses(run: Run) -> None:
    """With --misses it is stale only after --max-age has passed so often."""
    insert([(NOON_NS, "gt")], actor="")
    arguments = ("check", "--max-age", "10m", "--misses", "3", "--at")
    done = run(*arguments, "2026-03-01T12:29:59Z")
    line = "last touch by (no actor) on rig1 at 2026-03-01 12:00:00 (UTC)"
    assert (done.returncode, done.stdout) == (
        0,
        f"fresh: {line}, age 29m 59s, bound 30m, 3 misses of 10m; missed 2\n",
    )
    done = run(*arguments, "2026-03-01T12:30Z")
    assert (done.returncode, done.stdout) == (
        1,
        f"stale: {line}, age 30m, bound 30m, 3 misses of 10m; missed 3\n",
    )
    assert run("check", "--max-age", "10m", "--at", "2026-03-01T12:10Z").returncode == 1


def test_check_never_seen(run: Run) -> None:
    """Streams without a touch, or without one yet, end it with 3."""
    expected = (3, "never seen: no touch of these streams\n", "")
    done = run("check")
    assert (done.returncode, done.stdout, done.stderr) == expected
    insert([(NOON_NS, "gt")])
    for more in (["--actor", "nobody"], ["--host", "x*"], ["--at", "2026-03-01T11:59:59Z"]):
        done = run("check", *more)
        assert (done.returncode, done.stdout, done.stderr) == expected


def test_check_json(run: Run) -> None:
    """As JSON it has each field under its name."""
    insert([(NOON_NS, "gt")], actor="nux", workspace="/w")
    arguments = ("check", "--json", "--max-age", "90s", "--misses", "2", "--at")
    done = run(*arguments, "2026-03-01T12:03:00.5Z")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "verdict": "stale",
        "stream": {"host": "rig1", "town": "", "workspace": "/w", "actor": "nux"},
        "age_s": 180.5,
        "ahead_s": 0.0,
        "missed": 2,
        "max_age_s": 90.0,
        "bound_s": 180.0,
        "at": "2026-03-01T12:00:00Z",
    }
    done = run(*arguments, "2026-03-01T11:03Z")
    assert done.returncode == 3
    assert json.loads(done.stdout) == {
        "verdict": "never seen",
        "stream": None,
        "age_s": None,
        "ahead_s": 0.0,
        "missed": 0,
        "max_age_s": 90.0,
        "bound_s": 180.0,
        "at": None,
    }


def damage(home: Path, how: str) -> None:
    """Leave a ledger that is no use, if any."""
    ledger = home / LEDGER
    if how == "missing":
        return
    insert([] if how == "empty" else [(NOON_NS, "gt")])
    if how == "damaged":
        ledger.write_bytes(b"no database" * 100)
    elif how == "newer":
        with contextlib.closing(sqlite3.connect(ledger)) as connection:
            connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("how", ["damaged", "newer"])
def test_check_of_an_unusable_ledger(run: Run, home: Path, how: str) -> None:
    """A ledger that can't be read is neither fresh nor stale: 2, in words, on standard error."""
    damage(home, how)
    for command in ("check", "status"):
        done = run(command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("keepalive: ")
        assert f"{home}/{LEDGER} " in done.stderr
        assert done.stderr.count("\n") == 2


# --- next -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "at", "seconds"),
    [
        ("gastown", "12:00", "300"),
        ("gastown", "12:04:59.999999999", "300"),
        ("gastown", "12:05", "600"),
        ("gastown", "12:14:59.999999999", "600"),
        ("gastown", "12:15", "1800"),
        ("gastown", "12:44:59.999999999", "1800"),
        ("gastown", "12:45", "3600"),
        ("gastown", "23:59", "3600"),
        ("fixed:90s", "12:45", "90"),
        ("fixed:1.5s", "12:45", "1.5"),
        ("exp:30s,x2,15m", "12:00", "30"),
        ("exp:30s,x2,15m", "12:00:29.999999999", "30"),
        ("exp:30s,x2,15m", "12:00:30", "60"),
        ("exp:30s,x2,15m", "12:01:30", "120"),
        ("exp:30s,x2,15m", "12:03:30", "240"),
        ("exp:30s,x2,15m", "12:07:30", "480"),
        ("exp:30s,x2,15m", "12:15:29", "480"),
        ("exp:30s,x2,15m", "12:15:30", "900"),
        ("exp:30s,x2,15m", "20:00", "900"),
        ("exp:60s,x1.5,10m", "12:01", "90"),
        ("exp:60s,x1.5,10m", "12:02:30", "135"),
    ],
)
def test_next(run: Run, policy: str, at: str, seconds: str) -> None:
    """The interval in seconds is that of the tier; exactly at its end it is the next one's."""
    insert([(NOON_NS, "gt")])
    done = run("next", "--policy", policy, "--at", f"2026-03-01T{at}Z")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{seconds}\n", "")


def test_next_json(run: Run) -> None:
    """As JSON it has each field under its name."""
    insert([(NOON_NS, "gt")], actor="nux")
    done = run("next", "--json", "--at", "2026-03-01T12:20:00.5Z")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "policy": "gastown",
        "source": "ledger",
        "idle_s": 1200.5,
        "ahead_s": 0.0,
        "state": "idle",
        "tier": 3,
        "interval_s": 1800.0,
        "at": "2026-03-01T12:00:00Z",
        "due_at": "2026-03-01T12:50:00.5Z",
    }
    done = run("next", "--json", "--at", "2026-03-01T12:20Z", "--actor", "nobody")
    assert json.loads(done.stdout) == {
        "policy": "gastown",
        "source": "nothing",
        "idle_s": None,
        "ahead_s": 0.0,
        "state": "never seen",
        "tier": 1,
        "interval_s": 300.0,
        "at": None,
        "due_at": "2026-03-01T12:25:00Z",
    }


def signal(town: Path, text: str) -> dict[str, str]:
    """Write a town's activity.json; return the environment that names the town."""
    (town / "daemon").mkdir(parents=True)
    (town / "daemon" / "activity.json").write_text(text)
    return {"GT_TOWN_ROOT": str(town)}


@pytest.mark.parametrize("how", ["missing", "empty", "damaged", "newer"])
def test_next_without_a_ledger(run: Run, home: Path, how: str) -> None:
    """Where the ledger says nothing, activity.json does; a ledger that is missing stays so."""
    damage(home, how)
    env = signal(home / "town", '{"last_command":"gt","timestamp":"2026-03-01T13:50:00.5+02:00"}')
    arguments = ("next", "--at", "2026-03-01T12:00:00.5Z")
    done = run(*arguments, env=env)
    assert (done.returncode, done.stdout) == (0, "600\n")
    if how in {"missing", "empty"}:
        assert done.stderr == ""
    else:
        assert done.stderr.startswith("keepalive: ")
        assert f"{home}/{LEDGER} " in done.stderr
        assert done.stderr.endswith("; activity.json is asked instead\n")
        assert done.stderr.count("\n") == 1
    answer = json.loads(run(*arguments, "--json", env=env).stdout)
    assert answer == {
        "policy": "gastown",
        "source": "activity.json",
        "idle_s": 600.0,
        "ahead_s": 0.0,
        "state": "quiet",
        "tier": 2,
        "interval_s": 600.0,
        "at": "2026-03-01T11:50:00.5Z",
        "due_at": "2026-03-01T12:10:00.5Z",
    }
    assert (home / LEDGER).exists() == (how != "missing")


@pytest.mark.parametrize("how", ["missing", "empty", "damaged"])
@pytest.mark.parametrize("text", [None, "{", ""])
def test_next_when_nothing_is_known(run: Run, home: Path, how: str, text: str | None) -> None:
    """Where neither knows of activity, the interval is the base, as in a first run."""
    damage(home, how)
    if text is not None:
        signal(home / "gt", text)
    done = run("next", "--policy", "tiers:5m=7m,1h")
    assert (done.returncode, done.stdout) == (0, "420\n")
    answer = json.loads(run("next", "--json").stdout)
    assert (answer["source"], answer["at"], answer["state"]) == ("nothing", None, "never seen")


def test_next_of_a_signal_without_a_time(run: Run, home: Path) -> None:
    """A signal of Go's zero time is older than any tier, as it is for Gas Town."""
    env = signal(home / "town", "{}")
    done = run("next", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3600\n", "")
    answer = json.loads(run("next", "--json", env=env).stdout)
    assert (answer["source"], answer["at"]) == ("activity.json", "0001-01-01T00:00:00Z")
    assert (answer["state"], answer["tier"], answer["interval_s"]) == ("long idle", 4, 3600)


def test_next_prefers_the_ledger(run: Run, home: Path) -> None:
    """Where the ledger knows of a touch, activity.json is not asked."""
    insert([(NOON_NS, "gt")])
    env = signal(home / "town", "{")
    answer = json.loads(run("next", "--json", "--at", "2026-03-01T12:45Z", env=env).stdout)
    assert (answer["source"], answer["interval_s"]) == ("ledger", 3600)


def test_next_without_a_home(run: Run, home: Path) -> None:
    """Where there is no ledger and no town at all, a daemon gets the base."""
    env = {"HOME": "", "KEEPALIVE_DB": str(home / "no" / "such" / "ledger.db")}
    done = run("next", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "300\n", "")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--max-age", "0s"],
        ["check", "--max-age", "soon"],
        ["check", "--misses", "0"],
        ["next", "--policy", "fixed"],
        ["next", "--policy", "exp:1m,x2"],
        ["next", "--since", "1h"],
        ["next", "--at", "soon"],
        ["status", "--by", "command"],
        ["status", "--policy", "tiers:5m=5m,5m=6m,7m"],
        ["status", "--tz", "Mars"],
    ],
)
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    """Wrong arguments end with 2 and are told in two lines."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("keepalive: ")
    assert done.stderr.count("\n") == 2
