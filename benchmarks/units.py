"""`manage.py bench units`: what it costs to find every unit of a lot, donor, shipper, site, time among a million.

Makes a database of its own and fills it with containers, their custody, descent, lots, donations and boxes, with the
indexes of production and row policies on. Then the first page of each search is asked for, with orders, lots and what
was made of each unit, as the page shows it; by the manufacturer, and by one of its fifty treatment centers.
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

RESULTS = Path(__file__).with_name("units_results.json")
LIMIT_MS = 1000.0
PAGE = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench units", description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000, help="how many containers there are (1000000)")
    parser.add_argument("--rounds", type=int, default=20, help="searches of each kind (20)")
    chosen = parser.parse_args()
    with own_database() as (server, name):
        found = _bench(server, name, chosen.units, chosen.rounds)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    slowest = max(row["clock_p95_ms"] for rows in found["searches"].values() for row in rows.values())
    return 0 if slowest <= LIMIT_MS else 1


def _bench(server: Any, name: str, count: int, rounds: int) -> dict[str, Any]:
    from benchmarks.unit_rows import PER_ORDER, fill, stage

    orders, began = count // PER_ORDER, time.perf_counter()
    world = stage()
    fill(server.url("owner", name), orders, world)
    filled = time.perf_counter() - began
    print(f"{orders * PER_ORDER} units of {orders} orders in {filled:.0f} s", flush=True)
    return {
        "command": f"python3 manage.py bench units --units {count} --rounds {rounds}",
        "units": orders * PER_ORDER,
        "orders": orders,
        "seconds_to_fill": round(filled),
        "searches": {
            "manufacturer": _measure(world.maker, world, orders, rounds),
            "treatment center": _measure(world.center, world, orders, rounds),
        },
        "stop": _stop(world.maker, f"VL-{orders // 500 // 2}"),
    }


def _stop(actor: Any, lot: str) -> dict[str, float]:
    """Stop a lot: the signed act, and what a worker does after it with all that it records and tells; then lift it."""
    from ledger.context import reading
    from orders.actions import stop_runs
    from orders.actions.stops import lift_stop, stop_units
    from personas.queries import username_of
    from quality.queries import stop, stopped_orders, stopped_units
    from tests.factories import PASSWORD, make_member

    signature = {"username": username_of(actor), "password": PASSWORD}
    began = time.perf_counter()
    number = stop_units(actor, {"lot": lot, "reason": "Called back", "signature": signature})
    seconds = time.perf_counter() - began
    with reading(actor):
        row = stop(actor, number)
    began = time.perf_counter()
    stop_runs.work(row.pk)
    worked = time.perf_counter() - began
    with reading(actor):
        found = {"orders": stopped_orders(actor, row).count(), "units": stopped_units(actor, row).count()}
    other = _colleague(actor.organization_id, make_member)
    second = {"username": other, "password": PASSWORD}
    began = time.perf_counter()
    lift_stop(actor, number, {"conclusion": "Sound", "signature": signature, "other": second})
    return {
        **found,
        "seconds": round(seconds, 2),
        "seconds_of_the_worker": round(worked, 2),
        "seconds_to_lift": round(time.perf_counter() - began, 2),
    }


def _colleague(organization_id: Any, make_member: Callable[..., Any]) -> str:
    from ledger.context import reading
    from personas.models import Organization, User
    from personas.queries import system_actor

    actor = system_actor(organization_id, "bench", name="bench", role="manufacturer", synthetic=True)
    with reading(actor):
        maker = Organization.unwalled.get(pk=organization_id)
    return str(User.objects.get(pk=make_member(maker, "qa_reviewer").user_id).username)


def _searches(world: Any, orders: int) -> dict[str, Callable[[int], dict[str, Any]]]:
    """Return what is asked for, by what it is called, for the nth round."""
    now = dt.datetime.now(dt.UTC)

    def days_ago(number: int, length: float) -> dict[str, str]:
        begin = now - dt.timedelta(days=30 + number * 61 % 1400)
        return {"since": begin.isoformat(), "until": (begin + dt.timedelta(days=length)).isoformat()}

    def order(number: int) -> int:
        return number * 7919 % orders // 50 * 50  # one of the asking center's own

    return {
        "vector lot": lambda n: {"lot": f"vl-{order(n) // 500}"},
        "batch number": lambda n: {"lot": f"b-{order(n):08d} "},
        "donation number": lambda n: {"donor": f"A9999{order(n) * 2:08d}"},
        "chain of identity": lambda n: {"donor": f"CHA9999{order(n):08d}"},
        "shipper": lambda n: {"shipper": f"sh-{order(n) % 400}"},
        "site of a center": lambda n: {"site": world.clinic},
        "site of the plant": lambda n: {"site": world.plant},
        "site and one day": lambda n: {"site": world.plant, **days_ago(n, 1)},
        "time: an hour": lambda n: days_ago(n, 1 / 24),
        "time: a month": lambda n: days_ago(n, 30),
        "vector lot and site": lambda n: {"lot": f"VL-{order(n) // 500}", "site": world.clinic},
        "shipper and a month": lambda n: {"shipper": f"SH-{order(n) % 400}", **days_ago(n, 30)},
        "nothing that there is": lambda n: {"lot": f"NO-{n}", "site": world.plant},
    }


def _measure(actor: Any, world: Any, orders: int, rounds: int) -> dict[str, dict[str, float]]:
    found = {}
    for name, asked in _searches(world, orders).items():
        rows = [_search(actor, asked(number)) for number in range(rounds + 1)][1:]  # the first one warms up
        clock = sorted(seconds * 1000 for seconds, _ in rows)
        found[name] = {
            "clock_p50_ms": round(statistics.median(clock), 1),
            "clock_p95_ms": round(clock[int(0.95 * (len(clock) - 1))], 1),
            "rows_of_a_page": round(statistics.fmean(count for _, count in rows), 1),
        }
        print(actor.organization_role, name, found[name], flush=True)
    return found


def _search(actor: Any, asked: dict[str, Any]) -> tuple[float, int]:
    """Return the seconds that the first page takes, and its rows."""
    from ledger.context import reading
    from orders.actions.unit_searches import find, sought_of

    began = time.perf_counter()
    with reading(actor):
        page = find(actor, sought_of(actor, asked), None, PAGE)
    return time.perf_counter() - began, len(page.rows)


if __name__ == "__main__":
    sys.exit(main())
