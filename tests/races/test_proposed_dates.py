"""A planner's proposal answered and withdrawn at the same moment: one of both, and every place counted once."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.actions import interruptions, rescheduling
from scheduling.models import Slot
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import World, make_world
from tests.races.test_slots import together

pytestmark = pytest.mark.race


def taken(world: World) -> int:
    with reading(world.actor("center", "coordinator")):
        return sum(Slot.unwalled.values_list("taken", flat=True))


def proposed(world: World) -> str:
    code, planner = confirmed(world, 6, **patient()), world.actor("maker", "planner")
    offer = rescheduling.search_dates(planner, code, timezone.now().date() + dt.timedelta(days=10)).offers[0]
    why = {"offer": offer.token, "code": "plant_capacity", "reason": "Line service"}
    assert rescheduling.reschedule(planner, code, why).outcome == "proposed"
    return code


@pytest.mark.story("MP2")
def test_of_agreeing_and_withdrawing_one_wins_and_no_place_is_lost(committed_db: None) -> None:
    world = make_world(days=30)
    planner, center = world.actor("maker", "planner"), world.actor("center", "coordinator")
    for _ in range(3):
        before, code = taken(world), proposed(world)
        answers = together(
            [
                lambda: rescheduling.answer_change(center, code, {"decision": "agree"}).outcome,  # noqa: B023
                lambda: rescheduling.withdraw_change(planner, code, {"reason": "Line is back"}).code,  # noqa: B023
            ]
        )
        assert sum(answer in ("moved", code) for answer in answers) == 1, answers
        assert "no_change_proposed" in answers
        assert taken(world) == before + 4


@pytest.mark.story("MP2")
def test_an_order_cancelled_while_the_center_agrees_gives_every_place_back(committed_db: None) -> None:
    world = make_world(days=30)
    center, physician = world.actor("center", "coordinator"), world.actor("center", "treating_physician")
    before, code = taken(world), proposed(world)
    together(
        [
            lambda: rescheduling.answer_change(center, code, {"decision": "agree"}).outcome,
            lambda: interruptions.cancel(physician, code, "Patient withdrew"),
        ]
    )
    assert taken(world) == before
