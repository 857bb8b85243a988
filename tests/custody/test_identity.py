"""Chain of identity: unique, one per therapy event, two people, stopped and let go on."""

import dataclasses
import re
import threading
import uuid

import pytest
from django.db import IntegrityError, connections, transaction

from custody import identity, schemes
from custody.models import ChainOfIdentity
from custody.states import IdentityState
from ledger.context import reading
from ledger.refusals import Conflict, FactsMissing, WrongState
from tests.custody.factories import World, another_order, make_world


@pytest.fixture
def world(db) -> World:
    return make_world()


def test_the_code_has_the_standard_s_shape_and_a_fictional_facility(world: World) -> None:
    assert re.fullmatch(r"CHA9999\d{2}\d{6}", world.coi.code)
    assert world.coi.code[7:9] == f"{world.coi.issued_at:%y}"
    assert world.coi.state == IdentityState.ISSUED
    assert world.coi.issued_by_id == world.nurse.person_id
    assert len(identity.check_of(world.coi)) == 1
    assert another_order(world).coi.code != world.coi.code


def test_an_order_has_one_open_identity(world: World) -> None:
    with pytest.raises(Conflict) as refusal, world.step():
        identity.issue(world.stream, world.patient, world.center, world.manufacturer)
    assert refusal.value.code == "identity_exists"


def test_the_database_holds_i1_too(world: World) -> None:
    with world.step(), pytest.raises(IntegrityError, match="custody_one_open_identity"), transaction.atomic():
        ChainOfIdentity.objects.create(
            stream=world.stream,
            patient_id=world.patient.pk,
            code="CHA999926999999",
            scheme="x",
            issuer=world.center,
            manufacturer=world.manufacturer,
        )


def test_a_closed_identity_makes_room_for_another(world: World) -> None:
    with world.step():
        identity.close(world.coi)
        again = identity.issue(world.stream, world.patient, world.center, world.manufacturer)
    assert again.code != world.coi.code
    with reading(world.nurse):
        assert identity.identity_of_stream(world.stream.pk) == again


@pytest.mark.story("CO3")
def test_a_second_person_activates(world: World) -> None:
    for person in (world.nurse.person_id, None):
        with pytest.raises(FactsMissing) as refusal, world.step():
            identity.activate(world.coi, person)
        assert refusal.value.code == "second_person_needed"
    second = uuid.uuid4()
    with world.step():
        identity.activate(world.coi, second)
    assert (world.coi.state, world.coi.activated_by_id) == (IdentityState.ACTIVE, second)
    with pytest.raises(WrongState), world.step():
        identity.activate(world.coi, uuid.uuid4())


def test_the_database_refuses_one_person_as_two(world: World) -> None:
    with world.step(), pytest.raises(IntegrityError, match="custody_identity_two_people"), transaction.atomic():
        ChainOfIdentity.unwalled.filter(pk=world.coi.pk).update(activated_by_id=world.nurse.person_id)


def test_a_query_stops_and_clearing_lets_go_on(world: World) -> None:
    with world.step():
        identity.activate(world.coi, uuid.uuid4())
        assert identity.query_facts(world.stream.pk) == []
        identity.put_under_query(world.coi, "first reason")
        identity.put_under_query(world.coi, "second reason")
        assert world.coi.query_reason == "first reason"
        assert [fact.code for fact in identity.query_facts(world.stream.pk)] == ["identity_under_query"]
        identity.clear_query(world.coi)
        assert world.coi.state == IdentityState.ACTIVE
    with pytest.raises(WrongState), world.step():
        identity.clear_query(world.coi)


def test_numbers_run_out_with_a_refusal(world: World, monkeypatch) -> None:
    monkeypatch.setattr(schemes, "next_number", lambda facility, year: 1_000_000)
    with pytest.raises(Conflict) as refusal:
        schemes.ISBT_040_FICTIONAL.next_code(2026)
    assert refusal.value.code == "identifiers_exhausted"


def test_identity_cannot_be_issued_outside_an_action(world: World) -> None:
    with reading(world.nurse), pytest.raises(RuntimeError):
        identity.issue(world.stream, world.patient, world.center, world.manufacturer)


@pytest.mark.race
def test_simultaneous_issues_never_share_a_number(committed_db) -> None:
    world = make_world()
    facility, drawn, start = f"B{uuid.uuid4().int % 10_000:04d}", [], threading.Barrier(6)

    def draw() -> None:
        try:
            start.wait(20)
            with world_step_on_own_stream(world):
                drawn.append(schemes.next_number(facility, 2026))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=draw) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(drawn) == [1, 2, 3, 4, 5, 6]


def world_step_on_own_stream(world: World):
    return dataclasses.replace(world).step()
