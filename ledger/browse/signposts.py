"""What leads from Datasette's own pages to the dashboard and to the queries.

Datasette hides a plugin's links in menus, and 1.0 lists only the first few queries.
"""

from typing import Any

from markupsafe import Markup

from ledger.browse import guard, queries

_DASHBOARD = "Activity and idle periods"


async def actions(datasette: Any, actor: Any, database: str | None) -> list[dict[str, str]]:
    """Return the entry of a menu, of one ledger or of the first that the actor may view."""
    visible = await guard.visible_ledgers(datasette, actor)
    if not visible or (database and database not in visible):
        return []
    return [{"href": _dashboard(datasette, database), "label": _DASHBOARD}]


async def of_home(datasette: Any, actor: Any) -> Markup:
    """Return links to the dashboard of each ledger that the actor may view."""
    visible = await guard.visible_ledgers(datasette, actor)
    return _paragraph(
        [(_dashboard(datasette, name), f"{_DASHBOARD} of {name}") for name in visible]
    )


async def of_database(datasette: Any, actor: Any, database: str) -> Markup:
    """Return links to the dashboard and the queries of a ledger, if the actor may view it."""
    if database not in await guard.visible_ledgers(datasette, actor):
        return Markup()
    named = [
        (datasette.urls.query(database, name), told["title"])
        for name, told in queries.QUERIES.items()
        if await queries.is_ours(datasette, database, name)
    ]
    return _paragraph([(_dashboard(datasette, database), _DASHBOARD), *named])


def _dashboard(datasette: Any, database: str | None) -> str:
    path = "/-/keepalive" + (f"?{guard.query(db=database)}" if database else "")
    return str(datasette.urls.path(path))


def _paragraph(links: list[tuple[Any, str]]) -> Markup:
    shown = Markup(" · ").join(Markup('<a href="{}">{}</a>').format(*one) for one in links)
    return Markup("<p>{}</p>").format(shown) if links else Markup()
