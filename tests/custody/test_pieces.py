"""One shipper, one logger, one box at a time: of whichever order, and whoever sees it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from custody import material, pieces, shipments, shipper_swaps, units
from custody.actions import equipment as action
from custody.models import Equipment, Shipment
from custody.states import ContainerState
from ledger.context import Actor, reading
from ledger.refusals import FactsMissing
from tests.custody.factories import World, another_order, make_world, open_order
from tests.custody.test_equipment import WAY, logger, pack, shipper
from tests.factories import make_actor, make_organization, make_site

pytestmark = [pytest.mark.django_db, pytest.mark.story("DE1")]


def neighbor_of(world: World) -> World:
    """An order of another center, made by the same manufacturer and carried by the same courier."""
    center = make_organization("treatment_center")
    site = make_site(center)
    nurse: Actor = make_actor(center, "coordinator", site=site)
    return open_order(center, site, world.manufacturer, world.plant, world.courier, nurse)


@pytest.fixture
def world() -> World:
    world = make_world()
    for serial in ("DRY-1", "DRY-2"):
        shipper(world, serial)
    for serial in ("LOG-1", "LOG-2"):
        logger(world, serial)
    return world


def refused(world: World, *numbers: str) -> str:
    with pytest.raises(FactsMissing) as refusal:
        pack(world, *numbers)
    (fact,) = refusal.value.facts
    assert fact.remedy
    return f"{fact.code}: {fact.text}"


def state(world: World, box: Shipment) -> Shipment:
    with reading(world.driver):
        return Shipment.unwalled.get(pk=box.pk)


def on_its_way(world: World, box: Shipment) -> None:
    with world.step():
        shipments.pick_up(box, box.code, box.seal_code, timezone.now(), None)


def test_a_piece_in_a_box_goes_into_no_other_one_however_far_that_came(world: World) -> None:
    box, second = pack(world), another_order(world)
    assert refused(second) == f"shipper_in_another_box: Shipper DRY-1 is in box {box.code}, and that is not open yet."
    assert refused(second, "DRY-2", "log-1").startswith("logger_in_another_box: Logger LOG-1 is in box")
    on_its_way(world, box)
    assert refused(second).startswith("shipper_in_another_box")
    with world.step():
        shipments.deliver(box, box.code, box.seal_code, timezone.now(), None)
    assert refused(second).startswith("shipper_in_another_box")
    with world.step():
        shipments.open_boxes(shipments.containers_in(box), timezone.now())
    assert pack(second).shipper_id == box.shipper_id


def test_a_box_of_the_tenant_next_door_counts_and_is_not_named(world: World) -> None:
    box, other = pack(world), neighbor_of(world)
    with reading(other.nurse):
        assert not Shipment.unwalled.filter(pk=box.pk).exists()
    text = refused(other)
    assert text == "shipper_in_another_box: Shipper DRY-1 is in a box of another order, and that is not open yet."
    assert pack(other, "DRY-2", "LOG-2").binds_pieces


def test_what_has_happened_is_recorded_and_binds_nothing_twice(world: World) -> None:
    first, second, findings = pack(world), another_order(world), list[Any]()
    box = pack(second, late=True, findings=findings)
    assert [fact.code for fact in findings] == ["shipper_in_another_box"]
    assert (box.shipper_id, box.binds_pieces, state(world, first).binds_pieces) == (first.shipper_id, False, True)


def test_bags_that_are_packed_anew_or_have_ended_free_the_pieces_of_their_box(world: World) -> None:
    box = pack(world)
    with world.step():
        bags = shipments.containers_in(box)
        where = (world.center_site, world.plant, world.courier)
        new = shipments.pack(
            world.stream, bags, "inbound", *where, "DRY-2", "S2", "LOG-1", timezone.now() + dt.timedelta(0), way=WAY
        )
    assert (state(world, box).binds_pieces, state(world, new).binds_pieces) == (False, True)
    with world.step():
        for bag in bags:
            material.quarantine(bag, "Torn")
            material.move(bag, ContainerState.REJECTED)
            pieces.free_emptied(world.stream.pk, [bag])
        assert state(world, new).binds_pieces, "what is rejected is still in it"
        for bag in bags:
            material.move(bag, ContainerState.DESTROYED)
            pieces.free_emptied(world.stream.pk, [bag])
    assert not state(world, new).binds_pieces
    assert pack(another_order(world), "DRY-2").binds_pieces


def swap(world: World, box: Shipment, serial: str, *, late: bool = False) -> shipper_swaps.Swapped:
    new = shipper_swaps.Replacement(serial, f"NEW-{serial.strip()}", box.logger_code, 1, "Airport", "Torn")
    with world.step():
        now = timezone.now()
        return shipper_swaps.swap(box, box.code, box.seal_code, new, now, WAY, world.courier.pk, None, late=late)


def test_a_box_is_moved_into_a_free_shipper_alone_and_frees_the_one_it_was_in(world: World) -> None:
    other = neighbor_of(world)
    mine, theirs = pack(world), pack(other, "DRY-2", "LOG-2")
    on_its_way(world, mine)
    with pytest.raises(FactsMissing) as refusal:
        swap(world, mine, "dry-2")
    assert refusal.value.facts[0].code == "shipper_in_another_box"
    shipper(world, "DRY-3")
    assert swap(world, state(world, mine), " dry-3").row.shipper_code == "DRY-3"
    third, keeper, now = (
        another_order(world),
        make_actor(world.courier, "courier_dispatcher"),
        timezone.now().isoformat(),
    )
    with reading(keeper):
        first = Equipment.unwalled.get(serial="DRY-1", organization=world.courier).pk
    action.clean_shipper(keeper, first, {"cleaned_at": now})  # it is at its keeper's, as it was left there
    action.charge_shipper(keeper, first, {"charged_at": now})
    logger(world, "LOG-3")
    assert pack(third, "dry-1", "LOG-3").shipper_code == "DRY-1"
    done = swap(world, state(world, mine), "DRY-2", late=True)
    assert any("another order" in text for text in done.findings)
    assert not state(world, mine).binds_pieces and state(other, theirs).binds_pieces


def found(world: World, **sought: Any) -> set[Any]:
    with reading(world.nurse):
        return units.Search(world.nurse, units.Sought(**sought)).among or set()


@pytest.mark.story("QA4")
def test_a_box_has_its_shipper_s_number_as_the_register_has_it_and_is_found_however_it_is_typed(world: World) -> None:
    box = pack(world, " dry-1", "log-1 ")
    assert (box.shipper_code, box.logger_code) == ("DRY-1", "LOG-1")
    with reading(world.nurse):
        inside = {bag.pk for bag in shipments.containers_in(box)}
    for typed in ("DRY-1", "dry-1", " Dry - 1 "):
        assert found(world, shipper=typed) == inside, typed


@pytest.mark.story("QA4")
def test_numbers_that_no_register_knows_are_found_however_they_were_typed() -> None:
    world = make_world()
    box = pack(world, "dv-0001", "any")
    assert box.shipper_code == "dv-0001"
    with reading(world.nurse):
        inside = {bag.pk for bag in shipments.containers_in(box)}
    for typed in ("DV-0001", "dv-0001", "dV-0001 "):
        assert found(world, shipper=typed) == inside, typed
    assert found(world, shipper="DV-000") == set()
    assert found(neighbor_of(world), shipper="DV-0001") == set()
    with world.step():
        (bag,) = shipments.containers_in(box)
        bag.lot = "vl 7a"
        bag.save(update_fields=["lot"])
    for typed in ("VL7A", "vl 7a", "Vl7a"):
        assert found(world, lot=typed) == inside, typed
    assert found(world, lot="VL7") == found(world, lot=" ") == set()
