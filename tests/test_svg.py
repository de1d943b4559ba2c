"""The timeline as SVG."""

from xml.etree import ElementTree as ET

import pytest

from ledger import instants
from ledger.svg import BINNED, TITLED, Frame, Heartbeat, Idle, Lane, swatch, timeline

NS = 10**9
UTC = instants.zone("UTC")
RIGA = instants.zone("Europe/Riga")
HOUR = Frame(0, 3600 * NS, UTC)
SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)


def paths(picture: str, kind: str) -> list[ET.Element]:
    return [
        path
        for path in parsed(picture).iter(f"{SVG}path")
        if path.get("class", "").split()[0] == kind
    ]


def title(element: ET.Element) -> str | None:
    return element.findtext(f"{SVG}title")


def many(number: int) -> Lane:
    """A lane of so many active and idle periods and heartbeats."""
    spans = [(place * 1000 * NS, (place * 1000 + 200) * NS) for place in range(number)]
    idle = [Idle(end, end + 800 * NS, place % 6 + 1) for place, (_, end) in enumerate(spans)]
    beats = [Heartbeat(place * 1000 * NS + 7, place % 4 + 1) for place in range(number)]
    return Lane("mayor", spans, idle, beats)


def frame_of(number: int) -> Frame:
    return Frame(0, number * 1000 * NS, RIGA, number * 500 * NS)


def test_marks_lie_where_they_are() -> None:
    """A place is the share of the range, in thousandths; every mark has a tooltip."""
    lane = Lane(
        "mayor",
        [(0, 360 * NS), (1800 * NS, 1800 * NS)],
        [Idle(360 * NS, 1800 * NS, 3, "a note")],
        [Heartbeat(900 * NS, 2, "next in 10m")],
    )
    picture = timeline([lane], HOUR, "An hour")
    first, lone = paths(picture, "active")
    assert first.get("d") == "M0 4h100v14h-100"
    assert lone.get("d") == "M500 4h0v14h-0"
    assert title(first) == "active 6m\n1970-01-01 00:00:00 to 00:06:00 (UTC)"
    assert title(lone) == "one touch\n1970-01-01 00:30:00 (UTC)"
    (idle,) = paths(picture, "idle")
    assert (idle.get("class"), idle.get("d")) == ("idle t3", "M100 7h400v8h-400")
    assert title(idle) == "idle 24m, tier 3\n1970-01-01 00:06:00 to 00:30:00 (UTC)\na note"
    (beat,) = paths(picture, "heartbeat")
    assert (beat.get("class"), beat.get("d")) == ("heartbeat t2", "M250 24h0")
    assert title(beat) == "heartbeat, tier 2\n1970-01-01 00:15:00 (UTC)\nnext in 10m"
    assert paths(picture, "at") == []


def test_times_are_of_the_zone_with_utc_beside_them() -> None:
    """A tooltip tells the time in the zone and in UTC; another day is written out."""
    night = Lane("", [], [Idle(0, 86_400 * NS, 9)])
    (idle,) = paths(timeline([night], Frame(0, 86_400 * NS, RIGA), ""), "idle")
    assert idle.get("class") == "idle t4"
    assert title(idle) == (
        "idle 1d, tier 9\n1970-01-01 03:00:00 to 1970-01-02 03:00:00 (Europe/Riga)\n"
        "1970-01-01 00:00:00 to 1970-01-02 00:00:00 (UTC)"
    )


def test_marks_are_cut_at_the_edges_but_told_whole() -> None:
    """What reaches beyond the range ends at its edge; what lies outside is not there."""
    frame = Frame(100 * NS, 200 * NS, UTC)
    lane = Lane(
        "x",
        [(0, 50 * NS), (90 * NS, 110 * NS), (190 * NS, 300 * NS), (200 * NS, 400 * NS)],
        [Idle(0, 1000 * NS, 1)],
        [Heartbeat(99 * NS, 1), Heartbeat(100 * NS, 1), Heartbeat(200 * NS, 1)],
    )
    picture = timeline([lane], frame, "")
    assert [path.get("d") for path in paths(picture, "active")] == [
        "M0 4h100v14h-100",
        "M900 4h100v14h-100",
    ]
    assert "active 20s" in picture
    assert "idle 16m 40s" in picture
    assert len(paths(picture, "heartbeat")) == 1


def test_it_says_in_words_what_it_shows() -> None:
    """It is an image with a text equivalent; with links it is a group, so that these are found."""
    root = parsed(timeline([Lane("a")], HOUR, 'An "hour" <of> a'))
    assert (root.get("role"), root.get("aria-label")) == ("img", 'An "hour" <of> a')
    linked = timeline([Lane("a")], HOUR, "", lane_href=lambda lane: f"/x?a={lane.label}&b=1")
    assert parsed(linked).get("role") == "group"
    (link,) = parsed(linked).iter(f"{SVG}a")
    assert link.get("href") == "/x?a=a&b=1"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><svg onload=x>', "a\x1b[31mb"])
def test_text_is_never_markup(name: str) -> None:
    """Labels, notes and the title are text, with what can't be seen made visible."""
    lane = Lane(name, [(0, 1)], [Idle(1, 2, 1, name)], [Heartbeat(1, 1, name)])
    picture = timeline([lane], HOUR, name)
    kinds = {element.tag.removeprefix(SVG) for element in parsed(picture).iter()}
    assert kinds == {"svg", "g", "path", "text", "title"}
    assert "\x1b" not in picture
    assert not any("style" in element.attrib for element in parsed(picture).iter())


def test_ticks_are_round_times_of_the_zone() -> None:
    """The axis has round times; those for closer views are there, hidden."""
    axes = [
        element for element in parsed(timeline([Lane("a")], HOUR, "")).iter(f"{SVG}g")
        if element.get("class") == "tick"
    ]  # fmt: skip
    assert [axis.get("data-zoom") for axis in axes] == ["1", "3", "9", "27"]
    assert [axis.get("display") for axis in axes] == [None, "none", "none", "none"]
    texts = [text.text for text in axes[0].iter(f"{SVG}text")]
    assert texts[1:4] == ["00:10", "00:20", "00:30"]
    assert len(list(axes[3])) > len(list(axes[0])) * 5


def test_at_is_a_line_with_its_time() -> None:
    """AT is a line over all lanes, and its time stands above."""
    picture = timeline([Lane("a"), Lane("b")], HOUR._replace(at_ns=900 * NS, zone=RIGA), "")
    (line,) = paths(picture, "at")
    assert line.get("d") == "M250 0v44"
    (text,) = [one for one in parsed(picture).iter(f"{SVG}text") if one.get("class") == "at-label"]
    assert (text.get("x"), text.text) == ("25%", "03:15:00")


def test_many_marks_share_paths() -> None:
    """Above TITLED one path holds all of a kind; columns tell how much lies in them."""
    number = TITLED
    picture = timeline([many(number)], frame_of(number), "")
    assert len(paths(picture, "active")) == 1
    assert len(paths(picture, "idle")) == len(paths(picture, "heartbeat")) == 4
    (active,) = paths(picture, "active")
    assert active.get("d", "").count("M") == number
    columns = paths(picture, "column")
    assert len(columns) == 400
    text = title(columns[0]) or ""
    assert text.startswith("active 13m 20s in 4 active periods, 4 heartbeats\n1970-01-01 03:00:00")
    assert "too many" not in picture


def test_too_many_marks_are_binned() -> None:
    """Above BINNED marks there are cells, and the picture says so."""
    number = BINNED // 2
    picture = timeline([many(number)], frame_of(number), "")
    assert "15,000 marks are too many to draw: each cell stands for 3h 28m" in picture
    assert len(paths(picture, "active")) == 1
    assert sum(path.get("d", "").count("M") for path in paths(picture, "heartbeat")) == 400
    assert len(picture) < 150_000


def test_binned_silence_is_seen() -> None:
    """A cell that nobody touched has the shade of its idle period; a busy one is dark."""
    busy = [(place * 100 * NS, (place * 100 + 99) * NS) for place in range(BINNED)]
    end = busy[-1][1]
    lane = Lane("a", busy, [Idle(end, 2 * end, 4)])
    picture = timeline([lane], Frame(0, 2 * end, UTC), "")
    dark, last_touch = paths(picture, "active")
    assert (dark.get("class"), dark.get("d")) == ("active l4", "M0 4h500v14h-500")
    assert (last_touch.get("class"), last_touch.get("d")) == ("active l1", "M500 4h2.5v14h-2.5")
    (idle,) = paths(picture, "idle")
    assert (idle.get("class"), idle.get("d")) == ("idle t4", "M502.5 7h497.5v8h-497.5")


@pytest.mark.parametrize("lanes", [1, 20])
def test_size(lanes: int) -> None:
    """3,000 active periods and 3,000 heartbeats are small."""
    each = 3000 // lanes
    rows = [many(each)._replace(label=f"gastown/polecats/p{lane}") for lane in range(lanes)]
    picture = timeline(rows, frame_of(each), "")
    assert len(picture) < 320 * 1024


def test_nothing_to_draw() -> None:
    """No lane, no mark, a range of a nanosecond: still a picture."""
    for lanes in ([], [Lane("")]):
        parsed(timeline(lanes, Frame(0, 1, UTC, 0), ""))


def test_swatch() -> None:
    """A legend shows each kind of mark."""
    assert 'class="idle t2"' in swatch("idle t2")
    assert "h0" in swatch("heartbeat")
