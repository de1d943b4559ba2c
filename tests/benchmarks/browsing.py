"""What pages over a large ledger cost, and that every default facet is there on a smaller one.

Run in the environment that has Datasette: ``python browsing.py LARGE SMALL`` prints the seconds
of each page on both as JSON, ``python browsing.py SMALL`` the default facets of `history`.
"""

import asyncio
import json
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

PAGES = {
    "/-/keepalive": 0.3,
    "/{}/history": 1.0,
    "/{}/history?actor=mayor": 1.0,
    "/{}/history?actor=nobody": 1.0,
    "/{}/history?command=gt+nothing": 1.0,
    "/{}/history?actor__contains=p1&command=gt+nothing": 1.0,
    "/{}/touches": 1.0,
    "/{}/touches?stream_id=2": 1.0,
    "/{}/periods": 1.0,
    "/{}/quiet_now": 1.0,
    "/{}/longest_idle": 1.0,
    "/{}/touches_before": 1.0,
    "/{}/busiest_hours": 1.0,
    "/{}/commands": 1.0,
    "/{}/touches_of?actor=mayor": 1.0,
    "/{}/heartbeats_by_tier": 1.0,
}
"""Each page with its budget in seconds."""


async def measured(ledger: Path) -> dict[str, Any]:
    from datasette.app import Datasette

    datasette = Datasette([str(ledger)])
    await datasette.invoke_startup()
    found: dict[str, Any] = {}
    for page in PAGES:
        path = page.format(ledger.stem)
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            answer = await datasette.client.get(path, follow_redirects=True)
            times.append(time.perf_counter() - begin)
            assert answer.status_code == 200, (path, answer.status_code)
            assert "time limit" not in answer.text, path
        found[page] = statistics.median(times)
    return found


async def facets(ledger: Path) -> list[str]:
    from datasette.app import Datasette

    datasette = Datasette([str(ledger)])
    await datasette.invoke_startup()
    answer = await datasette.client.get(f"/{ledger.stem}/history")
    assert answer.status_code == 200, answer.text
    return sorted(re.findall(r"facet-info-name\">\s*<strong>(\w+)", answer.text))


def main() -> None:
    ledgers = [Path(path) for path in sys.argv[1:]]
    asked = measured if len(ledgers) > 1 else facets
    print(json.dumps([asyncio.run(asked(ledger)) for ledger in ledgers]))


if __name__ == "__main__":
    main()
