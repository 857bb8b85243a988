"""What lies where: one container to a place, whatever leaves frees it, the register of a site (CL3)."""

import threading

import pytest
from django.db import DatabaseError, connections, transaction

from custody import custody_periods, material, store
from custody.actions.store import add_unit, retire_unit
from custody.models import Container, StoreUnit
from custody.queries import store_units
from custody.states import LYING
from custody.states import ContainerState as C
from ledger.context import Actor, reading
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound, WrongState
from tests.custody.factories import World, another_order, make_world
from tests.factories import make_actor


@pytest.fixture
def world(db) -> World:
    return make_world()


def keeper(world: World) -> Actor:
    return make_actor(world.center, "cell_lab_technologist", site=world.center_site)


def a_unit(world: World, name: str = "Tank 2", **changes: object) -> StoreUnit:
    sent = {"site": world.center_site.code, "name": name, "kind": "nitrogen", "racks": 3, "places": 4}
    key = add_unit(keeper(world), sent | changes)
    with reading(world.nurse):
        return StoreUnit.unwalled.get(pk=key)


def test_a_place_holds_one_container_and_is_free_when_it_leaves(world: World) -> None:
    unit, (first, second) = a_unit(world), world.collected(2)
    with world.step():
        assert store.put(first, unit, 3, 4).storage_location == "Tank 2/3/4"
    with pytest.raises(Conflict) as refusal, world.step():
        store.put(second, unit, 3, 4)
    assert refusal.value.code == "place_taken"
    with world.step():
        material.move(first, C.IN_TRANSIT)
        second.refresh_from_db()
        store.put(second, unit, 3, 4)
        first.refresh_from_db()
        assert (first.store_unit_id, first.rack, first.place, first.storage_location) == (None, None, None, "")
        assert (second.store_unit_id, second.rack, second.place) == (unit.pk, 3, 4)


def test_quarantine_stays_where_it_is_and_is_freed_when_it_is_carried_away_meanwhile(world: World) -> None:
    unit, bag = a_unit(world), world.collected()[0]
    with world.step():
        store.put(bag, unit, 1, 1)
        material.quarantine(bag, "warm")
        bag.refresh_from_db()
        assert bag.store_unit_id == unit.pk
        material.observe(bag, C.IN_TRANSIT)
        bag.refresh_from_db()
        assert (bag.state, bag.store_unit_id) == (C.QUARANTINED, None)


def test_what_was_issued_is_fetched_from_its_place_and_what_was_thawed_lies_nowhere(world: World) -> None:
    unit, bag = a_unit(world), world.collected()[0]
    with world.step():
        material.move(bag, C.STORED)
        store.put(bag, unit, 2, 1)
        material.move(bag, C.ISSUED)
        bag.refresh_from_db()
        assert (bag.store_unit_id, bag.storage_location) == (None, "Tank 2/2/1")
        material.move(bag, C.THAWED)
        bag.refresh_from_db()
        assert bag.storage_location == ""


@pytest.mark.parametrize(("rack", "place"), [(0, 1), (4, 1), (1, 5), (1, 0)])
def test_a_place_that_the_unit_has_not_is_refused(world: World, rack: int, place: int) -> None:
    unit, bag = a_unit(world), world.collected()[0]
    with pytest.raises(InvalidInput) as refusal, world.step():
        store.put(bag, unit, rack, place)
    assert "racks 1 to 3" in refusal.value.detail


def test_what_is_planned_or_under_way_lies_nowhere(world: World) -> None:
    unit = a_unit(world)
    with pytest.raises(WrongState), world.step():
        store.put(world.bags()[0], unit, 1, 1)
    bag = world.collected()[0]
    with world.step(), pytest.raises(DatabaseError, match="custody_container_lies"), transaction.atomic():
        facts = {"state": C.IN_TRANSIT, "store_unit": unit, "rack": 1, "place": 1}
        Container.unwalled.filter(pk=bag.pk).update(**facts)
    assert C.IN_TRANSIT not in LYING


def test_a_typed_place_is_read_where_the_site_has_a_register(world: World) -> None:
    with reading(world.nurse):
        assert store.read_path(world.center_site.pk, "wherever", "location") is None
    unit = a_unit(world)
    with reading(world.nurse):
        assert store.read_path(world.center_site.pk, " tank 2 / 3/ 4", "location") == (unit, 3, 4)
        for text in ("wherever", "Tank 3/1/1", "Tank 2/1", "Tank 2/a/b"):
            with pytest.raises(InvalidInput) as refusal:
                store.read_path(world.center_site.pk, text, "location")
            assert "Tank 2" in refusal.value.fields["location"][0]


def test_the_register_takes_good_input_of_who_keeps_it(world: World) -> None:
    unit = a_unit(world)
    for bad, field in (
        ({"name": "TANK 2"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"racks": 0}, "racks"),
        ({"places": 101}, "places"),
        ({"kind": "shelf"}, "kind"),
        ({"site": world.plant.code}, "site"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            a_unit(world, **{"name": "Tank 3"} | bad)
        assert set(refusal.value.fields) == {field}
    with pytest.raises(NotAllowed):
        add_unit(
            make_actor(world.center, "infusion_nurse"),
            {"site": world.center_site.code, "name": "X", "kind": "freezer", "racks": 1, "places": 1},
        )
    with pytest.raises(NotFound):
        retire_unit(make_actor(world.manufacturer, "operator"), unit.pk)


def test_a_unit_is_retired_when_it_is_empty_and_its_name_is_free_again(world: World) -> None:
    unit, bag = a_unit(world), world.collected()[0]
    with world.step():
        store.put(bag, unit, 1, 1)
    with pytest.raises(WrongState) as refusal:
        retire_unit(keeper(world), unit.pk)
    assert refusal.value.code == "unit_not_empty"
    with world.step():
        material.move(bag, C.IN_TRANSIT)
    retire_unit(keeper(world), unit.pk)
    with reading(world.nurse):
        assert unit not in store_units(world.nurse)
    assert a_unit(world).pk != unit.pk


def test_nobody_else_sees_the_store(world: World) -> None:
    unit = a_unit(world)
    for other in (world.planner, world.driver, make_world().nurse):
        with reading(other):
            assert not StoreUnit.unwalled.filter(pk=unit.pk).exists()
            assert unit not in store_units(other)


@pytest.mark.race
def test_threads_never_put_two_containers_into_one_place(committed_db) -> None:
    world = make_world()
    unit = a_unit(world)
    orders = [world] + [another_order(world) for _ in range(3)]
    bags = [order.collected()[0] for order in orders]
    start, placed, refused = threading.Barrier(len(orders)), [], []

    def put(order: World, bag: Container) -> None:
        try:
            start.wait(20)
            with order.step():
                placed.append(store.put(Container.unwalled.get(pk=bag.pk), unit, 1, 1).pk)
        except Conflict as refusal:
            refused.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=put, args=pair) for pair in zip(orders, bags, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(placed), refused) == (1, ["place_taken"] * 3)
    with reading(world.nurse):
        assert custody_periods.custodian(bags[0]) is None  # lying somewhere says nothing about whose hands
        assert Container.unwalled.filter(store_unit=unit).count() == 1
