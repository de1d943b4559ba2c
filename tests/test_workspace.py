"""Finding the workspace: the vectors of the original, and what stands around them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import NOBODY, build, in_child
from vectors import vectors

from ledger import find_workspace


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    top.mkdir()
    return top.resolve()


@pytest.mark.parametrize("vector", vectors("workspace.jsonl"), ids=lambda vector: vector["id"])
def test_vector(vector: dict, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root is the one that the original finds."""
    build(top, vector["tree"])
    os.chdir(top / vector["cwd"])
    pwd = vector.get("pwd", "" if vector["cwd"] == "." else vector["cwd"])
    if pwd is not None:
        monkeypatch.setenv("PWD", f"{top}/{pwd}" if pwd else str(top))
    expected = vector["root_seed"]
    assert find_workspace() == (
        None if expected is None else str(top / expected) if expected != "." else str(top)
    )


def test_start(top: Path) -> None:
    """A start of one's own is taken from the current directory and may be a file or a link."""
    build(top, ["ws/mayor/town.json", "ws/rig/file", {"link": "link", "target": "ws/rig"}])
    os.chdir(top / "ws")
    root = str(top / "ws")
    starts = ("rig", "./rig/", "", "..//ws/rig", f"{top}/link", f"{top}/ws/rig/file")
    assert [find_workspace(start) for start in starts] == [root] * len(starts)
    assert [find_workspace(s) for s in ("rig/none", "a\0b", "x" * 300, "..")] == [None] * 4


def test_relative_start_follows_pwd(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative start is cleaned as text behind $PWD, as Go's filepath.Abs does."""
    build(top, ["a/mayor/", "b/mayor/", "b/sub/", {"link": "a/link", "target": "../b/sub"}])
    os.chdir(top / "a/link")
    monkeypatch.setenv("PWD", f"{top}/a/link")
    assert find_workspace("..") == str(top / "a")


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted and made again"])
def test_no_current_directory(top: Path, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    """In a directory that is gone there is no workspace, though an ancestor is one."""
    build(top, ["ws/mayor/town.json", "ws/gone/"])
    gone = top / "ws/gone"
    os.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    if again:
        gone.mkdir()
    try:
        assert find_workspace() is None
    finally:
        os.chdir(top)


@pytest.fixture
def open_top() -> Iterator[Path]:
    """A top directory that other users can reach."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name).resolve()
        for directory, names, _ in os.walk(name):
            for one in names:
                os.chmod(f"{directory}/{one}", 0o755)


def found_from(directory: Path) -> str | None:
    def find() -> str | None:
        os.chdir(directory)
        return find_workspace()

    return in_child(find)


def test_mayor_not_searchable(open_top: Path) -> None:
    """A mayor that may not be searched hides its town.json but still is a directory."""
    build(open_top, ["outer/mayor/town.json", "outer/ws/mayor/town.json", "outer/ws/a/"])
    (open_top / "outer/ws/mayor").chmod(0o600)
    assert found_from(open_top / "outer/ws/a") == str(open_top / "outer")
    (open_top / "outer/mayor").chmod(0o600)
    assert found_from(open_top / "outer/ws/a") == str(open_top / "outer/ws")


def test_ancestor_not_searchable(open_top: Path) -> None:
    """Below an ancestor that may not be searched there is no workspace."""
    build(open_top, ["ws/mayor/town.json", "ws/shut/a/"])
    shut = open_top / "ws/shut"
    if os.getuid() == 0:
        os.chown(shut, NOBODY, NOBODY)

    def find() -> str | None:
        os.chdir(shut / "a")
        os.chmod(shut, 0o600)
        return find_workspace()

    assert in_child(find) is None
