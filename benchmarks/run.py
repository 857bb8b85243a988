"""`manage.py bench`: CPU milliseconds and statements per request, and their ratio to the baseline of the same run.

Makes a database of its own with the fictional network, measures product and baseline in turn, compares the database
with the answers, and drops it again. CPU is this process's user and system time plus that of its PostgreSQL backends
(seen when the server runs on this machine): steadier than a clock where the machine is shared. Requests go through the
whole middleware of each side; no HTTP server, no network. Passwords are hashed at the lowest cost of argon2: a real
hash takes 100 ms and would hide everything else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.measuring import MOST_WRITES, Case, measure  # noqa: E402
from benchmarks.own_database import own_database  # noqa: E402
from cgt.launcher.roles import Server, connected  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="requests per row (30; confirming: fewer)")
    parser.add_argument("--orders", type=int, default=500, help="orders that then fill the tables (500)")
    parser.add_argument("--search", action="store_true", help="only the search over a whole network's calendar")
    chosen = parser.parse_args()
    with own_database() as (server, name):
        if chosen.search:
            print(json.dumps(_search(server, name, chosen.rounds), indent=2))
            return 0
        found = _bench(server, name, chosen.rounds, chosen.orders)
    command = f"python3 manage.py bench --rounds {chosen.rounds} --orders {chosen.orders}"
    content = {"command": command, "python": sys.version.split()[0], **found}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    print(f"{command}; statements without BEGIN and COMMIT; written to {RESULTS.relative_to(ROOT)}")
    return 0


def _bench(server: Server, name: str, rounds: int, orders: int) -> dict[str, Any]:
    """Measure with few orders, fill the tables, measure what is read again; then everybody on one slot, and memory."""
    from django.db import connections

    from benchmarks import baseline, hot_slot, report, web_worker
    from benchmarks.stage import PASSWORD, Stage
    from cgt.collecting import settle
    from cgt.load import filling

    default = connections.databases["default"]
    connections.databases["plain"] = {**default, "ENGINE": "django.db.backends.postgresql"}
    with connected(server.url("owner", name)) as cursor:
        cursor.execute(baseline.TABLES)
    made = filling.begin(PASSWORD)
    stage = Stage(made.network, min(rounds, MOST_WRITES))
    with connected(server.url("owner", name)) as cursor:
        cursor.execute("analyze")  # as autovacuum does within minutes: plans that are kept were made for empty tables
    rows = cases(stage)
    settle()  # as every web worker does
    measure(rows, rounds)
    stage.compare(min(rounds, MOST_WRITES) + 1)
    found: dict[str, Any] = {"rows": report.costs(rows)}
    if orders:
        filling.fill(server, name, made, orders=orders, organizations=12, seed=1, password=PASSWORD, tell=print)
        again = [row.emptied() for row in rows if not row.writes]
        measure(again, rounds)
        found["with_more_orders"] = report.growth(rows, again, orders)
    found["hot_slot"] = report.hot(hot_slot.run(stage))
    found["web_worker"] = report.memory(web_worker.resident_megabytes())
    return found


def _search(server: Server, name: str, rounds: int) -> dict[str, Any]:
    """Measure the search for slot chains where a whole network offers capacity."""
    from benchmarks import chain_search
    from benchmarks.stage import PASSWORD, Stage
    from cgt.load import filling

    return chain_search.run(server, name, Stage(filling.begin(PASSWORD).network, 1), rounds)


def cases(stage: Any) -> list[Case]:
    """Every row in the order of a round; the order that is prescribed in a round is booked in the same round."""
    api, page, code = stage.api, stage.page, stage.travelled
    plain, product = stage.plain, stage.product

    def reading(name: str, against: str, limit: float, send: Any, make: Callable[[], Any]) -> Case:
        return Case(name, against, limit, send, lambda _: make())

    desks = [
        reading(f"page: desk of {desk}", "baseline: html", 2, product, partial(page, "/", desk))
        for desk in stage.sessions
    ]
    return [
        reading("baseline: one", "", 0, plain, partial(api, "/one/B-42", "baseline")),
        reading("baseline: list", "", 0, plain, partial(api, "/many", "baseline")),
        reading("baseline: html", "", 0, plain, partial(page, "/page")),
        Case("baseline: book", "", 0, plain, stage.book, writes=True),
        reading("REST: one order", "baseline: one", 2, product, partial(api, f"/api/v1/orders/{code}")),
        reading("REST: 50 orders", "baseline: list", 0.8, product, partial(api, "/api/v1/orders?state=open&limit=50")),
        reading("REST: worklist", "baseline: list", 0.8, product, partial(api, "/api/v1/worklist?limit=50")),
        *desks,
        reading("page: one order", "baseline: html", 2, product, partial(page, f"/orders/{code}/")),
        Case("prescribe, one signature", "baseline: book", 4, product, stage.prescribe, writes=True),
        Case("hold a slot chain", "baseline: book", 5, product, stage.hold, writes=True),
        Case(
            "confirm a slot chain", "baseline: book", 5, product, stage.confirm, writes=True, most=len(stage.requested)
        ),
        Case(
            "hand over, two signatures",
            "baseline: book",
            5,
            product,
            stage.hand_over,
            writes=True,
            most=len(stage.packed),
        ),
        Case("refusal: full slot", "baseline: one", 1.5, product, stage.hold_full, status=409),
    ]


if __name__ == "__main__":
    sys.exit(main())
