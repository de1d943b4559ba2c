"""A year of a town of 20 streams until now as JSON Lines, with as many touches as one likes.

Who was active when does not depend on their number: some 100,000 active periods, most of
them in ten hours of each day, in which the touches lie evenly.
"""

import random
import time
from pathlib import Path

ACTORS = [f"gastown/polecats/p{number:02d}" for number in range(18)] + ["mayor", "deacon"]
_KINDS = ["bd update --status gt-{}", "bd update gt-{}", "bd close gt-{}", "bd create gt-{}"]
_DAYS, _PERIODS_A_DAY = 365, 14


def write(path: Path, touches: int) -> None:
    """Write some `touches` touches to `path`, oldest first."""
    chance, words = random.Random(20_260_226), random.Random(5)
    each = max(-(-touches // (_DAYS * _PERIODS_A_DAY * len(ACTORS))), 2)
    first_s = time.time() - _DAYS * 86_400
    with path.open("w") as file:
        for day in range(_DAYS):
            file.writelines(_day(chance, words, first_s + day * 86_400, each))


def _day(chance: random.Random, words: random.Random, begin_s: int, each: int) -> list[str]:
    found = []
    for actor in ACTORS:
        for _ in range(_PERIODS_A_DAY):
            hours = 10 if chance.random() < 0.9 else 24
            start = begin_s + chance.random() * hours * 3600
            # Ten touches are never a minute apart.
            length = min(chance.expovariate(1 / 200), 500)
            step = length / (each - 1)
            found += [(start + number * step, actor) for number in range(each)]
    found.sort()
    return [_line(words, number, *touch) for number, touch in enumerate(found)]


def _line(words: random.Random, number: int, at_s: float, actor: str) -> str:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s))
    command = _KINDS[number % 4].format(f"{words.randrange(36**5):05x}"[:5])
    return (
        f'{{"at": "{at}.{int(at_s % 1 * 1e6):06d}Z", "actor": "{actor}", "command": "{command}"}}\n'
    )
