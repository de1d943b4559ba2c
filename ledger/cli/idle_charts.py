"""The charts of ``keepalive idle --chart``."""

from collections.abc import Iterator

from ledger import binning, charts
from ledger.cli import options
from ledger.idle import IdleGroup, IdleReport
from ledger.instants import Zone

# Without a terminal.
_COLUMNS = 100


def lines(report: IdleReport, together: IdleGroup, zone: Zone) -> Iterator[str]:
    """Yield a timeline of the report's groups, then the idle lengths and the week of all."""
    columns = options.terminal_columns() or _COLUMNS
    utf8 = options.draws()
    since, until = report.since_ns, report.until_ns
    count = charts.timeline_width((group.group for group in report.groups), columns)
    rows = [
        (group.group, binning.timeline(group.active, since, until, group.first_ns, count))
        for group in report.groups
    ]
    yield from charts.timeline(rows, since, until, zone, columns, utf8=utf8)
    yield ""
    yield "idle periods by length"
    lengths = [gap.idle_ns for gap in together.idle]
    yield from charts.histogram(lengths, columns, utf8=utf8)
    yield ""
    yield f"when it is active, by weekday and hour ({zone.name})"
    seen = until if together.first_ns is None else max(since, together.first_ns)
    week = binning.hours_of_week(together.active, seen, until, zone)
    yield from charts.heatmap(week, columns, utf8=utf8)
