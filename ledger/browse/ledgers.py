"""Which of the databases that Datasette serves are ledgers."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from ledger.connection import APPLICATION_ID


def known(datasette: Any) -> set[str]:
    """Return the names of the ledgers that `recognise` has found."""
    found: set[str] = datasette.__dict__.setdefault("_keepalive_ledgers", set())
    return found


_TABLES = {"streams", "sources", "touches", "periods", "ledger_info", "history"}

# A ledger is never locked for readers; another database's lock is not waited for.
_LOOK_MS = 50


def is_ledger(connection: Any) -> bool:
    """Tell whether a connection is to a ledger; whatever goes wrong, it is not."""
    try:
        (wait_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute(f"PRAGMA busy_timeout = {_LOOK_MS}")
        try:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            if found != APPLICATION_ID:
                return False
            names = connection.execute("SELECT name FROM sqlite_master")
            return {name for (name,) in names} >= _TABLES
        finally:
            connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
    except Exception:  # noqa: BLE001 - some other program's trouble
        return False


@contextlib.contextmanager
def plain(connection: Any) -> Iterator[Any]:
    """Let `connection` give tuples for a while, as the library expects; Datasette's gives rows."""
    factory, connection.row_factory = connection.row_factory, None
    try:
        yield connection
    finally:
        connection.row_factory = factory


async def recognise(datasette: Any) -> None:
    """Look at every database once.

    Raises an error that ends Datasette, in a sentence, for a ledger that is served as
    immutable: SQLite would miss what is in the WAL, and later answer with errors.
    """
    for name, database in list(datasette.databases.items()):
        if database.is_memory:
            continue
        try:
            found = await database.execute_fn(is_ledger)
        except Exception:  # noqa: BLE001, S112 - not ours to tell
            continue
        if not found:
            continue
        if not database.is_mutable:
            raise _refused(f"{database.path} is a live ledger: serve it without -i")
        if hasattr(database, "mode"):
            database.mode = "ro"
        else:
            database.connect = functools.partial(_read_only, database.connect)
        known(datasette).add(name)


def _read_only(connect: Any, *, write: bool = False) -> Any:  # noqa: ARG001
    """Open a ledger for Datasette 0.65, which else would open it for writing."""
    return connect(write=False)


def _refused(message: str) -> Exception:
    import click
    from datasette.utils import StartupError

    # Datasette 0.65 shows a StartupError as a traceback, click's own as a sentence.
    class RefusedError(StartupError, click.ClickException):  # type: ignore[misc]
        pass

    return RefusedError(message)
