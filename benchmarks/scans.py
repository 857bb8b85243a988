"""`manage.py bench scans`: what it costs to resolve a scanned code among five million containers, inside this process.

Makes a database of its own and fills it with containers, their orders, chains of identity and registered codes, with
the indexes of production and row policies on. Then codes of each kind are looked up in turn, as a search or a scan page
does it: read, checked, found among what the actor may see. Half of the orders are another organization's.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.own_database import own_database  # noqa: E402
from cgt.launcher.roles import connected  # noqa: E402

RESULTS = Path(__file__).with_name("scans_results.json")
LIMIT_MS = 10.0
PER_ORDER = 20  # containers of one order
MANY = 25_000  # orders that one statement writes


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench scans", description=__doc__)
    parser.add_argument("--containers", type=int, default=5_000_000, help="how many there are (5000000)")
    parser.add_argument("--rounds", type=int, default=200, help="codes of each kind (200)")
    chosen = parser.parse_args()
    with own_database() as (server, name):
        found = _bench(server, name, chosen.containers, chosen.rounds)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0 if all(row["cpu_ms"] <= LIMIT_MS for row in found["kinds"].values()) else 1


def _bench(server: Any, name: str, containers: int, rounds: int) -> dict[str, Any]:
    from ledger.states import Role
    from personas.actions.organizations import add_organization
    from personas.queries import system_actor

    center, other, maker = (
        add_organization(code=f"bench-{code}", name=code, role=role, country="DE", synthetic=True)
        for code, role in (
            ("mine", Role.TREATMENT_CENTER),
            ("theirs", Role.TREATMENT_CENTER),
            ("maker", Role.MANUFACTURER),
        )
    )
    actor = system_actor(center.pk, "bench", name=center.name, role=center.role, synthetic=True)
    orders, began = containers // PER_ORDER, time.perf_counter()
    sample = random.Random(1).sample(range(0, orders - 1, 2), rounds + 1)  # the asking center's orders: the even ones
    _fill(server.url("owner", name), orders, [str(center.pk), str(other.pk)], str(maker.pk), sample)
    filled = time.perf_counter() - began
    print(f"{orders * PER_ORDER} containers of {orders} orders in {filled:.0f} s", flush=True)
    return {
        "command": f"python3 manage.py bench scans --containers {containers} --rounds {rounds}",
        "containers": orders * PER_ORDER,
        "registered_codes": orders,
        "seconds_to_fill": round(filled),
        "kinds": _measure(actor, sample),
    }


def _fill(url: str, orders: int, centers: list[str], maker: str, sample: Sequence[int]) -> None:
    """Write the rows of each order by its number, which all of its codes are made of; orders alternate between centers.

    Only bags that are looked up (the first of each order of ``sample`` and of its neighbor) get their check character.
    """
    from cgt.load.writing import opened

    with opened(url, TABLES), connected(url) as cursor:
        cursor.execute("set statement_timeout = 0")
        for first in range(0, orders, MANY):
            numbers = {"first": first, "last": min(first + MANY, orders) - 1, "bags": PER_ORDER, "maker": maker}
            for statement in ROWS:
                cursor.execute(statement, numbers | {"mine": centers[0], "theirs": centers[1]})
        for number in sample:
            cursor.execute(
                "update custody_container set code = %s where code = %s", [bag(number), f"{coi(number)}-SM01"]
            )
    with connected(url) as cursor:
        cursor.execute("set statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f"vacuum (analyze) {table}")


def coi(number: int) -> str:
    return f"CHA9999{number // 1_000_000:02d}{number % 1_000_000:06d}"


def bag(number: int) -> str:
    from custody.codes import container_code

    return container_code(coi(number), "starting_material", 1)


TABLES = (
    "ledger_stream",
    "ledger_party",
    "custody_chainofidentity",
    "custody_container",
    "custody_donation",
    "custody_alias",
)
_ID = "('{}0000000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_STREAM, _COI = _ID.format(1, "n"), _ID.format(3, "n")
_CENTER = "case when n %% 2 = 0 then %(mine)s::uuid else %(theirs)s::uuid end"
_CODE = "'CHA9999' || lpad((n / 1000000)::text, 2, '0') || lpad((n %% 1000000)::text, 6, '0')"
_DIN = "'A9999' || lpad(n::text, 8, '0')"
_EACH = "from generate_series(%(first)s::bigint, %(last)s::bigint) n"
ROWS = (
    "insert into ledger_stream (id, kind, organization_id, party_ids, head_seq, head_hash, synthetic)"
    f" select {_STREAM}, 'order', {_CENTER}, array[{_CENTER}, %(maker)s::uuid], 0, '', true {_EACH}",
    "insert into ledger_party (id, stream_id, organization_id, role, since)"
    f" select {_ID.format(2, 'n')}, {_STREAM}, {_CENTER}, 'treatment_center', now() {_EACH}",
    "insert into custody_chainofidentity"
    " (id, stream_id, patient_id, code, scheme, state, issuer_id, manufacturer_id, issued_at, query_reason)"
    f" select {_COI}, {_STREAM}, {_ID.format(4, 'n')}, {_CODE}, 'bench', 'active', {_CENTER},"
    f" %(maker)s::uuid, now(), '' {_EACH}",
    "insert into custody_container (id, stream_id, coi_id, code, kind, position, count, state, storage_location,"
    " vessel, donation_number, lot, serial, quarantine_reason, state_before_quarantine)"
    f" select {_ID.format(5, 'n * 100 + k')}, {_STREAM}, {_COI}, {_CODE} || '-SM' || lpad(k::text, 2, '0'),"
    f" 'starting_material', k, %(bags)s, 'stored', '', '', case when k = 1 then {_DIN} else '' end, '', '', '', ''"
    f" {_EACH}, generate_series(1, %(bags)s) k",
    "insert into custody_donation (id, stream_id, coi_id, organization_id, number, flags, recorded_at)"
    f" select {_ID.format(7, 'n')}, {_STREAM}, {_COI}, {_CENTER}, {_DIN}, '00', now() {_EACH}",
    "insert into custody_alias"
    " (id, stream_id, issuer_id, system, value, scope, coi_id, registered_at, withdrawn_reason)"
    f" select {_ID.format(6, 'n')}, {_STREAM}, {_CENTER}, 'waybill', 'EX' || lpad(n::text, 10, '0'), 'order', {_COI},"
    f" now(), '' {_EACH}",
)


def _measure(actor: Any, sample: Sequence[int]) -> dict[str, dict[str, float]]:
    """Look codes of each kind up in turn; return milliseconds of CPU and clock per code, and statements.

    Stops when a code does not lead where it should: to the order, or (another organization's, unknown) nowhere.
    """
    kinds: dict[str, tuple[Callable[[int], str], int]] = {
        "bag": (bag, 0),
        "chain of identity": (coi, 0),
        "donation number": (lambda number: f"=A9999{number:08d}00", 0),
        "registered code": (lambda number: f"EX-{number:010d}", 0),
        "another organization's bag": (bag, 1),
        "another organization's registered code": (lambda number: f"EX-{number:010d}", 1),
    }
    costs: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in kinds}
    for number in sample:
        for kind, (code_of, foreign) in kinds.items():
            costs[kind].append(_resolve(actor, code_of(number + foreign), number, found=not foreign))
    return {kind: _told(rows[1:]) for kind, rows in costs.items()}  # the first one connects and warms up


def _resolve(actor: Any, code: str, number: int, *, found: bool) -> tuple[float, float, float]:
    """Return milliseconds of the process's CPU, of its backend's, and of the clock."""
    from custody.queries import lookup
    from ledger.context import reading
    from ledger.refusals import InvalidInput

    database, began, app = _backend(), time.perf_counter(), time.process_time()
    try:
        with reading(actor):
            hit = lookup(actor, code)
    except InvalidInput:
        hit = None
    cost = (time.process_time() - app, _backend() - database, time.perf_counter() - began)
    stream = f"10000000-0000-7000-8000-{number:012x}"
    if (str(hit.stream_id) if hit else "") != (stream if found else ""):
        raise SystemExit(f"{code} led to {hit}")
    return cost[0] * 1000, cost[1] * 1000, cost[2] * 1000


def _backend() -> float:
    """Seconds of CPU of this process's PostgreSQL backend, where the server runs on this machine."""
    from django.db import connections

    connection = connections["default"].connection
    file = Path(f"/proc/{connection.info.backend_pid}/schedstat") if connection is not None else None
    return int(file.read_text().split()[0]) / 1e9 if file and file.exists() else 0.0


def _told(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    app, database, clock = zip(*rows, strict=True)
    ordered = sorted(clock)
    return {
        "cpu_ms": round(statistics.fmean(app) + statistics.fmean(database), 3),
        "app_ms": round(statistics.fmean(app), 3),
        "database_ms": round(statistics.fmean(database), 3),
        "clock_p50_ms": round(statistics.median(ordered), 3),
        "clock_p99_ms": round(ordered[int(0.99 * (len(ordered) - 1))], 3),
    }


if __name__ == "__main__":
    sys.exit(main())
