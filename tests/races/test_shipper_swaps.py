"""A driver and control record the same move into another shipper at the same moment: it is recorded once."""

from __future__ import annotations

import random

import pytest
from django.utils import timezone

from custody.queries import shipments_of
from ledger.context import reading
from ledger.models import Event
from orders.actions.shipper_swaps import swap_shipper
from orders.flow import order_named
from tests.journeys.world import World
from tests.races.test_slots import together

pytestmark = pytest.mark.race


@pytest.mark.story("CC3")
def test_two_who_record_the_same_move_record_it_once(committed_world: World) -> None:
    journey = committed_world.journey("car_t", seed=random.randrange(10**6))
    journey.run(until="pickup")
    people = [committed_world.player("courier", name).actor for name in ("courier_driver", "courier_dispatcher")]
    with reading(people[0]):
        order = order_named(people[0], journey.code)
        (box,) = shipments_of(people[0], order.stream_id)
        units = len(box.items.all())
    given = {
        "outer_code": box.code,
        "seal_seen": box.seal_code,
        "units": units,
        "shipper_code": "SPARE-1",
        "seal_code": "SEAL-NEW",
        "logger_code": "LOG-NEW",
        "logger_running": "yes",
        "swapped_at": timezone.now().isoformat(),
        "place": "Airport",
        "reason": "Nitrogen low",
    }
    answers = together([lambda actor=actor: swap_shipper(actor, journey.code, box.code, given) for actor in people])
    assert sorted(answers) == sorted([box.code, "invalid_input"])
    with reading(people[0]):
        assert Event.unwalled.filter(stream_id=order.stream_id, kind="orders.shipper_swapped").count() == 1
        (now,) = shipments_of(people[0], order.stream_id)
        assert now.seal_code == "SEAL-NEW" and len(now.swaps.all()) == 1
