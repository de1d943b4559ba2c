"""What Datasette shows of a ledger's tables: descriptions, order, facets, labels."""

import copy
import json
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
        "description": "One command's sign of life a row, the last recorded first.",
        # Datasette pages by a column with equal values wrongly, and by the key rightly.
        "sort_desc": "id",
        "sortable_columns": ["id"],
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


def metadata(datasette: Any, database: str) -> dict[str, Any]:
    """Return what Datasette 0.65 asks for; it is changed there, so each time anew."""
    # What the user says; to ask Datasette for it is to be asked again.
    said = datasette._metadata_local.get("databases") or {}  # noqa: SLF001
    theirs = (said.get(database) or {}).get("tables") or {}
    tables = {name: _beside(datasette, told, theirs.get(name)) for name, told in TABLES.items()}
    return {"description": _DATABASE, "tables": tables}


def _beside(datasette: Any, told: dict[str, Any], theirs: Any) -> dict[str, Any]:
    """Return what we tell of a table beside what the user does, within Datasette's limits."""
    told = copy.deepcopy(told)
    if "sort" in (theirs or {}):
        told.pop("sort_desc", None)
    if "size" in told:
        told["size"] = min(told["size"], datasette.setting("max_returned_rows"))
    return told


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
            for key, value in _beside(datasette, told, tables.get(table)).items():
                if key not in {"description", "columns"}:
                    tables.setdefault(table, {}).setdefault(key, value)
        await queries.add(datasette, name)
    datasette.config = config


async def untell(datasette: Any) -> None:
    """Take back what an earlier run told Datasette 1.0 of a ledger that is none any more.

    Its internal database may be a file, which outlives the ledger.
    """
    texts = [_DATABASE]
    for told in TABLES.values():
        if not told.get("hidden"):
            texts += [told["description"], *told["columns"].values()]
    internal = datasette.get_internal_database()
    for name in set(datasette.databases) - ledgers.known(datasette):
        if not await queries.remove(datasette, name):
            continue  # it never was one, and what is said of it is its own
        for table in ("metadata_databases", "metadata_resources", "metadata_columns"):
            await internal.execute_write(
                f"DELETE FROM {table} WHERE database_name = ? AND key = 'description'"
                " AND value IN (SELECT value FROM json_each(?))",
                (name, json.dumps(texts)),
            )


async def _describe(datasette: Any, name: str, table: str, told: dict[str, Any]) -> None:
    if "description" in told and not await datasette.get_resource_metadata(name, table):
        await datasette.set_resource_metadata(name, table, "description", told["description"])
    for column, text in told.get("columns", {}).items():
        if not await datasette.get_column_metadata(name, table, column):
            await datasette.set_column_metadata(name, table, column, "description", text)
