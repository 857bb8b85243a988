"""`manage.py bench readings`: what it costs to take a logger's file of 100 000 rows, and to draw it.

Makes a database of its own with the fictional network and one box on its way; sends the file through the action that
page and REST call (parsing, merging, arrays, judging, event and history), then the same file again, then single
readings as a live logger sends them, then reads the page of the box. Wall-clock, row policies on.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.own_database import own_database  # noqa: E402

RESULTS = Path(__file__).with_name("readings_results.json")
INGEST_SECONDS, CHART_MS = 5.0, 200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench readings", description=__doc__)
    parser.add_argument("--readings", type=int, default=100_000, help="rows of the file (100000)")
    parser.add_argument("--rounds", type=int, default=10, help="drawings (10)")
    chosen = parser.parse_args()
    with own_database() as (_, _name):
        found = _bench(chosen.readings, chosen.rounds)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0 if found["file_seconds"] <= INGEST_SECONDS and found["chart_ms"] <= CHART_MS else 1


def _bench(count: int, rounds: int) -> dict[str, Any]:
    from django.db import connection

    from custody.models import Shipment
    from ledger.context import reading
    from ledger.recording import acting
    from orders import boxes
    from orders.actions import excursions
    from orders.flow import order_named

    actor, code = _packed()
    with reading(actor):
        order = order_named(actor, code)
        box = Shipment.unwalled.get(stream_id=order.stream_id)
    begin = box.packed_at - dt.timedelta(seconds=count + 60)
    with acting(actor, "orders.readings_recorded", stream_id=order.stream_id):
        Shipment.unwalled.filter(pk=box.pk).update(packed_at=begin)
    rows = "".join(
        f"{(begin + dt.timedelta(seconds=number)).isoformat(timespec='seconds')};{4 + number % 300 / 100:.2f}\n"
        for number in range(1, count + 1)
    )
    content = f"Serial number;{box.logger_code}\nTimestamp;Temperature\n{rows}".encode()
    first = _seconds(lambda: excursions.send_file(actor, code, box.code, content))
    again = _seconds(lambda: excursions.send_file(actor, code, box.code, content))
    latest = dt.datetime.fromisoformat(rows.splitlines()[-1].split(";")[0])

    def one_more(number: int) -> None:
        at = latest + dt.timedelta(milliseconds=1000 * number)
        sent = {"logger": box.logger_code, "readings": [[at.isoformat(), 5.0]]}
        excursions.send_readings(actor, code, box.code, sent)

    more = statistics.median(_seconds(lambda number=number: one_more(number)) for number in range(1, rounds + 1))

    def draw() -> None:
        with reading(actor):
            boxes.of_order(actor, order_named(actor, code), box.code)

    drawn = statistics.median(_seconds(draw) for _ in range(rounds))
    with reading(actor), connection.cursor() as cursor:
        cursor.execute("select sum(pg_column_size(b.*)) from custody_readingblock b")
        size = cursor.fetchone()[0]
        kept = boxes.of_order(actor, order_named(actor, code), box.code).condition
    assert kept is not None and kept.readings == count + rounds  # noqa: S101 - a benchmark of what was really kept
    return {
        "command": f"python3 manage.py bench readings --readings {count} --rounds {rounds}",
        "readings": count,
        "file_seconds": round(first, 2),
        "same_file_again_seconds": round(again, 2),
        "one_reading_more_ms": round(more * 1000, 1),
        "chart_ms": round(drawn * 1000, 1),
        "bytes_per_reading": round(size / (count + rounds), 2),
    }


def _packed() -> tuple[Any, str]:
    """Make a small network and bring one order to its pick-up, with the actions that people use."""
    from tests.orders.conftest import patient
    from tests.orders.factories import make_world
    from tests.orders.packing import packed

    world = make_world()
    return world.actor("maker", "operator"), packed(world, picked_up=True, **patient())


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
