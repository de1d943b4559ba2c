"""Datasette over ledgers, for the tests of pages; skipped where it is not installed."""

import asyncio
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest


def serving(paths: Iterable[Path | str], **options: Any) -> Any:
    """Return a Datasette that has started; its requests are made with `get` and `asked`."""
    app = pytest.importorskip("datasette.app", reason="Datasette is not installed")
    datasette = app.Datasette([str(path) for path in paths], **options)
    run(datasette.invoke_startup())
    return datasette


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run asynchronous work to its end, in a thread: playwright keeps this one's event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def get(datasette: Any, path: str, **parameters: object) -> Any:
    """Return the answer to a request."""
    return asked(datasette, "GET", f"{path}?{urlencode(parameters)}" if parameters else path)


def asked(datasette: Any, method: str, path: str) -> Any:
    """Return the answer to a request of any method."""
    return run(datasette.client.request(method, path, follow_redirects=True))


def rows(datasette: Any, path: str, **parameters: object) -> list[dict[str, Any]]:
    """Return a table's or a query's rows."""
    answer = get(datasette, f"{path}.json", _shape="array", **parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found
