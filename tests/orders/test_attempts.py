"""What an act has just moved on is at hand for the rest of it, and believed no longer than it is true."""

from __future__ import annotations

import pytest

from ledger.context import reading
from ledger.recording import acting
from orders import attempts
from orders.flow import next_actions
from orders.locks import stream_of
from orders.models import OrderStep
from tests.orders.factories import World, make_world
from tests.orders.test_milestones import OnItsWay

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_steps_just_moved_on_are_read_again_once_something_is_written(world: World) -> None:
    it = OnItsWay(world)
    with acting(it.center, "orders.step_done", stream_id=stream_of(it.code)) as event:
        event.note(step="pickup", title="", kind="", attempt=1, summary="", facts={}, flow_version=1, site="")
        order = it.order()
        attempts.advance(order, event.id)
        (ready, *_) = [one.step for one in next_actions(it.center, order)]
        assert attempts.latest_attempts(order)[ready.key] is ready is attempts.latest_attempts(order)[ready.key]
        OrderStep.unwalled.filter(pk=ready.pk).update(summary="Written beside it", version=ready.version + 1)
        assert attempts.latest_attempts(order)[ready.key].summary == "Written beside it"
        assert [one.step.summary for one in next_actions(it.center, order)][0] == "Written beside it"


def test_steps_moved_on_by_one_act_are_not_believed_by_the_next(world: World) -> None:
    it = OnItsWay(world)
    with acting(it.center, "orders.step_done", stream_id=stream_of(it.code)) as event:
        event.note(step="pickup", title="", kind="", attempt=1, summary="", facts={}, flow_version=1, site="")
        order = it.order()
        attempts.advance(order, event.id)
    moment, steps = order.steps_at_hand
    with reading(it.center):
        assert moment != attempts._moment()
        assert all(one is not steps[key] for key, one in attempts.latest_attempts(order).items())
