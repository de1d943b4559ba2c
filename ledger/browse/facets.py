"""Facets of a ledger, counted by way of its active periods.

Datasette gives a facet 200 ms. Counting a million touches by actor takes 400, adding up the
touches of their periods takes 7; counting them by command takes 700, and has no shorter
way, so that facet is of the newest touches, and says so.
"""

import copy
import functools
import re
from typing import Any

from ledger.browse import ledgers

NEWEST = 50_000

_BY_STREAM = "SELECT stream_id AS value, sum(touches) AS n FROM periods GROUP BY stream_id"
_SQL = {
    ("history", "actor"): f"SELECT actor AS value, sum(n) AS count FROM ({_BY_STREAM})"
    " JOIN streams ON id = value GROUP BY actor",
    ("history", "stream_id"): f"SELECT value, n AS count FROM ({_BY_STREAM})",
    ("touches", "stream_id"): f"SELECT value, n AS count FROM ({_BY_STREAM})",
    ("history", "command"): "SELECT command AS value, count(*) AS count FROM (SELECT command"
    f" FROM touches ORDER BY at_ns DESC LIMIT {NEWEST}) GROUP BY command",
}
_FIRST_OF_NEWEST = f"SELECT at_ns FROM touches ORDER BY at_ns DESC LIMIT 1 OFFSET {NEWEST - 1}"
_COLUMN = re.compile(r"select \[?\"?(\w+)\"?\]? as value", re.IGNORECASE)


@functools.cache
def quick(kind: Any) -> Any:
    """Return the facet class `kind`, made quick for ledgers and left alone for all others."""

    class Quick(kind):  # type: ignore[misc]
        ds: Any

        async def suggest(self) -> Any:
            if self.database in ledgers.known(self.ds):
                return []  # trying every column takes a second
            return await super().suggest()

        async def facet_results(self) -> Any:
            whole = " where " not in self.sql.lower()
            if self.type != "column" or self.database not in ledgers.known(self.ds) or not whole:
                return await super().facet_results()
            counting = copy.copy(self)  # Datasette 1.0 asks this one to suggest meanwhile
            counting.ds = _Datasette(self.ds, self.table, self.get_facet_size())
            results, timed_out = await kind.facet_results(counting)
            for one in results:
                if (self.table, one["name"]) == ("history", "command"):
                    await self._to_the_newest(one)
            return results, timed_out

        async def _to_the_newest(self, facet: Any) -> None:
            """Say of which touches `facet` is, and let its links choose among them alone."""
            found = await self.ds.execute(self.database, _FIRST_OF_NEWEST)
            for (first_ns,) in found.rows:  # none where these are all
                facet["type"] = f"newest {NEWEST:,} touches"
                for one in facet["results"]:
                    one["toggle_url"] += f"&at_ns__gte={first_ns}"

    Quick.__name__ = kind.__name__
    return Quick


class _Datasette:
    """Stands in for Datasette while a facet is counted, and counts it our way."""

    def __init__(self, real: Any, table: str, size: int) -> None:
        self._real, self._table, self._size = real, table, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def execute(self, database: str, sql: str, params: Any = None, **options: Any) -> Any:
        column = _COLUMN.search(sql)
        ours = _SQL.get((self._table, column[1] if column else ""))
        if ours is None:
            return await self._real.execute(database, sql, params, **options)
        ordered = f"{ours} ORDER BY count DESC, value LIMIT {self._size + 1}"
        return await self._real.execute(database, ordered, {}, **options)
