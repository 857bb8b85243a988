"""Everybody wants one slot: clients in threads with connections of their own, against the same clients on many slots.

An attempt is what a booking does to capacity: take one place of a slot, or be refused, inside an action of its own.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from ledger.context import reading
from ledger.models import Stream
from ledger.recording import acting
from ledger.refusals import Conflict
from ledger.states import StreamKind
from scheduling import capacity
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.models import Slot
from scheduling.queries import slots

CLIENTS, ATTEMPTS = 16, 12
FEW = 40  # places of the hot slot: some attempts are refused


def run(stage: Any) -> dict[str, float]:
    """Return attempts per second on one slot and on many, after comparing the table with what the attempts said."""
    operator = stage.network.operator("linden")
    one = _publish(stage, operator, 1, FEW)
    many = _publish(stage, operator, CLIENTS, ATTEMPTS)
    many_rate, taken = _race(operator, lambda client: many[client])
    if taken != CLIENTS * ATTEMPTS:
        raise SystemExit(f"{CLIENTS * ATTEMPTS} places were free in many slots, {taken} attempts took one")
    one_rate, taken = _race(operator, lambda client: one[0])
    with reading(operator):
        slot = Slot.unwalled.get(pk=one[0])
    if not taken == slot.taken == slot.capacity == FEW:
        raise SystemExit(f"{taken} attempts took one of {FEW} places, the slot says {slot.taken} of {slot.capacity}")
    return {
        "clients": CLIENTS,
        "one_slot": round(one_rate, 1),
        "many_slots": round(many_rate, 1),
        "taken": slot.taken,
        "capacity": slot.capacity,
    }


def _publish(stage: Any, operator: Any, count: int, places: int) -> list[UUID]:
    """Offer windows of the chair a year ahead, where no search looks."""
    begin = timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(days=365, hours=places)
    times = [begin + dt.timedelta(days=day) for day in range(count)]
    rows = [CapacityRow("linden-chair", at, at + dt.timedelta(hours=1), places) for at in times]
    publish_capacity(operator, rows)
    with reading(operator):
        found = slots(operator, organization_id=operator.organization_id, since=begin).filter(starts_at__in=times)
        return list(found.order_by("starts_at").values_list("pk", flat=True))


def _race(operator: Any, slot_of: Callable[[int], UUID]) -> tuple[float, int]:
    taken = [0] * CLIENTS
    start = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> None:
        with reading(operator):
            pass  # connects
        start.wait()
        for _ in range(ATTEMPTS):
            taken[number] += _attempt(operator, slot_of(number))
        connections.close_all()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return CLIENTS * ATTEMPTS / (time.perf_counter() - began), sum(taken)


def _attempt(operator: Any, slot_id: UUID) -> int:
    """Take a place in an event on the client's own stream, as orders do: only the slot is shared."""
    try:
        with acting(
            operator, "scheduling.capacity_published", subject=("slot", str(slot_id)), new_stream=_stream(operator)
        ):
            capacity.take(slot_id)
    except Conflict:
        return 0
    return 1


def _stream(operator: Any) -> Stream:
    """Return a stream of one attempt."""
    owner = operator.organization_id
    return Stream(kind=StreamKind.ORDER, organization_id=owner, party_ids=[owner], synthetic=True)
