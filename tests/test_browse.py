"""The Datasette plugin: through Datasette itself, of whichever version is installed."""

import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from datasettes import asked, get, rows, serving

from ledger import database

pytest.importorskip("datasette", reason="Datasette is not installed (pip install '.[browse]')")

TRACE = Path(__file__).parent / "data" / "town-8-days.jsonl"
NS = 10**9
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b]0;title\x07 javascript:alert(1)",
    "{{ 7 * 7 }} &amp; '",
]


def lines() -> list[tuple[int, str, str]]:
    """Return the trace: instant, actor, command."""
    raw = map(json.loads, TRACE.read_text().splitlines())
    return [
        (int(datetime.fromisoformat(one["at"]).timestamp()) * NS, one["actor"], one["command"])
        for one in raw
    ]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that holds the trace of a real town."""
    path = tmp_path_factory.mktemp("browse") / "trace.db"
    subprocess.run(
        [sys.executable, "-m", "ledger", "import", TRACE],
        env={"KEEPALIVE_DB": str(path), "TZ": "UTC"},
        cwd=path.parent,
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def town(trace: Path) -> Any:
    return serving([trace])


@pytest.fixture
def other(home: Path) -> Path:
    """A database of another program, with names like ours."""
    with closing(sqlite3.connect(home / "other.db")) as connection:
        connection.execute("CREATE TABLE history (at TEXT, at_ns INTEGER, wait_s REAL)")
        connection.execute("INSERT INTO history VALUES ('2026-03-01T12:00:00Z', 5, 252)")
        connection.commit()
    return home / "other.db"


def test_history_comes_newest_first(town: Any) -> None:
    """History needs no configuration: newest first, described, with both facets."""
    page = get(town, "/trace/history").text
    newest = [at for at, *_ in sorted(lines(), key=lambda line: line[0])[::-1][:50]]
    shown = re.findall(r'<td class="col-at type-[^"]*"><time datetime="([^"]+)"', page)
    assert [int(datetime.fromisoformat(at).timestamp()) * NS for at in shown] == newest
    assert "Every touch with its stream, the newest first." in page
    assert "Who acted." in page
    facets = re.findall(r'facet-info-name">\s*<strong>(\w+)', page)
    assert sorted(facets) == ["actor", "command"]
    actors = Counter(actor for _, actor, _ in lines())
    for actor, count in actors.most_common(5):
        assert re.search(rf">{re.escape(actor)}</a>[^\d]*{count:,}\b", page)


def test_cells(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instants are local times with the UTC in a tooltip; streams are links with their names."""
    page = get(town, "/trace/history", actor="deacon").text
    assert (
        '<time datetime="2026-03-01T15:26:16Z" title="2026-03-01 15:26:16 (UTC)">'
        "2026-03-01 15:26:16</time>"
    ) in page
    assert re.search(r'<a href="/trace/streams/\d+">deacon</a>', page)
    assert re.search(
        r'<a href="/trace/streams/\d+">gastown/refinery</a>', get(town, "/trace/touches").text
    )
    monkeypatch.setenv("TZ", "Europe/Riga")
    import time

    time.tzset()
    try:
        page = get(town, "/trace/history", actor="deacon").text
        assert 'title="2026-03-01 15:26:16 (UTC)">2026-03-01 17:26:16</time>' in page
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
    assert rows(town, "/trace/history", actor="deacon", _size=1)[0]["at"] == "2026-03-01T15:26:16Z"


def test_facets_by_stream(town: Any) -> None:
    """Touches by stream add up to all touches."""
    page = get(town, "/trace/touches").text
    ((actor, count),) = Counter(actor for _, actor, _ in lines()).most_common(1)
    assert re.search(rf">{actor}</a>[^\d]*{count:,}\b", page)


def test_other_databases_are_left_alone(trace: Path, other: Path) -> None:
    """Another database beside a ledger looks as it would without us."""
    both = serving([trace, other])
    page = get(both, "/other/history").text
    assert "<time" not in page
    assert "keepalive" not in page.lower().replace("/-/keepalive", "")
    assert rows(both, "/other/history") == [
        {"rowid": 1, "at": "2026-03-01T12:00:00Z", "at_ns": 5, "wait_s": 252.0}
    ]
    assert get(both, "/other/quiet_now").status_code == 404
    failed = get(both, "/other.json", sql="select keepalive_duration(1)")
    assert "no such function" in failed.text
    alone = serving([other])
    assert get(alone, "/-/keepalive").status_code == 404
    assert "/-/keepalive" not in get(alone, "/").text


# --- canned queries -------------------------------------------------------------------------


def test_quiet_now(town: Any) -> None:
    """Each stream with its last touch, the longest silent first."""
    last: dict[str, int] = {}
    for at, actor, _ in lines():
        last[actor] = max(at, last.get(actor, 0))
    found = rows(town, "/trace/quiet_now")
    assert {one["actor"]: one["last_ns"] for one in found} == last
    assert [one["last_ns"] for one in found] == sorted(last.values())
    assert {one["tier"] for one in found} == {4}
    assert [one["actor"] for one in rows(town, "/trace/quiet_now", actor="may*")] == ["mayor"]


def test_longest_idle(town: Any) -> None:
    """They are the gaps between touches of all, and those of `keepalive idle`."""
    instants = sorted(at for at, *_ in lines())
    gaps = sorted((b - a for a, b in pairwise(instants)), reverse=True)
    until = "2026-03-05T15:46:56Z"
    found = rows(town, "/trace/longest_idle", until=until, limit=10)
    assert [one["idle_s"] * NS for one in found] == gaps[:10]
    assert found[0]["last_command"] == "bd close gt-ni4e"
    hours = rows(town, "/trace/longest_idle", until=until, min_s=3600, limit=1000)
    assert len(hours) == sum(gap >= 3600 * NS for gap in gaps)
    assert len(rows(town, "/trace/longest_idle")) == 20


def test_touches_before(town: Any) -> None:
    """The last touches up to an instant, itself included."""
    found = rows(town, "/trace/touches_before", at="2026-03-01T15:26:16Z", limit=3)
    before = [line for line in lines() if line[0] <= found[0]["at_ns"]]
    assert found[0]["at"] == "2026-03-01T15:26:16Z"
    assert [one["at_ns"] for one in found] == sorted((at for at, *_ in before), reverse=True)[:3]
    assert len(rows(town, "/trace/touches_before")) == 50


def test_busiest_hours(town: Any) -> None:
    """All touches are in some hour; those of one actor are its own."""
    assert sum(one["touches"] for one in rows(town, "/trace/busiest_hours")) == len(lines())
    deacon = sum(one["touches"] for one in rows(town, "/trace/busiest_hours", actor="deacon"))
    assert deacon == sum(actor == "deacon" for _, actor, _ in lines())


def test_commands(town: Any) -> None:
    """Commands by count, as in the trace."""
    counted = Counter(command for *_, command in lines())
    found = rows(town, "/trace/commands", limit=500)
    assert [one["touches"] for one in found] == sorted(counted.values(), reverse=True)[:500]
    assert all(counted[one["command"]] == one["touches"] for one in found)
    day = rows(town, "/trace/commands", since="2026-03-01", until="2026-03-02", limit=900)
    within = [c for at, _, c in lines() if 1772323200 * NS <= at < 1772409600 * NS]
    assert {one["command"]: one["touches"] for one in day} == Counter(within)


def test_touches_of(town: Any) -> None:
    """The newest touches of one actor."""
    found = rows(town, "/trace/touches_of", actor="gastown/w*", limit=30)
    own = [at for at, actor, _ in lines() if actor == "gastown/witness"]
    assert [one["at_ns"] for one in found] == sorted(own, reverse=True)[:30]


def test_heartbeats_by_tier(town: Any, run: Run, trace: Path) -> None:
    """The tiers are those of `keepalive backoff --json`."""
    asked_for = {"since": "2026-02-27T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    for policy in ("gastown", "exp:30s,x2,15m"):
        found = rows(town, "/trace/heartbeats_by_tier", policy=policy, **asked_for)
        words = [word for key, value in asked_for.items() for word in (f"--{key}", value)]
        done = run("backoff", "--policy", policy, *words, "--json",
                   env={"KEEPALIVE_DB": str(trace)})  # fmt: skip
        assert found == json.loads(done.stdout)["tiers"]


def test_query_pages(town: Any) -> None:
    """Every query has a page with its title, also where its parameters are nonsense."""
    for name in ("quiet_now", "longest_idle", "touches_before", "busiest_hours", "commands",
                 "touches_of", "heartbeats_by_tier"):  # fmt: skip
        assert get(town, f"/trace/{name}").status_code == 200
        page = get(town, f"/trace/{name}", since="x", until="y", limit="z", policy="p", at="q")
        assert page.status_code in {200, 400}
        assert "Traceback" not in page.text


def test_functions(town: Any) -> None:
    """Lengths and tiers for people's own queries."""
    sql = (
        "select keepalive_duration(252) a, keepalive_duration('x') b, keepalive_tier(299.9) c,"
        " keepalive_tier(300) d, keepalive_tier(600, 'fixed:1m') e, keepalive_tier(null) f"
    )
    assert rows(town, "/trace", sql=sql) == [
        {"a": "4m 12s", "b": None, "c": 1, "d": 2, "e": 1, "f": None}
    ]


# --- safety ---------------------------------------------------------------------------------


def test_hostile_recordings(home: Path) -> None:
    """Nothing recorded can run as HTML or script, on any page."""
    with closing(database.open_ledger(str(home / "evil.db"))) as connection:
        for number, text in enumerate(HOSTILE, 1):
            connection.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?)", (number, *[text] * 4))
            connection.executemany(
                "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, ?)",
                [(number, (number * 10 + beat) * 600 * NS, text) for beat in range(4)],
            )
    evil = serving([home / "evil.db"])
    for path in ("/evil/history", "/evil/touches", "/evil/streams", "/evil/quiet_now",
                 "/evil/commands", "/evil/touches_of", "/evil/longest_idle", "/evil/streams/1",
                 "/-/keepalive", "/-/keepalive?by=host"):  # fmt: skip
        page = get(evil, path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript:' not in page
    assert "\x1b" not in get(evil, "/-/keepalive").text


@pytest.mark.parametrize(
    "path", ["history", "quiet_now", "touches/-/insert", "-/create", "touches"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_writes_are_refused(town: Any, path: str, method: str) -> None:
    """Whoever tries to write through a page is told that it can't be."""
    assert asked(town, method, f"/trace/{path}").status_code == 405


def test_sql_that_writes_is_refused(town: Any) -> None:
    """So is SQL."""
    for sql in ("delete from touches", "insert into ledger_info values (2, '', '')"):
        assert 400 <= get(town, "/trace.json", sql=sql).status_code < 500
    assert len(rows(town, "/trace/ledger_info")) == 1


def command(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "datasette", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def test_a_live_ledger_is_not_served_as_immutable(trace: Path) -> None:
    """It would miss rows: Datasette ends with a sentence that says so."""
    done = command("serve", "-i", trace, "--get", "/")
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"{trace} is a live ledger: serve it without -i")
    assert "Traceback" not in done.stderr


def test_plain_datasette(trace: Path, other: Path) -> None:
    """The command as people type it, over a ledger and another database."""
    done = command("serve", trace, other, "--get", "/trace/history.json?_size=1&_shape=array")
    assert json.loads(done.stdout)[0]["command"] == "bd create gt-5659"
    done = command("serve", other, "--get", "/other/history.json?_shape=array")
    assert json.loads(done.stdout)[0]["wait_s"] == 252.0


def test_new_touches_are_seen(home: Path, run: Run) -> None:
    """A touch shows at once, since the ledger is read live."""
    env = {"KEEPALIVE_DB": str(home / "live.db")}
    run("touch", "gt", "one", env=env)
    live = serving([home / "live.db"])
    run("touch", "gt", "two", env=env)
    assert [one["command"] for one in rows(live, "/live/history")] == ["gt two", "gt one"]
    assert datetime.fromisoformat(rows(live, "/live/history")[0]["at"]).tzinfo == UTC
