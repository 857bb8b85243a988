"""A mismatch stops the line in an act of its own; two people let it go on."""

import pytest

from custody import identity, material
from custody.actions.mismatch import lift_query, stop_the_line
from custody.models import ChainOfIdentity, Container
from custody.states import ContainerState, IdentityState
from ledger.canonical import digest
from ledger.context import Actor, reading
from ledger.models import Event, OutboxMessage
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from personas.signing import sign
from tests.custody.factories import World, another_order, make_world
from tests.factories import make_actor

pytestmark = pytest.mark.django_db
DETAIL = "The scan names another chain of identity."


@pytest.fixture
def world() -> World:
    return make_world()


def signatures(*signers: Actor) -> list:
    return [
        sign(s, capability="resolve_identity", meaning="resolved", content_hash=digest("x"), zone="UTC")
        for s in signers
    ]


def state(world: World) -> tuple[str, list[str]]:
    with reading(world.nurse):
        coi = ChainOfIdentity.unwalled.get(pk=world.coi.pk)
        return coi.state, [c.state for c in material.of_stream(world.stream.pk)]


@pytest.mark.story("MO1")
def test_the_line_stops_at_once_and_everybody_hears(world: World) -> None:
    first, second = world.collected(2)
    stop_the_line(world.driver, world.stream.pk, [first.pk], DETAIL)
    assert state(world) == (IdentityState.UNDER_QUERY, [ContainerState.QUARANTINED, ContainerState.COLLECTED])
    with reading(world.nurse):
        event = Event.unwalled.get(stream=world.stream, kind="custody.identity_mismatch")
        assert (event.payload["containers"], event.payload["identity"]) == (first.code, world.coi.code)
        told = set(OutboxMessage.unwalled.filter(event_id=event.pk).values_list("organization_id", flat=True))
        assert told == {world.center.pk, world.manufacturer.pk, world.courier.pk}
        assert Container.unwalled.get(pk=first.pk).quarantine_reason.startswith("Identity mismatch")


def test_stopping_twice_and_with_used_up_material(world: World) -> None:
    first, second = world.collected(2)
    with world.step():
        material.move(second, ContainerState.DESTROYED)
    for _ in range(2):
        stop_the_line(world.nurse, world.stream.pk, [first.pk, second.pk], DETAIL)
    assert state(world) == (IdentityState.UNDER_QUERY, [ContainerState.QUARANTINED, ContainerState.DESTROYED])


def test_a_closed_identity_stays_closed(world: World) -> None:
    with world.step():
        identity.close(world.coi)
    stop_the_line(world.nurse, world.stream.pk, [], DETAIL)
    assert state(world)[0] == IdentityState.CLOSED


def test_bags_of_another_order_are_left_alone(world: World) -> None:
    other = another_order(world)
    theirs = other.collected()[0]
    stop_the_line(world.nurse, world.stream.pk, [theirs.pk], DETAIL)
    assert state(other) == (IdentityState.ISSUED, [ContainerState.COLLECTED])


def test_a_stranger_stops_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        stop_the_line(make_world().nurse, world.stream.pk, [], DETAIL)


def test_two_people_in_quality_let_it_go_on(world: World) -> None:
    first, second = world.collected(2)
    stop_the_line(world.nurse, world.stream.pk, [first.pk, second.pk], DETAIL)
    reviewer, qualified = (make_actor(world.manufacturer, key) for key in ("qa_reviewer", "qualified_person"))
    signed = signatures(reviewer, qualified)
    with pytest.raises(NotAllowed):
        lift_query(world.nurse, world.stream.pk, "typo on the label", signed)
    with pytest.raises(InvalidInput):
        lift_query(reviewer, world.stream.pk, " ", signed)
    for too_few in ((), signed[:1], [signed[0], signed[0]]):
        with pytest.raises(FactsMissing) as refusal:
            lift_query(reviewer, world.stream.pk, "typo on the label", too_few)
        assert refusal.value.code == "second_person_needed"
    with pytest.raises(NotFound):
        lift_query(reviewer, world.stream.pk, "typo", signed, release=[another_order(world).collected()[0].pk])
    assert state(world)[0] == IdentityState.UNDER_QUERY
    lift_query(reviewer, world.stream.pk, "typo on the label", signed, release=[first.pk])
    assert state(world) == (IdentityState.ISSUED, [ContainerState.COLLECTED, ContainerState.QUARANTINED])
    with reading(reviewer):
        event = Event.unwalled.get(stream=world.stream, kind="custody.query_lifted")
        assert event.signatures.count() == 2
        assert event.reason == "typo on the label"
    with pytest.raises(WrongState):
        lift_query(reviewer, world.stream.pk, "again", signed)
