from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound, WrongState
from scheduling.actions.capacity import publish_capacity
from scheduling.capacity import SlotFull, give_back, take
from scheduling.models import ChainLink, HoldDue, Slot, SlotChain
from scheduling.queries import chain_of, chains_of, requests_waiting, resources, slots
from scheduling.slot_chains import confirm, decline, expire, free, hold, links_of, live_chain, renew, submit
from scheduling.states import ChainState
from tests.factories import connect, make_actor, make_organization, make_site, operator
from tests.scheduling.factories import STEP, World, daily, first_day, make_resource, make_world, stepping

pytestmark = pytest.mark.django_db


def requested(world: World) -> SlotChain:
    chain = world.held()
    with stepping(world.coordinator, chain.stream_id):
        return submit(chain)


@pytest.mark.story("CO2")
def test_a_hold_takes_every_place_and_counts_down() -> None:
    world = make_world()
    chain = world.held(hours=24)
    assert chain.state == ChainState.HELD and chain.manufacturer_id == world.maker.pk
    assert chain.organization_id == world.center.pk
    assert abs(chain.held_until - timezone.now() - dt.timedelta(hours=24)) < dt.timedelta(minutes=1)
    assert world.taken() == 4
    with reading(world.coordinator):
        assert tuple(link.kind for link in links_of(chain)) == world.request().needs
        assert HoldDue.unwalled.get(chain_id=chain.pk).due_at == chain.held_until
        assert live_chain(chain.stream_id) == chain


@pytest.mark.story("CO2")
def test_one_live_chain_per_order() -> None:
    world = make_world()
    chain = world.held()
    offer = world.offers()[0]
    with pytest.raises(Conflict) as refusal, stepping(world.coordinator, chain.stream_id):
        hold(world.coordinator, chain.stream_id, world.request(), offer.token)
    assert refusal.value.code == "hold_live"
    assert world.taken() == 4


def test_the_database_refuses_a_second_live_chain() -> None:
    world = make_world()
    chain = world.held()
    with reading(world.coordinator):
        row = SlotChain.unwalled.filter(pk=chain.pk).values().get()
    del row["id"]
    with pytest.raises(IntegrityError, match="scheduling_chain_one_live"), stepping(world.coordinator, chain.stream_id):
        SlotChain.objects.create(**row)


@pytest.mark.story("CO2")
def test_the_loser_of_the_last_place_is_told_the_next_best_chain() -> None:
    world = make_world()
    offer = world.offers()[0]
    world.held(offer=offer)
    with pytest.raises(SlotFull) as refusal:
        world.held(offer=offer)
    problem = refusal.value.as_problem()
    assert (problem["code"], problem["status"]) == ("slot_full", 409)
    next_day = (first_day() + dt.timedelta(days=1)).strftime("%d %b %Y")
    assert next_day in refusal.value.remedy
    assert len(problem["offers"]) == 3
    assert world.taken() == 4


def test_all_places_or_none() -> None:
    """A place that goes between the look and the taking: what was taken before it is given back."""
    world = make_world()
    offer, stream_id = world.offers()[0], world.stream()
    last = max(link.slot_id for link in offer.links)
    with stepping(world.coordinator, stream_id):
        Slot.unwalled.filter(pk=last).update(taken=0)
    with pytest.raises(SlotFull), stepping(world.coordinator, stream_id):
        from scheduling import slot_chains

        original = slot_chains.take_all

        def interfered(ids: object) -> None:
            with transaction.atomic():
                Slot.unwalled.filter(pk=last).update(taken=Slot.unwalled.get(pk=last).capacity)
                original(ids)  # type: ignore[arg-type]

        slot_chains.take_all = interfered  # type: ignore[assignment]
        try:
            hold(world.coordinator, stream_id, world.request(), offer.token)
        finally:
            slot_chains.take_all = original
    assert world.taken() == 0
    with reading(world.coordinator):
        assert not SlotChain.unwalled.filter(stream_id=stream_id).exists()


@pytest.mark.parametrize("token", ["", "x", "WyJhIl0:1:2", "\udcff", "🦄" * 1000])
def test_a_token_that_was_not_issued_here_is_bad_input(token: str) -> None:
    world = make_world(days=1)
    stream_id = world.stream()
    with pytest.raises(InvalidInput) as refusal, stepping(world.coordinator, stream_id):
        hold(world.coordinator, stream_id, world.request(), token)
    assert list(refusal.value.fields) == ["token"]


def test_an_offer_is_feasible_again_when_it_is_held() -> None:
    world = make_world()
    token, stream_id = world.offers()[0].token, world.stream()
    for changes in ({"max_age_hours": 20}, {"lead_days": 20}, {"needs": ("apheresis_chair",)}, {"plant_site_ids": ()}):
        with pytest.raises(Conflict) as refusal, stepping(world.coordinator, stream_id):
            hold(world.coordinator, stream_id, world.request(**changes), token)
        assert refusal.value.code == "offer_gone"
        codes = [reason["code"] for reason in refusal.value.as_problem().get("reasons", [])]
        assert codes == EXPECTED.get(next(iter(changes)), []), changes
    assert world.taken() == 0


# What a hold under a stricter request says, as a refused day of the search would; of another search's offer nothing.
EXPECTED = {"max_age_hours": ["too_old"], "lead_days": ["lead_time"], "plant_site_ids": ["no_plant"]}


def test_only_the_center_itself_holds_its_chairs() -> None:
    world = make_world()
    token, stream_id = world.offers()[0].token, world.stream()
    with pytest.raises(NotAllowed), stepping(world.planner, stream_id):
        hold(world.planner, stream_id, world.request(), token)


def test_a_token_gives_a_stranger_nothing() -> None:
    world = make_world()
    token = world.offers()[0].token
    stranger = make_organization("treatment_center")
    clinic, nurse = make_site(stranger), make_actor(stranger, "coordinator")
    with pytest.raises(NotFound), acting(nurse, STEP):
        hold(nurse, stranger.pk, world.request(), token)
    with pytest.raises(Conflict) as refusal, acting(nurse, STEP):
        hold(nurse, stranger.pk, world.request(center_site_id=clinic.pk), token)
    assert refusal.value.code == "offer_gone"


@pytest.mark.parametrize("hours", [0, -1, 337, float("nan")])
def test_a_hold_has_a_sensible_length(hours: float) -> None:
    world = make_world(days=2)
    with pytest.raises(InvalidInput):
        world.held(hours=hours)


def test_a_hold_is_renewed_twice_at_most() -> None:
    world = make_world()
    chain = world.held(hours=1)
    for hours in (2, 3):
        with stepping(world.coordinator, chain.stream_id):
            renew(chain, hours)
    assert HoldDue.unwalled.get(chain_id=chain.pk).due_at == chain.held_until
    with pytest.raises(Conflict) as refusal, stepping(world.coordinator, chain.stream_id):
        renew(chain, 4)
    assert refusal.value.code == "no_more_renewals"


def test_a_renewal_never_shortens_a_hold() -> None:
    world = make_world()
    chain = world.held(hours=10)
    with pytest.raises(InvalidInput), stepping(world.coordinator, chain.stream_id):
        renew(chain, 1)


@pytest.mark.story("CO2")
def test_a_request_stops_the_countdown_and_waits_for_the_planner() -> None:
    world = make_world()
    chain = requested(world)
    assert not HoldDue.unwalled.filter(chain_id=chain.pk).exists()
    with reading(world.planner):
        (waiting,) = requests_waiting(world.planner)
        assert waiting == chain and len(waiting.links.all()) == 4
    with pytest.raises(WrongState), stepping(world.coordinator, chain.stream_id):
        expire(chain, timezone.now() + dt.timedelta(days=9))
    with stepping(world.planner, chain.stream_id):
        confirm(chain, world.planner)
    assert (chain.state, chain.answered_by) == (ChainState.CONFIRMED, world.planner.person_id)
    assert world.taken() == 4
    with reading(world.planner):
        assert not requests_waiting(world.planner)


def test_a_declined_chain_frees_its_places_even_those_the_planner_cannot_see() -> None:
    world = make_world()
    chain = requested(world)
    other = make_organization("courier")
    with reading(world.planner):
        assert not slots(world.planner, organization_id=other.pk).exists()
    with pytest.raises(InvalidInput), stepping(world.planner, chain.stream_id):
        decline(chain, world.planner, "  ")
    with stepping(world.planner, chain.stream_id):
        decline(chain, world.planner, "Line under maintenance")
    assert (chain.state, chain.decline_reason) == (ChainState.DECLINED, "Line under maintenance")
    assert world.taken() == 0


def test_places_of_a_courier_unknown_to_the_manufacturer_come_back_too() -> None:
    """The center's own courier is no partner of the CMO's client: the wall must not swallow freed capacity."""
    world = make_world()
    chain = requested(world)
    outsider = make_organization("manufacturer")
    connect(outsider, world.center)  # a party of the order that knows neither the plant nor the courier
    planner = make_actor(outsider, "planner")
    from ledger.models import Party
    from ledger.states import Role

    with stepping(world.coordinator, chain.stream_id):
        Party.objects.create(stream_id=chain.stream_id, organization_id=outsider.pk, role=Role.CMO)
    with reading(planner):
        assert {slot.organization_id for slot in slots(planner)} == {world.center.pk}
    with stepping(planner, chain.stream_id):
        free(chain, "Order cancelled")
    assert world.taken() == 0


@pytest.mark.story("CO5")
@pytest.mark.parametrize("state", [ChainState.HELD, ChainState.REQUESTED, ChainState.CONFIRMED])
def test_a_live_chain_can_be_freed_once(state: ChainState) -> None:
    world = make_world()
    chain = world.held()
    with stepping(world.coordinator, chain.stream_id):
        if state != ChainState.HELD:
            submit(chain)
        if state == ChainState.CONFIRMED:
            confirm(chain, world.planner)
    stale = SlotChain(**{f.attname: getattr(chain, f.attname) for f in SlotChain._meta.concrete_fields})
    with stepping(world.coordinator, chain.stream_id):
        free(chain, "Patient withdrew")
    assert world.taken() == 0
    assert not HoldDue.unwalled.filter(chain_id=chain.pk).exists()
    with pytest.raises(WrongState), stepping(world.coordinator, chain.stream_id):
        free(stale, "Again, from a page loaded before")
    assert world.taken() == 0
    world.held(stream_id=chain.stream_id)
    with reading(world.coordinator):
        newest = chain_of(world.coordinator, chain.stream_id)
        assert newest is not None and newest.state == ChainState.HELD
        assert [c.state for c in chains_of(world.coordinator, chain.stream_id)] == ["held", "freed"]


def test_nothing_leaves_a_final_state() -> None:
    world = make_world()
    chain = requested(world)
    with stepping(world.planner, chain.stream_id):
        decline(chain, world.planner, "No operators")
    for move in (
        lambda: submit(chain),
        lambda: confirm(chain, world.planner),
        lambda: decline(chain, world.planner, "Again"),
        lambda: free(chain, "Again"),
        lambda: renew(chain, 100),
        lambda: expire(chain, timezone.now() + dt.timedelta(days=30)),
    ):
        with pytest.raises(WrongState), stepping(world.planner, chain.stream_id):
            move()
    assert world.taken() == 0


def test_the_database_never_oversells() -> None:
    world = make_world(days=2)
    slot = world.slots("apheresis_chair")[0]
    with stepping(world.coordinator, world.stream()):
        take(slot.pk)
    with pytest.raises(SlotFull), stepping(world.coordinator, world.stream()):
        take(slot.pk)
    with (
        pytest.raises(IntegrityError, match="scheduling_slot_never_oversold"),
        stepping(world.coordinator, world.stream()),
    ):
        Slot.unwalled.filter(pk=slot.pk).update(taken=2)
    with stepping(world.coordinator, world.stream()):
        give_back(slot.pk)
    with pytest.raises(RuntimeError), stepping(world.coordinator, world.stream()):
        give_back(slot.pk)


def test_places_move_only_inside_an_action() -> None:
    world = make_world(days=1)
    slot = world.slots("apheresis_chair")[0]
    with pytest.raises(RuntimeError), reading(world.coordinator):
        take(slot.pk)


def test_a_slot_chain_is_unseen_next_door() -> None:
    world = make_world()
    chain = world.held()
    for stranger in (make_organization("treatment_center"), make_organization("manufacturer"), world.courier):
        actor = operator(stranger)
        with reading(actor):
            assert chain_of(actor, chain.stream_id) is None
            assert not SlotChain.unwalled.filter(pk=chain.pk).exists()
            assert not ChainLink.unwalled.filter(chain_id=chain.pk).exists()
            if stranger != world.courier:
                assert not slots(actor).exists() and not resources(actor).exists()
    with reading(world.planner):
        assert chain_of(world.planner, chain.stream_id) == chain


def test_a_link_is_never_changed() -> None:
    world = make_world()
    chain = world.held()
    with (
        pytest.raises(Exception, match="permission denied|append-only"),
        stepping(world.coordinator, chain.stream_id),
    ):
        ChainLink.unwalled.filter(chain_id=chain.pk).update(resource_name="Another")


def test_slots_are_listed_with_the_same_number_of_queries(django_assert_num_queries: object) -> None:
    world = make_world(days=3)
    chair = make_resource(world.center, "apheresis_chair", world.clinic)
    publish_capacity(operator(world.center), daily(chair, "08:00", "16:00", 1, days=3))
    with reading(world.coordinator):
        with django_assert_num_queries(1):  # type: ignore[operator]
            names = [slot.resource.name for slot in slots(world.coordinator, kind="apheresis_chair", with_places=True)]
        assert len(names) == 6
