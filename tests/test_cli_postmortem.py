"""``keepalive postmortem``: text, Markdown, JSON, and the HTML file, by real processes."""

import base64
import hashlib
import json
import os
import re
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import Run
from test_cli_history import insert, on_terminal, trace

import ledger
from ledger import database, instants, postmortem_json
from ledger.gotime import format_instant
from ledger.postmortem import tell_postmortem
from ledger.postmortem_page import page
from ledger.postmortem_story import tell

__all__ = ["trace"]  # a fixture

NS = 10**9
NIGHT = ("2026-03-01 03:12", "--tz", "Europe/Riga")
AT = "2026-03-01T01:12:00Z"
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """The elements of a page: their names and attributes; each must be closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


def assert_safe(text: str) -> Tags:
    """A page runs and loads nothing but its own style and script, by their hashes."""
    tags = Tags(text)
    policy = dict(tags.found)["meta"]
    policies = [a["content"] for t, a in tags.found if a.get("http-equiv")]
    assert policy and len(policies) == 1
    directives = dict(
        part.strip().split(" ", 1) for part in (policies[0] or "").split(";")
    )  # fmt: skip
    assert directives.keys() == {
        "default-src",
        "style-src",
        "script-src",
        "base-uri",
        "form-action",
    }
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        assert [t for t, _ in tags.found].count(tag) == 1
        digest = hashlib.sha256(tags.texts[tag].encode()).digest()
        assert directives.pop(directive) == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert set(directives.values()) == {"'none'"}
    for tag, attributes in tags.found:
        assert tag not in {"iframe", "img", "link", "object", "embed", "base", "form", "a"}
        for name in attributes:
            assert name not in {"style", "src", "href"} and not name.startswith("on")
    return tags


# --- text -----------------------------------------------------------------------------------


def test_text(run: Run, trace: Path) -> None:
    """The story in its order: figures, timeline, five parts, each statement marked."""
    done = run("postmortem", *NIGHT, "--window", "4h")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert text.startswith(
        "post-mortem of 2026-03-01 03:12:00 (Europe/Riga)\n"
        "window 2026-03-01 01:12:00 to 05:12:00, policy gastown\n"
        "\n"
        "observed  last touch   01:58:07  1h 13m before\n"
        "observed  next touch   11:31:30  8h 19m after\n"
        "observed  silent for   9h 33m\n"
        "observed  longer than  all       324 gaps in 14 days\n"
        "inferred  noticed      02:05:37  after 7m 30s (5m 49s to 9m 59s)\n"
        "inferred  return met   11:45:37  14m 7s late (12m 26s to 16m 36s)\n"
        "\n"
        "all together               ·▂▇▅▃"
    )
    assert re.findall(r"^\d\. .*$", text, re.MULTILINE) == [
        "1. What was seen", "2. Is it unusual?", "3. What the daemon saw",
        "4. The touches themselves", "5. What cannot be known",
    ]  # fmt: skip
    _, _, story = text.partition("1. What was seen\n")
    for line in story.splitlines():
        assert re.match(r"observed  |inferred  |          |\d\. |$", line)
    assert (
        "observed  gastown/refinery was last seen at 01:58:07, 1h 13m before,"
        " with bd close gt-ni4e.\n"
    ) in text
    assert "          03:45:37    1h 47m     4       1h  no touch since the one before\n" in text
    assert "          03:12:00       AT\n" in text
    assert "observed  Without a touch before AT: gastown/crew/tom.\n" in text


def test_default_is_the_last_idle_period(run: Run, trace: Path) -> None:
    """Without AT, the start of the last idle period; streams are chosen as everywhere."""
    assert run("postmortem", "--tz", "UTC").stdout.startswith(
        "post-mortem of 2026-03-05 15:46:56 (UTC)\n"
    )
    mayor = run("postmortem", "--tz", "UTC", "--actor", "mayor", "--json")
    found = json.loads(mayor.stdout)
    assert (found["at"], found["at_is_default"]) == ("2026-03-03T09:39:42Z", True)
    assert {one["actor"] for one in found["seen"]["last"]} == {"mayor"}


def test_narrow_terminal(trace: Path) -> None:
    """Sentences are wrapped; the timeline keeps within the terminal."""
    text = on_terminal("postmortem", *NIGHT, "--actor", "mayor", columns=70)
    assert all(len(line) <= 70 for line in text.splitlines() if not line.startswith("  "))
    assert "observed  mayor was last seen at 01:41:33" in text


def test_ascii(run: Run, trace: Path) -> None:
    """Where the output can't take blocks, the timeline is drawn in ASCII."""
    text = run("postmortem", *NIGHT, env={"PYTHONIOENCODING": "ascii"}).stdout
    assert text.isascii()
    assert ". idle" in text


def test_markdown(run: Run, trace: Path) -> None:
    """Markdown has the same parts: headings, marked points, tables of one width each."""
    text = run("postmortem", *NIGHT, "--md").stdout
    assert text.startswith("# Post-mortem of 2026-03-01 03:12:00 (Europe/Riga)\n")
    assert "\n## 3. What the daemon saw\n" in text
    assert (
        "- *observed*: gastown/refinery was last seen at 01:58:07, 1h 13m before, with"
        " `bd close gt-ni4e`.\n"
    ) in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.split(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1
    assert "\n\n\n" not in text


# --- JSON -----------------------------------------------------------------------------------


def test_json(run: Run, trace: Path) -> None:
    """Field by field: instants as RFC 3339, durations in seconds, each part on its basis."""
    arguments = ("postmortem", *NIGHT, "--window", "4h", "--json")
    found = json.loads(run(*arguments).stdout)
    assert list(found) == [
        "at", "at_is_default", "window", "made_at", "seen", "unusual", "daemon", "touches",
        "unknown", "lanes",
    ]  # fmt: skip
    assert (found["at"], found["at_is_default"]) == (AT, False)
    assert found["window"] == {
        "since_at": "2026-02-28T23:12:00Z", "until_at": "2026-03-01T03:12:00Z",
    }  # fmt: skip
    stream = {"host": "", "town": "", "workspace": "", "actor": "gastown/refinery"}
    assert found["seen"]["last"][0] == {
        **stream, "last_at": "2026-02-28T23:58:07Z", "age_s": 4433.0,
        "command": "bd close gt-ni4e",
    }  # fmt: skip
    assert found["seen"]["fell_silent"] == [
        {**stream, "chosen": True, "began_at": "2026-02-28T23:58:07Z",
         "ended_at": "2026-03-01T09:42:25Z"},
    ]  # fmt: skip
    assert found["unusual"]["together"] == {
        "began_at": "2026-02-28T23:58:07Z", "ended_at": "2026-03-01T09:31:30Z",
        "length_s": 34403.0, "silent": True, "gaps": 324, "as_long": 0, "longer_than": 1.0,
        "median_s": 137.5, "p95_s": 1697.5,
    }  # fmt: skip
    assert found["unusual"]["each"][0].items() >= stream.items()
    assert found["unusual"]["host_off"] == "unknown"
    daemon = found["daemon"]
    assert {key: daemon[key] for key in list(daemon)[:7]} == {
        "basis": "inferred", "policy": "gastown", "first_heartbeat_at": "2026-02-28T21:55:37Z",
        "silence_began_at": "2026-02-28T23:58:07Z", "silence_ended_at": "2026-03-01T09:31:30Z",
        "idle": True, "earlier_heartbeats_from_at": None,
    }  # fmt: skip
    assert daemon["heartbeats"][8] == {
        "at": "2026-03-01T00:05:37Z", "idle_s": 450.0, "tier": 2, "interval_s": 600.0,
        "wasted": True,
    }  # fmt: skip
    assert daemon["policies"][0] == {
        "policy": "gastown", "heartbeats": 13, "noticed_at": "2026-03-01T00:05:37Z",
        "noticed_after_s": 450.0, "resumed_at": "2026-03-01T09:45:37Z", "reaction_s": 847.0,
        "noticed_range_s": [349.0, 599.0], "reaction_range_s": [746.0, 996.0],
    }  # fmt: skip
    assert found["touches"]["all_before"] == 186
    assert len(found["touches"]["before"]) == 20
    assert found["touches"]["before"][-1] == {
        "at": "2026-02-28T23:58:07Z", **stream, "command": "bd close gt-ni4e",
    }  # fmt: skip
    never = {**stream, "actor": "gastown/crew/tom"}
    assert found["unknown"] == {
        "basis": "observed", "waiting": 0, "waiting_in_window": 0, "damaged": 0, "lost": 0,
        "lost_in_window": 0, "redacted": 0, "private": 0, "sources": [], "never_before": [never],
    }  # fmt: skip
    first = found["lanes"][0]
    assert (first["stream"], first["first_at"]) == (None, "2026-02-28T23:12:00Z")
    assert first["idle"][-1] == {
        "started_at": "2026-02-28T23:58:07Z", "ended_at": "2026-03-01T09:31:30Z", "tier": 4,
        "open": False,
    }  # fmt: skip


def test_json_agrees_with_idle_and_backoff(run: Run, trace: Path) -> None:
    """Figures are those of the commands that answer the same: idle, backoff, status."""
    window = ("--since", "2026-02-28T23:12Z", "--until", "2026-03-01T03:12Z")
    found = json.loads(run("postmortem", AT, "--window", "4h", "--json").stdout)
    first = found["daemon"]["first_heartbeat_at"]
    fired = [
        json.loads(run("backoff", "--since", first, "--until", edge, "--json").stdout)["heartbeats"]
        for edge in (window[1], window[3])
    ]
    assert len(found["daemon"]["heartbeats"]) == fired[1] - fired[0]
    assert found["daemon"]["policies"][0]["heartbeats"] == fired[1] - fired[0]
    idle = json.loads(run("idle", *window, "--json").stdout)
    lane = found["lanes"][0]["idle"]
    assert [one["ended_at"] for one in lane[:-1]] == [one["ended_at"] for one in idle[:-1]]
    assert [one["tier"] for one in lane[:-1]] == [one["tier"] for one in idle[:-1]]
    status = json.loads(run("status", "--at", AT, "--json").stdout)
    assert [(one["actor"], one["last_at"], one["age_s"]) for one in found["seen"]["last"]] == [
        (one["actor"], one["at"], one["age_s"]) for one in status if one["at"]
    ]


# --- HTML -----------------------------------------------------------------------------------


def test_html(run: Run, trace: Path, tmp_path: Path) -> None:
    """One file that its owner alone may read, and the same on standard output."""
    file = tmp_path / "night.html"
    done = run("postmortem", *NIGHT, "--html", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    tags = assert_safe(text)
    assert tags.texts["title"].startswith("Post-mortem of 2026-03-01 03:12:00 (Europe/Riga)")
    assert '<time datetime="2026-02-28T23:58:07Z" title="2026-02-28 23:58:07 UTC">01:58:07</time>' \
        in text  # fmt: skip
    printed = run("postmortem", *NIGHT, "--html", "-").stdout
    made = re.compile(r"Made by keepalive at .*")
    assert made.sub("", re.sub(r"2\d\dd \d+h", "", printed)) == made.sub(
        "", re.sub(r"2\d\dd \d+h", "", text)
    )
    assert len(text) < 100_000


def test_html_tells_what_the_text_tells(run: Run, trace: Path) -> None:
    """Every sentence of the text is in the page."""
    text = run("postmortem", *NIGHT).stdout
    html = run("postmortem", *NIGHT, "--html", "-").stdout
    plain = re.sub(r"<[^>]*>", "", html).replace("&#39;", "'")
    for line in text.partition("1. What was seen")[2].splitlines():
        basis, _, words = line.partition("  ")
        if basis in {"observed", "inferred"} and words.rstrip().endswith("."):
            assert words in plain


HOSTILE = [
    "<script>document.title='owned'</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "--><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    '" style="x',
    "javascript:alert(1)",
    "a\x1b[2Jb\x9bc\u202ed\x00",
    "`` ` | \\| **x** [a](javascript:b)",
    "]]></title></svg><script>",
]


@pytest.fixture
def hostile(home: Path) -> int:
    """A ledger whose every name and command tries to run; returns an instant of it."""
    for place, text in enumerate(HOSTILE):
        with closing(database.open_ledger()) as connection:
            connection.execute(
                "INSERT INTO streams (host, town, workspace, actor) VALUES (?, ?, ?, ?)",
                (text, text, text, text),
            )
            connection.execute(
                "INSERT INTO sources (kind, name, added_at) VALUES ('import', ?, '')", (text,)
            )
            connection.execute(
                "INSERT INTO touches (stream_id, at_ns, command, source_id) VALUES"
                " ((SELECT max(id) FROM streams), ?, ?, (SELECT max(id) FROM sources))",
                ((1_772_323_200 + place) * NS, text),
            )
    return 1_772_323_300 * NS


def test_nothing_recorded_runs(run: Run, hostile: int) -> None:
    """Commands and names that try are shown as text, in every format."""
    at = format_instant(hostile)
    html = run("postmortem", at, "--html", "-").stdout
    tags = assert_safe(html)
    assert "{{ 7*7 }}{% raw %}" in html
    kinds = {tag for tag, _ in tags.found}
    assert kinds <= {
        "html", "head", "meta", "title", "style", "body", "header", "p", "h1", "h2", "span",
        "time", "dl", "div", "dt", "dd", "small", "main", "figure", "figcaption", "svg", "path",
        "text", "g", "ul", "li", "section", "table", "thead", "tbody", "tr", "th", "td", "code",
        "footer", "script",
    }  # fmt: skip
    for output in (html, run("postmortem", at).stdout, run("postmortem", at, "--md").stdout,
                   run("postmortem", at, "--json").stdout):  # fmt: skip
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", output)
    found = json.loads(run("postmortem", at, "--json").stdout)
    assert {one["command"] for one in found["seen"]["last"]} == set(HOSTILE)


def test_markdown_holds_no_html(run: Run, hostile: int) -> None:
    """Outside of code, nothing of what was recorded is markup."""
    text = run("postmortem", format_instant(hostile), "--md").stdout
    outside = re.sub(
        r"```text\n.*?```|(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", text, flags=re.DOTALL
    )
    assert "<" not in outside
    assert "[a](" not in outside


def test_a_hostile_zone_or_policy_never_gets_so_far(run: Run, trace: Path) -> None:
    """Zones and policies are known words, or refused."""
    assert run("postmortem", "--tz", "<script>").returncode == 2
    assert run("postmortem", "--policy", "<script>").returncode == 2


@pytest.fixture
def long_night(home: Path) -> Iterator[sqlite3.Connection]:
    """A ledger of one stream with 12,000 active periods, 400 s apart."""
    at = 1_700_000_000 * NS
    insert([(at + (place * 400 + late) * NS, "gt status") for place in range(12_000)
            for late in (0, 30)])  # fmt: skip
    with closing(database.open_ledger()) as connection:
        yield connection


def made(connection: sqlite3.Connection, periods: int) -> str:
    """Return the page over so many periods and heartbeats."""
    found = tell_postmortem(
        connection,
        at_ns=(1_700_000_000 + 6_000 * 400) * NS,
        window_ns=periods * 400 * NS,
        policy=ledger.parse_policy("fixed:400s"),
    )
    assert abs(len(found.lanes[0].active) - periods) < 3
    assert len(found.daemon.heartbeats) == periods
    return page(found, tell(found, instants.zone("Europe/Riga")))


def test_size(long_night: sqlite3.Connection) -> None:
    """3,000 periods and 3,000 heartbeats: at most 400 KiB."""
    text = made(long_night, 3000)
    assert_safe(text)
    assert len(text.encode()) <= 400 * 1024
    assert "too many to draw" not in text


def test_binned(long_night: sqlite3.Connection) -> None:
    """Above 10,000 marks the picture has cells, and says so."""
    text = made(long_night, 9000)
    assert_safe(text)
    assert "marks are too many to draw: each cell stands for" in text
    assert len(text.encode()) <= 400 * 1024


def test_json_is_of_plain_values(long_night: sqlite3.Connection) -> None:
    """The object holds nothing that JSON does not know."""
    json.dumps(postmortem_json.as_object(tell_postmortem(long_night)))


# --- opening, and what goes wrong -----------------------------------------------------------


def test_open(run: Run, trace: Path, tmp_path: Path) -> None:
    """--open shows the file in the browser, and by default one in the temporary directory."""
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!{sys.executable}\nimport sys\nopen("{seen}", "w").write(sys.argv[1])\n')
    browser.chmod(0o755)
    env = {"BROWSER": f"{browser} %s", "TMPDIR": str(tmp_path)}
    assert run("postmortem", *NIGHT, "--open", "--html", "night.html", env=env).returncode == 0
    assert seen.read_text() == f"file://{os.getcwd()}/night.html"
    assert run("postmortem", *NIGHT, "--open", env=env).returncode == 0
    name = seen.read_text().removeprefix("file://")
    assert name.startswith(f"{tmp_path}/keepalive-postmortem-")
    assert_safe(Path(name).read_text())


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--json", "--md"], 2, "are one of three"),
        (["--open", "--json"], 2, "are one of three"),
        (["--open", "--html", "-"], 2, "are one of three"),
        (["--html", "/nowhere/x.html"], 2, "/nowhere/x.html can't be written: No such file"),
        (["2199-01-01"], 2, "the instant lies in the future"),
        (["the other day"], 2, "is not a time that I can read"),
        (["--window", "0s"], 2, "a second long"),
        (["--actor", "nobody"], 1, "no stream matches"),
        (["2020-01-01"], 1, "no touch of these streams at or before that instant"),
    ],
)
def test_refusals(run: Run, trace: Path, arguments: list[str], status: int, message: str) -> None:
    """Wrong usage is 2, nothing to tell of is 1; both say why, and write nothing."""
    done = run("postmortem", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr


def test_empty_ledger(run: Run) -> None:
    """A ledger that holds nothing is called empty."""
    done = run("postmortem")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the ledger is empty" in done.stderr


def test_spool_is_drained_first(run: Run, trace: Path) -> None:
    """What waits goes into the ledger first, and is part of the report."""
    from ledger import paths, spool

    spool.put(paths.spool_path(str(trace)), (1_772_327_520 * NS, "", "", "", "late", "waited"))
    text = run("postmortem", *NIGHT).stdout
    assert "late was last seen at 03:12:00, with waited." in text
    assert "No touch waits in the spool." in text


def test_html_alone_loads_the_templates(run: Run, trace: Path) -> None:
    """Jinja2 is not imported for text."""
    code = (
        "import sys; sys.argv = ['keepalive', 'postmortem']\n"
        "from ledger.cli import main\n"
        "try: main()\n"
        "except SystemExit: assert 'jinja2' not in sys.modules"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
