"""Which of the databases that Datasette serves are ledgers."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ledger.connection import APPLICATION_ID


def known(datasette: Any) -> set[str]:
    """Return the names of the ledgers that `recognise` has found."""
    found: set[str] = datasette.__dict__.setdefault("_keepalive_ledgers", set())
    return found


def is_ledger(connection: Any) -> bool:
    """Tell whether a connection is to a ledger; whatever goes wrong, it is not."""
    try:
        return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
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
        known(datasette).add(name)


def _refused(message: str) -> Exception:
    import click
    from datasette.utils import StartupError

    # Datasette 0.65 shows a StartupError as a traceback, click's own as a sentence.
    class RefusedError(StartupError, click.ClickException):  # type: ignore[misc]
        pass

    return RefusedError(message)
