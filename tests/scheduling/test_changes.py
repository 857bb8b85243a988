"""Booked dates that move: all places or none, beside the former ones until the manufacturer agrees, or exchanged."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import Conflict, InvalidInput, WrongState
from scheduling import changes
from scheduling.actions.holds import expire_hold
from scheduling.capacity import SlotFull
from scheduling.models import HoldDue, SlotChain
from scheduling.offers import ChainOffer
from scheduling.slot_chains import confirm, free, links_of, live_chain, proposed_chain, search, submit
from scheduling.states import ChainState, ChangeReason, ChangeWindow
from tests.scheduling.factories import World, make_world, stepping

pytestmark = pytest.mark.django_db
WHY = {"code": ChangeReason.PATIENT_CONDITION, "reason": "Fever"}


def confirmed(world: World, number: int = 0) -> SlotChain:
    chain = world.held(offer=world.offers()[number])
    with stepping(world.coordinator, chain.stream_id):
        submit(chain)
        return confirm(chain, world.planner)


def other(world: World, chain: SlotChain) -> ChainOffer:
    """The next offer on another day than the chain's."""
    with reading(world.coordinator):
        request = changes.staying(chain, world.request())
    return next(o for o in search(world.coordinator, request).offers if o.collection_start > chain.collection_ends_at)


def moved(world: World, chain: SlotChain, offer: ChainOffer) -> SlotChain:
    with stepping(world.coordinator, chain.stream_id):
        found = changes.offer_for(world.coordinator, chain, world.request(), offer.token)
        return changes.move(world.coordinator, chain, world.request(), found, **WHY)


def proposed(world: World, chain: SlotChain, offer: ChainOffer) -> SlotChain:
    with stepping(world.coordinator, chain.stream_id):
        return changes.propose(world.coordinator, chain, world.request(), offer, **WHY)


def slots_taken(world: World) -> dict[object, int]:
    return {slot.pk: slot.taken for slot in world.slots() if slot.taken}


def places(world: World, *chains: SlotChain) -> dict[object, int]:
    with reading(world.coordinator):
        found = [link.slot_id for chain in chains for link in links_of(chain)]
    return {slot_id: found.count(slot_id) for slot_id in found}


@pytest.mark.story("CO5")
def test_a_moved_chain_keeps_its_state_and_gives_the_former_places_back() -> None:
    world = make_world()
    former = confirmed(world)
    offer = other(world, former)
    fresh = moved(world, former, offer)
    assert (fresh.state, fresh.replaces_id, fresh.change_code) == ("confirmed", former.pk, "patient_condition")
    assert fresh.answered_by_name == former.answered_by_name
    with reading(world.coordinator):
        former.refresh_from_db()
        assert (former.state, former.free_reason) == ("replaced", "Fever")
        assert live_chain(former.stream_id) == fresh
    assert slots_taken(world) == places(world, fresh)


def test_a_moved_hold_keeps_its_countdown() -> None:
    world = make_world()
    former = world.held(hours=5)
    fresh = moved(world, former, other(world, former))
    assert (fresh.state, fresh.held_until) == ("held", former.held_until)
    with reading(world.coordinator):
        assert [due.chain_id for due in HoldDue.unwalled.filter(stream_id=former.stream_id)] == [fresh.pk]


def test_a_change_to_a_full_day_changes_nothing() -> None:
    world = make_world()
    former = confirmed(world)
    offer = other(world, former)
    rival = world.held(offer=offer)  # the day's only chair
    with pytest.raises(SlotFull) as refusal, stepping(world.coordinator, former.stream_id):
        changes.move(world.coordinator, former, world.request(), offer, **WHY)
    assert refusal.value.offers
    with reading(world.coordinator):
        assert live_chain(former.stream_id) == former
    assert slots_taken(world) == places(world, former, rival)


def test_the_booked_dates_are_no_change() -> None:
    world = make_world()
    chain = confirmed(world)
    with reading(world.coordinator):
        request = changes.staying(chain, world.request())
    same = next(
        o for o in search(world.coordinator, request).offers if o.collection_start == chain.collection_starts_at
    )
    with pytest.raises(Conflict) as refusal, stepping(world.coordinator, chain.stream_id):
        changes.offer_for(world.coordinator, chain, world.request(), same.token)
    assert refusal.value.code == "same_dates"


@pytest.mark.story("CO5")
def test_a_proposed_change_keeps_both_until_it_is_answered() -> None:
    world = make_world()
    former = confirmed(world)
    proposal = proposed(world, former, other(world, former))
    assert slots_taken(world) == places(world, former, proposal)
    with pytest.raises(Conflict, match="waits"):
        proposed(world, former, other(world, former))
    with stepping(world.coordinator, former.stream_id):
        changes.agree(proposal, world.planner)
    assert slots_taken(world) == places(world, proposal)
    with reading(world.coordinator):
        assert live_chain(former.stream_id) == proposal
        assert not HoldDue.unwalled.filter(stream_id=former.stream_id).exists()


def test_a_refused_change_leaves_what_was_confirmed() -> None:
    world = make_world()
    former = confirmed(world)
    proposal = proposed(world, former, other(world, former))
    with pytest.raises(InvalidInput), stepping(world.coordinator, former.stream_id):
        changes.refuse(proposal, world.planner, " ")
    with stepping(world.coordinator, former.stream_id):
        changes.refuse(proposal, world.planner, "Line maintenance")
    assert slots_taken(world) == places(world, former)
    with pytest.raises(WrongState), stepping(world.coordinator, former.stream_id):
        changes.agree(proposal, world.planner)


def test_a_change_that_nobody_answers_expires_once() -> None:
    world = make_world()
    former = confirmed(world)
    proposal = proposed(world, former, other(world, former))
    with reading(world.coordinator):
        due = HoldDue.unwalled.get(chain_id=proposal.pk)
    later = proposal.held_until + dt.timedelta(seconds=1)
    assert (expire_hold(due, later), expire_hold(due, later)) == (True, False)
    assert slots_taken(world) == places(world, former)
    with reading(world.coordinator):
        assert live_chain(former.stream_id) == former and proposed_chain(former.stream_id) is None


def test_a_change_is_answered_before_the_collection_that_it_moves() -> None:
    world = make_world()
    former = confirmed(world)
    offer = other(world, former)
    with stepping(world.coordinator, former.stream_id):
        proposal = changes.propose(world.coordinator, former, world.request(), offer, hours=60 * 24, **WHY)
    assert proposal.held_until == former.collection_starts_at < offer.collection_start


def test_who_gives_the_booking_up_gives_the_proposed_change_up() -> None:
    world = make_world()
    former = confirmed(world)
    proposed(world, former, other(world, former))
    with stepping(world.coordinator, former.stream_id):
        free(former, "Patient withdrew")
    assert slots_taken(world) == {}


def test_shared_places_are_counted_once() -> None:
    """The same chair with a start a day later: the change takes only what is new, and gives back only what is left."""
    world = make_world()
    offer = world.offers()[0]
    former = confirmed(world)
    later = other(world, former)
    same_day = replace(offer, links=(*offer.links[:-1], later.links[-1]))
    proposal = proposed(world, former, same_day)
    assert sum(slots_taken(world).values()) == 5
    with stepping(world.coordinator, former.stream_id):
        changes.refuse(proposal, world.planner, "No")
    assert slots_taken(world) == places(world, former)
    with stepping(world.coordinator, former.stream_id):
        fresh = changes.move(world.coordinator, former, world.request(), same_day, **WHY)
    assert slots_taken(world) == places(world, fresh)


@pytest.mark.story("CO6")
def test_two_chains_exchange_their_places_and_nothing_is_taken() -> None:
    world = make_world()
    first, second = confirmed(world), confirmed(world)
    before = slots_taken(world)
    with stepping(world.coordinator, first.stream_id, second.stream_id):
        a, b = changes.exchange(first, second, **WHY)
    assert (a.collection_starts_at, b.collection_starts_at) == (second.collection_starts_at, first.collection_starts_at)
    assert (a.stream_id, b.stream_id) == (first.stream_id, second.stream_id)
    assert slots_taken(world) == before == places(world, a, b)
    with stepping(world.coordinator, first.stream_id):
        free(a, "Given up after all")
    assert slots_taken(world) == places(world, b)


@pytest.mark.parametrize(
    ("days", "window"),
    [(20, ChangeWindow.FREE), (14, ChangeWindow.FREE), (13.9, ChangeWindow.APPROVAL), (2.9, ChangeWindow.FROZEN)],
)
def test_what_a_change_takes_depends_on_how_near_the_collection_is(days: float, window: str) -> None:
    chain = SlotChain(state=ChainState.CONFIRMED, collection_starts_at=timezone.now() + dt.timedelta(days=days))
    now = chain.collection_starts_at - dt.timedelta(days=days)
    assert changes.window_of(chain, now, free_days=14, frozen_days=3) == window
    chain.state = ChainState.REQUESTED
    assert changes.window_of(chain, now, free_days=14, frozen_days=3) == ChangeWindow.OPEN


def test_the_knock_on_names_every_link_and_how_far_it_moves() -> None:
    world = make_world()
    chain = confirmed(world)
    offer = other(world, chain)
    with reading(world.coordinator):
        found = changes.knock_on(chain, offer)
    assert [shift.label for shift in found.moved] == [
        "Apheresis chair", "Courier lane", "Receiving", "Manufacturing line",
    ]  # fmt: skip
    assert found.collection_later == dt.timedelta(days=1)
    assert found.infusion_later == offer.earliest_infusion - chain.earliest_infusion_at
