"""How far filtered pages of a large ledger look: through Datasette itself."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from datasettes import get, rows, serving
from test_browse import ledger

from ledger.browse import reach

NS = 10**9
MINUTE = 60 * NS
COUNT = 2000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger whose actor `often` acts each minute, `rare` four times, long ago."""
    touches = [(number * MINUTE, "often") for number in range(COUNT)]
    touches += [(number * MINUTE + 1, "rare") for number in (3, 4, 500, 501)]
    return ledger(tmp_path_factory.mktemp("reach") / "town.db", touches)


@pytest.fixture
def town(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The ledger as if it were a large one."""
    monkeypatch.setattr(reach, "MOST", 1000)
    monkeypatch.setattr(reach, "MOST_OF_STREAMS", 100)
    return serving([path])


def shown(page: Any) -> list[int]:
    """Return the instants of a page's rows."""
    cells = re.findall(
        r'class="col-at_ns[^>]*><time datetime="1970-01-0(\d)T(\d+):(\d+):', page.text
    )
    return [((int(day) - 1) * 1440 + int(hour) * 60 + int(minute)) for day, hour, minute in cells]


def said(page: Any) -> str:
    found = re.search(r"it is among the (.*?)\)", html.unescape(page.text))
    return found[1] if found else ""


@pytest.mark.parametrize("table", ["history", "touches"])
def test_a_rare_stream_is_found_whole(town: Any, table: str) -> None:
    """However long ago it touched: its periods lead there."""
    page = get(town, f"/town/{table}", stream_id=2)
    assert shown(page) == [501, 500, 4, 3]
    assert said(page) == ""


def test_filters_of_streams(town: Any) -> None:
    """Every column of a stream and every comparison leads there, also with instants."""
    for conditions in (
        {"actor": "rare"},
        {"actor__contains": "rar"},
        {"actor__not": "often"},
        {"actor__in": "rare,nobody"},
    ):
        assert shown(get(town, "/town/history", **conditions)) == [501, 500, 4, 3]
        earlier = get(town, "/town/history", at_ns__lt=500 * MINUTE, **conditions)
        assert shown(earlier) == [4, 3]
    assert shown(get(town, "/town/history", actor="nobody")) == []
    assert shown(get(town, "/town/history", actor="rare", at_ns__gt="x")) == []


def paged(site: Any, address: str) -> list[str]:
    """Return the ids of the rows of a page and of those that follow it."""
    found: list[str] = []
    while address:
        page = get(site, address)
        assert page.status_code == 200
        found += re.findall(r'<td class="col-id[^>]*>(?:<a [^>]*>)?(\d+)<', page.text)
        link = re.search(r'href="([^"]*)">Next page</a>', page.text)
        address = html.unescape(link[1]).replace("http://localhost", "") if link else ""
    return found


def test_pages_of_touches_go_on_to_the_end(town: Any) -> None:
    """Paging comes to every touch, though each page looks among a few."""
    found = paged(town, "/town/touches?stream_id=1&_size=90")
    assert found == [str(number) for number in range(COUNT, 0, -1)]
    found = paged(town, "/town/touches?stream_id=1&_size=90&_sort=id")
    assert found == [str(number) for number in range(1, COUNT + 1)]


def test_pages_of_history_are_of_the_newest(town: Any) -> None:
    """They end with what the first one says, and one can go on from there."""
    first = "/town/history?actor=often&_size=30"
    found = paged(town, first)
    assert found == [str(number) for number in range(COUNT, COUNT - 100, -1)]
    edge = re.findall(r"at_ns < (\d+)", said(get(town, first)))[0]
    assert paged(town, f"{first}&at_ns__lt={edge}")[0] == str(COUNT - 100)


@pytest.mark.parametrize("large", [True, False])
def test_many_touches_at_one_instant(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """None is lost or told twice where many fall on one instant, however it is read."""
    monkeypatch.setattr(reach, "MOST", 100 if large else 1000)
    monkeypatch.setattr(reach, "MOST_OF_STREAMS", 50)
    touches = [(MINUTE, "a")] * 130 + [(2 * MINUTE, "a")] * 10 + [(MINUTE, "b")] * 7
    one = serving([ledger(home / "one.db", touches)])
    ours = [str(number) for number in range(1, 141)]
    assert sorted(paged(one, "/one/touches?stream_id=1&_size=40"), key=int) == ours
    assert sorted(paged(one, "/one/history?actor=a&_size=40"), key=int) == ours
    assert len(paged(one, "/one/touches?_size=40")) == 147
    assert len(set(paged(one, "/one/history?_size=40"))) == 147
    streamed = get(one, "/one/touches.csv", _stream="on", stream_id=1)
    assert (
        sorted((line.partition(",")[0] for line in streamed.text.splitlines()[1:]), key=int) == ours
    )


def test_it_says_what_was_looked_through(town: Any) -> None:
    """The page names the number, and the instant from which one can go on."""
    page = get(town, "/town/history", actor="often")
    assert said(page) == (
        "newest 100 touches of these streams (since 1970-01-02 07:40:00;"
        f" for earlier ones: at_ns < {(COUNT - 100) * MINUTE}"
    )
    page = get(town, "/town/history", actor="often", _sort="at_ns")
    assert said(page) == (
        "oldest 100 touches of these streams (until 1970-01-01 01:39:00;"
        f" for later ones: at_ns > {99 * MINUTE}"
    )


def test_other_conditions(town: Any) -> None:
    """What no stream leads to is looked for among the newest, and on from there."""
    page = get(town, "/town/history", command__contains="gt", actor__not__x="y")
    assert said(page).startswith("newest 1,000 touches (since 1970-01-01 16:40:00;")
    page = get(town, "/town/history", command="gt status", _sort="at_ns")
    assert said(page).startswith("oldest 1,000 touches (until ")
    page = get(town, "/town/history", command="gt nothing")
    edge = int(re.findall(r"at_ns < (\d+)", said(page))[0])
    page = get(town, "/town/history", command="gt status", at_ns__lt=edge, at_ns__gte=MINUTE * 400)
    assert said(page) == ""
    assert shown(page)[0] == edge // MINUTE - 1
    assert said(get(town, "/town/history", _where="command = 'x'")).startswith("newest 1,000 ")


def test_what_needs_no_bound(town: Any) -> None:
    """Neither a whole page nor a range of instants, nor what programs read."""
    assert said(get(town, "/town/history")) == ""
    assert said(get(town, "/town/history", at_ns__gt=MINUTE * 400)) == ""
    assert said(get(town, "/town/periods", stream_id=1)) == ""
    for key, value in (("id", "5"), ("id__in", "5,x"), ("id__exact", "5")):
        assert shown(get(town, "/town/history", **{key: value})) == [4]
    assert len(rows(town, "/town/history", actor="often", _size="max")) == 1000
    assert get(town, "/town/history", actor__arraycontains="x").status_code == 400
    streamed = get(town, "/town/touches.csv", _stream="on", stream_id=1)
    assert len(streamed.text.splitlines()) == COUNT + 1


def test_the_users_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user has history sorted upwards the oldest are looked through."""
    import datasette

    monkeypatch.setattr(reach, "MOST", 1000)
    key = "metadata" if datasette.__version__.startswith("0.") else "config"
    tables = {name: {"sort": column} for name, column in (("history", "at_ns"), ("touches", "id"),
                                                          ("periods", "touches"))}  # fmt: skip
    turned = serving([path], **{key: {"databases": {"town": {"tables": tables}}}})
    assert [get(turned, f"/town/{name}").status_code for name in tables] == [200, 200, 200]
    page = get(turned, "/town/history", command="gt status")
    assert said(page).startswith("oldest 1,000 touches (until ")
    assert shown(page)[0] == 0


def test_a_small_ledger_is_looked_through_whole(path: Path) -> None:
    """Without a bound, and without a word."""
    page = get(serving([path]), "/town/history", actor="often")
    assert said(page) == ""
    assert f"{COUNT:,} rows" in page.text
