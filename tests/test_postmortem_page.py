"""The post-mortem's page in a real Chromium: no error, no request, and it does what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from conftest import Run
from test_cli_history import trace
from test_cli_postmortem import HOSTILE, hostile

from ledger.gotime import format_instant

__all__ = ["hostile", "trace"]  # fixtures

NIGHT = ("2026-03-01 03:12", "--tz", "Europe/Riga", "--window", "4h")


@pytest.fixture
def night(run: Run, trace: Path, tmp_path: Path) -> str:
    """The page over a night of the trace; returns its address."""
    assert run("postmortem", *NIGHT, "--html", str(tmp_path / "night.html")).returncode == 0
    return f"file://{tmp_path}/night.html"


def view_box(page: Any) -> list[float]:
    return [float(one) for one in page.locator(".plot").get_attribute("viewBox").split()]


def wait_until(page: Any, holds: Callable[[], bool]) -> None:
    """Wait, as wait_for_function would but for eval, which the page's policy forbids."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(10)
    assert holds()


def ticks(page: Any) -> list[str]:
    """Return the times on the axis that can be seen."""
    shown = page.locator(".tick text").all()
    return [one.text_content() for one in shown if one.is_visible()]


def test_it_opens_without_an_error(chromium: Any, night: str) -> None:
    """No message, no error, no request beyond the file; the story is there."""
    with opened(chromium, night) as page:
        assert page.title() == "Post-mortem of 2026-03-01 03:12:00 (Europe/Riga)"
        assert page.locator("h2").all_text_contents() == [
            "1What was seen", "2Is it unusual?", "3What the daemon saw",
            "4The touches themselves", "5What cannot be known",
        ]  # fmt: skip
        assert page.locator(".plot .heartbeat").count() == 13
        assert page.locator(".at-label").text_content() == "03:12:00"


def test_zoom_and_pan(chromium: Any, night: str) -> None:
    """Buttons, keys, wheel and dragging change what is seen, and the times below it."""
    with opened(chromium, night, viewport={"width": 1200, "height": 900}) as page:
        assert view_box(page)[:3:2] == [0, 1000]
        before = ticks(page)
        page.get_by_role("button", name="Zoom in").click()
        assert view_box(page)[:3:2] == [250, 500]
        page.get_by_role("button", name="Zoom in").click()
        after = ticks(page)
        assert view_box(page)[2] == 250
        assert after and after != before
        page.get_by_role("button", name="Later").click()
        assert view_box(page)[0] == 475
        page.get_by_role("button", name="Show the whole window").click()
        assert view_box(page)[:3:2] == [0, 1000]
        assert ticks(page) == before

        page.locator(".timeline-view").focus()
        page.keyboard.press("+")
        page.keyboard.press("ArrowLeft")
        assert view_box(page)[:3:2] == [150, 500]
        page.keyboard.press("End")
        assert view_box(page)[0] == 500
        page.keyboard.press("0")

        box = page.locator(".plot").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.wheel(0, -100)
        wait_until(page, lambda: view_box(page)[2] < 1000)
        left = view_box(page)[0]
        page.mouse.down()
        page.mouse.move(middle[0] + 100, middle[1], steps=4)
        page.mouse.up()
        assert view_box(page)[0] < left


def test_the_wheel_scrolls_the_page_until_the_picture_is_chosen(chromium: Any, night: str) -> None:
    """Whoever scrolls past the picture is not caught by it."""
    with opened(chromium, night, viewport={"width": 1200, "height": 600}) as page:
        box = page.locator(".plot").bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 20)
        page.mouse.wheel(0, 300)
        wait_until(page, lambda: page.evaluate("scrollY") > 100)
        assert view_box(page)[2] == 1000


def test_tooltips(chromium: Any, night: str) -> None:
    """A tooltip says what a mark is, when, and when in UTC."""
    with opened(chromium, night, viewport={"width": 1200, "height": 900}) as page:
        page.locator(".plot .heartbeat").nth(8).hover(force=True)
        assert page.locator(".tip div").all_text_contents() == [
            "heartbeat, tier 2", "2026-03-01 02:05:37 (Europe/Riga)",
            "2026-03-01 00:05:37 (UTC)", "next in 10m, idle 7m 30s",
        ]  # fmt: skip
        page.mouse.move(5, 5)
        assert page.locator(".tip").is_hidden()


def test_the_instant_stays_in_sight(chromium: Any, night: str) -> None:
    """Zooming by the keys keeps the line of AT where it is; a phone begins with it."""
    with opened(chromium, night, viewport={"width": 1200, "height": 900}) as page:
        before = page.locator(".plot .at").bounding_box()
        page.locator(".timeline-view").focus()
        for _ in range(4):
            page.keyboard.press("+")
        after = page.locator(".plot .at").bounding_box()
        assert view_box(page)[2] == pytest.approx(1000 / 16)
        assert (before and after) and after["x"] == pytest.approx(before["x"], abs=1)
    with opened(chromium, night, viewport={"width": 390, "height": 844}) as page:
        place = page.locator(".plot .at").bounding_box()
        assert place
        assert 0 < place["x"] < 390


def test_a_tap_tells_what_a_mark_is(chromium: Any, night: str) -> None:
    """Where nothing hovers, a tap opens the tooltip."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(chromium, night, **phone) as page:
        assert "Tap a mark" in page.inner_text(".controls")
        page.locator(".plot .heartbeat").nth(8).tap(force=True)
        assert page.locator(".tip div").first.text_content() == "heartbeat, tier 2"


def test_labels_stand_by_their_lines(chromium: Any, night: str) -> None:
    """However far it is zoomed: a label begins where the line of its time is."""
    with opened(chromium, night, viewport={"width": 1200, "height": 900}) as page:
        for _ in range(6):
            page.locator(".controls button").first.click()
        lines, texts = page.evaluate(
            """() => {
              const seen = document.querySelector(".tick:not([display])");
              const grid = document.querySelector(`.grid[data-zoom="${seen.dataset.zoom}"]`);
              const plot = document.querySelector(".plot").getBoundingClientRect();
              const [left, , wide] = document.querySelector(".plot").getAttribute("viewBox")
                .split(" ").map(Number);
              return [
                [...grid.getAttribute("d").matchAll(/M([0-9.]+) /g)]
                  .map(m => plot.left + (m[1] - left) / wide * plot.width),
                [...seen.querySelectorAll("text:not([display])")]
                  .map(e => plot.left + parseFloat(e.getAttribute("x")) / 100 * plot.width),
              ];
            }"""
        )
        assert texts
        assert all(min(abs(text - line) for line in lines) < 1 for text in texts)


def test_without_javascript(chromium: Any, night: str) -> None:
    """All is there but the controls; tooltips are the browser's own."""
    with opened(chromium, night, java_script_enabled=False) as page:
        assert page.locator(".controls").count() == 0
        assert page.locator(".plot .heartbeat > title").count() == 13
        assert page.locator(".said").count() > 5
        assert page.locator(".plot .active").first.is_visible()
        assert page.locator("tr.at-row").count() == 2


def test_with_javascript_nothing_more_is_told(chromium: Any, night: str) -> None:
    """The text of the page is the same with the script and without, but for the controls."""
    texts = []
    for enabled in (True, False):
        with opened(chromium, night, java_script_enabled=enabled) as page:
            texts.append(page.locator("main section, header").all_text_contents())
    assert texts[0] == texts[1]


def test_light_and_dark(chromium: Any, night: str) -> None:
    """The page follows what the reader's system prefers; text keeps its contrast."""
    for scheme in ("light", "dark"):
        with opened(chromium, night, color_scheme=scheme) as page:
            style = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
            paper, ink = page.locator("body").evaluate(style)
            assert contrast(paper, ink) > 10
            soft = page.locator(".about").evaluate("e => getComputedStyle(e).color")
            assert contrast(paper, soft) > 4.5
            assert (luminance(paper) > 0.5) == (scheme == "light")


def luminance(colour: str) -> float:
    channels = [int(one) / 255 for one in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_narrow_screen(chromium: Any, night: str) -> None:
    """On a phone the page itself never scrolls sideways; the picture and tables do."""
    with opened(chromium, night, viewport={"width": 390, "height": 844}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_print(chromium: Any, night: str) -> None:
    """It prints on A4, light, without controls."""
    with opened(chromium, night, color_scheme="dark") as page:
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        assert pdf.startswith(b"%PDF-")
        assert b"/MediaBox [0 0 594.95" in pdf or b"/MediaBox [0 0 595" in pdf
        page.emulate_media(media="print")
        assert page.locator(".controls").is_hidden()
        paper = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
        assert luminance(paper) == 1


def test_hostile_names_stay_text(chromium: Any, run: Run, hostile: int, tmp_path: Path) -> None:
    """What was recorded never runs, is never loaded, and is read as it was written."""
    file = tmp_path / "hostile.html"
    at = format_instant(hostile)
    assert run("postmortem", at, "--tz", "UTC", "--html", str(file)).returncode == 0
    with opened(chromium, f"file://{file}") as page:
        assert page.title() == "Post-mortem of 2026-03-01 00:01:40 (UTC)"
        shown = page.locator("td code").all_text_contents()
        assert set(HOSTILE[:7]) <= set(shown)
        assert page.locator("script").count() == 1
        page.locator(".timeline-view").hover()


def test_many_marks_are_told_by_columns(
    chromium: Any, run: Run, trace: Path, tmp_path: Path
) -> None:
    """Where marks are too many for tooltips of their own, what lies around the pointer is told."""
    file = tmp_path / "week.html"
    assert run(
        "postmortem", "2026-03-01T12:00Z", "--window", "10d", "--html", str(file)
    ).returncode == 0  # fmt: skip
    with opened(chromium, f"file://{file}", viewport={"width": 1200, "height": 900}) as page:
        page.locator(".plot .column").last.hover(force=True)
        assert "active period" in page.locator(".tip div").first.text_content()
