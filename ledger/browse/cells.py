"""How cells look: instants as local times, lengths as durations, streams as links."""

from typing import Any

from markupsafe import Markup

from ledger.instants import NS, duration, parse_iso, zone
from ledger.page import instant


def render(  # noqa: PLR0913, PLR0917 - what the hook is given
    row: Any, value: Any, column: str, table: str | None, database: str, datasette: Any
) -> Markup | None:
    """Return what a cell shows, None for what Datasette shows itself. Never raises."""
    try:
        if column == "stream_id" and table == "history" and isinstance(value, int):
            href = datasette.urls.row(database, "streams", str(value))
            return Markup('<a href="{}">{}</a>').format(href, row["actor"] or value)
        if column.endswith("_ns") and isinstance(value, int):
            return _time(value)
        if column in {"at", "added_at", "created_at"} and isinstance(value, str):
            return _time(parse_iso(value, None))
        if column.endswith("_s") and isinstance(value, int | float):
            return Markup('<span title="{} s">{}</span>').format(value, duration(round(value * NS)))
    except (ValueError, OverflowError, OSError, KeyError, IndexError):
        pass  # a hand has put in something else: it is shown as it is
    return None


def _time(at_ns: int) -> Markup:
    return instant(at_ns, zone(None).text(at_ns))
