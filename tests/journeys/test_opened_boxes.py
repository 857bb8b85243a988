"""A box is open from the receipt on: its way has ended, nothing is overdue any more."""

from __future__ import annotations

import re

import pytest

from custody.models import Shipment
from ledger.context import reading
from personas.models import User
from tests.journeys.watching import order_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.story("LM3")]


@pytest.mark.parametrize(
    ("before", "step", "direction"),
    [("receipt", "receipt", "inbound"), ("receive_product", "receive_product", "outbound")],
)
def test_whoever_takes_a_bag_out_has_opened_its_box(world: World, before: str, step: str, direction: str) -> None:
    journey, quality = world.journey(), world.player("maker", "qa_reviewer")
    client = signed_in(User.objects.get(username=quality.username).memberships.get())
    journey.run(before=before)
    with reading(quality.actor):
        box = Shipment.unwalled.get(stream_id=order_of(quality, journey).stream_id, direction=direction)
    assert box.delivered_at is not None and box.opened_at is None
    page = f"/orders/{journey.code}/boxes/{box.code}/"

    def row() -> str:
        found = re.search(
            r'<th scope="row"[^>]*>(?:\s|<[^>]*>)*Opened.*?</tr>', client.get(page).content.decode(), re.S
        )
        assert found is not None
        return found.group(0)

    assert "Done" not in row()
    journey.perform(step)
    assert "Done" in row()
    with reading(quality.actor):
        box.refresh_from_db()
    assert box.state == "opened" and box.opened_at >= box.delivered_at
