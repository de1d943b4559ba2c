"""Who may see a ledger's pages, and that nobody writes through them."""

import json
import os
from typing import Any
from urllib.parse import urlencode

from ledger.browse import ledgers, parameters, queries
from ledger.errors import BadInputError

_READING = {"GET", "HEAD", "OPTIONS"}

# Datasette 0.65 counts all rows of a table for its page; above this it takes too long.
_LARGE_BYTES = 250_000_000


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


def read_only(app: Any, datasette: Any) -> Any:
    """Return the application without ways to write to a ledger."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            name, rest = _ledger_of(scope, datasette)
            if name and scope["method"] not in _READING and not rest.endswith("/-/count"):
                await _refuse(send)
                return
            if name:
                try:
                    scope = await _read(scope, datasette, name, rest)
                except BadInputError as error:
                    await _say(datasette, scope, receive, send, f"{error}. {error.hint}")
                    return
            if name and _counts_too_long(datasette, name, rest):
                scope = {**scope, "query_string": _without_count(scope["query_string"])}
        await app(scope, receive, send)

    return guarded


async def _read(scope: Any, datasette: Any, name: str, rest: str) -> Any:
    """Return the scope with its instants read. Raises BadInputError."""
    page = rest.strip("/").partition(".")[0]
    if page in queries.QUERIES and not await queries.is_ours(datasette, name, page):
        return scope
    query_string = parameters.read(page, scope["query_string"].decode("latin-1"))
    return {**scope, "query_string": query_string.encode("latin-1")}


async def _say(datasette: Any, scope: Any, receive: Any, send: Any, problem: str) -> None:
    """Answer that something in the address can't be read, as Datasette says such things."""
    from datasette import Request, Response

    told = {"ok": False, "error": problem, "status": 400, "title": None}
    if scope["path"].endswith((".json", ".csv")):
        answer = Response.json(told, status=400)
    else:
        request = Request({"csrftoken": str, **scope}, receive)
        html = await datasette.render_template("error.html", told, request)
        answer = Response.html(html, status=400)
    await answer.asgi_send(send)


def _ledger_of(scope: Any, datasette: Any) -> tuple[str | None, str]:
    """Return which ledger a request is for, and the rest of its path."""
    from datasette.utils import tilde_decode

    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    base = datasette.setting("base_url").rstrip("/")
    first, _, rest = path.removeprefix(base).lstrip("/").partition("/")
    names = {tilde_decode(first), tilde_decode(first.partition(".")[0])}
    for name in ledgers.known(datasette):
        if names & {name, datasette.databases[name].route}:
            return name, f"/{rest}"
    return None, ""


def _counts_too_long(datasette: Any, name: str, rest: str) -> bool:
    if hasattr(datasette, "add_query") or rest not in {"/history", "/touches"}:
        return False
    try:
        return os.stat(datasette.databases[name].path).st_size > _LARGE_BYTES
    except OSError:
        return False


def _without_count(query_string: bytes) -> bytes:
    return b"&".join(filter(None, (query_string, b"_nocount=1")))


async def _refuse(send: Any) -> None:
    body = b"A ledger is read-only here: touches are recorded by keepalive touch.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET, HEAD, OPTIONS")]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": body})
