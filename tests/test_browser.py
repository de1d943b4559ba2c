"""The pages over a ledger in a real browser, over the real server."""

import contextlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from test_browse import trace

__all__ = ["trace"]

pytest.importorskip("datasette", reason="Datasette is not installed (pip install '.[browse]')")

QUERIES = ["quiet_now", "longest_idle", "touches_before", "busiest_hours", "commands",
           "touches_of", "heartbeats_by_tier"]  # fmt: skip


@pytest.fixture(scope="module")
def site(trace: Path) -> Iterator[str]:
    """The address of ``datasette`` over the trace, as people start it."""
    with subprocess.Popen(
        [sys.executable, "-m", "datasette", "serve", str(trace), "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                break
        try:
            assert found is not None
            with contextlib.closing(urllib.request.urlopen(f"{found[1]}/-/keepalive")):
                yield found[1]
        finally:
            process.terminate()


def test_from_table_to_rows(chromium: Any, site: str) -> None:
    """From the table by a facet to the dashboard, and from a lane to the rows behind it."""
    with opened(chromium, f"{site}/trace/history") as page:
        page.click("text=gastown/witness")
        page.wait_for_url("**/history?actor=gastown*witness*")
        assert page.locator("td.col-actor").first.inner_text() == "gastown/witness"
        page.goto(f"{site}/-/keepalive")
        page.locator("svg.timeline a", has_text="mayor").first.click()
        page.wait_for_url("**/history?actor__exact=mayor*")
        assert page.locator("td.col-actor").first.inner_text() == "mayor"
        page.goto(f"{site}/-/keepalive")
        page.locator("section[aria-labelledby=idle] a").first.click()
        page.wait_for_url("**/history?at_ns__lte=*")
        assert page.locator("td.col-command").count() > 0


@pytest.mark.parametrize("name", QUERIES)
def test_queries(chromium: Any, site: str, name: str) -> None:
    """Each query is linked from the ledger's page, and shows rows."""
    with opened(chromium, f"{site}/trace") as page:
        link = page.locator(f"a[href='/trace/{name}']")
        if not link.count():  # Datasette 1.0 lists some, and links to the others
            page.locator("a[href='/trace/-/queries']").first.click()
        link.first.click()
        page.wait_for_url(f"**/trace/{name}*")
        assert page.locator("table.rows-and-columns tbody tr").count() > 0


def test_range_and_zone(chromium: Any, site: str) -> None:
    """Range, zone and group are chosen on the page."""
    with opened(chromium, f"{site}/-/keepalive") as page:
        page.fill("input[name=since]", "2026-03-01")
        page.fill("input[name=until]", "2026-03-02")
        page.fill("input[name=tz]", "Europe/Riga")
        page.select_option("select[name=by]", "host")
        page.click("form button")
        page.wait_for_url("**since=2026-03-01*")
        assert "2026-03-01 00:00:00 to 2026-03-02 00:00:00 (Europe/Riga)" in page.inner_text("body")
        assert page.inner_text("#when") == "When each host was active"
        assert page.input_value("input[name=since]") == "2026-03-01"


def test_zoom(chromium: Any, site: str) -> None:
    """The timeline zooms by its buttons."""
    with opened(chromium, f"{site}/-/keepalive") as page:
        plot = page.locator(".timeline-view .plot").first
        before = plot.get_attribute("viewBox")
        page.locator(".controls button").first.click()
        assert plot.get_attribute("viewBox") != before


def test_without_script(chromium: Any, site: str) -> None:
    """Everything but zoom and tooltips of our own is there without JavaScript."""
    with opened(chromium, f"{site}/-/keepalive", java_script_enabled=False) as page:
        assert page.locator("svg.timeline .active").count() > 0
        assert page.locator("table.week td").count() == 7 * 24 + 1
        page.click("form button")
        assert "Policies compared" in page.inner_text("body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_themes_and_widths(chromium: Any, site: str, scheme: str, width: int) -> None:
    """The page follows the scheme that the reader prefers, and fits a phone."""
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with opened(chromium, f"{site}/-/keepalive", **options) as page:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == ("rgb(23, 25, 28)" if scheme == "dark" else "rgb(252, 252, 250)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keyboard(chromium: Any, site: str) -> None:
    """The first stop leads to the figures, and what has the focus shows it."""
    with opened(chromium, f"{site}/-/keepalive") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
        page.keyboard.press("Enter")
        assert page.url.endswith("#content")
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
