"""Never oversold: real threads, real commits (invariant I6, story CO2)."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import Refusal
from scheduling.actions.capacity import publish_capacity
from scheduling.actions.holds import expire_hold
from scheduling.models import HoldDue, SlotChain
from scheduling.queries import resources
from scheduling.slot_chains import free, hold, submit
from scheduling.states import LIVE, ChainState
from tests.factories import operator
from tests.scheduling.factories import World, daily, make_world, stepping

pytestmark = pytest.mark.race


def together(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run every act in its own thread at the same moment; return what each returned or how it was refused."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(position: int, act: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(timeout=60)
            answers[position] = act()
        except Refusal as refusal:
            answers[position] = refusal.code  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, act)) for i, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def holding(world: World, stream_id: Any, token: str) -> Callable[[], str]:
    def act() -> str:
        with stepping(world.coordinator, stream_id):
            hold(world.coordinator, stream_id, world.request(), token)
        return "held"

    return act


def places_match(world: World) -> bool:
    """Whether each slot counts exactly the live links on it."""
    with reading(world.coordinator):
        live = list(SlotChain.unwalled.filter(organization_id=world.center.pk, state__in=LIVE).values_list("pk"))
    return world.taken() == 4 * len(live)


@pytest.mark.story("CO2")
def test_twenty_holds_of_the_last_place_have_one_winner(committed_db: None) -> None:
    world = make_world()
    token, streams = world.offers()[0].token, [world.stream() for _ in range(20)]
    answers = together([holding(world, stream_id, token) for stream_id in streams])
    assert sorted(answers) == ["held"] + ["slot_full"] * 19
    assert world.taken() == 4 and places_match(world)


def test_places_are_sold_exactly_when_several_are_left(committed_db: None) -> None:
    world = make_world(places=7)
    token, streams = world.offers()[0].token, [world.stream() for _ in range(12)]
    answers = together([holding(world, stream_id, token) for stream_id in streams])
    assert sorted(answers) == ["held"] * 7 + ["slot_full"] * 5
    assert places_match(world)


@pytest.mark.story("CO2")
def test_two_holds_of_one_order_leave_one(committed_db: None) -> None:
    world = make_world(places=5)
    offers, stream_id = world.offers(), world.stream()
    answers = together([holding(world, stream_id, offer.token) for offer in offers])
    assert sorted(answers) == ["held"] + ["hold_live"] * 4
    assert places_match(world)


def test_chains_that_share_places_crosswise_never_deadlock(committed_db: None) -> None:
    world = make_world(places=3)
    tokens = [offer.token for offer in world.offers()[:3]]
    acts = [holding(world, world.stream(), tokens[n % 3]) for n in range(15)]
    answers = together(acts)
    assert sorted(answers) == ["held"] * 9 + ["slot_full"] * 6
    assert places_match(world)


@pytest.mark.parametrize("attempt", range(4))
def test_expiry_and_request_have_one_winner(committed_db: None, attempt: int) -> None:
    world = make_world()
    chain = world.held()
    due = HoldDue.unwalled.get(chain_id=chain.pk)

    def request() -> str:
        with stepping(world.coordinator, chain.stream_id):
            submit(chain)
        return "requested"

    after = timezone.now() + dt.timedelta(days=3)  # the sweep's clock says it is over, the coordinator's not yet
    requested, expired = together([request, lambda: expire_hold(due, after)])
    with reading(world.coordinator):
        state = SlotChain.unwalled.get(pk=chain.pk).state
    if requested == "requested":
        assert (expired, state, world.taken()) == (False, ChainState.REQUESTED, 4)
    else:
        assert (requested, expired, state, world.taken()) == ("wrong_state", True, ChainState.EXPIRED, 0)


def test_two_sweeps_end_a_hold_once(committed_db: None) -> None:
    world = make_world()
    chain = world.held()
    due, after = HoldDue.unwalled.get(chain_id=chain.pk), timezone.now() + dt.timedelta(days=3)
    answers = together([lambda: expire_hold(due, after)] * 4)
    assert sorted(answers) == [False, False, False, True]
    assert world.taken() == 0


def test_holding_and_giving_back_at_once_keeps_the_count(committed_db: None) -> None:
    world = make_world(places=2)
    offer = world.offers()[0]
    first, second = world.held(offer=offer), world.held(offer=offer)

    def give_up(chain: SlotChain) -> Callable[[], str]:
        def act() -> str:
            with stepping(world.coordinator, chain.stream_id):
                free(chain, "Race")
            return "freed"

        return act

    takers = [holding(world, world.stream(), offer.token) for _ in range(8)]
    answers = together([give_up(first), *takers[:4], give_up(second), *takers[4:]])
    assert answers.count("freed") == 2
    assert answers.count("held") <= 2
    assert set(answers) <= {"freed", "held", "slot_full"}
    assert places_match(world)


def test_places_are_not_withdrawn_under_a_hold(committed_db: None) -> None:
    world = make_world()
    token, stream_id = world.offers()[0].token, world.stream()
    with reading(world.coordinator):
        chair = resources(world.coordinator, kind="apheresis_chair", own=True).get()
    nothing = daily(chair, "08:00", "16:00", 0, days=1)

    def withdraw() -> str:
        publish_capacity(operator(world.center), nothing)
        return "withdrawn"

    withdrawn, held = together([withdraw, holding(world, stream_id, token)])
    assert (withdrawn, held, world.taken()) in [("withdrawn", "slot_full", 0), ("invalid_input", "held", 4)]
