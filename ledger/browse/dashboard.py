"""The dashboard ``/-/keepalive``: activity, idle periods, the week by hour, policies."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger import activity, instants
from ledger.browse import guard
from ledger.browse.ledgers import plain
from ledger.errors import BadInputError, LedgerError
from ledger.filters import Filters, streams
from ledger.instants import NS, Zone
from ledger.policy import GASTOWN, Policy, parse_policy

_DAY_NS = 86_400 * NS
_WEEK_NS = 7 * _DAY_NS
_FORM = ("since", "until", "actor", "tz", "by", "min", "policy")
_RANGES = {"24 hours": _DAY_NS, "7 days": _WEEK_NS, "30 days": 30 * _DAY_NS}


class Asked(NamedTuple):
    """What the page's form says, and the range that is shown.

    `ranges` are others to choose, by what they are called: what the form then says. Both
    end at the last touch where that was more than a week ago, which is then `old`.
    """

    filters: Filters
    zone: Zone
    by: str
    min_ns: int
    policy: Policy
    now_ns: int
    old: bool
    ranges: Mapping[str, Mapping[str, str]]


async def page(request: Any, datasette: Any) -> Any:
    """Answer a request for the dashboard of one ledger, by default the first visible one."""
    from datasette import NotFound, Response

    visible = await guard.visible_ledgers(datasette, request.actor)
    name = request.args.get("db") or (visible[0] if visible else "")
    if name not in visible:
        raise NotFound("There is no ledger here that you may see")
    values = {key: request.args.get(key) or "" for key in _FORM}
    links = Links(datasette, name, visible)
    from ledger.browse import dashboard_page

    def gather(connection: sqlite3.Connection) -> str:
        with plain(connection):
            asked = read_form(connection, values, time.time_ns())
            return dashboard_page.render(connection, asked, values, links)

    status = 200
    try:
        html = await datasette.get_database(name).execute_fn(gather)
    except LedgerError as error:
        html, status = dashboard_page.refusal(f"{error}. {error.hint}".strip(), values, links), 400
    return Response.html(html, status=status, headers=dashboard_page.headers())


def read_form(connection: sqlite3.Connection, values: Mapping[str, str], now_ns: int) -> Asked:
    """Return what the form says, defaults in place of what it leaves empty.

    Without a range that is the last week, or the last one with touches. Raises BadInputError.
    """
    zone = instants.zone(values["tz"] or None)
    by = values["by"] or "actor"
    if by not in activity.GROUPS:
        raise BadInputError(f"{by!r} is nothing to group by", f"{', '.join(activity.GROUPS)} are")
    min_ns = instants.parse_duration(values["min"] or "5m")
    if min_ns < activity.PERIOD_GAP_NS:
        raise BadInputError("an idle period here lasts a minute or longer", "Ask `keepalive idle`.")
    filters = Filters(actors=[values["actor"]] if values["actor"] else ())
    last = activity.last_touch(connection, streams(connection, filters), now_ns)
    old = last is not None and last[0] < now_ns - _WEEK_NS
    until_ns = last[0] + NS if last is not None and old else now_ns
    since, until = values["since"], values["until"]
    if since or until:
        filters = filters._replace(
            since_ns=None if since in {"", "all"} else instants.parse(since, now_ns, zone),
            until_ns=instants.parse(until, now_ns, zone) if until else None,
        )
    else:
        filters = filters._replace(since_ns=until_ns - _WEEK_NS, until_ns=until_ns)
    policy = parse_policy(values["policy"]) if values["policy"] else GASTOWN
    ranges = _ranges(zone, until_ns, old=old)
    return Asked(filters, zone, by, min_ns, policy, now_ns, old, ranges)


def _ranges(zone: Zone, until_ns: int, *, old: bool) -> dict[str, dict[str, str]]:
    until = {"until": zone.text(until_ns)} if old else {}
    found = {
        name: {"since": zone.text(until_ns - length) if old else f"{length // _DAY_NS}d", **until}
        for name, length in _RANGES.items()
    }
    return {**found, "everything": {"since": "all", **until}}


class Links:
    """Addresses of the rows behind what is shown."""

    def __init__(self, datasette: Any, database: str, ledgers: Sequence[str]) -> None:
        self.database = database
        self.ledgers = ledgers
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
        """Return the touches under some conditions, the newest first unless sorted."""
        return f"{self._urls.table(self.database, 'history')}?{guard.query(**conditions)}"

    def query(self, name: str, **parameters: object) -> str:
        """Return a canned query with parameters."""
        return f"{self._urls.query(self.database, name)}?{guard.query(**parameters)}"
