"""The search for the cheapest policy within a bound, against trying every candidate."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_cli_history import insert

from ledger import database
from ledger.backoff import read_activity
from ledger.errors import BadInputError
from ledger.figures import Backoff, Question
from ledger.filters import Filters
from ledger.instants import NS
from ledger.policy import Policy, parse_policy
from ledger.replay import ARMED, RESET_ON_ACTIVITY
from ledger.tuning import Bound, Tuning, tune_policy

MINUTE, DAY = 60 * NS, 86_400 * NS
NOW = 1_772_366_400 * NS
SINCE, UNTIL = NOW - 12 * DAY, NOW
RANGE = Filters(since_ns=SINCE, until_ns=UNTIL)
SPLIT = SINCE + (UNTIL - SINCE) * 3 // 4


def work(seed: int) -> list[int]:
    """Return touches of twelve days: bursts by day, now and then one by night."""
    choose = random.Random(seed)
    touches = [SINCE]
    at = SINCE + choose.randrange(DAY)
    while at < UNTIL:
        for _ in range(choose.randrange(1, 30)):
            touches.append(at)
            at += choose.randrange(1, 4 * 60) * NS
        at += choose.choice([6, 9, 14, 25, 50, 120, 600]) * MINUTE + choose.randrange(MINUTE)
    return [at for at in touches if at < UNTIL]


@pytest.fixture(params=[1, 2])
def connection(request: pytest.FixtureRequest, home: Path) -> Iterator[sqlite3.Connection]:
    """A small ledger."""
    insert([(at, "gt") for at in work(request.param)])
    with closing(database.open_ledger()) as connection:
        yield connection


BOUNDS = [
    Bound(max_reaction_ns=3 * MINUTE),
    Bound(max_reaction_ns=12 * MINUTE),
    Bound(max_reaction_ns=60 * MINUTE),
    Bound(max_per_day=40),
    Bound(max_per_day=150),
    Bound(max_per_day=700),
]
MODES = [Question(), Question(mode=RESET_ON_ACTIVITY)]


def keeps(bound: Bound, one: Backoff) -> bool:
    """Tell whether a replay over several phases keeps the bound, in its own words."""
    fair = one.averaged
    assert fair is not None
    if bound.max_per_day is not None:
        return fair.per_day <= bound.max_per_day
    return (fair.reaction_max_s or 0) * NS <= (bound.max_reaction_ns or 0)


def cost(bound: Bound, one: Backoff) -> float:
    """Return what is to be least: heartbeats within a reaction, reaction within a count."""
    fair = one.averaged
    assert fair is not None
    return fair.per_day if bound.max_per_day is None else fair.reaction_p95_s or 0


def candidates() -> Iterator[Policy]:
    """Yield a grid of policies as people would try them, of the three kinds."""
    minutes = (1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 45, 60, 120)
    texts = [f"fixed:{minute}m" for minute in minutes]
    texts += [
        f"exp:{base}m,x{factor},{cap}m"
        for base in (1, 2, 5, 10)
        for factor in ("1.5", "2", "3")
        for cap in (10, 15, 30, 60)
        if cap > base
    ]
    texts += [
        f"tiers:{first}m={one}m,{second}m={other}m,{last}m"
        for first, second in ((5, 15), (5, 45))
        for one, other, last in [(2, 5, 10), (2, 10, 30), (5, 10, 30), (5, 20, 60), (10, 30, 60)]
    ]
    return map(parse_policy, texts)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("question", MODES)
def test_the_best_policy(connection: sqlite3.Connection, bound: Bound, question: Question) -> None:
    """The bound is kept, and no policy of a grid that keeps it too is much cheaper."""
    found = tune_policy(connection, bound, RANGE, question, now_ns=NOW)
    assert found.policy is not None
    assert found.searched is not None
    assert keeps(bound, found.searched)
    activity = read_activity(connection, RANGE, NOW)
    searched = activity.span._replace(until_ns=SPLIT)
    tried = [activity.backoff(one, question, searched, average=True) for one in candidates()]
    best = min((cost(bound, one) for one in tried if keeps(bound, one)), default=float("inf"))
    assert cost(bound, found.searched) <= 1.1 * best


@pytest.mark.parametrize("bound", BOUNDS[1:5])
@pytest.mark.parametrize("question", [*MODES, Question(min_ns=20 * MINUTE, cost=0.5)])
def test_the_two_parts(connection: sqlite3.Connection, bound: Bound, question: Question) -> None:
    """What was searched and what was checked make up the range, and share no instant of it."""
    found = tune_policy(connection, bound, RANGE, question, now_ns=NOW)
    assert found.policy is not None
    policy = parse_policy(found.policy)
    activity = read_activity(connection, RANGE, NOW)
    parts = [(SINCE, SPLIT), (SPLIT, UNTIL)]
    for one, (since, until) in zip((found.searched, found.checked), parts, strict=True):
        assert one is not None
        assert (one.since_ns, one.until_ns) == (since, until)
        span = activity.span._replace(since_ns=since, until_ns=until)
        assert one == activity.backoff(policy, question, span, average=True)
    assert found.checked is not None
    assert found.holds == keeps(bound, found.checked)


def test_what_comes_later_is_not_searched(home: Path) -> None:
    """Whatever happens in the part that is checked, the same policy is found."""
    early = [at for at in work(4) if at < SPLIT]
    found: list[Tuning] = []
    for actor, late in [("quiet", []), ("busy", range(SPLIT, UNTIL, 7 * MINUTE))]:
        insert([(at, "gt") for at in (*early, *late)], actor=actor)
        with closing(database.open_ledger()) as connection:
            filters = RANGE._replace(actors=[actor])
            found.append(tune_policy(connection, Bound(max_per_day=100), filters, now_ns=NOW))
    quiet, busy = found
    assert quiet.policy == busy.policy
    assert quiet.searched == busy.searched
    assert quiet.checked != busy.checked


@pytest.mark.parametrize(
    ("early", "late", "short"),
    [(60, 60, False), (20, 20, False), (19, 60, True), (60, 19, True), (0, 0, True)],
)
def test_too_short(home: Path, early: int, late: int, short: bool) -> None:
    """With less than 20 resumptions in either part, neither tells much, and that is said."""
    touches = [SINCE]
    touches += [SINCE + number * 2 * 3600 * NS + 3600 * NS for number in range(early)]
    touches += [SPLIT + number * 3600 * NS + 60 * NS for number in range(late)]
    insert([(at, "gt") for at in sorted(touches)])
    with closing(database.open_ledger()) as connection:
        found = tune_policy(connection, Bound(max_reaction_ns=600 * NS), RANGE, now_ns=NOW)
    assert found.searched is not None
    assert found.checked is not None
    assert (found.searched.resumptions, found.checked.resumptions) == (early, late)
    assert found.too_short == short


def test_nothing_keeps_the_bound(connection: sqlite3.Connection) -> None:
    """Where no candidate keeps the bound, there is no answer, and no replay."""
    found = tune_policy(connection, Bound(max_per_day=1), RANGE, now_ns=NOW)
    assert found._replace(candidates=0) == Tuning(None, 0, None, None, False, False)
    assert found.candidates > 100


def test_phase(connection: sqlite3.Connection) -> None:
    """With a phase of its own, the search is over that one alone."""
    question = Question(phase_ns=90 * NS, mode=ARMED)
    found = tune_policy(connection, Bound(max_per_day=60), RANGE, question, now_ns=NOW)
    assert found.searched is not None
    assert (found.searched.phase_s, found.searched.averaged) == (90, None)
    assert found.searched.per_day <= 60


def test_progress(connection: sqlite3.Connection) -> None:
    """Progress goes from little to all of the steps, and never back."""
    told: list[tuple[int, int]] = []
    tune_policy(
        connection,
        Bound(max_per_day=60),
        RANGE,
        progress=lambda done, of: told.append((done, of)),
        now_ns=NOW,
    )
    done = [number for number, _ in told]
    assert done == sorted(set(done))
    assert len({of for _, of in told}) == 1
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (Bound(), "one bound"),
        (Bound(max_reaction_ns=1, max_per_day=1), "one bound"),
        (Bound(max_reaction_ns=0), "more than nothing"),
        (Bound(max_reaction_ns=-1), "more than nothing"),
        (Bound(max_per_day=0), "more than nothing"),
        (Bound(max_per_day=float("nan")), "bound"),
        (Bound(max_per_day=float("inf")), "bound"),
    ],
)
def test_refusals(home: Path, bound: Bound, message: str) -> None:
    """A search needs one bound, of more than nothing and less than everything."""
    insert([(at, "gt") for at in work(1)])
    with (
        closing(database.open_ledger()) as connection,
        pytest.raises(BadInputError, match=message),
    ):
        tune_policy(connection, bound, RANGE, now_ns=NOW)
