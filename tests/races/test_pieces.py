"""Two orders are packed into one shipper with one logger at the same moment: one box has them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from custody.actions.equipment import add_equipment, charge_shipper
from custody.models import Shipment
from ledger.context import reading
from tests.factories import make_actor
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of
from tests.races.test_slots import together

pytestmark = [pytest.mark.race, pytest.mark.story("DE1")]


@pytest.mark.parametrize("shared", ["shipper_code", "logger_code"])
def test_of_packs_at_once_into_one_piece_one_passes(committed_db: None, shared: str) -> None:
    world = make_world()
    keeper = make_actor(world.courier, "courier_dispatcher")
    until = (timezone.now() + dt.timedelta(days=90)).isoformat()
    for number in range(4):
        hold = {"kind": "shipper", "serial": f"DRY-{number}", "model": "Vapor", "hold_hours": "240"}
        piece = add_equipment(keeper, hold | {"valid_until": until})
        charge_shipper(keeper, piece, {"charged_at": timezone.now().isoformat()})
        add_equipment(keeper, {"kind": "logger", "serial": f"LOG-{number}", "model": "Tiny", "valid_until": until})
    journeys = [journey_of(world, **patient()) for _ in range(4)]
    for journey in journeys:
        journey.run(before="pack")

    def packing(number: int) -> Any:
        own = {"shipper_code": f"DRY-{number}", "logger_code": f"log-{number}"}
        return lambda: journeys[number].perform("pack", own | {shared: f"{own[shared][:-1]}0"}).state

    answers = together([packing(number) for number in range(4)])
    assert sorted(answers) == ["done", *["facts_missing"] * 3]
    with reading(keeper):
        assert Shipment.unwalled.filter(binds_pieces=True, courier=world.courier).count() == 1
