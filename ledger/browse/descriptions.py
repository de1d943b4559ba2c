"""What Datasette shows of a ledger's tables: descriptions, order, facets, labels."""

import copy
from typing import Any

from markupsafe import Markup

from ledger.browse import ledgers, queries

_DATABASE = (
    "The activity ledger of a fleet of agents: every touch, a command's sign of life, and the"
    " active periods that the touches make up."
)

_INSTANT = "Nanoseconds since the Unix epoch, UTC; shown in the server's zone."
_PLACE = {
    "actor": "Who acted.",
    "workspace": "Root directory of the workspace that was signalled; empty for none.",
    "town": "Root directory of the town that was signalled; empty for none.",
    "host": "Name of the machine.",
}
_COMMAND = "The command with its arguments; secrets are redacted."

TABLES: dict[str, dict[str, Any]] = {
    "history": {
        "description": "Every touch with its stream, the newest first.",
        "sort_desc": "at_ns",
        "sortable_columns": ["at_ns"],
        "size": 50,
        "facets": ["actor", "command"],
        "columns": {
            "id": "The touch's number, in the order of recording.",
            "at": "When it was touched: RFC 3339, UTC; shown in the server's zone.",
            **_PLACE,
            "command": _COMMAND,
            "at_ns": _INSTANT,
            "stream_id": "The stream: a distinct host, town, workspace and actor.",
        },
    },
    "touches": {
        "description": "One command's sign of life a row.",
        "sort_desc": "at_ns",
        "sortable_columns": ["at_ns"],
        "facets": ["stream_id"],
        "columns": {
            "id": "The touch's number, in the order of recording.",
            "stream_id": "The stream that the touch belongs to.",
            "at_ns": _INSTANT,
            "command": _COMMAND,
            "source_id": "Where it came from; empty when it was written as it happened.",
            "source_row": "The touch's key in a source that may be read again.",
        },
    },
    "streams": {
        "description": "A distinct host, town, workspace and actor a row.",
        "label_column": "actor",
        "columns": {"id": "The stream's number.", **_PLACE},
    },
    "periods": {
        "description": "Active periods: the longest runs of a stream's touches in which no gap"
        " reaches 60 s. Kept by triggers.",
        "sort_desc": "started_ns",
        "facets": ["stream_id"],
        "columns": {
            "stream_id": "The stream.",
            "started_ns": f"The first touch. {_INSTANT}",
            "ended_ns": f"The last touch. {_INSTANT}",
            "touches": "How many touches.",
        },
    },
    "sources": {
        "description": "Where touches came from that were not written as they happened.",
        "label_column": "name",
        "columns": {
            "id": "The source's number.",
            "kind": "'spool' or 'import'.",
            "name": "Of an import: the file's path, or the name it was given.",
            "added_at": "When it was first seen, UTC.",
        },
    },
    "ledger_info": {
        "description": "One row, which identifies this ledger when ledgers meet.",
        "columns": {
            "id": "Always 1.",
            "ledger_id": "Random, made once.",
            "created_at": "When the ledger was made, UTC.",
        },
    },
    "_sqlite_migrations": {"hidden": True},
}


def metadata() -> dict[str, Any]:
    """Return what Datasette 0.65 asks for; it is changed there, so each time anew."""
    return {"description": _DATABASE, "tables": copy.deepcopy(TABLES)}


def with_links(datasette: Any, database: str, links: Markup) -> dict[str, Any]:
    """Return what Datasette 0.65 shows of a database, the user's or ours, and links below it."""
    told = datasette.metadata(database=database) or {}
    text = told.get("description_html") or Markup.escape(told.get("description") or "")
    return {"metadata": {**told, "description_html": f"{text}{links}"}}


async def tell(datasette: Any) -> None:
    """Tell Datasette 1.0 the same; what the user has said there stands."""
    config = copy.deepcopy(datasette.config or {})
    for name in ledgers.known(datasette):
        tables = config.setdefault("databases", {}).setdefault(name, {}).setdefault("tables", {})
        if not await datasette.get_database_metadata(name):
            await datasette.set_database_metadata(name, "description", _DATABASE)
        for table, told in TABLES.items():
            await _describe(datasette, name, table, told)
            for key, value in told.items():
                if key not in {"description", "columns"}:
                    tables.setdefault(table, {}).setdefault(key, value)
        await queries.add(datasette, name)
    datasette.config = config


async def _describe(datasette: Any, name: str, table: str, told: dict[str, Any]) -> None:
    if "description" in told and not await datasette.get_resource_metadata(name, table):
        await datasette.set_resource_metadata(name, table, "description", told["description"])
    for column, text in told.get("columns", {}).items():
        if not await datasette.get_column_metadata(name, table, column):
            await datasette.set_column_metadata(name, table, column, "description", text)
