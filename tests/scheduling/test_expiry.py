from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.identifiers import new_id
from ledger.models import Event, OutboxMessage
from ledger.refusals import Conflict, WrongState
from scheduling import tasks
from scheduling.actions.holds import expire_hold
from scheduling.models import HoldDue, SlotChain
from scheduling.queries import due_holds
from scheduling.signals import hold_expired
from scheduling.slot_chains import expire, hold, renew, submit
from scheduling.states import ChainState
from tests.scheduling.factories import World, make_world, stepping

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(days=3)


@pytest.fixture
def heard() -> Iterator[list[tuple[UUID, UUID]]]:
    """What ``signals.hold_expired`` told."""
    told: list[tuple[UUID, UUID]] = []

    def listen(stream_id: UUID, organization_id: UUID, **_: object) -> None:
        told.append((stream_id, organization_id))

    hold_expired.connect(listen)
    yield told
    hold_expired.disconnect(listen)


def due_of(chain: SlotChain) -> HoldDue:
    due: HoldDue = HoldDue.unwalled.get(chain_id=chain.pk)
    return due


def is_state(world: World, chain: SlotChain, state: ChainState) -> bool:
    with reading(world.coordinator):
        return SlotChain.unwalled.filter(pk=chain.pk, state=state).exists()


def over(chain: SlotChain, world: World) -> None:
    """Move a hold's end into the past."""
    past = timezone.now() - dt.timedelta(minutes=1)
    with stepping(world.coordinator, chain.stream_id):
        SlotChain.unwalled.filter(pk=chain.pk).update(held_until=past)
        HoldDue.unwalled.filter(chain_id=chain.pk).update(due_at=past)
    chain.held_until = past


@pytest.mark.story("CO2")
def test_an_overdue_hold_frees_all_its_places_and_says_so(
    heard: list[tuple[UUID, UUID]], django_capture_on_commit_callbacks: object
) -> None:
    world = make_world()
    chain = world.held()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert expire_hold(due_of(chain), timezone.now() + LATER)
        assert heard == []  # told after the commit, not before
    assert heard == [(chain.stream_id, world.center.pk)]
    assert world.taken() == 0
    assert is_state(world, chain, ChainState.EXPIRED)
    assert not HoldDue.unwalled.filter(chain_id=chain.pk).exists()


def test_a_hold_that_was_renewed_since_it_was_read_is_not_ended() -> None:
    world = make_world()
    chain = world.held()
    with reading(world.coordinator):
        read_before = SlotChain.unwalled.get(pk=chain.pk)
    with stepping(world.coordinator, chain.stream_id):
        renew(chain, hours=72)
    with pytest.raises(WrongState), stepping(world.coordinator, chain.stream_id):
        expire(read_before, now=read_before.held_until + dt.timedelta(minutes=1))
    assert is_state(world, chain, ChainState.HELD)
    assert world.taken() > 0


def test_the_record_names_the_job_and_tells_the_center_alone() -> None:
    world = make_world()
    chain = world.held()
    expire_hold(due_of(chain), timezone.now() + LATER)
    with reading(world.coordinator):
        event = Event.unwalled.get(kind="scheduling.hold_expired", stream_id=chain.stream_id)
    assert (event.system_job, event.organization_name) == ("expire-slot-holds", world.center.name)
    assert event.synthetic
    assert event.payload["places"] == 4
    told = OutboxMessage.unwalled.filter(event_id=event.pk).values_list("organization_id", flat=True)
    assert list(told) == [world.center.pk]
    with reading(world.planner):
        assert not Event.unwalled.filter(pk=event.pk).exists()


def test_nothing_happens_before_the_time_or_twice(heard: list[tuple[UUID, UUID]]) -> None:
    world = make_world()
    chain = world.held()
    due = due_of(chain)
    assert not expire_hold(due)
    assert world.taken() == 4
    assert expire_hold(due, timezone.now() + LATER)
    assert not expire_hold(due, timezone.now() + LATER)
    assert world.taken() == 0
    with reading(world.coordinator):
        assert Event.unwalled.filter(kind="scheduling.hold_expired", stream_id=chain.stream_id).count() == 1


@pytest.mark.story("CO2")
def test_a_requested_chain_never_expires() -> None:
    world = make_world()
    chain = world.held()
    due = due_of(chain)
    with stepping(world.coordinator, chain.stream_id):
        submit(chain)
    assert not expire_hold(due, timezone.now() + LATER)
    assert world.taken() == 4
    with reading(world.coordinator):
        assert not Event.unwalled.filter(kind="scheduling.hold_expired", stream_id=chain.stream_id).exists()


def test_a_renewed_hold_lives_on() -> None:
    world = make_world()
    chain = world.held(hours=1)
    due = due_of(chain)
    with stepping(world.coordinator, chain.stream_id):
        renew(chain, 24)
    assert not expire_hold(due, timezone.now() + dt.timedelta(hours=2))
    assert world.taken() == 4


def test_an_overdue_hold_is_neither_requested_nor_renewed_before_the_sweep_comes() -> None:
    world = make_world()
    chain = world.held()
    over(chain, world)
    with pytest.raises(WrongState) as refusal, stepping(world.coordinator, chain.stream_id):
        submit(chain)
    assert refusal.value.code == "hold_expired"
    with pytest.raises(WrongState), stepping(world.coordinator, chain.stream_id):
        renew(chain)


def test_an_overdue_hold_makes_room_for_the_orders_next_one() -> None:
    world = make_world()
    first, others = world.held(), world.offers()
    with pytest.raises(Conflict), stepping(world.coordinator, first.stream_id):
        hold(world.coordinator, first.stream_id, world.request(), others[0].token)
    over(first, world)
    with stepping(world.coordinator, first.stream_id):
        hold(world.coordinator, first.stream_id, world.request(), others[0].token)
    assert world.taken() == 4
    assert is_state(world, first, ChainState.EXPIRED)


def test_the_sweep_ends_what_is_due_and_one_failure_stops_no_other(
    heard: list[tuple[UUID, UUID]], caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world(places=3)
    chains = [world.held() for _ in range(3)]
    for chain in chains[:2]:
        over(chain, world)
    lost = HoldDue.objects.create(
        organization_id=new_id(), stream_id=new_id(), chain_id=new_id(), due_at=timezone.now() - LATER
    )
    assert due_holds(timezone.now())[0] == lost
    assert tasks.expire_slot_holds() == 2
    assert str(lost.chain_id) in caplog.text
    assert [is_state(world, chain, ChainState.EXPIRED) for chain in chains] == [True, True, False]
    assert world.taken() == 4
    assert tasks.expire_slot_holds() == 0


def test_a_listener_that_fails_does_not_undo_the_expiry(django_capture_on_commit_callbacks: object) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("listener")

    world = make_world()
    chain = world.held()
    hold_expired.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            assert expire_hold(due_of(chain), timezone.now() + LATER)
    finally:
        hold_expired.disconnect(fail)
    assert is_state(world, chain, ChainState.EXPIRED)
