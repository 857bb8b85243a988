"""Who has it in hand: periods without gap or overlap, boxes and their seals."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody import custody_periods, material, shipments
from custody.models import Container, CustodyPeriod, SealCheck, Shipment
from custody.states import ContainerState, ShipmentState
from ledger.context import reading
from ledger.refusals import Conflict, FactsMissing, InvalidInput, Mismatch, WrongState
from tests.custody.factories import World, another_order, make_world, take_along

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def world() -> World:
    return make_world()


def packed(world: World, **changes):
    bags = world.collected(2)
    given = {"shipper_code": "BOX-1", "seal_code": "SEAL-1", "logger_code": "LOG-1", "at": timezone.now()} | changes
    with world.step():
        box = shipments.pack(
            world.stream, bags, "inbound", world.center_site, world.plant.pk, world.courier.pk, **given
        )
    return box, bags


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(-30, 300)), max_size=8))
def test_custody_never_gaps_or_overlaps(world: World, steps: list[tuple[int, int]]) -> None:
    places = [
        (world.center.pk, world.center_site.pk),
        (world.courier.pk, None),
        (world.manufacturer.pk, world.plant.pk),
        (world.center.pk, None),
    ]
    with transaction.atomic():
        bag = world.bags()[0]
        at = START
        with world.step():
            custody_periods.begin(bag, world.center, world.center_site, world.nurse.person_id, at)
            for place, minutes in steps:
                at = at + dt.timedelta(minutes=minutes)
                before = custody_periods.custodian(bag)
                try:
                    custody_periods.hand_over(bag, *places[place], None, at)
                except InvalidInput:
                    assert at < before.since
                    at = before.since
            periods = custody_periods.periods_of(bag)
            assert periods[0].since == START
            assert all(a.until == b.since for a, b in zip(periods, periods[1:], strict=False))
            assert [p.until is None for p in periods] == [False] * (len(periods) - 1) + [True]
            found = Container.unwalled.get(pk=bag.pk)
            assert (found.custodian_id, found.custodian_site_id) == (
                periods[-1].organization_id,
                periods[-1].site_id,
            )
        transaction.set_rollback(True)


def test_the_database_refuses_overlap_and_a_second_custodian(world: World) -> None:
    bag = world.bags()[0]
    with world.step():
        custody_periods.begin(bag, world.center, world.center_site, None, START)
        row = {"stream": world.stream, "container": bag, "organization": world.courier}
        for since, until in ((START, None), (START + dt.timedelta(hours=1), START + dt.timedelta(hours=2))):
            with pytest.raises(IntegrityError), transaction.atomic():
                CustodyPeriod.objects.create(since=since, until=until, **row)
        with pytest.raises(IntegrityError), transaction.atomic():
            CustodyPeriod.unwalled.filter(container=bag).update(until=START - dt.timedelta(seconds=1))


def test_custody_begins_once_and_only_what_began_is_handed_over(world: World) -> None:
    bag = world.bags()[0]
    with pytest.raises(WrongState), world.step():
        custody_periods.hand_over(bag, world.courier, None, None, START)
    with world.step():
        custody_periods.begin(bag, world.center, world.center_site, None, START)
    with pytest.raises(Conflict), world.step():
        custody_periods.begin(bag, world.courier, None, None, START)


def test_handing_over_to_the_present_custodian_changes_nothing(world: World) -> None:
    bag = world.bags()[0]
    with world.step():
        first = custody_periods.begin(bag, world.center, world.center_site, None, START)
        again = custody_periods.hand_over(bag, world.center.pk, world.center_site.pk, None, timezone.now())
        assert again == first
        assert custody_periods.finish(bag, timezone.now()).until is not None
        assert custody_periods.custodian(bag) is None


def test_a_box_travels(world: World) -> None:
    box, bags = packed(world)
    assert box.code.startswith("SHP-") and box.state == ShipmentState.PACKED
    with world.step():
        for bag in bags:
            custody_periods.begin(bag, world.center, world.center_site, None, bag.ended_at)
    with world.step(world.driver):
        assert shipments.pick_up(box, box.code, "seal-1 ", timezone.now(), None) == ""
        take_along(world, box)
        assert {bag.state for bag in shipments.containers_in(box)} == {ContainerState.IN_TRANSIT}
    with world.step(world.planner):
        found = shipments.current(world.stream.pk, "inbound", "picked_up")
        assert found == box and found.to_site.organization_id == world.manufacturer.pk
        assert shipments.deliver(found, box.code, "SEAL-1", timezone.now(), None) == ""
        shipments.open_boxes(bags, found.delivered_at - dt.timedelta(seconds=30))  # people type minutes
        assert shipments.current(world.stream.pk, "outbound") is None
        assert SealCheck.unwalled.filter(shipment=box, matches=True).count() == 2
        opened = Shipment.unwalled.get(pk=box.pk)
        assert (opened.state, opened.opened_at) == (ShipmentState.OPENED, found.delivered_at)
        shipments.open_boxes(bags, timezone.now())
        assert Shipment.unwalled.get(pk=box.pk).opened_at == found.delivered_at, "it is opened once"


@pytest.mark.story("CR2")
def test_a_box_between_sites_that_the_reader_does_not_know_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, _ = packed(world)
    with world.step():
        assert shipments.current(world.stream.pk, "inbound") == box
        monkeypatch.setattr(shipments.directory, "rows", lambda model, ids: {})
        assert shipments.current(world.stream.pk, "inbound") is None
        assert shipments.awaiting(world.stream.pk, "inbound", "picked_up_at") is None


def test_whoever_has_a_bag_already_notes_that_it_travels_and_keeps_it(world: World) -> None:
    box, bags = packed(world)
    with world.step():
        first = custody_periods.begin(bags[0], world.courier, None, None, bags[0].ended_at)
        custody_periods.begin(bags[1], world.center, world.center_site, None, bags[1].ended_at)
    with world.step(world.driver):
        take_along(world, box)
        assert custody_periods.custodian(bags[0]) == first
        assert {bag.state for bag in shipments.containers_in(box)} == {ContainerState.IN_TRANSIT}
        assert {bag.custodian_id for bag in shipments.containers_in(box)} == {world.courier.pk}


def test_a_wrong_seal_is_recorded_and_found_never_refused(world: World) -> None:
    box, _ = packed(world)
    with world.step(world.driver):
        finding = shipments.pick_up(box, box.code, "SEAL-2", timezone.now(), None)
    assert "SEAL-2" in finding and "SEAL-1" in finding
    with reading(world.nurse):
        assert Shipment.unwalled.get(pk=box.pk).state == ShipmentState.PICKED_UP
        assert not SealCheck.unwalled.get(shipment=box).matches
    with world.step(world.planner):
        assert "missing" in shipments.deliver(box, box.code, " ", timezone.now(), None)


def test_another_box_stops(world: World) -> None:
    box, _ = packed(world)
    other = another_order(world)
    foreign, _ = packed(other)
    with pytest.raises(Mismatch), world.step(world.driver):
        shipments.pick_up(box, foreign.code, "SEAL-1", timezone.now(), None)
    with reading(world.nurse):
        assert Shipment.unwalled.get(pk=box.pk).state == ShipmentState.PACKED


def test_a_box_is_taken_once_and_in_order(world: World) -> None:
    box, _ = packed(world)
    with pytest.raises(WrongState), world.step(world.driver):
        shipments.deliver(box, box.code, "SEAL-1", timezone.now(), None)
    with world.step(world.driver):
        shipments.pick_up(box, box.code, "SEAL-1", timezone.now(), None)
    with reading(world.driver):
        stale = Shipment.unwalled.get(pk=box.pk)
    stale.state = ShipmentState.PACKED
    with pytest.raises(WrongState), world.step(world.driver):
        shipments.pick_up(stale, box.code, "SEAL-1", timezone.now(), None)
    with pytest.raises(InvalidInput), world.step(world.driver):
        shipments.deliver(box, box.code, "SEAL-1", timezone.now() - dt.timedelta(days=1), None)


def test_quarantined_material_is_not_packed_but_its_journey_is_observed(world: World) -> None:
    box, bags = packed(world)
    with world.step():
        for bag in bags:
            custody_periods.begin(bag, world.center, world.center_site, None, bag.ended_at)
        material.quarantine(bags[0], "a reason")
    with pytest.raises(FactsMissing) as refusal:
        packed_again(world, bags[:1])
    assert [fact.code for fact in refusal.value.facts] == ["material_quarantined"]
    with world.step(world.driver):
        shipments.pick_up(box, box.code, "SEAL-1", timezone.now(), None)
        take_along(world, box)
    with reading(world.nurse):
        found = Container.unwalled.get(pk=bags[0].pk)
    assert (found.state, found.state_before_quarantine) == (ContainerState.QUARANTINED, ContainerState.IN_TRANSIT)


def packed_again(world: World, bags: list[Container]) -> None:
    with world.step():
        shipments.pack(
            world.stream, bags, "inbound", world.center_site, world.plant, world.courier, "B", "S", "", timezone.now()
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seal_code": " "}, "seal_code"),
        ({"shipper_code": ""}, "shipper_code"),
        ({"logger_code": "x" * 41}, "logger_code"),
    ],
)
def test_a_box_needs_its_codes(world: World, changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        packed(world, **changes)
    assert set(refusal.value.fields) == {field}


def test_nothing_or_unready_material_is_not_packed(world: World) -> None:
    with pytest.raises(InvalidInput):
        packed_again(world, [])
    with pytest.raises(FactsMissing):
        packed_again(world, world.bags())
