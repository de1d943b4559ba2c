"""Post-mortems: facts against brute force over the raw lines of the trace, and made-up nights."""

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from test_cli_history import TRACE

from ledger import instants, rfc3339, spool, transfer
from ledger.database import open_ledger
from ledger.errors import BadInputError, NotFoundError
from ledger.filters import Filters, Stream
from ledger.periods import quantile
from ledger.policy import PRESETS, Policy, parse_policy
from ledger.postmortem import Postmortem, tell_postmortem
from ledger.postmortem_met import PolicyView
from ledger.postmortem_story import tell
from ledger.postmortem_words import At, Sentence

NS = 10**9
MINUTE, HOUR, DAY = 60 * NS, 3600 * NS, 86_400 * NS
T0 = 1_772_323_200 * NS  # 2026-03-01 00:00 UTC
NOW = T0 + 30 * DAY


def lines() -> list[tuple[int, str, str]]:
    """Return the trace: instant, actor and command, as history sorts them."""
    found = []
    for line in TRACE.read_text().splitlines():
        touch = json.loads(line)
        at = rfc3339.parse(touch["at"])
        assert at is not None
        found.append((at, touch["actor"], touch["command"]))
    return sorted(found, key=lambda one: one[0])


LINES = lines()
OF = {
    actor: [at for at, who, _ in LINES if who == actor]
    for actor in sorted({w for _, w, _ in LINES})
}


@pytest.fixture
def connection(home: Path) -> Iterable[sqlite3.Connection]:
    """An empty ledger."""
    connection = open_ledger()
    yield connection
    connection.close()


@pytest.fixture
def trace(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A ledger with the trace of a real town."""
    with TRACE.open("rb") as file:
        transfer.import_touches(connection, file, "trace", lambda *_: None)
    return connection


def add(
    connection: sqlite3.Connection,
    touches: Iterable[tuple[int, str]],
    actor: str = "mayor",
    host: str = "",
) -> None:
    """Add touches, by their instants after T0."""
    connection.execute(
        "INSERT INTO streams (host, town, workspace, actor) VALUES (?, '', '', ?)"
        " ON CONFLICT DO NOTHING",
        (host, actor),
    )
    connection.executemany(
        "INSERT INTO touches (stream_id, at_ns, command)"
        " SELECT id, ?, ? FROM streams WHERE actor = ? AND host = ?",
        [(T0 + at, command, actor, host) for at, command in touches],
    )


def around(times: Sequence[int], at: int, now: int) -> tuple[int, int | None] | None:
    """Return the last touch until an instant, and the next one."""
    place = bisect_right(times, at)
    if not place:
        return None
    after = times[place] if place < len(times) and times[place] <= now else None
    return times[place - 1], after


def own_gaps(times: Sequence[int], began: int) -> list[int]:
    return sorted(
        after - before
        for before, after in pairwise(times)
        if after - before >= MINUTE and began - 14 * DAY <= after <= began
    )


ATS = [
    "2026-03-01T01:12:00Z", "2026-02-28T17:20:00Z", "2026-03-02T06:27:24Z", "2026-03-03T09:39:42Z",
    "2026-03-05T15:46:56Z", "2026-03-04T00:00:00Z", "2026-02-27T12:34:56.789Z", "2026-03-20T00:00Z",
]  # fmt: skip


def instant(text: str) -> int:
    return instants.parse(text, NOW, instants.zone("UTC"))


@pytest.mark.parametrize("text", ATS)
def test_facts_equal_brute_force(trace: sqlite3.Connection, text: str) -> None:
    """Last touches, silences and their ranks are those of the raw lines."""
    at = instant(text)
    found = tell_postmortem(trace, at_ns=at, now_ns=NOW)
    known = {actor: around(times, at, NOW) for actor, times in OF.items()}
    assert {one.stream.actor for one in found.seen.last} == {a for a, one in known.items() if one}
    for seen in found.seen.last:
        began, _ = known[seen.stream.actor] or (0, 0)
        commands = [c for when, who, c in LINES if when == began and who == seen.stream.actor]
        assert (seen.at_ns, seen.age_s) == (began, (at - began) / NS)
        assert seen.command == commands[-1]
    assert [one.at_ns for one in found.seen.last] == sorted(
        (one.at_ns for one in found.seen.last), reverse=True
    )
    for silence in (*found.unusual.each, found.unusual.together):
        times = OF[silence.stream.actor] if silence.stream else [when for when, *_ in LINES]
        began, ended = around(times, at, NOW) or (0, None)
        length = (NOW if ended is None else ended) - began
        gaps = own_gaps(times, began)
        assert (silence.began_ns, silence.ended_ns, silence.gaps) == (began, ended, len(gaps))
        assert silence.length_s == length / NS
        assert silence.silent == (length >= MINUTE)
        if not silence.silent:
            assert silence.as_long is silence.longer_than is None
            continue
        assert silence.as_long == sum(gap >= length for gap in gaps)
        if len(gaps) < 20:
            assert silence.longer_than is silence.median_s is silence.p95_s is None
        else:
            assert silence.longer_than == bisect_left(gaps, length) / len(gaps)
            assert silence.median_s == (quantile(gaps, 50) or 0) / NS
            assert silence.p95_s == (quantile(gaps, 95) or 0) / NS
    assert {one.actor for one in found.unknown.never_before} == {
        actor for actor, one in known.items() if one is None
    }


Replayed = tuple[list[tuple[int, float | None, int, float, bool]], int | None, int | None]


def replayed(
    rule: Policy, times: list[int], beat: int, found: Postmortem, silence: tuple[int, int | None]
) -> Replayed:
    """Return the heartbeats of the window, the first to notice the silence, that of the return."""
    began, ended = silence
    before, cycles, beats = None, 0, []
    noticed = resumed = None
    while (
        beat < found.until_ns
        or (beat <= NOW and (noticed or resumed) is None)
        or (ended is not None and resumed is None)
    ):
        place = bisect_right(times, beat)
        idle = beat - times[place - 1] if place else None
        wasted = before is not None and (idle is None or idle >= beat - before)
        cycles = cycles + 1 if wasted and idle is not None else 0
        tier = min(cycles, len(rule.intervals_ns) - 1) + 1 if rule.by_cycles else rule.tier(idle)
        interval = rule.intervals_ns[tier - 1]
        if found.since_ns <= beat < found.until_ns:
            beats.append((beat, None if idle is None else idle / NS, tier, interval / NS, wasted))
        if noticed is None and began + 300 * NS <= beat < (ended or NOW + 1):
            noticed = beat
        if resumed is None and ended is not None and beat >= ended:
            resumed = beat
        before, beat = beat, beat + interval
        if beat > NOW and (ended is None or resumed is not None):
            break
    return beats, noticed, resumed


@pytest.mark.parametrize("text", ATS)
@pytest.mark.parametrize("policy", PRESETS)
def test_heartbeats_equal_brute_force(trace: sqlite3.Connection, text: str, policy: str) -> None:
    """What the daemon saw is what a loop over all touches sees, one heartbeat at a time."""
    at, times = instant(text), [when for when, *_ in LINES]
    found = tell_postmortem(trace, at_ns=at, now_ns=NOW, policy=parse_policy(policy))
    rule = parse_policy(policy)
    began, ended = around(times, at, NOW) or (0, None)
    first = began - 2 * rule.longest_ns - rule.base_ns // 2
    others = [
        first + int(number * 0.618034 % 1 * rule.longest_ns) // NS * NS for number in range(1, 8)
    ]
    seen = [replayed(rule, times, one, found, (began, ended)) for one in (first, *others)]
    beats, noticed, resumed = seen[0]
    assert found.daemon.first_ns == first
    earlier = None
    if first > found.since_ns:
        earlier = first
        while earlier > found.since_ns:
            earlier -= rule.longest_ns
        before, *_ = replayed(rule, times, earlier, found, (began, ended))
        beats = [beat for beat in before if beat[0] < first] + beats
    assert found.daemon.earlier_ns == earlier
    assert [tuple(one) for one in found.daemon.heartbeats] == beats
    idle_there = (NOW if ended is None else ended) - began >= 300 * NS
    after = [(one - began) / NS for _, one, _ in seen if one is not None and idle_there]
    late = [(one - ended) / NS for *_, one in seen if one is not None and ended and idle_there]
    view = found.daemon.views[0]
    assert view == PolicyView(
        policy,
        len(beats),
        noticed if idle_there else None,
        (noticed - began) / NS if noticed and idle_there else None,
        resumed if idle_there else None,
        (resumed - ended) / NS if resumed and ended and idle_there else None,
        (min(after), max(after)) if after else None,
        (min(late), max(late)) if late else None,
    )
    assert [one.policy for one in found.daemon.views] == [
        policy, *(one for one in PRESETS if one != policy),
    ]  # fmt: skip
    alone = {one.policy: one for one in tell_postmortem(trace, at_ns=at, now_ns=NOW).daemon.views}
    assert alone[policy] == view


@pytest.mark.parametrize("policy", PRESETS)
def test_no_window_changes_how_a_silence_is_met(trace: sqlite3.Connection, policy: str) -> None:
    """However wide it is, and wherever it begins."""
    rule = parse_policy(policy)
    for text in ("2026-03-03T03:38:45Z", *ATS[:4]):
        at = instant(text)
        met = {
            tell_postmortem(trace, at_ns=at, now_ns=NOW, policy=rule, window_ns=window).daemon
            .views[0][2:]
            for window in (NS, HOUR, 2 * HOUR, 8 * HOUR, 100 * HOUR)
        }  # fmt: skip
        assert len(met) == 1


@pytest.mark.parametrize("text", ATS)
def test_touches_equal_the_trace(trace: sqlite3.Connection, text: str) -> None:
    """The twenty touches before AT and after it, in the window, and how many there are."""
    at = instant(text)
    found = tell_postmortem(trace, at_ns=at, window_ns=2 * HOUR, now_ns=NOW)
    before = [one for one in LINES if at - HOUR <= one[0] <= at]
    after = [one for one in LINES if at < one[0] < at + HOUR]
    assert [(r.at_ns, r.stream.actor, r.command) for r in found.touches.before] == before[-20:]
    assert [(r.at_ns, r.stream.actor, r.command) for r in found.touches.after] == after[:20]
    assert (found.touches.all_before, found.touches.all_after) == (len(before), len(after))


@pytest.mark.parametrize("text", ATS)
def test_lanes_equal_the_trace(trace: sqlite3.Connection, text: str) -> None:
    """Active periods and idle periods are those that reach into the window."""
    at = instant(text)
    found = tell_postmortem(trace, at_ns=at, now_ns=NOW)
    assert found.lanes[0].stream is None
    for lane in found.lanes:
        times = OF[lane.stream.actor] if lane.stream else [when for when, *_ in LINES]
        edges = [0, *(n for n, (a, b) in enumerate(pairwise(times), 1) if b - a >= MINUTE)]
        spans = [(times[first], times[last - 1]) for first, last in pairwise([*edges, len(times)])]
        since, until = found.since_ns, found.until_ns
        assert lane.active == [one for one in spans if one[1] >= since and one[0] < until]
        idle = [
            (a[1], b[0], b[0] == NOW)
            for a, b in pairwise([*spans, (NOW, NOW)])
            if b[0] - a[1] >= 5 * MINUTE and a[1] < until and b[0] > since
        ]
        assert [(one.started_ns, one.ended_ns, one.open) for one in lane.idle] == idle


def test_default_instant_is_the_last_idle_period(trace: sqlite3.Connection) -> None:
    """Without AT it is the start of the last idle period of the chosen streams."""
    found = tell_postmortem(trace, now_ns=NOW)
    assert (found.at_ns, found.found) == (LINES[-1][0], True)
    mayor = OF["mayor"]
    now = mayor[-1] + MINUTE
    found = tell_postmortem(trace, Filters(actors=["mayor"]), now_ns=now)
    assert found.at_ns == [a for a, b in pairwise(mayor) if b - a >= 5 * MINUTE][-1]


# --- made-up nights -------------------------------------------------------------------------


def steady(until: int, every: int = 30 * NS, since: int = 0) -> list[tuple[int, str]]:
    return [(at, "gt status") for at in range(since, until + 1, every)]


def names(found: Postmortem) -> list[tuple[str, bool]]:
    return [(one.stream.actor, one.chosen) for one in found.seen.fell_silent]


def test_who_fell_silent_together(connection: sqlite3.Connection) -> None:
    """Within 30 s of the last touch of the chosen ones, whoever it is; the edge counts."""
    add(connection, steady(HOUR), "mayor", "rig1")
    add(connection, steady(HOUR - 30 * NS), "deacon", "rig1")
    add(connection, steady(HOUR + 30 * NS), "witness", "rig1")
    add(connection, steady(HOUR - 31 * NS, 10 * NS, NS * 9), "early", "rig1")
    add(connection, [(HOUR - 30 * NS - 1, "x")], "too early")
    add(connection, steady(HOUR + 31 * NS, 31 * NS, HOUR), "late")
    add(connection, steady(3 * HOUR), "never silent")
    mayor = Filters(actors=["mayor"])
    together = [("mayor", True), ("deacon", False), ("witness", False)]
    assert names(tell_postmortem(connection, mayor, T0 + 2 * HOUR, now_ns=NOW)) == together
    # Also at the very start of the silence, when the last of them has yet to stop.
    assert names(tell_postmortem(connection, mayor, T0 + HOUR, now_ns=NOW)) == together
    said = sentences(tell_postmortem(connection, mayor, T0 + 2 * HOUR, now_ns=NOW))
    assert (
        "observed: 3 fell silent within 30 s of the last touch, 01:00:00: mayor;"
        " and of those not asked about: deacon, witness."
    ) in said
    assert "observed: All of them are on rig1." in said
    assert any(one.startswith("inferred: Several at once point to something") for one in said)


def test_one_alone(connection: sqlite3.Connection) -> None:
    """Who came back before AT had not fallen silent; nothing is inferred of one alone."""
    add(connection, steady(HOUR))
    add(connection, [*steady(HOUR), (HOUR + 10 * MINUTE, "x")], "deacon")
    found = tell_postmortem(connection, Filters(actors=["mayor"]), T0 + 2 * HOUR, now_ns=NOW)
    assert names(found) == [("mayor", True)]
    assert not any("Several" in one for one in sentences(found))


def sentences(found: Postmortem) -> list[str]:
    """Return the story's sentences as plain text."""
    return [
        f"{block.basis}: "
        + "".join(piece if isinstance(piece, str) else piece.text for piece in block.pieces)
        for section in tell(found, instants.zone("UTC")).sections
        for block in section.blocks
        if isinstance(block, Sentence)
    ]


def test_open_silence(connection: sqlite3.Connection) -> None:
    """A silence that nobody has ended counts until now, and has no return."""
    add(connection, steady(HOUR))
    now = T0 + HOUR + 20 * MINUTE
    found = tell_postmortem(connection, at_ns=T0 + HOUR + 10 * MINUTE, now_ns=now)
    assert (found.unusual.together.ended_ns, found.unusual.together.length_s) == (None, 1200.0)
    assert found.until_ns == now
    assert found.daemon.views[0].resumed_ns is None
    assert "observed: No touch has ended the silence until now." in sentences(found)


def test_a_heartbeat_after_now_has_noticed_nothing(connection: sqlite3.Connection) -> None:
    """No heartbeat until now found the silence; one that met the return may be yet to come."""
    add(connection, steady(HOUR))
    at = T0 + HOUR + 4 * MINUTE
    found = tell_postmortem(connection, at_ns=at, now_ns=T0 + HOUR + 6 * MINUTE, window_ns=HOUR)
    # The heartbeat of 01:02:30 is followed by one at 01:07:30, which is yet to come.
    assert [view.noticed_ns for view in found.daemon.views[:1]] == [None]
    assert "inferred: No heartbeat found the silence 5m old until now." in sentences(found)
    add(connection, [(HOUR + 6 * MINUTE, "back")])
    found = tell_postmortem(connection, at_ns=at, now_ns=T0 + HOUR + 6 * MINUTE, window_ns=HOUR)
    assert found.daemon.views[0].resumed_ns == T0 + HOUR + 7 * MINUTE + 30 * NS
    assert found.daemon.views[0].reaction_s == 90.0


def test_no_window_changes_what_the_daemon_saw(connection: sqlite3.Connection) -> None:
    """Also where it begins in the midst of the silence: the daemon had been running before."""
    add(connection, [*steady(HOUR), (9 * HOUR, "back")])
    for window in (NS, 2 * HOUR, 9 * HOUR):
        found = tell_postmortem(connection, at_ns=T0 + 5 * HOUR, window_ns=window, now_ns=NOW)
        view = found.daemon.views[0]
        assert view.noticed_ns == T0 + HOUR + 7 * MINUTE + 30 * NS
        assert view.noticed_range_s == pytest.approx((300, 600), abs=120)
        assert view.resumed_ns is not None
        assert (view.resumed_ns, view.reaction_range_s) == (
            T0 + 9 * HOUR + 47 * MINUTE + 30 * NS, pytest.approx((2700, 3000), abs=120)
        )  # fmt: skip


def test_short_silence(connection: sqlite3.Connection) -> None:
    """Under a minute a stream is active, and under 5 minutes there is nothing to notice."""
    add(connection, [*steady(HOUR), (HOUR + 4 * MINUTE, "x")])
    found = tell_postmortem(connection, at_ns=T0 + HOUR - 10 * NS, now_ns=NOW)
    assert not found.unusual.together.silent
    assert found.unusual.together.gaps == 0
    found = tell_postmortem(connection, at_ns=T0 + HOUR + MINUTE, now_ns=NOW)
    assert (found.unusual.together.silent, found.daemon.idle) == (True, False)
    assert found.daemon.views[0][2:] == (None,) * 6
    assert any("there was none to notice" in one for one in sentences(found))


def test_touches_at_the_edges(connection: sqlite3.Connection) -> None:
    """The window includes its start and not its end, and AT itself is before."""
    edges = [(-NS * 60, "start"), (-60 * NS - 1, "out"), (0, "at"), (60 * NS - 1, "last"),
             (60 * NS, "end")]  # fmt: skip
    add(connection, edges)
    found = tell_postmortem(connection, at_ns=T0, window_ns=120 * NS, now_ns=NOW)
    assert [one.command for one in found.touches.before] == ["start", "at"]
    assert [one.command for one in found.touches.after] == ["last"]


def test_gaps_of_14_days(connection: sqlite3.Connection) -> None:
    """Gaps count that ended in the 14 days before the silence began, each edge included."""
    touches = [(at * HOUR, "x") for at in range(-20, 1)]
    add(connection, [(-14 * DAY - 1, "x"), (-14 * DAY, "x"), *touches])
    found = tell_postmortem(connection, at_ns=T0, now_ns=T0 + HOUR)
    together = found.unusual.together
    # 20 of an hour, and the one that ended 20 hours before; that of a nanosecond is none.
    assert (together.gaps, together.as_long, together.longer_than) == (21, 21, 0.0)
    assert tell_postmortem(connection, at_ns=T0, now_ns=T0 + HOUR + 1).unusual.together.as_long == 1


def test_later_touches_of_a_wrong_clock(connection: sqlite3.Connection) -> None:
    """A touch later than now ends no silence."""
    add(connection, [*steady(HOUR), (100 * DAY, "from the future")])
    found = tell_postmortem(connection, at_ns=T0 + 2 * HOUR, now_ns=NOW)
    assert found.unusual.together.ended_ns is None
    assert found.seen.fell_silent[0].ended_ns is None


# --- what cannot be known -------------------------------------------------------------------


def test_spool_and_losses(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Touches that wait, that can't be read, and that were lost, in all and of the window."""
    add(connection, steady(HOUR))
    waiting = str(tmp_path / "spool")
    for at in (T0 + HOUR + MINUTE, T0 + 9 * HOUR):
        spool.put(waiting, (at, "", "", "", "mayor", "late"))
        spool.note_loss(waiting, at, "disk full")
    spool.note_loss(waiting, T0, "disk full")
    (tmp_path / "spool" / ".damaged-7").touch()
    found = tell_postmortem(connection, at_ns=T0 + HOUR, now_ns=NOW, spool=waiting)
    assert found.unknown[:5] == (2, 1, 1, 3, 2)
    said = sentences(found)
    assert "observed: 2 touches wait in the spool, 1 of the window: they are not in this report." \
        in said  # fmt: skip
    assert "observed: 1 touch in the spool can't be read, and may be of any time." in said
    (tmp_path / "file").touch()
    found = tell_postmortem(connection, at_ns=T0, now_ns=NOW, spool=str(tmp_path / "file"))
    assert found.unknown.waiting is None
    assert any("can't be read, so that touches may wait" in one for one in sentences(found))


def test_redacted_and_private(connection: sqlite3.Connection) -> None:
    """Commands of the window that are not as they were, of the chosen streams."""
    marked = "curl -H [redacted:authorization]"
    add(connection, [(0, marked), (1, "[private]"), (2, "[private]"), (3 * HOUR, marked)])
    add(connection, [(0, "[private]")], "deacon")
    found = tell_postmortem(connection, Filters(actors=["mayor"]), T0 + 5, now_ns=NOW)
    assert (found.unknown.redacted, found.unknown.private) == (1, 2)
    said = sentences(found)
    assert "observed: Of the window 1 command was redacted: it had a secret in it." in said
    assert "observed: Of the window 2 commands are private, and not recorded." in said


def imported(connection: sqlite3.Connection, name: str, actor: str, at_ns: int) -> None:
    line = json.dumps({"at_ns": at_ns, "actor": actor, "command": "x"}).encode()
    transfer.import_touches(connection, [line], name, lambda *_: None)


def test_sources_that_end(connection: sqlite3.Connection) -> None:
    """An imported source that ends with the last touch before AT may be why there are none."""
    imported(connection, "monday", "mayor", T0)
    imported(connection, "other", "deacon", T0)
    imported(connection, "other", "deacon", T0 + DAY)
    add(connection, [(2 * DAY, "by itself")])
    found = tell_postmortem(connection, at_ns=T0 + HOUR, now_ns=NOW)
    assert [tuple(one) for one in found.unknown.sources] == [("import", "monday", T0)]
    assert any("may be missing data" in one for one in sentences(found))
    # What was recorded later by itself is no gap in a source.
    found = tell_postmortem(connection, Filters(actors=["mayor"]), T0 + 3 * DAY, now_ns=NOW)
    assert found.unknown.sources == []


def test_never_before(connection: sqlite3.Connection) -> None:
    """A stream without a touch before AT is named, not guessed at."""
    add(connection, [(0, "x")])
    add(connection, [(DAY, "x")], "deacon")
    found = tell_postmortem(connection, at_ns=T0 + HOUR, now_ns=NOW)
    assert found.unknown.never_before == [Stream("", "", "", "deacon")]
    assert [one.stream.actor for one in found.seen.last] == ["mayor"]


# --- what can't be told ---------------------------------------------------------------------


def test_nothing_to_tell_of(connection: sqlite3.Connection) -> None:
    """No stream, no touch before, no idle period: each is said, as a negative finding."""
    with pytest.raises(NotFoundError, match="the ledger is empty"):
        tell_postmortem(connection, now_ns=NOW)
    add(connection, steady(HOUR))
    with pytest.raises(NotFoundError, match="no touch of these streams at or before"):
        tell_postmortem(connection, at_ns=T0 - 1, now_ns=NOW)
    with pytest.raises(NotFoundError, match="no idle period of 5m and more"):
        tell_postmortem(connection, now_ns=T0 + HOUR + MINUTE)


def test_questions_without_sense(connection: sqlite3.Connection) -> None:
    """The future, a window of no length, commands instead of streams, a beat a millisecond."""
    add(connection, steady(HOUR))
    with pytest.raises(BadInputError, match="in the future"):
        tell_postmortem(connection, at_ns=NOW + 1, now_ns=NOW)
    with pytest.raises(BadInputError, match="a second long"):
        tell_postmortem(connection, at_ns=T0, window_ns=5, now_ns=NOW)
    for filters in (Filters(grep="x"), Filters(since_ns=1), Filters(until_ns=1)):
        with pytest.raises(BadInputError, match="of streams around an instant"):
            tell_postmortem(connection, filters, T0, now_ns=NOW)
    with pytest.raises(BadInputError, match="more than 100,000 heartbeats"):
        tell_postmortem(
            connection, at_ns=T0 + DAY, window_ns=4 * DAY, policy=parse_policy("fixed:1s"),
            now_ns=NOW,
        )  # fmt: skip


def test_the_story_marks_every_statement(trace: sqlite3.Connection) -> None:
    """Each block is observed or inferred, and names no cause; instants carry what they are."""
    for text in ATS:
        story = tell(tell_postmortem(trace, at_ns=instant(text), now_ns=NOW), instants.zone("UTC"))
        assert [section.title for section in story.sections] == [
            "What was seen", "Is it unusual?", "What the daemon saw", "The touches themselves",
            "What cannot be known",
        ]  # fmt: skip
        for section in story.sections:
            for block in section.blocks:
                assert block.basis in {"observed", "inferred"}
                said = block.pieces if isinstance(block, Sentence) else []
                plain = "".join(piece for piece in said if isinstance(piece, str))
                assert not {"because", "due to", "crashed", "died"} & set(plain.split())
        assert all(fact.basis in {"observed", "inferred"} for fact in story.facts)
        assert isinstance(story.at, At)
