"""The Datasette plugin: through Datasette itself, of whichever version is installed."""

import asyncio
import html
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from datasettes import asked, get, rows, serving
from datasettes import run as run_to_end

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


def ledger(path: Path, touches: Iterable[tuple[int, str]]) -> Path:
    """Make a ledger of touches: instant, actor."""
    with closing(database.open_ledger(str(path))) as connection:
        streams: dict[str, int] = {}
        connection.execute("BEGIN")
        for at_ns, actor in touches:
            if actor not in streams:
                streams[actor] = len(streams) + 1
                stream = (streams[actor], "", "", "", actor)
                connection.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?)", stream)
            connection.execute(
                "INSERT INTO touches (stream_id, at_ns, command) VALUES (?, ?, 'gt status')",
                (streams[actor], at_ns),
            )
        connection.execute("COMMIT")
    return path


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


def test_cells(town: Any) -> None:
    """Instants are local times with the UTC in a tooltip; streams are links with their names."""
    page = get(town, "/trace/history", actor="deacon").text
    assert (
        '<time datetime="2026-03-01T15:26:16Z" title="2026-03-01 15:26:16 UTC">'
        "2026-03-01 15:26:16</time>"
    ) in page
    assert re.search(r'<a href="/trace/streams/\d+">deacon</a>', page)
    assert re.search(
        r'<a href="/trace/streams/\d+">gastown/refinery</a>', get(town, "/trace/touches").text
    )
    assert rows(town, "/trace/history", actor="deacon", _size=1)[0]["at"] == "2026-03-01T15:26:16Z"


def test_facets_by_stream(town: Any) -> None:
    """Touches by stream add up to all touches."""
    page = get(town, "/trace/touches").text
    ((actor, count),) = Counter(actor for _, actor, _ in lines()).most_common(1)
    assert re.search(rf">{actor}</a>[^\d]*{count:,}\b", page)


def test_a_facet_may_suggest_while_it_counts(home: Path) -> None:
    """Datasette 1.0 asks one object for both at once, in an order that differs by process."""
    import datasette
    from datasette.plugins import pm

    few = serving([ledger(home / "few.db", [(number, f"a{number % 3}") for number in range(9)])])
    kinds = [kind for kinds in pm.hook.register_facet_classes() for kind in kinds]
    (kind,) = [kind for kind in kinds if kind.type == "column"]
    sql = "select * from history"
    request = datasette.Request.fake("/few/history")
    facet = kind(few, request, "few", sql, "history", {}, {"facets": ["actor"]}, 9)

    async def both() -> Any:
        return await asyncio.gather(facet.facet_results(), facet.suggest())

    (results, timed_out), suggested = run_to_end(both())
    (actors,) = results
    assert [(one["value"], one["count"]) for one in actors["results"]] == [
        ("a0", 3), ("a1", 3), ("a2", 3)
    ]  # fmt: skip
    assert (timed_out, suggested) == ([], [])


def test_the_command_facet_leads_to_what_it_counted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its links choose among the newest touches that it speaks of, and it says so if not all."""
    from ledger.browse import facets

    newest = facets.NEWEST
    for count, bounded in ((newest, True), (newest - 1, False)):
        name = f"many{bounded:d}"
        touches = ((number, "a") for number in range(count))
        page = get(serving([ledger(home / f"{name}.db", touches)]), f"/{name}/history").text
        assert (f"newest {newest:,} touches" in page) == bounded
        assert ("at_ns__gte=0&quot;" in page.replace('"', "&quot;")) == bounded


def test_every_column_is_described(town: Any) -> None:
    """Each table and view, and each of its columns, has a description."""
    from ledger.browse.descriptions import TABLES

    for table, told in TABLES.items():
        if not told.get("hidden"):
            columns = rows(town, "/trace", sql=f"select name from pragma_table_info('{table}')")
            assert sorted(told["columns"]) == sorted(one["name"] for one in columns)
            page = html.unescape(get(town, f"/trace/{table}").text)
            assert told["description"] in page
            assert all(text in page for text in told["columns"].values())


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


def test_links_to_all_that_is_ours(town: Any) -> None:
    """The page of the ledger names the dashboard and every query, whatever Datasette lists."""
    page = get(town, "/trace").text
    for title in ("Activity and idle periods", "Who is quiet now", "Longest idle periods",
                  "Last touches before an instant", "Busiest hours", "Commands by count",
                  "Touches of one actor", "Heartbeats by tier"):  # fmt: skip
        link = re.search(rf'<a href="([^"]+)">{title}</a>', page)
        assert link is not None
        assert get(town, html.unescape(link[1])).status_code == 200
    assert "The activity ledger of a fleet of agents" in page


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
    found = rows(town, "/trace/busiest_hours")
    assert sum(one["estimated_touches"] for one in found) == len(lines())
    found = rows(town, "/trace/busiest_hours", actor="deacon")
    deacon = sum(one["estimated_touches"] for one in found)
    assert deacon == sum(actor == "deacon" for _, actor, _ in lines())


def test_busiest_hours_of_long_periods(home: Path) -> None:
    """A period's time and touches are in the hours that it spans, cut at the range's ends."""
    beats = range(1800, 3 * 3600 + 1801, 30)  # 1970-01-01 00:30 to 03:30, a Thursday
    long = serving([ledger(home / "long.db", ((at * NS, "a") for at in beats))])
    found = {one["hour"]: one for one in rows(long, "/long/busiest_hours")}
    assert {one["weekday"] for one in found.values()} == {"Thu"}
    assert [found[f"0{hour}:00"]["active_s"] for hour in range(4)] == [1800, 3600, 3600, 1800]
    real = Counter(at // 3600 for at in beats)
    assert all(
        abs(found[f"0{hour}:00"]["estimated_touches"] - real[hour]) <= 1 for hour in range(4)
    )
    cut = {"since": "1970-01-01T01:15:00Z", "until": "1970-01-01T02:15:00Z"}
    found = {one["hour"]: one for one in rows(long, "/long/busiest_hours", **cut)}
    assert {hour: one["active_s"] for hour, one in found.items()} == {
        "01:00": 2700, "02:00": 900
    }  # fmt: skip


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
    newest = rows(town, "/trace", sql="select at_ns, command from history"
                  " order by at_ns desc, id desc limit 100")  # fmt: skip
    everybody = rows(town, "/trace/touches_of")
    assert [{key: one[key] for key in ("at_ns", "command")} for one in everybody] == newest


@pytest.mark.parametrize("name", ["longest_idle", "touches_before", "commands", "touches_of"])
def test_limits(town: Any, name: str) -> None:
    """An empty limit is the default one; what is none, SQLite would take for everything."""
    default = 20 if name == "longest_idle" else 50 if name == "touches_before" else 100
    assert len(rows(town, f"/trace/{name}", limit="")) == default
    assert len(rows(town, f"/trace/{name}", limit=3)) == 3
    for bad in ("z", "0", "-1", "1e3"):
        assert f"{bad!r} is not a whole number above 0" in refused(
            town, f"/trace/{name}", limit=bad
        )


def refused(town: Any, path: str, **parameters: object) -> str:
    """Return why a page and its JSON are refused, the same of both."""
    page, answer = get(town, path, **parameters), get(town, f"{path}.json", **parameters)
    assert (page.status_code, answer.status_code) == (400, 400)
    said = str(answer.json()["error"])
    assert said in html.unescape(page.text)
    assert "Traceback" not in page.text
    return said


@pytest.mark.parametrize("bad", ["soon", "2026-02-30", "x", "9999-12-31T23:59:59Z" * 2, "<b>"])
def test_instants_that_are_none(town: Any, bad: str) -> None:
    """They are refused, since the figures of another range would look right."""
    assert f"{bad!r} is not a time that I can read" in refused(
        town, "/trace/touches_before", at=bad
    )
    for name in ("longest_idle", "busiest_hours", "commands", "heartbeats_by_tier"):
        for key in ("since", "until"):
            assert "is not a time" in refused(town, f"/trace/{name}", **{key: bad})


def test_other_parameters_that_are_none(town: Any) -> None:
    """A policy, a length and a range are read like those of the commands."""
    said = refused(town, "/trace/heartbeats_by_tier", policy="banana")
    assert "'banana' is not a policy that I know" in said
    for bad in ("abc", "-5", "0", "inf", "nan"):
        assert "is not a number of seconds" in refused(town, "/trace/longest_idle", min_s=bad)
    said = refused(town, "/trace/commands", since="2026-03-02", until="2026-03-01")
    assert said.startswith("the range is empty")


def test_instants(town: Any) -> None:
    """They are read to the nanosecond, in every form that the commands take."""
    at_ns = 1772378776 * NS  # 2026-03-01T15:26:16Z, the deacon's only touch
    for text in ("2026-03-01T15:26:16Z", "2026-03-01T17:26:16+02:00", "20260301T172616+0200",
                 "2026-03-01 15:26:16"):  # fmt: skip
        assert rows(town, "/trace/touches_before", at=text, limit=1)[0]["at_ns"] == at_ns
    before = rows(town, "/trace/touches_before", at="2026-03-01T15:26:15.999999999Z", limit=1)
    assert before[0]["at_ns"] < at_ns
    assert rows(town, "/trace/commands", since="2h") == []
    assert len(rows(town, "/trace/commands", since="9000w", limit=5)) == 5


@pytest.fixture
def riga(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the server into a zone that is two hours ahead."""
    monkeypatch.setenv("TZ", "Europe/Riga")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("riga")
def test_instants_are_those_that_are_shown(town: Any) -> None:
    """The server's zone is that of what pages show, and of what they are asked for."""
    page = get(town, "/trace/history", actor="deacon").text
    assert 'title="2026-03-01 15:26:16 UTC">2026-03-01 17:26:16</time>' in page
    asked_for = {"at": "2026-03-01 17:26:16", "limit": 1}
    assert rows(town, "/trace/touches_before", **asked_for)[0]["at"] == "2026-03-01T15:26:16Z"
    hours = {
        (one["weekday"], one["hour"]) for one in rows(town, "/trace/busiest_hours", actor="deacon")
    }
    assert ("Sun", "17:00") in hours
    assert ("Sun", "15:00") not in hours
    first = {"since": "2026-03-01 17:26:16", "until": "2026-03-01 17:26:17"}
    assert [one["command"] for one in rows(town, "/trace/commands", **first)] == [
        "bd create gt-0bff"
    ]


def test_filters_by_instants_as_shown(town: Any) -> None:
    """A time that was copied from a page, or is said as people do, chooses what it should."""
    newest = [at for at, *_ in sorted(lines(), key=lambda line: line[0])[::-1]]
    shown = "2026-03-05 14:42:43"
    edge = int(datetime.fromisoformat(f"{shown}Z").timestamp()) * NS
    for column in ("at", "at_ns"):
        found = rows(town, "/trace/history", **{f"{column}__gte": shown})
        assert [one["at_ns"] for one in found] == [at for at in newest if at >= edge]
        exact = rows(town, "/trace/history", **{column: shown})
        assert [one["at_ns"] for one in exact] == [at for at in newest if at == edge]
    assert rows(town, "/trace/touches", at_ns__gt="2h") == []
    assert len(rows(town, "/trace/periods", started_ns__lt="2026-02-26 15:13:24")) == 1
    assert "is not a time that I can read" in refused(town, "/trace/history", at__gte="soon")
    as_stored = rows(town, "/trace/history", at__startswith="2026-03-05T15")
    assert [one["at"] for one in as_stored] == ["2026-03-05T15:46:56Z", "2026-03-05T15:13:25Z"]


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
        page = get(town, f"/trace/{name}")
        assert page.status_code == 200
        assert 'id="sql-query"' not in page.text  # it would push the rows off the screen
        assert ">show</a>" in page.text
        page = get(town, f"/trace/{name}", since="x", until="y", limit="z", policy="p", at="q")
        assert page.status_code == (200 if name == "quiet_now" else 400)
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
    sql = (
        "select keepalive_duration(9e999) a, keepalive_tier(9e999) b, keepalive_tier(5, 'x') c,"
        " keepalive_at_ns('1970-01-01T00:00:00.5Z') d, keepalive_at_ns('0001-01-01') e,"
        " keepalive_at_ns(null) f, keepalive_matches('abe', 'a*') g, keepalive_matches(1, 'a') h"
    )
    assert rows(town, "/trace", sql=sql) == [
        {"a": None, "b": None, "c": None, "d": 500_000_000, "e": None, "f": None, "g": 1, "h": None}
    ]


def configured(trace: Path, **config: Any) -> Any:
    """Return a Datasette with what its user says of the ledger."""
    import datasette

    key = "metadata" if datasette.__version__.startswith("0.") else "config"
    return serving([trace], **{key: {"databases": {"trace": config}}})


def test_the_users_own_query_stands(trace: Path) -> None:
    """A query that is called like one of ours is the user's."""
    theirs = configured(trace, queries={"quiet_now": {"sql": "select 7 as seven"}})
    assert rows(theirs, "/trace/quiet_now") == [{"seven": 7}]
    assert len(rows(theirs, "/trace/longest_idle")) == 20


def test_no_queries_without_permission(trace: Path) -> None:
    """Who may not view the history doesn't get it by our queries; the user's own are theirs."""
    told = {"history": {"allow": {"id": "boss"}}}
    mine = {"mine": {"sql": "select 7 as seven"}}
    closed = configured(trace, tables=told, queries=mine, allow_sql=False)
    page = get(closed, "/trace").text
    for name in ("quiet_now", "longest_idle", "touches_before", "busiest_hours", "commands",
                 "touches_of", "heartbeats_by_tier"):  # fmt: skip
        assert get(closed, f"/trace/{name}").status_code in {403, 404}
        assert get(closed, f"/trace/{name}.json").status_code in {403, 404}
        assert f"/trace/{name}" not in page
    assert rows(closed, "/trace/mine") == [{"seven": 7}]


def test_queries_of_a_restricted_ledger(trace: Path) -> None:
    """Who may see a ledger sees its queries, also where nobody else does."""
    for told in ({"allow": {"id": "bob"}}, {"tables": {"history": {"allow": {"id": "bob"}}}}):
        closed = configured(trace, **told)
        for path in ("/trace", "/trace/quiet_now", "/trace/history", "/-/keepalive?db=trace"):
            cookies = {"ds_actor": closed.sign({"a": {"id": "bob"}}, "actor")}
            answer = run_to_end(closed.client.get(path, cookies=cookies))
            assert answer.status_code == 200, (told, path)
        assert get(closed, "/trace/quiet_now").status_code == 403


def test_the_users_own_order_and_limits(trace: Path) -> None:
    """A table that the user has sorted stays so, and small pages stay small."""
    tables = {"history": {"sort": "at_ns"}, "touches": {"sort": "id"}}
    theirs = configured(trace, tables=tables)
    assert rows(theirs, "/trace/history")[0]["at"] == "2026-02-26T15:13:23Z"
    assert rows(theirs, "/trace/touches")[0]["id"] == 1
    small = serving([trace], settings={"max_returned_rows": 20})
    assert len(rows(small, "/trace/history")) == 20


def test_a_database_in_a_ledgers_place(trace: Path, other: Path, home: Path) -> None:
    """What Datasette 1.0 keeps in a file is taken back from what is no ledger any more."""
    place = home / "place.db"
    shutil.copyfile(trace, place)
    options: dict[str, Any] = {}
    first = serving([place])
    if hasattr(first, "add_query"):
        options = {"internal": str(home / "internal.db")}
        first = serving([place], **options)
    assert get(first, "/place/quiet_now").status_code == 200
    first.close() if hasattr(first, "close") else None
    shutil.copyfile(other, place)
    second = serving([place], **options)
    assert get(second, "/place/quiet_now").status_code == 404
    assert "activity ledger" not in get(second, "/place").text
    assert "Who acted." not in get(second, "/place/history").text


def test_a_ledger_that_is_taken_away(trace: Path, other: Path) -> None:
    """The other databases are served on."""
    both = serving([trace, other])
    both.remove_database("trace")
    assert get(both, "/other/history").status_code == 200
    assert get(both, "/-/keepalive").status_code == 404


def test_a_stranger_with_our_number(home: Path) -> None:
    """A database with our application_id but without our tables is not a ledger."""
    with closing(sqlite3.connect(home / "stranger.db")) as connection:
        connection.executescript("PRAGMA application_id = 1262833968; CREATE TABLE history (a)")
    stranger = serving([home / "stranger.db"])
    assert get(stranger, "/stranger/history").status_code == 200
    assert get(stranger, "/-/keepalive").status_code == 404


def test_a_locked_database_is_not_waited_for(trace: Path, other: Path) -> None:
    """Another program's lock costs Datasette's start no more than without us."""
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        if hasattr(serving([trace]), "add_query"):
            pytest.skip("Datasette 1.0 itself waits for it, and fails")
        began = time.monotonic()
        serving([trace, other])
        assert time.monotonic() - began < 4  # a lock is waited for 5 s by default


def test_patterns_of_actors(home: Path) -> None:
    """They are those of the commands, in every query; a name is one, whatever is in it."""
    touches = [(number * 60 * NS, actor) for number, actor in enumerate(["[x]", "abe", "bob", "x"])]
    site = serving([ledger(home / "odd.db", touches)])
    for pattern, names in (("[!a]*", ["[x]", "bob", "x"]), ("[x]", ["[x]", "x"]), ("a*", ["abe"])):
        for query in ("quiet_now", "touches_of"):
            found = {one["actor"] for one in rows(site, f"/odd/{query}", actor=pattern)}
            assert sorted(found) == sorted(names)
        page = get(site, "/-/keepalive", actor=pattern, since="all", min="1m").text
        link = re.search(r'href="(/odd/history[^"]*at_ns__lte[^"]*)"', page)
        if link:
            found = set(
                re.findall(
                    r'class="col-actor[^>]*>([^<]+)<', get(site, html.unescape(link[1])).text
                )
            )
            assert {name.strip() for name in found} - {"", "actor"} <= set(names)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("longest_idle?min_s=1e4", "is not a number of seconds"),
        ("longest_idle?min_s=1_0000", "is not a number of seconds"),
        ("longest_idle?min_s=0.5", "is not a number of seconds"),
        ("longest_idle?limit=1_0", "is not a whole number"),
        ("longest_idle?limit=%EF%BC%91%EF%BC%90", "is not a whole number"),
        ("longest_idle?since=garbage&since=2026-02-26", "is not a time"),
        ("longest_idle?since=2199-01-01", "the range is empty"),
    ],
)
def test_what_is_computed_was_checked(town: Any, query: str, reason: str) -> None:
    """SQLite reads numbers in ways of its own: what it would misread is refused."""
    answer = get(town, f"/trace/{query.replace('?', '.json?')}")
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_blanks_are_nothing(town: Any) -> None:
    """A field with a blank in it counts as empty."""
    for query in ("longest_idle", "busiest_hours", "commands", "heartbeats_by_tier"):
        blank = {"since": " ", "until": " ", "min_s": " ", "policy": " ", "limit": ""}
        assert len(rows(town, f"/trace/{query}", **blank)) == len(rows(town, f"/trace/{query}"))
    assert rows(town, "/trace/longest_idle", min_s="90.5")[-1]["idle_s"] > 0
    assert get(town, "/trace/history", at_ns__gte="").status_code == 200


def test_odd_instants_in_filters(town: Any) -> None:
    """A day in digits alone is a day to `at`, and the last second there is can be asked for."""
    assert rows(town, "/trace/history", at__gte="20260305") == rows(
        town, "/trace/history", at_ns__gte="2026-03-05"
    )
    assert rows(town, "/trace/history", at="2262-04-11T23:47:15Z") == []
    assert "outside the years" in refused(town, "/trace/history", at="2262-04-11T23:47:17Z")


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


def test_no_prefix_leads_around_it(trace: Path, home: Path) -> None:
    """A base_url is no part of a name: the user's own query can't write without it either."""
    place = home / "ledger.db"
    shutil.copyfile(trace, place)
    write = {"sql": "insert into streams values (99, '', '', '', 'x')", "write": True}
    import datasette

    key = "metadata" if datasette.__version__.startswith("0.") else "config"
    config = {key: {"databases": {"ledger": {"queries": {"w": write}}}}}
    site = serving([place], settings={"base_url": "/led/"}, **config)
    for path in ("/ledger/w", "/led/ledger/w"):
        assert asked(site, "POST", path).status_code == 405
    with closing(sqlite3.connect(place)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM streams WHERE id = 99").fetchone()
    assert count == 0


def test_the_second_lock(trace: Path) -> None:
    """What gets past the door finds the ledger open for reading alone."""
    site = serving([trace])
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        run_to_end(site.get_database("trace").execute_write("DELETE FROM touches"))


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
