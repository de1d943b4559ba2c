"""The Datasette plugin: pages over the live ledger, without configuration.

Datasette imports this at every start, so it imports nothing heavy, and no hook raises but
where a ledger must not be served. Both Datasette 0.65 and 1.0 are served: a hook that one
of them lacks is marked optional, what replaces it is called in `startup`. Every hook
begins with the question whether the database is a ledger, and leaves all others alone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from datasette import hookimpl


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Recognise ledgers, and tell Datasette 1.0 of their descriptions and queries."""
    from ledger.browse import descriptions, ledgers

    async def inner() -> None:
        await ledgers.recognise(datasette)
        if hasattr(datasette, "add_query"):
            await descriptions.tell(datasette)
            await descriptions.untell(datasette)

    return inner


@hookimpl
def prepare_connection(conn: Any, database: str, datasette: Any) -> None:  # noqa: ARG001
    """Give connections to a ledger our SQL functions."""
    from ledger.browse import functions, ledgers

    if ledgers.is_ledger(conn):
        functions.register(conn)


@hookimpl(optionalhook=True)
def canned_queries(datasette: Any, database: str) -> Any:
    """Return the queries of a ledger (Datasette 0.65)."""
    from ledger.browse import ledgers, queries

    return queries.canned(datasette, database) if database in ledgers.known(datasette) else None


@hookimpl(optionalhook=True)
def permission_allowed(datasette: Any, actor: Any, action: str, resource: Any) -> Any:
    """Keep the queries of a ledger from who may not view its history (Datasette 0.65)."""
    if action != "view-query":
        return None

    async def inner() -> "bool | None":
        from ledger.browse import guard

        return await guard.may_query(datasette, actor, *resource)

    return inner


@hookimpl(optionalhook=True)
def permission_resources_sql(datasette: Any, actor: Any, action: str) -> Any:
    """Keep the queries of a ledger from who may not view its history (Datasette 1.0)."""
    if action != "view-query":
        return None
    from ledger.browse import guard

    return guard.deny_queries(datasette, actor)


@hookimpl(optionalhook=True)
def get_metadata(datasette: Any) -> "dict[str, Any]":
    """Return the descriptions of ledgers (Datasette 0.65)."""
    from ledger.browse import descriptions, ledgers

    told = {name: descriptions.metadata(datasette, name) for name in ledgers.known(datasette)}
    return {"databases": told}


@hookimpl
def render_cell(  # noqa: PLR0913, PLR0917 - the hook's own
    row: Any, value: Any, column: str, table: "str | None", database: str, datasette: Any
) -> Any:
    """Show instants as local times, lengths as durations, streams as links."""
    from ledger.browse import cells, ledgers

    if database not in ledgers.known(datasette):
        return None
    return cells.render(row, value, column, table, database, datasette)


@hookimpl
def filters_from_request(request: Any, database: str, table: str, datasette: Any) -> Any:
    """Keep a filtered page of a large ledger from looking further than it has time for."""
    from ledger.browse import ledgers

    if database not in ledgers.known(datasette):
        return None

    async def inner() -> Any:
        from ledger.browse import reach

        return await reach.bound(datasette, database, table, request)

    return inner


@hookimpl(hookwrapper=True)
def register_facet_classes() -> Any:
    """Count what is in a ledger by way of its active periods."""
    outcome = yield
    try:
        from ledger.browse import facets

        found = [[facets.quick(one) for one in classes] for classes in outcome.get_result()]
        outcome.force_result(found)
    except Exception:  # noqa: BLE001, S110 - then they are Datasette's own
        pass


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    """Serve the dashboard."""

    async def dashboard(request: Any, datasette: Any) -> Any:
        from ledger.browse.dashboard import page

        return await page(request, datasette)

    return [(r"^/-/keepalive$", dashboard)]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Refuse what would write to a ledger, and what can't be read."""

    def wrap(app: Any) -> Any:
        from ledger.browse import requests

        return requests.guarded(app, datasette)

    return wrap


@hookimpl
def menu_links(datasette: Any, actor: Any) -> Any:
    """Link to the dashboard."""
    return _actions(datasette, actor)


@hookimpl
def database_actions(datasette: Any, actor: Any, database: str) -> Any:
    """Link to the dashboard."""
    return _actions(datasette, actor, database)


@hookimpl
def table_actions(datasette: Any, actor: Any, database: str) -> Any:
    """Link to the dashboard (Datasette 0.65 asks this of views too)."""
    return _actions(datasette, actor, database)


@hookimpl(optionalhook=True)
def view_actions(datasette: Any, actor: Any, database: str) -> Any:
    """Link to the dashboard (Datasette 1.0)."""
    return _actions(datasette, actor, database)


def _actions(datasette: Any, actor: Any, database: "str | None" = None) -> Any:
    async def inner() -> Any:
        from ledger.browse import signposts

        return await signposts.actions(datasette, actor, database)

    return inner


@hookimpl(optionalhook=True)
def top_homepage(datasette: Any, request: Any) -> Any:
    """Link to the dashboards (Datasette 1.0)."""

    async def inner() -> Any:
        from ledger.browse import signposts

        return await signposts.of_home(datasette, request.actor)

    return inner


@hookimpl(optionalhook=True)
def top_database(datasette: Any, request: Any, database: str) -> Any:
    """Link to the dashboard and the queries of a ledger (Datasette 1.0)."""

    async def inner() -> Any:
        from ledger.browse import signposts

        return await signposts.of_database(datasette, request.actor, database)

    return inner


@hookimpl
def extra_template_vars(template: str, database: str, request: Any, datasette: Any) -> Any:
    """Link to the dashboard and the queries of a ledger (Datasette 0.65 has no top_database)."""
    if template != "database.html" or hasattr(datasette, "add_query"):
        return {}

    async def inner() -> Any:
        from ledger.browse import descriptions, signposts

        links = await signposts.of_database(datasette, request.actor, database)
        return descriptions.with_links(datasette, database, links) if links else {}

    return inner
