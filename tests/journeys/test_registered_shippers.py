"""A whole order with a courier that keeps a register: the shippers of both ways go back from where they were opened."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from custody import return_register
from custody.actions.equipment import add_equipment
from ledger.context import reading
from tests.factories import operator
from tests.journeys.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.story("DE5")]


def test_shippers_of_both_ways_go_back(world: World) -> None:
    valid = (timezone.now() + dt.timedelta(days=200)).isoformat()
    for number in range(1, 4):
        for kind, serial, more in (("shipper", "DS-", {"hold_hours": 230}), ("logger", "TL-", {})):
            piece = {"kind": kind, "serial": f"{serial}{number}", "model": "Fictional", "valid_until": valid}
            add_equipment(operator(world.courier), piece | more)
    journey = world.journey()
    assert journey.run() == ""
    keeper = operator(world.courier)
    with reading(keeper):
        found = [*return_register.returns(keeper), *return_register.returns(keeper, closed=True)]
    assert sorted(row.holder_id for row in found) == sorted([world.maker.pk, world.center.pk])
    for organization in (world.maker, world.center):
        holder = operator(organization)
        with reading(holder):
            seen = [*return_register.returns(holder), *return_register.returns(holder, closed=True)]
        assert [row.holder_id for row in seen] == [organization.pk], "each holder sees its own alone"
