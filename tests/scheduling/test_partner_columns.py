"""A partner takes a place in a slot, and can change nothing else of it, by whatever road."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F

from ledger.context import reading
from scheduling.models import Slot
from tests.scheduling.factories import World, make_world, stepping

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def slot_of(world: World) -> Slot:
    with reading(world.coordinator):
        return Slot.unwalled.filter(organization_id=world.maker.pk).order_by("starts_at", "pk").first()  # type: ignore[return-value]


def change(world: World, stream: Any, **changes: Any) -> int:
    slot = slot_of(world)
    with stepping(world.coordinator, stream):
        return Slot.unwalled.filter(pk=slot.pk).update(**changes)


def test_a_partner_takes_a_place(world: World) -> None:
    before = slot_of(world).taken
    assert change(world, world.stream(), taken=F("taken") + 1) == 1
    assert slot_of(world).taken == before + 1


@pytest.mark.parametrize(
    "changes",
    [{"capacity": 99}, {"ends_at": F("ends_at") + dt.timedelta(hours=1)}, {"taken": F("taken") + 1, "capacity": 99}],
)
def test_a_partner_changes_nothing_else(world: World, changes: dict[str, Any]) -> None:
    stream, before = world.stream(), slot_of(world)
    with pytest.raises(DatabaseError, match="a partner changes nothing"), transaction.atomic():
        change(world, stream, **changes)
    after = slot_of(world)
    assert (after.capacity, after.ends_at, after.taken) == (before.capacity, before.ends_at, before.taken)
