"""Who may see a ledger's pages."""

import json
from typing import Any
from urllib.parse import urlencode

from ledger.browse import ledgers, queries


def query(**parameters: object) -> str:
    """Return a query string."""
    return urlencode({name: str(value) for name, value in parameters.items()})


async def visible_ledgers(datasette: Any, actor: Any) -> list[str]:
    """Return the names of the ledgers whose history the actor may view, in their order."""
    names = [name for name in datasette.databases if name in ledgers.known(datasette)]
    return [name for name in names if await _may_view(datasette, actor, name)]


async def _may_view(datasette: Any, actor: Any, name: str) -> bool:
    if hasattr(datasette, "allowed"):
        from datasette.resources import TableResource

        resource = TableResource(database=name, table="history")
        return bool(await datasette.allowed(action="view-table", resource=resource, actor=actor))
    asked = [("view-table", (name, "history")), ("view-database", name), "view-instance"]
    visible, _ = await datasette.check_visibility(actor, permissions=asked)
    return bool(visible)


async def may_query(datasette: Any, actor: Any, database: str, query: str) -> bool | None:
    """Return False where Datasette 0.65 must keep a query of ours from the actor, else None."""
    if database not in ledgers.known(datasette):
        return None
    hidden = await queries.is_ours(datasette, database, query) and not await _may_view(
        datasette, actor, database
    )
    return False if hidden else None


async def deny_queries(datasette: Any, actor: Any) -> Any:
    """Return Datasette 1.0's rule that who may not view a history may not ask it either."""
    from datasette.permissions import PermissionSQL

    visible = await visible_ledgers(datasette, actor)
    hidden = sorted(ledgers.known(datasette) - set(visible))
    return PermissionSQL(
        sql="SELECT database_name AS parent, name AS child, 0 AS allow,"
        " 'the history of this ledger is not to be viewed' AS reason FROM queries"
        " WHERE source = 'plugin' AND name IN (SELECT value FROM json_each(:keepalive_names))"
        " AND database_name IN (SELECT value FROM json_each(:keepalive_hidden))",
        params={
            "keepalive_names": json.dumps(list(queries.QUERIES)),
            "keepalive_hidden": json.dumps(hidden),
        },
    )
