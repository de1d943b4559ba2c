"""The examples in docstrings run, each module's against a ledger that holds nothing yet."""

import doctest
import importlib

import pytest
from test_layers import PACKAGE, modules

WITH_EXAMPLES = [
    name
    for name in modules()
    if (path := PACKAGE / f"{name.replace('.', '/')}.py").exists() and ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_examples(name: str) -> None:
    """Each example gives what it shows."""
    if name.startswith("browse"):
        pytest.importorskip("datasette", reason="Datasette is not installed")
    found = doctest.testmod(importlib.import_module(f"ledger.{name}"))
    assert found.attempted
    assert not found.failed
