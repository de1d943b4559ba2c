"""What a policy's replay comes to, in the figures that people ask for. Pure."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from ledger.instants import NS
from ledger.periods import MIN_IDLE_NS, ActivePeriods, Range, quantile
from ledger.policy import Policy
from ledger.replay import ARMED, Outcome, Schedule, replay, time_by_tier

STALE_AFTER_NS = 1200 * NS
"""When an agent counts as stuck, unless said: Gas Town's "very stale"."""

FEW_RESUMPTIONS = 20
"""With fewer resumptions than these, one phase tells little of how late a policy is."""

PHASES = 8
"""So many phases, evenly over the longest interval, are then averaged."""

_DAY_NS = 86_400 * NS


class Tier(NamedTuple):
    """One tier of a policy in a replay, counted from 1.

    `time_s` is how long the streams' idle time was in the tier, from `from_s` on.
    """

    tier: int
    from_s: float
    interval_s: float
    time_s: float
    heartbeats: int


class PhaseAverage(NamedTuple):
    """Figures over several phases: counts are means, times are those of all taken together."""

    phases: int
    heartbeats: float
    per_day: float
    wasted: float
    wasted_per_day: float
    reaction_median_s: float | None
    reaction_p95_s: float | None
    reaction_max_s: float | None
    noticed_median_s: float | None
    noticed_p95_s: float | None
    noticed_max_s: float | None


class Backoff(NamedTuple):
    """What a policy would have done in [since_ns, until_ns); `ledger.replay` defines the terms.

    `saved` is against a fixed interval of `base_s`, the policy's base. A day is 24 hours,
    and days are counted from the first heartbeat.
    Costs are None where no price was given; reactions where no work resumed, and noticed
    where no silence was. `reaches_stale` says whether the longest interval that the policy
    can give reaches `stale_after_s`, so that whoever judges an agent by its last touch may
    take a healthy one for stuck. `averaged` is there where there were fewer than 20
    resumptions and no phase was asked for: there the figures of one phase may mislead.
    """

    policy: str
    since_ns: int
    until_ns: int
    mode: str
    phase_s: float
    min_idle_s: float
    heartbeats: int
    per_day: float
    wasted: int
    wasted_per_day: float
    base_s: float
    longest_interval_s: float
    saved: int
    saved_share: float | None
    resumptions: int
    reaction_median_s: float | None
    reaction_p95_s: float | None
    reaction_max_s: float | None
    silences: int
    unnoticed: int
    noticed_median_s: float | None
    noticed_p95_s: float | None
    noticed_max_s: float | None
    cost: float | None
    wasted_cost: float | None
    saved_cost: float | None
    stale_after_s: float
    reaches_stale: bool
    tiers: Sequence[Tier]
    averaged: PhaseAverage | None


class Question(NamedTuple):
    """How to replay, beside the policy: what the commands' options say.

    `phase_ns` is when the first heartbeat falls, after the range's start; None is there
    and then. `cost` is the price of a heartbeat.
    """

    min_ns: int = MIN_IDLE_NS
    mode: str = ARMED
    phase_ns: int | None = None
    cost: float | None = None
    stale_after_ns: int = STALE_AFTER_NS


DEFAULT_QUESTION = Question()


def figures(
    policy: Policy,
    active: ActivePeriods,
    span: Range,
    question: Question,
    *,
    average: bool = False,
) -> Backoff:
    """Return what the policy would have done over `active` in a range.

    With `average`, over several phases, however many resumptions there are.
    """
    since_ns, until_ns = span.since_ns, span.until_ns
    schedule = Schedule(since_ns, until_ns, question.phase_ns or 0, question.mode)
    outcome = replay(policy, active, schedule, question.min_ns)
    base = max(-(-(until_ns - schedule.first_ns) // policy.base_ns), 0)
    saved = base - outcome.heartbeats
    reaction, noticed = _late(outcome.reactions_ns), _late(outcome.noticed_ns)
    few = len(outcome.reactions_ns) < FEW_RESUMPTIONS
    several = question.phase_ns is None and (average or few)
    price = question.cost
    return Backoff(
        policy=policy.text,
        since_ns=since_ns,
        until_ns=until_ns,
        mode=question.mode,
        phase_s=schedule.phase_ns / NS,
        min_idle_s=question.min_ns / NS,
        heartbeats=outcome.heartbeats,
        per_day=_per_day(outcome.heartbeats, schedule),
        wasted=outcome.wasted,
        wasted_per_day=_per_day(outcome.wasted, schedule),
        base_s=policy.base_ns / NS,
        longest_interval_s=policy.longest_ns / NS,
        saved=saved,
        saved_share=saved / base if base else None,
        resumptions=len(outcome.reactions_ns),
        reaction_median_s=reaction[0],
        reaction_p95_s=reaction[1],
        reaction_max_s=reaction[2],
        silences=len(outcome.noticed_ns) + outcome.unnoticed,
        unnoticed=outcome.unnoticed,
        noticed_median_s=noticed[0],
        noticed_p95_s=noticed[1],
        noticed_max_s=noticed[2],
        cost=None if price is None else outcome.heartbeats * price,
        wasted_cost=None if price is None else outcome.wasted * price,
        saved_cost=None if price is None else saved * price,
        stale_after_s=question.stale_after_ns / NS,
        reaches_stale=policy.longest_ns >= question.stale_after_ns,
        tiers=_tiers(policy, active, schedule, outcome),
        averaged=_average(policy, active, schedule, question.min_ns, outcome) if several else None,
    )


def _tiers(
    policy: Policy, active: ActivePeriods, schedule: Schedule, outcome: Outcome
) -> list[Tier]:
    times = time_by_tier(policy, active, schedule.since_ns, schedule.until_ns)
    columns = (policy.intervals_ns, (0, *policy.boundaries_ns), times, outcome.by_tier)
    return [
        Tier(number, from_ns / NS, interval / NS, time / NS, heartbeats)
        for number, (interval, from_ns, time, heartbeats) in enumerate(
            zip(*columns, strict=True), 1
        )
    ]


def _average(
    policy: Policy, active: ActivePeriods, schedule: Schedule, min_ns: int, first: Outcome
) -> PhaseAverage:
    """Return the figures over PHASES phases; `first` are those of the schedule's own."""
    schedules = [
        schedule._replace(phase_ns=schedule.phase_ns + policy.longest_ns * number // PHASES)
        for number in range(PHASES)
    ]
    runs = [first, *(replay(policy, active, one, min_ns) for one in schedules[1:])]
    heartbeats, wasted = [run.heartbeats for run in runs], [run.wasted for run in runs]
    return PhaseAverage(
        PHASES,
        fmean(heartbeats),
        fmean(map(_per_day, heartbeats, schedules)),
        fmean(wasted),
        fmean(map(_per_day, wasted, schedules)),
        *_late(sorted(ns for run in runs for ns in run.reactions_ns)),
        *_late(sorted(ns for run in runs for ns in run.noticed_ns)),
    )


def _per_day(number: float, schedule: Schedule) -> float:
    length_ns = schedule.until_ns - schedule.first_ns
    return number * _DAY_NS / length_ns if length_ns > 0 else 0.0


def _late(ordered: Sequence[int]) -> tuple[float | None, float | None, float | None]:
    """Return median, 95th percentile and maximum in seconds."""
    median, p95, most = (quantile(ordered, percent) for percent in (50, 95, 100))
    return (
        None if median is None else median / NS,
        None if p95 is None else p95 / NS,
        None if most is None else most / NS,
    )
