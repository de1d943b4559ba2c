"""What becomes of a request for a ledger before Datasette has it.

What would write is refused, instants are read, and what can't be read is refused in words.
"""

import os
from typing import Any

from ledger.browse import ledgers, parameters, queries
from ledger.errors import BadInputError

_READING = {"GET", "HEAD", "OPTIONS"}

# Datasette 0.65 counts all rows of a table for its page; above this it takes too long.
_LARGE_BYTES = 250_000_000


def guarded(app: Any, datasette: Any) -> Any:
    """Return the application without ways to write to a ledger, and with instants read."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        name, rest = _ledger_of(scope, datasette) if scope["type"] == "http" else (None, "")
        if name:
            if scope["method"] not in _READING and not rest.endswith("/-/count"):
                await _refuse(send)
                return
            try:
                scope = await _read(scope, datasette, name, rest)
            except BadInputError as error:
                await _say(datasette, scope, receive, send, f"{error}. {error.hint}")
                return
            if _counts_too_long(datasette, name, rest):
                scope = {**scope, "query_string": _without_count(scope["query_string"])}
        await app(scope, receive, send)

    return answer


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
        said = Response.json(told, status=400)
    else:
        request = Request({"csrftoken": str, **scope}, receive)
        html = await datasette.render_template("error.html", told, request)
        said = Response.html(html, status=400)
    await said.asgi_send(send)


def _ledger_of(scope: Any, datasette: Any) -> tuple[str | None, str]:
    """Return which ledger a request is for, and the rest of its path."""
    from datasette.utils import tilde_decode

    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    base = datasette.setting("base_url")
    first, _, rest = path.removeprefix(base).lstrip("/").partition("/")
    names = {tilde_decode(first), tilde_decode(first.partition(".")[0])}
    for name in ledgers.known(datasette):
        database = datasette.databases.get(name)  # None of one that was taken away since
        if database is not None and names & {name, database.route}:
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
