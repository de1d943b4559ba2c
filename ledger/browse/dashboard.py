"""The dashboard ``/-/keepalive``: activity, idle periods, the week by hour, policies."""

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ledger import activity, instants
from ledger.browse import guard
from ledger.browse.ledgers import plain
from ledger.errors import BadInputError, LedgerError
from ledger.filters import Filters, streams
from ledger.instants import NS, Zone
from ledger.policy import GASTOWN, Policy, parse_policy

# What is shown unless a range is asked for: the last week, or the last one with touches.
_WEEK_NS = 7 * 86_400 * NS


class Asked(NamedTuple):
    """What the page's form says, and whether it says a range."""

    filters: Filters
    ranged: bool
    zone: Zone
    by: str
    min_ns: int
    policy: Policy
    now_ns: int


async def page(request: Any, datasette: Any) -> Any:
    """Answer a request for the dashboard of one ledger, by default the first visible one."""
    from datasette import NotFound, Response

    visible = await guard.visible_ledgers(datasette, request.actor)
    name = request.args.get("db") or (visible[0] if visible else "")
    if name not in visible:
        raise NotFound("There is no ledger here that you may see")
    values = {key: request.args.get(key) or "" for key in ("since", "until", "actor", "tz", "by",
                                                           "min", "policy")}  # fmt: skip
    problem, status = "", 200
    now_ns = time.time_ns()
    try:
        asked = read_form(values, now_ns)
    except LedgerError as error:
        problem, status = f"{error}. {error.hint}".strip(), 400
        asked = read_form({}, now_ns)

    def gather(connection: sqlite3.Connection) -> str:
        from ledger.browse import dashboard_page

        with plain(connection):
            filters = _default_range(connection, asked)
            links = Links(datasette, name)
            return dashboard_page.render(connection, asked, filters, values, problem, links)

    try:
        html = await datasette.get_database(name).execute_fn(gather)
    except LedgerError as error:
        return Response.text(f"{error}. {error.hint}\n", status=400)
    from ledger.browse import dashboard_page

    return Response.html(html, status=status, headers=dashboard_page.headers())


def read_form(values: Mapping[str, str], now_ns: int) -> Asked:
    """Return what the form says, defaults in place of what it leaves empty.

    Raises BadInputError.
    """
    zone = instants.zone(values.get("tz") or None)
    since, until = values.get("since"), values.get("until")
    by = values.get("by") or "actor"
    if by not in activity.GROUPS:
        raise BadInputError(f"{by!r} is nothing to group by", f"{', '.join(activity.GROUPS)} are")
    min_ns = instants.parse_duration(values.get("min") or "5m")
    if min_ns < activity.PERIOD_GAP_NS:
        raise BadInputError("an idle period here lasts a minute or longer", "Ask `keepalive idle`.")
    filters = Filters(
        since_ns=None if since in {"", None, "all"} else instants.parse(since, now_ns, zone),
        until_ns=instants.parse(until, now_ns, zone) if until else None,
        actors=[values["actor"]] if values.get("actor") else (),
    )
    return Asked(
        filters,
        bool(since or until),
        zone,
        by,
        min_ns,
        parse_policy(values["policy"]) if values.get("policy") else GASTOWN,
        now_ns,
    )


def _default_range(connection: sqlite3.Connection, asked: Asked) -> Filters:
    """Return the range asked for, else the last week, or the last one that has touches."""
    if asked.ranged:
        return asked.filters
    last = activity.last_touch(connection, streams(connection, asked.filters), asked.now_ns)
    until = asked.now_ns
    if last is not None and last[0] < until - _WEEK_NS:
        until = last[0] + NS
    return asked.filters._replace(since_ns=until - _WEEK_NS, until_ns=until)


class Links:
    """Addresses of the rows behind what is shown."""

    def __init__(self, datasette: Any, database: str) -> None:
        self.database = database
        self._urls = datasette.urls

    def home(self) -> str:
        """Return where Datasette begins."""
        return str(self._urls.path("/"))

    def tables(self) -> str:
        """Return the page of the ledger's tables and queries."""
        return str(self._urls.database(self.database))

    def dashboard(self, **parameters: object) -> str:
        """Return the dashboard, asked for something."""
        given = guard.query(db=self.database, **parameters)
        return str(self._urls.path(f"/-/keepalive?{given}"))

    def action(self) -> str:
        """Return what the form is sent to."""
        return str(self._urls.path("/-/keepalive"))

    def history(self, **conditions: object) -> str:
        """Return the touches under some conditions."""
        return f"{self._urls.table(self.database, 'history')}?{guard.query(**conditions)}"

    def query(self, name: str, **parameters: object) -> str:
        """Return a canned query with parameters."""
        return f"{self._urls.query(self.database, name)}?{guard.query(**parameters)}"
