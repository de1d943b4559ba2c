"""The rows and tables of ``keepalive idle``."""

from collections.abc import Iterator, Sequence

from ledger import output, terminal
from ledger.cli import options
from ledger.gotime import format_instant
from ledger.idle import IdlePeriod, IdleReport, idle_days
from ledger.instants import NS, Zone, duration
from ledger.periods import IdleSummary
from ledger.policy import Policy

PERIODS, SUMMARY, DAILY = "periods", "summary", "daily"

_FIGURES = (
    "since", "until", "active_s", "idle_s", "idle_share", "periods", "median_s", "p95_s",
    "longest_s", "unseen_s",
)  # fmt: skip
_PERIOD = (
    "group", "started_at", "ended_at", "idle_s", "cut_start", "cut_end", "open", "tier",
    "last_command", "first_command", "since", "until",
)  # fmt: skip
COLUMNS = {
    PERIODS: _PERIOD,
    SUMMARY: ("group", *_FIGURES),
    DAILY: ("day", "tz", "group", *_FIGURES),
}
"""What each view has, in the formats for programs."""


def rows(report: IdleReport, zone: Zone, view: str) -> Iterator[dict[str, object]]:
    """Yield the report as one of the views."""
    if view == DAILY:
        for one in idle_days(report, zone):
            yield {"day": _day(one, zone), "tz": zone.name, **_figures(one)}
    elif view == SUMMARY:
        for group in report.groups:
            yield _figures(group.summary)
    else:
        for period in report.periods:
            yield _as_dict(period, report)


def _as_dict(period: IdlePeriod, report: IdleReport) -> dict[str, object]:
    return {
        **period._asdict(),
        "started_at": format_instant(period.started_ns),
        "ended_at": format_instant(period.ended_ns),
        "idle_s": period.idle_s,
        "since": format_instant(report.since_ns),
        "until": format_instant(report.until_ns),
    }


def _figures(one: IdleSummary) -> dict[str, object]:
    edges = {"since": format_instant(one.since_ns), "until": format_instant(one.until_ns)}
    return {**one._asdict(), **edges}


def _day(one: IdleSummary, zone: Zone) -> str:
    return zone.wall_clock(one.since_ns).date().isoformat()


def periods(report: IdleReport, by: str | None, policy: Policy, zone: Zone) -> Iterator[str]:
    """Yield a table of the idle periods."""
    if not report.periods:
        yield "none"
        return
    headers = ["started", "ended", "idle", "tier", "", "last command before", "first after"]
    cells = [
        [
            zone.text(period.started_ns),
            "open" if period.open and not period.cut_end else zone.text(period.ended_ns),
            duration(period.ended_ns - period.started_ns),
            f"{period.tier} ({duration(policy.intervals_ns[period.tier - 1])})",
            _marks(period),
            period.last_command or "",
            period.first_command or "",
        ]
        for period in report.periods
    ]
    names: list[int] = []
    if by:
        headers.insert(5, by)
        for row, period in zip(cells, report.periods, strict=True):
            row.insert(5, period.group)
        names = [5]
    before = len(headers) - 2
    yield from output.grid(
        headers, cells, right={2}, names=(*names, before), room=options.terminal_columns()
    )
    hidden = sum(group.summary.periods for group in report.groups) - len(cells)
    if hidden:
        yield f"and {terminal.count(hidden, 'earlier one', 'earlier ones')}: -n 0 shows all"


def _marks(period: IdlePeriod) -> str:
    """Say where an idle period was cut, in words."""
    marks = ["began before"] * period.cut_start + ["goes on"] * period.cut_end
    return ", ".join(marks)


_HEADERS = ("active", "idle", "idle %", "periods", "median", "95 %", "longest")


def _cells(one: IdleSummary) -> list[str]:
    share = "" if one.idle_share is None else f"{one.idle_share * 100:.1f}"
    times = [_length(length_s) for length_s in (one.active_s, one.idle_s)]
    lengths = [_length(length_s) for length_s in (one.median_s, one.p95_s, one.longest_s)]
    return [*times, share, f"{one.periods:,}", *lengths]


def _length(length_s: float | None) -> str:
    return "" if length_s is None else duration(round(length_s * NS))


def summaries(report: IdleReport) -> list[str]:
    """Return a table of the figures, a line each group."""
    cells = [[group.group or "all together", *_cells(group.summary)] for group in report.groups]
    return _table(["", *_HEADERS], cells, 1)


def days(report: IdleReport, zone: Zone) -> list[str]:
    """Return a table of the figures, a line each day and group."""
    cells = [[_day(one, zone), one.group, *_cells(one)] for one in idle_days(report, zone)]
    return _table(["day", "", *_HEADERS], cells, 2)


def _table(headers: Sequence[str], cells: Sequence[Sequence[str]], first: int) -> list[str]:
    right = range(first, len(headers))
    return output.grid(
        headers, cells, right=right, names=(first - 1,), room=options.terminal_columns()
    )
