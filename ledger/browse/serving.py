"""Serve one ledger on loopback, until somebody ends it."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from ledger import database

_DRAIN_EVERY_S = 2.0

Tell = Callable[[str], None]


def serve(ledger: str, port: int, listening: Tell) -> None:
    """Serve the ledger at `ledger` on 127.0.0.1; a `port` of 0 is any that is free.

    `listening` is told the address of the dashboard once it answers. What comes to wait in
    the spool is drained meanwhile. Returns when it is interrupted.

    Raises OSError where the port can't be had, ImportError without the extra ``browse``.
    """
    from datasette.app import Datasette

    with contextlib.closing(socket.create_server(("127.0.0.1", port))) as here:
        asyncio.run(_serve(Datasette([ledger]), ledger, here, listening))


async def _serve(datasette: Any, ledger: str, here: socket.socket, listening: Tell) -> None:
    import uvicorn

    await datasette.invoke_startup()
    host = f"127.0.0.1:{here.getsockname()[1]}"
    config = uvicorn.Config(
        _only_for(host, datasette.app()), log_level="warning", lifespan="on", access_log=False
    )
    draining = asyncio.create_task(_drain(ledger))
    listening(f"http://{host}{datasette.urls.path('/-/keepalive')}")
    try:
        await uvicorn.Server(config).serve(sockets=[here])
    finally:
        draining.cancel()


def _only_for(host: str, app: Any) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """Return `app` without requests that a page elsewhere made by renaming us (DNS rebinding)."""
    ours = {host, host.replace("127.0.0.1", "localhost")}
    ours |= {name.removesuffix(":80") for name in ours}

    async def checked(scope: Any, receive: Any, send: Any) -> None:
        asked = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1").lower()
        if scope["type"] == "http" and asked not in ours:
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body", "body": b"This is not the host you want.\n"})
            return
        await app(scope, receive, send)

    return checked


async def _drain(ledger: str) -> None:
    while True:
        await asyncio.sleep(_DRAIN_EVERY_S)
        await asyncio.to_thread(_drain_once, ledger)


def _drain_once(ledger: str) -> None:
    from ledger import paths, spool
    from ledger.errors import LedgerError

    with contextlib.suppress(OSError, LedgerError):
        if spool.names(paths.spool_path(ledger)):
            database.open_ledger(ledger).close()
