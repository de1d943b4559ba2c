"""What every test gets: a home of its own, and the command as a real process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from browser import chromium
from hypothesis import settings

__all__ = ["chromium"]  # one for the session, whichever module asks

settings.register_profile("ci", deadline=None, print_blob=True)
settings.load_profile("ci")

ROOT = Path(__file__).parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Move home, environment and working directory away from the user's own."""
    for name in list(os.environ):
        if name.startswith(("XDG_", "KEEPALIVE_", "GT_", "BD_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("PWD", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(home)
    yield home
    from ledger import connection

    connection.close()


@pytest.fixture
def run() -> Run:
    """Run ``keepalive`` with arguments in a process of its own."""

    def run(
        *arguments: str | bytes,
        env: Mapping[str, str] | None = None,
        **options: object,
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ledger", *arguments],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,
        )

    return run
