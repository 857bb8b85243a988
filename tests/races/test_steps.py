"""The same step twice at the same moment: done once, refused once, recorded once. Real threads, real commits."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from custody import queries as custody
from custody.actions.stock import add_stock_unit
from ledger.context import reading
from ledger.models import Event
from ledger.recording import Once
from orders import bookings, flow, flow_files
from orders.actions.flows import approve_flow, propose_flow
from orders.actions.interruptions import cancel, put_on_hold
from orders.models import Flow
from quality import queries as quality
from scheduling.models import ChainLink, Slot, SlotChain
from scheduling.states import LIVE
from tests.factories import operator, unique
from tests.journeys.watching import bags, kinds_of_events, order_of, step_of
from tests.journeys.world import World
from tests.races.test_slots import together

pytestmark = pytest.mark.race


def at(world: World, key: str, therapy: str = "car_t") -> Journey:
    journey = world.journey(therapy, seed=random.randrange(10**6))
    journey.run(before=key)
    return journey


def doing(journey: Journey, key: str, player: Player, **changes: Any) -> Callable[[], str]:
    return lambda: journey.perform(key, changes, player).state


def events_of_step(world: World, journey: Journey, key: str) -> int:
    actor = world.player("center", "coordinator").actor
    subject = f"{journey.code}/{key}"
    with reading(actor):
        return Event.unwalled.filter(
            stream_id=order_of(world.player("center", "coordinator"), journey).stream_id, subject_id=subject
        ).count()


@pytest.mark.story("CR2")
def test_a_box_is_handed_over_once(committed_world: World) -> None:
    journey = at(committed_world, "pickup")
    drivers = [committed_world.player("courier", "courier_driver", n) for n in (1, 2)]
    answers = together([doing(journey, "pickup", driver) for driver in drivers])
    assert sorted(answers) == ["done", "step_not_ready"]
    assert events_of_step(committed_world, journey, "pickup") == 1
    with reading(drivers[0].actor):
        stream_id = order_of(drivers[0], journey).stream_id
        periods = custody.custody_of(drivers[0].actor, stream_id)
        assert [period.until is None for period in periods] == [False, True], "one custodian at any instant"


@pytest.mark.story("QA2")
def test_a_batch_is_released_once(committed_world: World) -> None:
    journey = at(committed_world, "release")
    people = [committed_world.player("maker", "qualified_person"), committed_world.add("maker", "qualified_person")]
    decisions = ({}, {"decision": "reject", "reason": "Changed my mind."})
    acts = [doing(journey, "release", person, **given) for person, given in zip(people, decisions, strict=True)]
    answers = together(acts)
    assert sorted(answers)[-1] == "step_not_ready" and sorted(answers)[0] in ("done", "failed")
    with reading(people[0].actor):
        decided = quality.decisions_of(people[0].actor, order_of(people[0], journey).stream_id)
        assert len({row.decision for row in decided}) == len(decided) == 1


@pytest.mark.story("IN2")
def test_a_bag_is_infused_once(committed_world: World) -> None:
    journey = at(committed_world, "infuse")
    nurses = [committed_world.player("center", "infusion_nurse", n) for n in (1, 2)]
    one = next(iter(bags(nurses[0], journey, "drug_product")))
    answers = together([doing(journey, "infuse", nurse, scan=one) for nurse in nurses])
    assert sorted(answers) == ["ready", "wrong_bag"]
    assert sorted(bags(nurses[0], journey, "drug_product").values()) == ["infused", "thawed"]


@pytest.mark.parametrize("attempt", range(3))
def test_one_idempotency_key_has_one_effect_and_equal_answers(committed_world: World, attempt: int) -> None:
    journey, nurse = at(committed_world, "kit"), committed_world.player("center", "apheresis_nurse")
    once = Once(unique("key"), "fingerprint")
    kit: Mapping[str, Any] = {"kit_code": "KIT-1", "complete": "yes", "condition": "good"}

    def act() -> Any:
        return flow.perform(nurse.actor, journey.code, "kit", kit, once=once).as_json()

    answers = together([act] * 4)
    told = [answer for answer in answers if isinstance(answer, dict)]
    assert told and all(answer == told[0] for answer in told), answers
    assert all(answer in (told[0], "conflict") for answer in answers)
    assert events_of_step(committed_world, journey, "kit") == 1
    assert act() == told[0]
    assert step_of(nurse, journey, "kit").attempt == 1


def test_the_last_unit_of_stock_goes_to_one_order(committed_world: World) -> None:
    world = committed_world
    journeys = [at(world, "allocate", "in_vivo") for _ in range(3)]
    serial = unique("LAST")
    add_stock_unit(
        operator(world.maker),
        therapy_id=world.in_vivo.pk,
        lot="FLOT9",
        serial=serial,
        expires_at=timezone.now() + dt.timedelta(days=30),
    )
    planner = world.player("maker", "planner")
    answers = together([doing(journey, "allocate", planner, serial=f"FLOT9/{serial}") for journey in journeys])
    assert answers.count("done") == 1, answers
    held = [code for journey in journeys for code in bags(planner, journey)]
    assert len(held) == 1


@pytest.mark.story("CO2")
def test_orders_that_want_the_same_places_never_get_more_than_there_are(committed_world: World) -> None:
    world, coordinator = committed_world, committed_world.player("center", "coordinator")
    journeys = [at(world, "book") for _ in range(4)]
    with reading(coordinator.actor):
        order = flow.order_named(coordinator.actor, journeys[0].code)
        offer = bookings.search(coordinator.actor, order, {}, timezone.now().date()).offers[-1]
        slots = Slot.unwalled.filter(pk__in=[link.slot_id for link in offer.links])
        left = min(slot.capacity - slot.taken for slot in slots)
    answers = together([doing(journey, "book", coordinator, offer=offer.token) for journey in journeys])
    assert sorted(answers) == sorted(["done"] * left + ["slot_full"] * (4 - left))
    with reading(coordinator.actor):
        for slot in slots.all():
            links = ChainLink.unwalled.filter(slot_id=slot.pk, chain__in=SlotChain.unwalled.filter(state__in=LIVE))
            assert slot.taken == links.count() <= slot.capacity


@pytest.mark.parametrize("attempt", range(3))
def test_a_confirmation_and_a_cancellation_leave_no_place_taken(committed_world: World, attempt: int) -> None:
    world, coordinator = committed_world, committed_world.player("center", "coordinator")
    journey = at(world, "confirm")
    order = order_of(coordinator, journey)

    def end() -> str:
        return cancel(coordinator.actor, journey.code, "Race").state

    answers = together([doing(journey, "confirm", world.player("maker", "planner")), end])
    assert answers in (["done", "cancelled"], ["order_ended", "cancelled"])
    with reading(coordinator.actor):
        assert not SlotChain.unwalled.filter(stream_id=order.stream_id, state__in=LIVE).exists()


def test_an_order_is_put_on_hold_once(committed_world: World) -> None:
    journey, planner = at(committed_world, "kit"), committed_world.player("maker", "planner")
    players = [planner, committed_world.player("center", "coordinator")]
    answers = together([lambda p=player: put_on_hold(p.actor, journey.code, "Race").on_hold for player in players])
    assert sorted(map(str, answers)) == ["True", "wrong_state"]
    assert kinds_of_events(planner, journey).count("orders.put_on_hold") == 1


@pytest.mark.story("PC2")
def test_two_versions_of_a_flow_do_not_both_go_live(committed_world: World) -> None:
    world = committed_world
    author = world.player("maker", "product_owner").actor
    approvers = [world.player("maker", "flow_approver"), world.add("maker", "flow_approver")]
    versions = [propose_flow(author, world.in_vivo, flow_files.shipped("in_vivo")) for _ in approvers]
    acts = [
        lambda p=player, v=version: approve_flow(p.actor, v.pk).state
        for player, version in zip(approvers, versions, strict=True)
    ]
    assert together(acts) == ["live", "live"], "one after the other: each retires the one before"
    with reading(author):
        states = list(Flow.unwalled.filter(therapy=world.in_vivo).values_list("state", flat=True))
    assert states.count("live") == 1
