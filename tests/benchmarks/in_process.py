"""One touch in a warm process, against the bare file write and the bare INSERT it stands on."""

import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable

import ledger

CONTENT = b'{"last_command":"gt status","timestamp":"2025-12-28T16:40:04.123456789Z"}'


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.environ["KEEPALIVE_DB"] = f"{place}/ledger.db"
        os.mkdir(f"{place}/ws")
        connection = sqlite3.connect(f"{place}/bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE touches"
            " (id INTEGER PRIMARY KEY, stream_id INTEGER, at_ns INTEGER, command TEXT)"
        )

        def write() -> None:
            file = os.open(f"{place}/temporary", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(file, CONTENT)
            os.close(file)
            os.rename(f"{place}/temporary", f"{place}/signal.json")

        def insert() -> None:
            connection.execute(
                "INSERT INTO touches (stream_id, at_ns, command) VALUES (1, ?, ?)",
                (time.time_ns(), "gt status"),
            )

        def touch() -> None:
            ledger.touch_in_workspace(f"{place}/ws", "gt status")

        calls: dict[str, Callable[[], None]] = {
            "write_us": write,
            "insert_us": insert,
            "touch_us": touch,
        }
        times: dict[str, list[int]] = {name: [] for name in calls}
        for number in range(5000):
            for name, call in calls.items():
                begin = time.perf_counter_ns()
                call()
                if number >= 100:
                    times[name].append(time.perf_counter_ns() - begin)
        connection.close()
        print(json.dumps({name: statistics.median(taken) / 1e3 for name, taken in times.items()}))


if __name__ == "__main__":
    main()
