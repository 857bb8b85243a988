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
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cgt.launcher import throwaway  # noqa: E402
from cgt.launcher.roles import connected  # noqa: E402
from cgt.launcher.stack import open_stack  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")
MOST_WRITES = 30  # as many chains as the fictional center's chairs can take within the search's horizon


@dataclass
class Case:
    """A row: ``prepare`` makes the request of a round (not measured), ``send`` answers it (measured)."""

    name: str
    against: str
    limit: float
    send: Callable[[Any], Any]
    prepare: Callable[[int], Any]
    writes: bool = False
    status: int = 200
    milliseconds: float = 0.0
    statements: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="requests per row (40; rows that write: 30)")
    rounds = parser.parse_args().rounds
    stack, name = open_stack(), throwaway.own_name("bench")
    os.environ |= {"CGT_ENV": "test", "CGT_NAMESPACE": name, "LOG_LEVEL": "ERROR"}
    os.environ |= stack.environment("app", name) | {"DJANGO_SETTINGS_MODULE": "cgt.settings"}
    throwaway.make_own(stack, name)
    try:
        import django
        from django.db import connections

        django.setup()
        logging.disable(logging.WARNING)  # refusals are answered on purpose
        default = connections.databases["default"]
        connections.databases["plain"] = {**default, "ENGINE": "django.db.backends.postgresql"}
        from benchmarks import baseline
        from benchmarks.stage import Stage

        with connected(stack.server.url("owner", name)) as cursor:
            cursor.execute(baseline.TABLES)
        stage = Stage(min(rounds, MOST_WRITES))
        rows = cases(stage)
        measure(rows, rounds)
        stage.compare(min(rounds, MOST_WRITES) + 1)
        report(rows, rounds)
    finally:
        from django.db import connections

        connections.close_all()
        throwaway.drop_database(stack.server, name)
    return 0


def cases(stage: Any) -> list[Case]:
    """Every row in the order of a round; the order that is prescribed in a round is booked in the same round."""
    api, page, code = stage.api, stage.page, stage.travelled
    plain, product = stage.plain, stage.product

    def reading(name: str, against: str, limit: float, send: Any, make: Callable[[], Any]) -> Case:
        return Case(name, against, limit, send, lambda _: make())

    return [
        reading("baseline: one", "", 0, plain, partial(api, "/one/B-42", "baseline")),
        reading("baseline: list", "", 0, plain, partial(api, "/many", "baseline")),
        reading("baseline: html", "", 0, plain, partial(page, "/page")),
        Case("baseline: book", "", 0, plain, stage.book, writes=True),
        reading("REST: one order", "baseline: one", 2, product, partial(api, f"/api/v1/orders/{code}")),
        reading("REST: 50 orders", "baseline: list", 0.8, product, partial(api, "/api/v1/orders?state=open&limit=50")),
        reading("REST: worklist", "baseline: list", 0.8, product, partial(api, "/api/v1/worklist?limit=50")),
        reading("page: desk, 50 rows", "baseline: html", 2, product, partial(page, "/")),
        reading("page: one order", "baseline: html", 2, product, partial(page, f"/orders/{code}/")),
        Case("prescribe, one signature", "baseline: book", 4, product, stage.prescribe, writes=True),
        Case("hold a slot chain", "baseline: book", 5, product, stage.hold, writes=True),
        Case("refusal: full slot", "baseline: one", 1.5, product, stage.hold_full, status=409),
    ]


def measure(rows: list[Case], rounds: int) -> None:
    """Fill in the rows, measured in turn, so that whatever else the machine does falls on all of them alike."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    for row in rows:  # round 0 warms up and counts; its CPU time is nobody's
        request = row.prepare(0)
        with CaptureQueriesContext(connections["default"]) as one, CaptureQueriesContext(connections["plain"]) as two:
            _answer(row, request)
        row.statements = len(one) + len(two)
    backends = [connections[alias].connection.info.backend_pid for alias in ("default", "plain")]
    for number in range(1, rounds + 1):
        for row in rows:
            if row.writes and number > MOST_WRITES:
                continue
            request = row.prepare(number)
            before = _cpu(backends)
            _answer(row, request)
            row.milliseconds += (_cpu(backends) - before) * 1000
    for row in rows:
        row.milliseconds /= min(rounds, MOST_WRITES) if row.writes else rounds


def _answer(row: Case, request: Any) -> None:
    answer = row.send(request)
    if answer.status_code != row.status:
        raise SystemExit(f"{row.name}: {request.path} answered {answer.status_code}, {answer.content[:600]!r}")
    answer.close()


def _cpu(backends: list[int]) -> float:
    """Seconds of CPU that this process and its backends have had; a backend on another machine counts nothing."""
    run = (Path(f"/proc/{pid}/schedstat") for pid in backends)
    return time.process_time() + sum(int(file.read_text().split()[0]) / 1e9 for file in run if file.exists())


def report(rows: list[Case], rounds: int) -> None:
    """Print the table, and write it to ``benchmarks/results.json``."""
    cost = {row.name: row.milliseconds for row in rows}
    found = []
    print(f"{'request':26} {'CPU ms':>8} {'statements':>11} {'ratio':>7} {'limit':>6}")
    for row in rows:
        ratio = row.milliseconds / cost[row.against] if row.against else None
        verdict = "over" if ratio and ratio > row.limit else ""
        shown = f"{ratio:7.2f} {row.limit:6.1f}  {row.against} {verdict}" if ratio else ""
        print(f"{row.name:26} {row.milliseconds:8.2f} {row.statements:11} {shown}".rstrip())
        found.append(
            {
                "request": row.name,
                "cpu_ms": round(row.milliseconds, 3),
                "statements": row.statements,
                "against": row.against,
                "ratio": ratio and round(ratio, 3),
                "limit": row.limit or None,
            }
        )
    command = f"python3 manage.py bench --rounds {rounds}"
    content = {"command": command, "python": sys.version.split()[0], "rows": found}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    print(f"{command}; statements without BEGIN and COMMIT; written to {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
