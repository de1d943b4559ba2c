"""Imports point downward only."""

import ast
from pathlib import Path

import pytest

import ledger

PACKAGE = Path(ledger.__file__).parent

# From the ground up. A module may import those of the rows below its own, and those of
# its own row that ALLOWED names.
ROWS = [
    ["gotime", "errors", "paths", "terminal", "connection", "finding", "redaction_rules",
     "migrations.migrations"],
    ["checkpoint", "encode", "state", "rfc3339", "redaction", "spool", "workspace",
     "instants"],
    ["decode", "redact", "store", "output", "policy", "periods", "condition", "drawing", "filters",
     "page"],
    ["signals", "database", "history", "replay", "scatter", "binning"],
    ["recorder", "transfer", "doctor_files", "activity", "figures", "time_axis"],
    ["doctor_signals", "seen", "idle", "backoff", "charts"],
    ["doctor", "status", "heartbeat", "tuning"],
    ["touch_arguments", "waiting", "postmortem_met"],
    ["postmortem_silences", "postmortem_heartbeats", "postmortem_lanes", "postmortem_unknown",
     "svg_lanes"],
    ["postmortem", "svg_marks"],
    ["svg", "postmortem_words"],
    ["postmortem_watched", "postmortem_limits", "postmortem_json"],
    ["postmortem_story"],
    ["postmortem_page"],
    ["browse.ledgers", "browse.pictures", "browse.queries", "browse.cells"],
    ["browse.parameters"],
    ["browse.guard", "browse.functions", "browse.descriptions", "browse.facets",
     "browse.reach", "browse.dashboard_page"],
    ["browse.dashboard", "browse.serving", "browse.signposts", "browse.requests"],
    ["browse"],
    ["cli.options", "cli.places"],
    ["cli.daemon", "cli.idle_charts", "cli.idle_tables", "cli.backoff_options",
     "cli.backoff_report", "cli.postmortem_text"],
    ["cli.backoff_compare", "cli.backoff_tune"],
    ["cli.touch", "cli.read", "cli.history", "cli.import_", "cli.export", "cli.path",
     "cli.doctor", "cli.redact", "cli.status", "cli.idle", "cli.backoff", "cli.check",
     "cli.next", "cli.wait", "cli.postmortem", "cli.browse"],
    ["cli"],
    ["__main__"],
]  # fmt: skip
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}

ALLOWED = {
    ("recorder", "database"): "made lazily by the first touch, once in a ledger's life",
}

FAST_LANE = {"paths", "connection", "gotime", "encode", "redact", "spool", "store", "signals",
             "workspace", "recorder", "touch_arguments", "checkpoint"}  # fmt: skip


PACKAGES = {"ledger": "", "ledger.cli": "cli.", "ledger.browse": "browse."}


def modules() -> list[str]:
    return sorted(
        str(path.relative_to(PACKAGE).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "__init__.py"
    )


def source(name: str) -> ast.Module:
    path = PACKAGE / (name.replace(".", "/") + ".py")
    if not path.exists():
        path = PACKAGE / name / "__init__.py"
    return ast.parse(path.read_text())


def imports(name: str) -> set[tuple[str, bool]]:
    """Return what a module imports, and whether at its top: our own without ``ledger.``."""
    tree = source(name)
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        top = node in tree.body
        if isinstance(node, ast.Import):
            found |= {(alias.name, top) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            prefix = PACKAGES[node.module]
            names = {prefix + alias.name for alias in node.names}
            found |= {
                (one if one in ROW_OF else node.module.removeprefix("ledger."), top)
                for one in names
            }
        elif isinstance(node, ast.ImportFrom):
            found.add(((node.module or "").removeprefix("ledger."), top))
    return found


def test_every_module_has_a_row() -> None:
    """The table names the modules there are."""
    assert modules() == sorted(set(ROW_OF) - {"migrations.migrations"})


@pytest.mark.parametrize("name", modules())
def test_imports_point_downward(name: str) -> None:
    """No module imports one of its own row or above, bar what is allowed by name."""
    upward = {
        one
        for one, _ in imports(name)
        if one in ROW_OF and ROW_OF[one] >= ROW_OF[name] and (name, one) not in ALLOWED
    }
    assert upward == set()


@pytest.mark.parametrize("name", modules())
def test_only_the_command_line_knows_click(name: str) -> None:
    """The library never imports click and never prints."""
    if name.startswith("cli"):
        return
    # A refusal to serve a ledger is told through Datasette's own command, which is click's.
    click = {one for one, _ in imports(name) if one.partition(".")[0] == "click"}
    assert not click or name == "browse.ledgers"
    tree = source(name)
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls.isdisjoint({"print", "sys.exit"})


@pytest.mark.parametrize("name", sorted(FAST_LANE))
def test_the_fast_lane_imports_little(name: str) -> None:
    """At its top a fast-lane module imports os, sys, time, errno, SQLite, threads' lock, itself."""
    top = {one for one, at_top in imports(name) if at_top}
    assert top <= FAST_LANE | {"os", "sys", "stat", "time", "errno", "_sqlite3", "_thread"}


def test_no_module_shadows_a_public_name() -> None:
    """A submodule named like a public function would take its place in the package."""
    assert set(ledger.__all__).isdisjoint(modules())


def test_only_the_database_knows_sqlite_utils() -> None:
    """One door to sqlite_utils."""
    knowing = {name for name in modules() if "sqlite_utils" in {one for one, _ in imports(name)}}
    assert knowing == {"database"}
