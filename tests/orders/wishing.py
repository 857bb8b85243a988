"""Orders for which dates are requested where nothing is published, and what is published later."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from ledger.context import reading
from orders.actions import date_requests
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.models import DateRequest, Resource
from tests.factories import operator
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import BERLIN, NEW_YORK, World

COORDINATOR, PLANNER = ("center", "coordinator"), ("maker", "planner")
FAR = 60  # days ahead, far behind the last published window


def in_days(days: int) -> dt.date:
    return timezone.now().date() + dt.timedelta(days=days)


def wish(**given: Any) -> dict[str, Any]:
    wanted = {"wished_on": in_days(FAR), "first_date": in_days(FAR - 2), "last_date": in_days(FAR + 2), **given}
    return {name: str(value) for name, value in wanted.items()}


def asked(world: World, **given: Any) -> str:
    """An order for which dates are requested."""
    code = prescribed(world, **patient())
    date_requests.request_dates(world.actor(*COORDINATOR), code, wish(**given))
    return code


def publish(world: World, places: int = 1) -> None:
    """Publish what the request needs: chairs of the center, runs of the courier, bays and lines of the plant."""
    hours = {
        "apheresis_chair": (world.center, "08:00", "16:00", BERLIN, places),
        "courier_lane": (world.courier, "09:00", "20:00", BERLIN, 20),
        "receiving": (world.maker, "00:00", "23:59", NEW_YORK, 20),
        "manufacturing_line": (world.maker, "06:00", "22:00", NEW_YORK, 20),
    }
    dates = [in_days(FAR + number) for number in range(-3, 8)]
    for kind, (organization, start, end, zone, capacity) in hours.items():
        with reading(operator(organization)):
            code = Resource.unwalled.get(kind=kind, organization=organization).code
        times = dt.time.fromisoformat(start), dt.time.fromisoformat(end)
        rows = [
            CapacityRow(code, *(dt.datetime.combine(date, time, zone) for time in times), capacity) for date in dates
        ]
        publish_capacity(operator(organization), rows)


def planner_sees(world: World, code: str) -> list[Any]:
    return list(date_requests.standing(world.actor(*PLANNER), code).found.offers)


def confirm(world: World, code: str, token: str, number: int = 1) -> DateRequest:
    answer = {"decision": "confirm", "offer": token}
    return date_requests.answer_request(world.actor("maker", "planner", number), code, answer)
