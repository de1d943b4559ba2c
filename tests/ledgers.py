"""Empty ledgers for tests: one a test, or one for all examples of a property."""

import sqlite3
from collections.abc import Iterator

import pytest

from ledger import database


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = database.open_ledger()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """One ledger for all examples of a property, whose contents `emptied` takes away."""
    connection = database.open_ledger(str(tmp_path_factory.mktemp("ledger") / "ledger.db"))
    yield connection
    connection.close()


def emptied(connection: sqlite3.Connection) -> sqlite3.Connection:
    for table in ("touches", "periods", "streams"):
        connection.execute(f"DELETE FROM {table}")
    return connection
