"""The dashboard: its figures, its form, its manners."""

import html
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from datasettes import get, serving
from test_browse import ledger, other, trace

from ledger.instants import NS, duration

__all__ = ["other", "trace"]

RANGE = {"since": "2026-02-27", "until": "2026-03-04", "tz": "Europe/Riga"}


@pytest.fixture
def town(trace: Path) -> Any:
    return serving([trace])


def words(text: str) -> str:
    """Return what a page says."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def length(length_s: float) -> str:
    return duration(round(length_s * NS))


def asked_of(run: Run, trace: Path, *arguments: str) -> Any:
    given = [word for key, value in RANGE.items() for word in (f"--{key}", value)]
    done = run(*arguments, *given, "--json", env={"KEEPALIVE_DB": str(trace)})
    assert done.returncode == 0
    return json.loads(done.stdout)


@pytest.mark.parametrize("minimum", ["5m", "1h"])
def test_figures_are_those_of_idle(town: Any, run: Run, trace: Path, minimum: str) -> None:
    """Summary and longest idle periods are those of the command."""
    page = words(get(town, "/-/keepalive", min=minimum, **RANGE).text)
    (summary,) = asked_of(run, trace, "idle", "--min", minimum, "--summary")
    facts = (
        f"active {length(summary['active_s'])} idle {length(summary['idle_s'])}"
        f" {summary['idle_share'] * 100:.1f} % idle periods {summary['periods']}"
        f" median {length(summary['median_s'])} 95 % {length(summary['p95_s'])}"
        f" longest {length(summary['longest_s'])}"
    )
    assert facts in page
    periods = asked_of(run, trace, "idle", "--min", minimum)
    longest = sorted(periods, key=lambda one: -one["idle_s"])[:10]
    shown = page.partition("Longest idle periods")[2]
    for one in longest:
        assert f"{length(one['idle_s'])} {one['tier']} {one['last_command']}" in shown


def test_figures_are_those_of_backoff(town: Any, run: Run, trace: Path) -> None:
    """The policies' table is that of the command."""
    page = words(get(town, "/-/keepalive", **RANGE).text)
    for one in asked_of(run, trace, "backoff", "compare"):
        line = (
            f"{one['policy']} {one['per_day']:,.1f} {one['wasted_per_day']:,.1f}"
            f" {length(one['reaction_median_s'])} {length(one['reaction_p95_s'])}"
            f" {length(one['reaction_max_s'])} {length(one['noticed_median_s'])}"
        )
        assert line + (" unbeaten" if one["unbeaten"] else "") in page


def test_few_resumptions(town: Any, run: Run, trace: Path) -> None:
    """Where one phase would mislead the table has the averages of the command, and says so."""
    night = {"since": "2026-03-01 22:00", "until": "2026-03-02 08:00", "tz": "Europe/Riga"}
    answer = get(town, "/-/keepalive", **night).text
    page = words(answer)
    given = [word for key, value in night.items() for word in (f"--{key}", value)]
    done = run("backoff", "compare", *given, "--json", env={"KEEPALIVE_DB": str(trace)})
    for one in json.loads(done.stdout):
        mean = one["averaged"]
        assert (
            f"{one['policy']} {mean['per_day']:,.1f} {mean['wasted_per_day']:,.1f}"
            f" {length(mean['reaction_median_s'])} {length(mean['reaction_p95_s'])}"
        ) in page
        point = rf">{one['policy']}: {mean['per_day']:,.1f} heartbeats a day, reaction "
        assert re.search(point + re.escape(length(mean["reaction_p95_s"])), answer)
    assert "Work resumed 10 times, too few for one phase" in page


def test_the_chosen_policy_is_compared(town: Any) -> None:
    """It stands beside the presets, and once where it is one of them."""
    for policy, times in (("fixed:7m", 1), ("fixed:10m", 1)):
        page = get(town, "/-/keepalive", policy=policy, **RANGE).text
        assert len(re.findall(rf"<th scope=\"row\"><a [^>]*>{policy}</a>", page)) == times


def test_one_actor(town: Any, run: Run, trace: Path) -> None:
    """Figures and links are of the actor that is chosen, or of those a pattern chooses."""
    for actor in ("gastown/w*", "mayor"):
        page = get(town, "/-/keepalive", actor=actor, **RANGE).text
        (summary,) = asked_of(run, trace, "idle", "--actor", actor, "--summary")
        assert f"active {length(summary['active_s'])} idle {length(summary['idle_s'])}" in words(
            page
        )
        periods = asked_of(run, trace, "idle", "--actor", actor)
        link = re.search(r'href="(/trace/longest_idle\?[^"]+)"', page)
        assert link is not None
        path, _, query = html.unescape(link[1]).partition("?")
        listed = get(town, f"{path}.json?_shape=array&{query}").json()
        assert [one["idle_s"] for one in listed] == sorted(
            (one["idle_s"] for one in periods), reverse=True
        )
    answer = get(town, "/-/keepalive", actor="nobody", **RANGE)
    assert answer.status_code == 200
    assert "Nobody called nobody has ever touched." in answer.text


def test_groups(town: Any, run: Run, trace: Path) -> None:
    """Each group has a lane with a link to its rows, and its figures."""
    page = get(town, "/-/keepalive", by="actor", **RANGE).text
    for one in asked_of(run, trace, "idle", "--by", "actor", "--summary"):
        if one["active_s"]:
            said = f"{one['group']} {length(one['active_s'])} {length(one['idle_s'])}"
            assert said in words(page)
    link = re.search(r'href="(/trace/history\?actor__exact=mayor&amp;[^"]+)"', page)
    assert link is not None
    rows = get(town, html.unescape(link[1]))
    assert rows.status_code == 200
    assert "mayor" in rows.text


def test_the_silent_are_there(town: Any) -> None:
    """Who did not touch in the range, but before it, is there: who is silent is the question."""
    night = {"since": "2026-03-02 00:00", "until": "2026-03-02 02:00"}
    page = get(town, "/-/keepalive", **night).text
    labels = re.findall(r'class="label"[^>]*>([^<]+)<', page)
    assert len(labels) == 30
    assert labels.index("gastown/witness") < labels.index("human")
    assert "idle 2d 7h, tier 4\n2026-02-27 18:30:39 to" in page
    assert "gastown/crew/tom" not in labels  # not seen by then


def test_what_the_range_cuts(town: Any) -> None:
    """An idle period that began before the range, or goes on, is marked, and told whole."""
    page = get(town, "/-/keepalive", since="2026-03-01 00:00", until="2026-03-01 04:00").text
    row = words(page.partition("Longest idle periods")[2].partition("All of them")[0])
    assert "2026-03-01 00:00:00 began before 2026-03-01 04:00:00 goes on 4h 4" in row


def test_idle_periods_lead_to_the_touches_around_them(town: Any) -> None:
    """Their start to the touches before, the newest first; their end to those after."""
    page = get(town, "/-/keepalive", **RANGE).text
    before, after = re.findall(r'href="(/trace/history\?at_ns__[lg]te=[^"]+)"', page)[:2]
    first, second = (html.unescape(get(town, html.unescape(one)).text) for one in (before, after))
    assert re.findall(r'<td class="col-command[^>]*>([^<]+)<', first)[0] == "bd close gt-ni4e"
    assert (
        re.findall(r'<td class="col-command[^>]*>([^<]+)<', second)[0]
        == "bd update --status gt-5rne"
    )


def test_links_ask_about_the_same_range(town: Any) -> None:
    """A policy's link leads to the tiers of the replay whose figures it stands beside."""
    page = get(town, "/-/keepalive", **RANGE).text
    link = re.search(r'href="(/trace/heartbeats_by_tier\?policy=gastown[^"]+)"', page)
    assert link is not None
    path, _, query = html.unescape(link[1]).partition("?")
    answer = get(town, f"{path}.json?_shape=array&{query}")
    beats = sum(one["heartbeats"] for one in answer.json())
    (days,) = re.findall(r"gastown ([\d.,]+) ", words(page))
    assert f"{beats / 5:,.1f}" == days


def test_without_a_range_it_is_the_last_week_with_touches(town: Any) -> None:
    """A town that fell silent long ago is shown as it last was."""
    page = get(town, "/-/keepalive").text
    about = "2026-02-26 15:46:57 to 2026-03-05 15:46:57 (UTC) , the 7 days before the last touch"
    assert about in words(page)
    assert "before the last touch: 24 hours" in words(page)
    for name, since in (("24 hours", "2026-03-04"), ("7 days", "2026-02-26")):
        link = re.search(rf'href="([^"]+)">{name}</a>', page)
        assert link is not None
        shown = words(get(town, html.unescape(link[1])).text)
        assert f"{since} 15:46:57 to 2026-03-05 15:46:57" in shown


def test_a_live_town(home: Path) -> None:
    """Without a range the week before now is shown, and ranges end now."""
    now = time.time_ns()
    page = get(serving([ledger(home / "live.db", [(now - 3600 * NS, "a")])]), "/-/keepalive").text
    assert "the 7 days before now" in words(page)
    assert "since=24h" in page or "since=1d" in page


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"since": "soon"}, "'soon' is not a time that I can read"),
        ({"tz": "Mars"}, "there is no time zone 'Mars'"),
        ({"by": "moon"}, "'moon' is nothing to group by"),
        ({"min": "5s"}, "an idle period here lasts a minute or longer"),
        ({"policy": "<b>"}, "'<b>' is not a policy that I know"),
    ],
)
def test_bad_input(town: Any, bad: dict[str, str], said: str) -> None:
    """What can't be read is said beside the form, without figures of another range."""
    answer = get(town, "/-/keepalive", **bad)
    assert answer.status_code == 400
    assert said in words(answer.text)
    assert "<b>" not in answer.text
    ((key, value),) = bad.items()
    if key != "by":
        assert f'name="{key}" value="{html.escape(value)}"' in answer.text
    assert "The week by hour" not in answer.text


def test_an_empty_range(town: Any) -> None:
    """A range that ends before it begins is an error in words."""
    answer = get(town, "/-/keepalive", since="2026-03-04", until="2026-03-01")
    assert answer.status_code == 400
    assert "the range is empty" in answer.text
    assert 'name="since" value="2026-03-04"' in answer.text


def test_an_empty_ledger(home: Path) -> None:
    """A ledger without a touch has a page that says so."""
    from ledger import database

    database.open_ledger(str(home / "empty.db")).close()
    answer = get(serving([home / "empty.db"]), "/-/keepalive")
    assert answer.status_code == 200
    assert "The ledger is empty: nobody has touched yet." in answer.text
    assert "heartbeats" not in words(answer.text).partition("Exact figures")[0].lower()


def test_more_touches_than_there_is_time_for(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies that need every touch are left out, and that is said."""
    from ledger.browse import dashboard_page

    said = "Policies that tell less than a minute apart are left out"
    page = words(get(town, "/-/keepalive", policy="fixed:7s", **RANGE).text)
    assert said not in page
    assert "fixed:7s" in page.partition("Policies compared")[2]
    monkeypatch.setattr(dashboard_page, "_MOST_TOUCHES", 100)
    page = words(get(town, "/-/keepalive", policy="fixed:7s", **RANGE).text)
    assert said in page
    compared = page.partition("Policies compared")[2]
    assert "fixed:5m" in compared
    assert "fixed:7s" not in compared
    assert "exp:30s" not in compared


def test_several_ledgers(trace: Path, home: Path) -> None:
    """The form chooses among them."""
    two = serving([trace, ledger(home / "two.db", [(NS, "a")])])
    page = get(two, "/-/keepalive", db="two").text
    assert "<option>trace</option><option selected>two</option>" in page


def test_nothing_else_may_load_or_run(town: Any) -> None:
    """The page's own style and script are allowed by their hashes, and nothing else."""
    answer = get(town, "/-/keepalive")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+ (style|on\w+)=", answer.text)


def test_no_page_without_permission(trace: Path, other: Path) -> None:
    """Who may not view the history sees no dashboard and no link to it."""
    options = {"allow": {"id": "somebody"}}
    config = {"databases": {"trace": options}}
    import datasette

    key = "metadata" if datasette.__version__.startswith("0.") else "config"
    closed = serving([trace, other], **{key: config})
    assert get(closed, "/-/keepalive").status_code == 404
    assert get(closed, "/-/keepalive", db="trace").status_code == 404
    assert "/-/keepalive" not in get(closed, "/").text
    assert get(closed, "/-/keepalive", db="other").status_code == 404
