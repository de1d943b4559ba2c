"""What questions cost on a large ledger, against a brute-force query, and as it grows."""

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Row = tuple[str, str, str, bool]  # what, measured, budget, kept

QUESTIONS = {
    "history -n 20": 0.25,
    "history -n 20 --actor mayor": 0.25,
    "idle --since all": 0.25,
    "status": 0.25,
    "check": 0.25,
    "next": 0.25,
    "backoff": 0.5,
    "backoff compare": 5.0,
    "backoff tune --max-reaction 10m": 30.0,
    "postmortem": 0.5,
}
"""Each question with its budget in seconds, as a whole process."""

_BRUTE_FORCE = """
SELECT count(*) FROM (SELECT at_ns - lag(at_ns) OVER (ORDER BY at_ns) AS gap FROM touches)
WHERE gap >= 300000000000"""

Ask = Callable[..., float]
"""Runs ``keepalive`` with arguments on the ledger at a path and returns the seconds it took."""


def questions(ask: Ask, large: Path, small: Path, times: str) -> Iterator[Row]:
    """Measure each question on the `large` ledger, and on a `small` one with the same periods."""
    begin = time.perf_counter()
    ask(large, shutil.which("sqlite3") or "sqlite3", large, _BRUTE_FORCE)
    brute = time.perf_counter() - begin
    for question, budget in QUESTIONS.items():
        words = question.split()
        rounds = 3 if budget > 1 else 11
        taken: dict[Path, list[float]] = {large: [], small: []}
        for _ in range(rounds):
            for ledger, measured in taken.items():
                measured.append(ask(ledger, "keepalive", *words))
        here, there = (statistics.median(taken[ledger]) for ledger in (large, small))
        told = f"{here:.2f} s, {here / there:.2f} x that with {times}"
        if question.startswith("idle"):
            told += f"; a LAG over the touches takes {brute / here:.0f} x as long ({brute:.1f} s)"
        yield question, told, f"{budget:g} s", here <= budget
