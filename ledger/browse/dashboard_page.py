"""The dashboard as HTML: the figures of `idle` and `backoff`, drawn, with links to the rows."""

import functools
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ledger import activity, backoff, binning, svg, terminal
from ledger.browse import pictures
from ledger.figures import Backoff, Question
from ledger.filters import Streams, streams
from ledger.gotime import format_instant
from ledger.idle import IdleGroup, IdleReport, idle_report
from ledger.instants import NS, Zone, duration, zone
from ledger.page import instant, own_file, policy_hash
from ledger.policy import PRESETS, Policy, parse_policy

_HERE = os.path.dirname(__file__)

_MOST_LANES = 40
_MOST_NAMES = 500  # that the form proposes
_MOST_NAMED = 200  # in an address
_MOST_TOUCHES = 1_000_000  # that a page has time to read
_MOST_PERIODS = 10
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_EMPTY = "The ledger is empty: nobody has touched yet. `keepalive touch gt status` records one."


def headers() -> dict[str, str]:
    """Return the headers under which nothing but the page's own style and script runs."""
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src '{policy_hash(_style())}';"
        f" script-src '{policy_hash(_script())}'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }


def render(
    connection: sqlite3.Connection, asked: Any, values: Mapping[str, str], links: Any
) -> str:
    """Return the page.

    Raises BadInputError for an empty range.
    """
    known = streams(connection)
    chosen = streams(connection, asked.filters)
    if not chosen:
        text = f"Nobody called {values['actor']} has ever touched." if known else _EMPTY
        return _page(asked.zone, links, values, said=text)
    question = {"min_ns": asked.min_ns, "policy": asked.policy, "now_ns": asked.now_ns}
    by_group = idle_report(connection, asked.filters, by=asked.by, limit=0, **question)
    together = idle_report(
        connection, asked.filters, limit=_MOST_PERIODS, longest_first=True, **question
    )
    compared, too_many = _policies(connection, asked)
    replays = backoff.compare_policies(
        connection, compared, asked.filters, Question(asked.min_ns), now_ns=asked.now_ns
    )
    groups = _newest_first(by_group)
    drawn = groups[:_MOST_LANES]
    return _page(
        asked.zone,
        links,
        values,
        asked=asked,
        actors=sorted({one.actor for one in known.values()})[:_MOST_NAMES],
        report=together,
        summary=together.groups[0].summary,
        groups=groups,
        hidden=len(groups) - len(drawn),
        timeline=Markup(_timeline(drawn, by_group, asked, links)),  # noqa: S704 - it escapes
        legend=[("active", "active"), *_tiers(drawn, asked), ("rail", "not seen yet")],
        longest=together.periods,
        week=_week(together, asked.zone),
        weekdays=_WEEKDAYS,
        replays=[
            (one, one.averaged or one, best)
            for one, best in zip(replays, backoff.unbeaten(replays), strict=True)
        ],
        too_many=too_many,
        resumed=terminal.count(replays[0].resumptions, "time", "times"),
        scatter=Markup(_scatter(replays)),  # noqa: S704 - it escapes
        of_actor=_of_actor(chosen, values["actor"]),
        edges={
            "since": format_instant(together.since_ns),
            "until": format_instant(together.until_ns),
            "actor": values["actor"],
        },
    )


def refusal(problem: str, values: Mapping[str, str], links: Any) -> str:
    """Return the page with what is wrong with its form, and no figures."""
    return _page(zone(None), links, values, problem=problem)


def _page(where: Zone, links: Any, values: Mapping[str, str], **told: Any) -> str:
    return (
        _environment(where)
        .get_template("keepalive_dashboard.html")
        .render(
            style=Markup(_style()),  # noqa: S704 - our own files
            script=Markup(_script()),  # noqa: S704
            zone=where,
            links=links,
            values=values,
            groupings=activity.GROUPS,
            **told,
        )
    )


@functools.cache
def _style() -> str:
    return own_file("timeline.css") + own_file("keepalive.css", os.path.join(_HERE, "static"))


@functools.cache
def _script() -> str:
    return own_file("timeline.js")


def _environment(where: Zone) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(os.path.join(_HERE, "templates")),
        autoescape=True,
        undefined=StrictUndefined,
    )

    def at(at_ns: int) -> Markup:
        return instant(at_ns, where.text(at_ns))

    environment.filters.update(at=at, length=_length, visible=terminal.visible)
    environment.globals["swatch"] = lambda kind: Markup(svg.swatch(kind))  # noqa: S704
    return environment


def _length(length_s: float | None) -> str:
    return "-" if length_s is None else duration(round(length_s * NS))


def _of_actor(chosen: Streams, asked_for: str) -> dict[str, str]:
    """Return how Datasette's pages are asked for the actors that are chosen."""
    names = sorted({one.actor for one in chosen.values()})
    if not asked_for:
        return {}
    if len(names) > _MOST_NAMED:  # more than an address has room for
        return {"actor__glob": asked_for.replace("[!", "[^")}
    return {"actor__in": json.dumps(names)}


def _policies(connection: sqlite3.Connection, asked: Any) -> tuple[list[Policy], int]:
    """Return the policies to compare, and how many touches were too many for the others.

    What tells less than a minute apart is replayed over the touches, also those of others.
    """
    found = list(dict.fromkeys([asked.policy, *map(parse_policy, PRESETS)]))
    touches = activity.count_touches(connection, asked.filters)
    if touches <= _MOST_TOUCHES:
        return found, 0
    quick = [one for one in found if one.shortest_ns >= activity.PERIOD_GAP_NS]
    return quick, touches if len(quick) < len(found) else 0


def _newest_first(report: IdleReport) -> list[IdleGroup]:
    """Return the groups that were seen until the range's end, the last active first."""

    def last(group: IdleGroup) -> int:
        return group.active[-1][1] if group.active else group.idle[-1].began_ns

    return sorted((one for one in report.groups if one.active or one.idle), key=last, reverse=True)


def _timeline(groups: Sequence[IdleGroup], report: IdleReport, asked: Any, links: Any) -> str:
    lanes = [
        svg.Lane(
            group.group or f"(no {asked.by})",
            group.active,
            [
                svg.Idle(
                    gap.began_ns,
                    gap.ended_ns,
                    asked.policy.tier(gap.ended_ns - gap.began_ns),
                    "and goes on" if gap.cut_end or gap.open else "",
                )
                for gap in group.idle
            ],
        )
        for group in groups
    ]
    if not lanes:
        return ""
    names = {lane.label: group.group for lane, group in zip(lanes, groups, strict=True)}
    edges = {"at_ns__gte": report.since_ns, "at_ns__lt": report.until_ns}

    def href(lane: svg.Lane) -> str:
        return str(links.history(**{f"{asked.by}__exact": names[lane.label]}, **edges))

    frame = svg.Frame(report.since_ns, report.until_ns, asked.zone)
    label = f"When each {asked.by} was active, and idle by tier; the tables below say it in figures"
    return svg.timeline(lanes, frame, label, lane_href=href)


def _tiers(groups: Sequence[IdleGroup], asked: Any) -> list[tuple[str, str]]:
    gaps = (gap for group in groups for gap in group.idle)
    tiers = (asked.policy.tier(gap.ended_ns - gap.began_ns) for gap in gaps)
    return svg.tiers_legend(tiers, len(asked.policy.intervals_ns))


def _week(report: IdleReport, where: Zone) -> list[list[tuple[str, str]]]:
    """Return for each hour of the week its shade and what it says, Monday first."""
    (group,) = report.groups
    seen = report.until_ns if group.first_ns is None else max(report.since_ns, group.first_ns)
    hours = binning.hours_of_week(group.active, seen, report.until_ns, where)
    return [[_hour(cell) for cell in row] for row in hours]


def _hour(cell: binning.Cell) -> tuple[str, str]:
    if cell.share is None:
        return "unseen", "not observed"
    if not cell.touched:
        return "s0", "idle"
    percent = round(cell.share * 100)
    return f"s{min(percent // 25 + 1, 4)}", f"active {percent} %"


def _scatter(replays: Sequence[Backoff]) -> str:
    points = []
    for one, best in zip(replays, backoff.unbeaten(replays), strict=True):
        per_day, reaction = backoff.measure(one)
        points.append(pictures.Point(one.policy, per_day, reaction, best, _length(reaction)))
    return pictures.scatter(points)
