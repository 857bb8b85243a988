"""`manage.py bench --search`: how long a search for slot chains takes on a calendar of a whole network.

90 days, 6 plants, 40 centers, three courier lanes each way between each center and each plant, 10 000 places taken. One
order of one center searches with every link that a therapy may need, in process and over REST. The process collects
garbage as the web server's does. ``first``: the first search, which lays every window out.
"""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from cgt.collecting import settle
from cgt.launcher.roles import Server, connected
from cgt.load.writing import opened
from ledger.context import reading
from network.actions.places import add_plant
from orders import bookings, flow
from personas.actions.organizations import add_site

DAYS, PLANTS, CENTERS, LANES, BOOKED = 90, 6, 40, 3, 10_000
TABLES = ("scheduling_resource", "scheduling_slot", "orders_flowstep")
AFTER = 60  # days after the horizon on which returns and beds are offered


def run(server: Server, name: str, stage: Any, rounds: int) -> dict[str, Any]:
    """Fill the calendar, search ``rounds`` times in process and over REST; return milliseconds and memory."""
    order = stage.codes[0]
    plants = _plants(stage)
    with opened(server.url("owner", name), TABLES), connected(server.url("owner", name)) as cursor:
        _fill(cursor, stage, plants)
        cursor.execute(
            "update orders_flowstep set parameters = parameters || %s::jsonb where kind = 'hold_slot_chain'",
            [json.dumps({"horizon_days": DAYS, "also_needs": ["return_lane", "infusion_bed", "quality_release"]})],
        )
    with connected(server.url("owner", name)) as cursor:
        cursor.execute("analyze scheduling_slot")
        cursor.execute("analyze scheduling_resource")
    found = {"slots": _count(server, name), **_process(stage, order, rounds)}
    path = f"/api/v1/orders/{order}/slot-chains?limit=20"
    found["rest"] = _times(lambda: _sent(stage, path), rounds)
    return found


def _plants(stage: Any) -> list[UUID]:
    """Let the order's manufacturer make the therapy at six plants."""
    made, therapy = stage.network, stage.network.therapies["auralcel"]
    operator = made.operator("aurora")
    sites = [made.sites["meridian-plant"].pk]
    for number in range(1, PLANTS):
        site = add_site(
            operator, code=f"bench-plant-{number}", name=f"Bench Plant {number}", country="NL", zone="Europe/Amsterdam"
        )
        add_plant(operator, therapy, site, markets=["DE"])
        sites.append(site.pk)
    return sites


def _fill(cursor: Any, stage: Any, plants: Sequence[UUID]) -> None:
    made, chance = stage.network, random.Random(1)
    center, linden = made.sites["linden-main"].pk, made.organizations["linden"].pk
    aurora, courier = made.organizations["aurora"].pk, made.organizations["swift"].pk
    for kind, places, first, last in (("apheresis_chair", 3, 7, 13), ("infusion_bed", 3, 8, 20)):
        for number in range(4):
            _resource(cursor, linden, center, kind, f"bench-{kind}-{number}", {}, places, first, last)
    for plant in plants:
        for kind, count, first, last in (
            ("receiving", 1, 6, 20),
            ("manufacturing_line", 3, 6, 22),
            ("quality_release", 1, 6, 18),
        ):
            for number in range(count):
                _resource(cursor, aurora, plant, kind, f"bench-{kind}-{number}-{plant.hex[-12:]}", {}, 3, first, last)
    centers = [center, *(uuid4() for _ in range(CENTERS - 1))]
    for one in centers:
        for plant in plants:
            for number in range(LANES):
                for origin, destination in ((one, plant), (plant, one)):
                    attributes = {
                        "origin_site_id": str(origin),
                        "destination_site_id": str(destination),
                        "transit_hours": 14 + 4 * number,
                        "cutoff": f"{16 + number}:00",
                        "weekdays": [1, 2, 3, 4, 5, 6],
                    }
                    code = f"bench-lane-{origin.hex[-12:]}-{destination.hex[-12:]}-{number}"
                    _resource(cursor, courier, None, "courier_lane", code, attributes, 4, 12, 18)
    cursor.execute("select id from scheduling_slot where capacity > taken")
    ids = [row[0] for row in cursor.fetchall()]
    chosen = chance.sample(ids, min(BOOKED, len(ids)))
    cursor.execute("update scheduling_slot set taken = taken + 1 where id = any(%s::uuid[])", [chosen])


def _resource(
    cursor: Any,
    organization: UUID,
    site: UUID | None,
    kind: str,
    code: str,
    attributes: Any,
    places: int,
    first: int,
    last: int,
) -> None:
    """Add a resource with one window a day."""
    cursor.execute(
        "insert into scheduling_resource (id, organization_id, site_id, kind, code, name, therapy_ids, attributes)"
        " values (gen_random_uuid(), %s, %s, %s, %s, %s, '{}', %s) returning id",
        [str(organization), site and str(site), kind, code, code[:100], json.dumps(attributes)],
    )
    (resource_id,) = cursor.fetchone()
    cursor.execute(
        "insert into scheduling_slot (id, resource_id, organization_id, site_id, kind, starts_at, ends_at, capacity,"
        " taken, shift, closed_reason, reserved_for) select gen_random_uuid(), %s, %s, %s, %s,"
        " day + %s * interval '1 hour', day + %s * interval '1 hour', %s, 0, '', '', ''"
        " from generate_series(date_trunc('day', now()), now() + %s * interval '1 day', interval '1 day') as day",
        [resource_id, str(organization), site and str(site), kind, first, last, places, DAYS + AFTER],
    )


def _count(server: Server, name: str) -> int:
    with connected(server.url("owner", name)) as cursor:
        cursor.execute("select reltuples::bigint from pg_class where relname = 'scheduling_slot'")
        return int(cursor.fetchone()[0])


def _process(stage: Any, code: str, rounds: int) -> dict[str, Any]:
    actor = stage._actor()
    with reading(actor):
        order = flow.order_named(actor, code)
        parameters = dict(flow.current_step(order, "book").flow_step.parameters)

    def search() -> int:
        found = bookings.search(actor, order, parameters, timezone.now().date())
        return len(found.offers[:20]) and len(found.offers)

    with reading(actor):
        began, clock = time.process_time(), time.perf_counter()
        chains = search()
        first = {"ms": (time.perf_counter() - clock) * 1000, "app_cpu_ms": (time.process_time() - began) * 1000}
        settle()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times = _times(search, rounds)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = {name: round(value, 1) for name, value in first.items()}
    return {"chains": chains, "first": first, "process": times, "grown_kilobytes": after - before}


def _sent(stage: Any, path: str) -> None:
    response = stage.product(stage.api(path))
    if response.status_code != 200:
        raise SystemExit(f"{path} answered {response.status_code}, {response.content[:300]!r}")


def _times(act: Callable[[], Any], rounds: int) -> dict[str, float]:
    """Return milliseconds on the clock and of this process's CPU: the means tell what is collected now and then."""
    act()
    clock, app = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        act()
        app.append((time.process_time() - used) * 1000)
        clock.append((time.perf_counter() - began) * 1000)
    return {
        **{f"p{part}_ms": _quantile(clock, part) for part in (50, 95)},
        **{f"app_cpu_p{part}_ms": _quantile(app, part) for part in (50, 95)},
        "app_cpu_mean_ms": round(sum(app) / rounds, 1),
    }


def _quantile(times: list[float], part: int) -> float:
    return round(sorted(times)[part * len(times) // 100], 1)
