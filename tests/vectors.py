"""The recorded vectors of what Go writes and reads."""

import json
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(__file__).parent / "data" / "conformance"


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the cases of one file."""
    return [json.loads(line) for line in (PLACE / name).read_text("ascii").splitlines()]


def each_category_of(name: str) -> pytest.MarkDecorator:
    """Run a test once for each category of a file, as `vectors`."""
    categories: dict[str, list[dict[str, Any]]] = {}
    for vector in vectors(name):
        categories.setdefault(vector["id"].rpartition("-")[0], []).append(vector)
    groups = [pytest.param(group, id=category) for category, group in categories.items()]
    return pytest.mark.parametrize("vectors", groups)


def assert_same(got: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail with the ids of all vectors that differ, each with what was got and expected."""
    differing = [
        f"{name}: got {got[name]!r:.300}, expected {expected[name]!r:.300}"
        for name in expected
        if got[name] != expected[name]
    ]
    assert not differing, "\n".join(differing)
