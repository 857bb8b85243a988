"""`manage.py bench epcis`: the time and the memory of writing the whole custody record as EPCIS documents.

Makes a database of its own, fills it with copies of whole orders, and writes documents of the first tenth and of all of
it. Flat means that ten times as many events take hardly more memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.own_database import own_database  # noqa: E402

RESULTS = Path(__file__).with_name("epcis_results.json")
LIMIT_SECONDS = 10.0  # for 10 000 events
LIMIT_MORE_MB = 32.0  # by which the process may grow while it writes ten times as many events: a document is streamed


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench epcis", description=__doc__)
    parser.add_argument("--orders", type=int, default=7500, help="copied orders (7500: some 10 800 events)")
    parser.add_argument("--events", type=int, default=10_000, help="events to write (10000)")
    chosen = parser.parse_args()
    with own_database() as (server, name):
        found = _bench(server, name, chosen.orders, chosen.events)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    if found["many"]["events"] < chosen.events:
        print(f"The record has only {found['many']['events']} events: copy more orders (--orders).")
        return 1
    memory, seconds = found["more_memory_mb"], found["seconds_per_10000"]
    flat = _judged(memory <= LIMIT_MORE_MB)
    print(f"memory: {memory} MB more for ten times the events, limit {LIMIT_MORE_MB:g} MB: {flat}")
    print(f"time: {seconds} s for 10 000 events, limit {LIMIT_SECONDS:g} s: {_judged(seconds <= LIMIT_SECONDS)}")
    return 0 if memory <= LIMIT_MORE_MB and seconds <= LIMIT_SECONDS else 1


def _judged(within: bool) -> str:
    return "within" if within else "OVER"


def _bench(server: Any, name: str, orders: int, events: int) -> dict[str, Any]:
    from cgt.load import filling

    made = filling.begin("bench-bench-1")
    filling.fill(server, name, made, orders=orders, organizations=12, seed=1, password="bench-bench-1", tell=print)  # noqa: S106
    few = _write(events // 10)
    many = _write(events)
    return {
        "command": f"python3 manage.py bench epcis --orders {orders} --events {events}",
        "few": few,
        "many": many,
        "seconds_per_10000": round(many["seconds"] * 10_000 / many["events"], 2),
        "more_memory_limit_mb": LIMIT_MORE_MB,
        "more_memory_mb": round(many["peak_mb"] - few["peak_mb"], 1),
    }


def _write(most: int) -> dict[str, float]:
    """Write so many events to nowhere; peak is the process's largest resident size so far."""
    from orders.epcis import documents, exports

    counted = [0]

    def through(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in islice(found, most):
            counted[0] += 1
            yield event

    began, cpu = time.perf_counter(), time.process_time()
    size = sum(len(piece) for piece in documents.pieces(through(exports.all_events())))
    return {
        "events": counted[0],
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "megabytes": round(size / 1e6, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
