"""Whoever plays one persona does not wait for another's chores: the shipper of the example can be packed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo import advancing, chores, examples, left_empty
from custody import equipment_register, return_register
from custody.actions.equipment import add_equipment
from custody.models import Equipment, Shipment
from ledger.context import reading
from orders.flow import order_named
from orders.queries import step_of
from tests.factories import operator
from tests.orders.conftest import patient
from tests.orders.factories import World
from tests.orders.packing import journey_of

pytestmark = [pytest.mark.django_db]
LAB = ("center", "cell_lab_technologist")


@pytest.fixture(autouse=True)
def unswept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advancing, "sweep", lambda: None)


def register(world: World) -> None:
    valid = (timezone.now() + dt.timedelta(days=200)).isoformat()
    for kind, serial, more in (("shipper", "DS-7", {"hold_hours": 200}), ("logger", "TL-7", {})):
        piece: dict[str, Any] = {"kind": kind, "serial": serial, "model": "Fictional", "valid_until": valid}
        add_equipment(operator(world.courier), piece | more)


def example(world: World, code: str) -> dict[str, str]:
    actor = world.actor(*LAB)
    with reading(actor):
        order = order_named(actor, code)
        return examples.example_of(actor, order, step_of(actor, order, "pack"))


def charged(world: World) -> Any:
    actor = operator(world.courier)
    with reading(actor):
        return Equipment.unwalled.get(organization=world.courier, kind="shipper").holds_until


def test_the_example_names_what_the_register_knows_and_days_ahead_it_is_charged(world: World, clock: None) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    made_up = example(world, journey.code)
    assert made_up["shipper_code"].startswith("SH-") and made_up["logger_code"], "no register: made up"
    register(world)
    found = example(world, journey.code)
    assert (found["shipper_code"], found["logger_code"]) == ("DS-7", "TL-7") and charged(world) is None
    for days in (1, 20):
        advancing.advance(world.actor(*LAB), timezone.now() + dt.timedelta(days=days))
        assert charged(world) > timezone.now() + dt.timedelta(days=5)
    advancing.advance(world.actor(*LAB), timezone.now() + dt.timedelta(hours=1))
    before = charged(world)
    advancing.advance(world.actor(*LAB), timezone.now() + dt.timedelta(hours=1))
    assert charged(world) == before, "a charge that still holds is left alone"


def test_a_shipper_that_came_back_is_cleaned_and_charged_again_however_long_its_charge_holds(
    world: World, clock: None
) -> None:
    register(world)
    advancing.advance(world.actor(*LAB), timezone.now() + dt.timedelta(minutes=5))
    journey, keeper = journey_of(world, **patient()), operator(world.courier)
    journey.run(until="receipt")
    with reading(keeper):
        empty = return_register.returns(keeper).get()
    advancing.advance(world.actor(*LAB), empty.empty_since + left_empty.LEFT_FOR + dt.timedelta(hours=1))
    with reading(keeper):
        piece = equipment_register.piece(keeper, empty.shipper_id)
        assert piece.returned_at > empty.empty_since, "it was fetched"
        assert piece.holds_until > timezone.now() + chores.ENOUGH and chores.is_ready(piece)


def test_free_pieces_are_found_and_bought_when_all_are_in_boxes_that_are_not_open(world: World, clock: None) -> None:
    register(world)
    first, second, third = (journey_of(world, **patient()) for _ in range(3))
    first.run(until="pack")
    second.run(until="pack")  # the one shipper and the one logger are in the first box
    third.run(before="pack")
    with reading(operator(world.courier)):
        boxes = list(Shipment.unwalled.filter(courier=world.courier, binds_pieces=True))
    assert len(boxes) == len({box.shipper_id for box in boxes}) == len({box.logger_id for box in boxes}) == 2
    more: dict[str, Any] = {"model": "Fictional", "valid_until": (timezone.now() + dt.timedelta(days=90)).isoformat()}
    add_equipment(operator(world.courier), {"kind": "shipper", "serial": "DS-FREE", "hold_hours": 200} | more)
    add_equipment(operator(world.courier), {"kind": "logger", "serial": "TL-FREE"} | more)
    found = example(world, third.code)
    assert (found["shipper_code"], found["logger_code"]) == ("DS-FREE", "TL-FREE")
