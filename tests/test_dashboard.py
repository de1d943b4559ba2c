"""The dashboard: its figures, its form, its manners."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from datasettes import get, serving
from test_browse import other, trace

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
    page = words(get(town, "/-/keepalive").text)
    assert "2026-02-26 15:46:57 to 2026-03-05 15:46:57" in page


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
    """What can't be read is said on the page, which is there all the same."""
    answer = get(town, "/-/keepalive", **bad)
    assert answer.status_code == 400
    assert said in words(answer.text)
    assert "<b>" not in answer.text
    assert "The week by hour" in answer.text


def test_an_empty_range(town: Any) -> None:
    """A range that ends before it begins is an error in words."""
    answer = get(town, "/-/keepalive", since="2026-03-04", until="2026-03-01")
    assert answer.status_code == 400
    assert "the range is empty" in answer.text


def test_an_empty_ledger(home: Path) -> None:
    """A ledger without a touch has a page that says so."""
    from ledger import database

    database.open_ledger(str(home / "empty.db")).close()
    answer = get(serving([home / "empty.db"]), "/-/keepalive")
    assert answer.status_code == 200
    assert "Nobody touched in this range." in answer.text


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
