"""`manage.py bench`: CPU milliseconds and queries per request, and their ratio to the baseline of the same run.

Makes a database of its own with the fictional network, measures endpoint and baseline in turn, and drops it again.
CPU is this process's user and system time plus its PostgreSQL backend's: steadier than a clock on a
shared machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cgt.launcher import throwaway  # noqa: E402
from cgt.launcher.roles import connected  # noqa: E402
from cgt.launcher.stack import open_stack  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
Call = Callable[[], Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="requests per row (60)")
    rounds = parser.parse_args().rounds
    stack, name = open_stack(), throwaway.own_name("bench")
    os.environ |= {"CGT_ENV": "test", "CGT_NAMESPACE": name, "DJANGO_SETTINGS_MODULE": "cgt.settings"}
    os.environ |= stack.environment("app", name) | {"CGT_ENV": "test", "CGT_NAMESPACE": name, "LOG_LEVEL": "ERROR"}
    throwaway.make_own(stack, name)
    try:
        _set_up()
        from benchmarks import baseline

        with connected(stack.server.url("owner", name)) as cursor:
            cursor.execute(baseline.TABLES)
        report(measured(cases(baseline), rounds))
    finally:
        from django.db import connections

        connections.close_all()
        throwaway.drop_database(stack.server, name)
    return 0


def _set_up() -> None:
    import django

    django.setup()


def cases(baseline: Any) -> list[tuple[str, str, Call]]:
    """Return (row, the row it is compared with, the request)."""
    from django.test import Client, RequestFactory
    from django.utils import timezone

    from cgt.demo import clock, network, seeding
    from ledger.signals import outbox_filled

    outbox_filled.receivers = []
    now = timezone.now()
    with clock.at(now - clock.dt.timedelta(days=network.PAST_DAYS - 1)):
        made = network.build("bench-bench-1", now)
    chosen = [(n, plot) for n, plot in enumerate(seeding.plots()) if plot.center == "linden"]
    codes: list[str] = []
    seeding.seed_orders(made, 1, now, lambda line: codes.append(line.split()[0]), chosen)
    token, browser = _key(made), Client()
    browser.post("/accounts/login/", {"login": "coordinator.1@linden.example", "password": "bench-bench-1"})
    api = Client(headers={"Authorization": f"Bearer {token}"})
    asked = RequestFactory().get("/", headers={"X-Token": "bench"})
    one, many = baseline.One.as_view(), baseline.Many.as_view()
    return [
        ("baseline: one row", "", lambda: one(asked, code="B-42").render()),
        ("baseline: 50 rows", "", lambda: many(asked).render()),
        ("REST: one order", "baseline: one row", lambda: _fine(api.get(f"/api/v1/orders/{codes[6]}"))),
        ("REST: list of orders", "baseline: 50 rows", lambda: _fine(api.get("/api/v1/orders?limit=50"))),
        ("REST: worklist", "baseline: 50 rows", lambda: _fine(api.get("/api/v1/worklist"))),
        ("page: worklist", "baseline: 50 rows", lambda: _fine(browser.get("/"))),
        ("page: one order", "baseline: 50 rows", lambda: _fine(browser.get(f"/orders/{codes[6]}/"))),
    ]


def _key(made: Any) -> str:
    from personas.actions.people import issue_api_key
    from personas.queries import User
    from personas.states import Capability

    user = User.objects.get(username="coordinator.1@linden.example")
    _, token = issue_api_key(
        made.operator("linden"), name="bench", persona_key="coordinator", scopes=Capability.values, responsible=user
    )
    return token


def _fine(answer: Any) -> None:
    if answer.status_code != 200:
        raise SystemExit(f"{answer.request['PATH_INFO']} answered {answer.status_code}")


def measured(rows: list[tuple[str, str, Call]], rounds: int) -> list[tuple[str, str, float, int]]:
    """Measure the rows in turn, so that whatever else the machine does falls on all of them alike."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    queries = {}
    for name, _, call in rows:
        call()
        with CaptureQueriesContext(connection) as seen:
            call()
        queries[name] = len(seen)
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        backend = cursor.fetchone()[0]
    spent = {name: 0.0 for name, _, _ in rows}
    for _ in range(rounds):
        for name, _, call in rows:
            before = time.process_time() + _cpu_of(backend)
            call()
            spent[name] += time.process_time() + _cpu_of(backend) - before
    return [(name, against, spent[name] / rounds * 1000, queries[name]) for name, against, _ in rows]


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def report(rows: list[tuple[str, str, float, int]]) -> None:
    cost = {name: milliseconds for name, _, milliseconds, _ in rows}
    print(f"{'request':24} {'CPU ms':>8} {'queries':>8} {'ratio':>7}  against")
    for name, against, milliseconds, queries in rows:
        ratio = f"{milliseconds / cost[against]:7.2f}" if against else " " * 7
        print(f"{name:24} {milliseconds:8.2f} {queries:8} {ratio}  {against}")


if __name__ == "__main__":
    sys.exit(main())
