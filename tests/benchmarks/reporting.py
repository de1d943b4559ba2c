"""What the page of a post-mortem costs: 3,000 active periods and 3,000 heartbeats in one.

Run in the environment that has the project: ``python reporting.py`` prints JSON.
"""

import json
import os
import statistics
import tempfile
import time

import ledger
from ledger import instants
from ledger.postmortem_page import page
from ledger.postmortem_story import tell

NS = 10**9
PERIODS, EVERY_S, START_S = 12_000, 400, 1_700_000_000
SHOWN = 3_000


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        connection = ledger.open_ledger(os.path.join(place, "ledger.db"))
        connection.execute("INSERT INTO streams VALUES (1, '', '', '', 'mayor')")
        starts = [START_S + number * EVERY_S for number in range(PERIODS)]
        connection.executemany(
            "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, ?, 'gt status')",
            [((start + late) * NS,) for start in starts for late in (0, 30)],
        )
        found = ledger.tell_postmortem(
            connection,
            at_ns=starts[PERIODS // 2] * NS,
            window_ns=SHOWN * EVERY_S * NS,
            policy=ledger.parse_policy(f"fixed:{EVERY_S}s"),
        )
        connection.close()
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        text = page(found, tell(found, instants.zone("Europe/Riga")))
        times.append(time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "periods": len(found.lanes[0].active),
                "heartbeats": len(found.daemon.heartbeats),
                "kib": len(text.encode()) / 1024,
                "ms": statistics.median(times) * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main()
