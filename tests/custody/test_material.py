"""Containers: legal moves only, final states final, quarantine holds, descent recorded, stock never given out twice."""

import datetime as dt
import threading
import uuid
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody import material, stock
from custody.actions.stock import add_stock_unit
from custody.models import Container, Genealogy, StockUnit
from custody.queries import available_units, lineage_of
from custody.states import MOVES, TERMINAL_STATES, ContainerKind, ContainerState, StockState
from ledger.context import reading
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, WrongState
from tests.custody.factories import World, another_order, make_world
from tests.factories import make_actor

C = ContainerState


@pytest.fixture
def world(db) -> World:
    return make_world()


def test_every_state_has_its_moves_and_final_ones_have_none() -> None:
    assert set(MOVES) == set(C)
    assert {state for state in C if not MOVES[state]} == TERMINAL_STATES | {C.LOST}  # only being found ends that
    assert all(C.QUARANTINED not in MOVES[state] for state in TERMINAL_STATES | {C.QUARANTINED})


def test_only_thawed_material_is_infused() -> None:
    assert {state for state in C if C.INFUSED in MOVES[state]} == {C.THAWED}


def test_planned_bags_have_readable_codes_and_k_of_n(world: World) -> None:
    first, second = world.bags(2)
    assert first.code.startswith(f"{world.coi.code}-SM01-")
    assert (first.k_of_n, second.k_of_n) == ("1 of 2", "2 of 2")
    assert world.bags(1)[0].code.startswith(f"{world.coi.code}-SM03-")
    with reading(world.nurse):
        assert len(material.of_stream(world.stream.pk, ContainerKind.STARTING_MATERIAL)) == 3
        assert material.of_stream(world.stream.pk, ContainerKind.DRUG_PRODUCT) == []


@pytest.mark.parametrize("count", [-1, 100])
def test_no_more_bags_than_the_code_can_number(world: World, count: int) -> None:
    with pytest.raises(InvalidInput):
        world.bags(count)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(st.sampled_from(list(C)), max_size=12))
def test_any_walk_is_refused_or_legal(world: World, walk: list[ContainerState]) -> None:
    with transaction.atomic():
        bag = world.bags()[0]
        at = C.PLANNED
        with world.step():
            for wanted in walk:
                if wanted == C.QUARANTINED and wanted in MOVES[at]:
                    material.quarantine(bag, "for a test")
                    at = wanted
                elif wanted in MOVES[at]:
                    material.move(bag, wanted)
                    at = wanted
                else:
                    with pytest.raises(WrongState):
                        material.move(bag, wanted)
                assert C(Container.unwalled.get(pk=bag.pk).state) == at
        transaction.set_rollback(True)


@pytest.mark.parametrize("final", sorted(TERMINAL_STATES))
def test_the_database_refuses_to_leave_a_final_state(world: World, final: str) -> None:
    bag = world.bags()[0]
    with world.step():
        Container.unwalled.filter(pk=bag.pk).update(state=final)
        with pytest.raises(DatabaseError, match="stays so"), transaction.atomic():
            Container.unwalled.filter(pk=bag.pk).update(state="accepted")


def test_the_database_refuses_an_unknown_state(world: World) -> None:
    bag = world.bags()[0]
    with world.step(), pytest.raises(IntegrityError), transaction.atomic():
        Container.unwalled.filter(pk=bag.pk).update(state="lost in space")


def test_a_stale_copy_does_not_move(world: World) -> None:
    bag = world.collected()[0]
    with reading(world.nurse):
        stale = Container.unwalled.get(pk=bag.pk)
    with world.step():
        material.move(bag, C.REJECTED)
    with pytest.raises(WrongState), world.step():
        material.move(stale, C.IN_TRANSIT)


@pytest.mark.story("AN3")
def test_filling_starts_the_age_clock(world: World) -> None:
    bag = world.bags()[0]
    ended = timezone.now()
    with world.step():
        material.fill(bag, Decimal("251.5"), ended - dt.timedelta(hours=4), ended, donation_number="A999926000001")
    with reading(world.nurse):
        found = Container.unwalled.get(pk=bag.pk)
    assert (found.state, found.volume_ml, found.ended_at) == (C.COLLECTED, Decimal("251.5"), ended)
    with pytest.raises(WrongState), world.step():
        material.fill(bag, Decimal(1), ended, ended)


@pytest.mark.parametrize("volume", [Decimal(0), Decimal(-1), Decimal(1_000_000)])
def test_a_bag_holds_a_positive_volume(world: World, volume: Decimal) -> None:
    bag = world.bags()[0]
    with pytest.raises(InvalidInput), world.step():
        material.fill(bag, volume, timezone.now(), timezone.now())


def test_an_end_before_the_start_is_refused(world: World) -> None:
    bag, now = world.bags()[0], timezone.now()
    with pytest.raises(InvalidInput) as refusal, world.step():
        material.fill(bag, Decimal(1), now, now - dt.timedelta(minutes=1))
    assert "ended_at" in refusal.value.fields


def test_quarantine_holds_until_released(world: World) -> None:
    bag = world.collected()[0]
    with world.step():
        material.move(bag, C.IN_TRANSIT)
        material.quarantine(bag, "box was warm")
        material.quarantine(bag, "another reason")
        assert bag.quarantine_reason == "box was warm"
        assert [fact.code for fact in material.quarantine_facts([bag])] == ["material_quarantined"]
    for wanted in (C.RECEIVED, C.ACCEPTED, C.IN_PROCESS):
        with pytest.raises(WrongState), world.step():
            material.move(bag, wanted)
    with world.step():
        material.observe(bag, C.RECEIVED)
        assert bag.state == C.QUARANTINED
        material.release_from_quarantine(bag)
        assert (bag.state, bag.quarantine_reason) == (C.RECEIVED, "")
        material.move(bag, C.ACCEPTED)
    with pytest.raises(WrongState), world.step():
        material.release_from_quarantine(bag)


def test_an_observation_of_an_impossible_move_is_refused(world: World) -> None:
    bag = world.collected()[0]
    with world.step():
        material.quarantine(bag, "a reason")
    with pytest.raises(WrongState), world.step():
        material.observe(bag, C.INFUSED)


def test_quarantine_needs_a_reason(world: World) -> None:
    bag = world.bags()[0]
    with pytest.raises(InvalidInput), world.step():
        material.quarantine(bag, "  ")


def in_process(world: World, count: int = 1) -> list[Container]:
    bags = world.collected(count)
    with world.step():
        for bag in bags:
            for state in (C.IN_TRANSIT, C.RECEIVED, C.ACCEPTED, C.IN_PROCESS):
                material.move(bag, state)
    return bags


def test_product_descends_from_every_parent(world: World) -> None:
    parents = in_process(world, 2)
    with world.step():
        made = material.transform(parents, "drug_product", 2, [Decimal(20), Decimal(30)])
    with reading(world.planner):
        assert {c.state for c in material.of_stream(world.stream.pk, "starting_material")} == {C.CONSUMED}
        assert [c.volume_ml for c in material.of_stream(world.stream.pk, "drug_product")] == [20, 30]
        told = lineage_of(world.planner, world.stream.pk)
        assert all({p.pk for p in told.ancestors(c)} == {p.pk for p in parents} for c in made)
        assert [(act.row.kind, act.row.volume_in, act.row.volume_out) for act in told.acts] == [
            ("transformed", 500, 50)
        ]
        assert Genealogy.unwalled.count() == 4
    assert {c.state for c in made} == {C.STORED}


def test_product_planned_beforehand_is_filled_first(world: World) -> None:
    planned = world.bags(1, "drug_product")
    parents = in_process(world)
    with world.step():
        made = material.transform(parents, "drug_product", 2, [Decimal(20), Decimal(30)])
    assert made[0].pk == planned[0].pk
    assert [c.position for c in made] == [1, 2]


def test_material_of_two_identities_is_never_combined(world: World) -> None:
    other = another_order(world)
    with pytest.raises(InvalidInput) as refusal, world.step():
        material.transform(in_process(world) + in_process(other), "drug_product", 1, [Decimal(1)])
    assert refusal.value.code == "mixed_identities"


def test_transforming_nothing_or_with_wrong_volumes_is_refused(world: World) -> None:
    with pytest.raises(FactsMissing), world.step():
        material.transform([], "drug_product", 1)
    parents = in_process(world)
    with pytest.raises(InvalidInput), world.step():
        material.transform(parents, "drug_product", 2, [Decimal(1)])


def put_in_stock(world: World, therapy_id: uuid.UUID, serial: str, days: int = 30) -> StockUnit:
    expires = timezone.now() + dt.timedelta(days=days)
    return add_stock_unit(world.planner, therapy_id=therapy_id, lot="L26", serial=serial, expires_at=expires)


def test_a_unit_of_stock_is_bound_to_one_order(world: World) -> None:
    therapy = uuid.uuid4()
    put_in_stock(world, therapy, "002", days=20)
    unit = put_in_stock(world, therapy, "001", days=10)
    with world.step(world.planner):
        assert [u.serial for u in stock.available(therapy)] == ["001", "002"]
        kit = material.bind_stock(stock.unit_with_serial(therapy, "L26/001"), world.stream, world.coi)
    assert (kit.state, kit.lot, kit.serial, kit.stock_unit_id) == (C.STORED, "L26", "001", unit.pk)
    assert kit.code.startswith(f"{world.coi.code}-VK01-")
    with pytest.raises(Conflict) as refusal, world.step(world.planner):
        material.bind_stock(unit, world.stream, world.coi)
    assert refusal.value.code == "unit_taken"
    with pytest.raises(InvalidInput), world.step(world.planner):
        stock.unit_with_serial(therapy, "001")
    with reading(world.nurse):
        assert Container.unwalled.filter(pk=kit.pk).exists()
        assert not StockUnit.unwalled.exists()
        assert list(available_units(world.nurse, therapy)) == []


def test_an_expired_unit_is_not_given_out(world: World) -> None:
    unit = put_in_stock(world, uuid.uuid4(), "009")
    with world.step(world.planner):
        StockUnit.unwalled.filter(pk=unit.pk).update(expires_at=timezone.now())
        with pytest.raises(Conflict):
            material.allocate(unit)


def test_an_allocated_unit_does_not_return_to_stock(world: World) -> None:
    unit = put_in_stock(world, uuid.uuid4(), "010")
    with world.step(world.planner):
        material.allocate(unit)
        with pytest.raises(DatabaseError, match="does not return"), transaction.atomic():
            StockUnit.unwalled.filter(pk=unit.pk).update(state=StockState.AVAILABLE)


def test_stock_is_added_with_the_right_and_good_input_only(world: World) -> None:
    therapy, later = uuid.uuid4(), timezone.now() + dt.timedelta(days=1)
    with pytest.raises(NotAllowed):
        add_stock_unit(world.nurse, therapy_id=therapy, lot="L1", serial="1", expires_at=later)
    manager = make_actor(world.manufacturer, "planner")
    add_stock_unit(manager, therapy_id=therapy, lot="L1", serial="1", expires_at=later)
    for bad in ({"serial": "1"}, {"serial": ""}, {"serial": "a/b"}, {"lot": "x" * 41}):
        with pytest.raises(InvalidInput) as refusal:
            add_stock_unit(manager, **{"therapy_id": therapy, "lot": "L1", "serial": "2", "expires_at": later} | bad)
        assert set(refusal.value.fields) == set(bad)
    with pytest.raises(InvalidInput):
        add_stock_unit(manager, therapy_id=therapy, lot="L1", serial="3", expires_at=timezone.now())


@pytest.mark.race
def test_threads_never_take_one_unit_twice(committed_db) -> None:
    world = make_world()
    orders = [world] + [another_order(world) for _ in range(4)]
    unit = put_in_stock(world, uuid.uuid4(), "race")
    start, bound, refused = threading.Barrier(len(orders)), [], []

    def bind(order: World) -> None:
        try:
            start.wait(20)
            with order.step(world.planner):
                bound.append(material.bind_stock(StockUnit.unwalled.get(pk=unit.pk), order.stream, order.coi).pk)
        except Conflict as refusal:
            refused.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=bind, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(bound), refused) == (1, ["unit_taken"] * 4)
    with reading(world.planner):
        assert Container.unwalled.filter(stock_unit=unit).count() == 1
