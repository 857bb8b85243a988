"""Hands change with both signatures, in one moment; a damaged box is refused, with a photo, and stays where it is."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from custody import custody_periods
from custody.models import BoxPhoto, Shipment
from custody.queries import containers_of
from ledger.context import reading
from ledger.models import Event, Signature
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from orders.actions.box_photos import add_photo
from orders.actions.pickups import report_failed_pickup
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.watching import bags, open_deviations, order_of, step_of
from tests.journeys.world import World
from tests.orders.test_box_photos import photo


@pytest.fixture
def packed(world: World) -> Journey:
    journey = world.journey()
    journey.run(before="pickup")
    return journey


def box_of(world: World, journey: Journey) -> Shipment:
    driver = world.player("courier", "courier_driver")
    with reading(driver.actor):
        return Shipment.unwalled.get(stream_id=order_of(driver, journey).stream_id)


@pytest.mark.story("AN5")
def test_both_sides_sign_and_custody_passes_in_one_moment(world: World, packed: Journey) -> None:
    box, driver = box_of(world, packed), world.player("courier", "courier_driver")
    giver, nurse = (world.player("center", one) for one in ("cell_lab_technologist", "infusion_nurse"))
    at = timezone.now()

    def take(second: dict[str, str]) -> object:
        return packed.perform("pickup", {"verifiers": [second], "handed_over_at": at.isoformat()}, driver)

    with refused(InvalidInput):
        packed.perform("pickup", {"verifiers": []}, driver)
    with refused(NotAllowed, "signer_not_allowed"):  # of the center, and gives nothing away
        take({"username": nurse.username, "password": PASSWORD, "scan": box.code})
    with refused(NotAllowed, "signer_not_allowed"):  # two drivers are no two sides
        other = world.player("courier", "courier_driver", 2)
        take({"username": other.username, "password": PASSWORD, "scan": box.code})
    assert step_of(driver, packed, "pickup").state == "ready"
    take({"username": giver.username, "password": PASSWORD, "scan": box.code})

    reader = world.player("center", "coordinator").actor
    with reading(reader):
        event = Event.unwalled.filter(stream_id=box.stream_id, payload__step="pickup").latest("seq")
        signed = Signature.unwalled.filter(event=event).order_by("position")
        assert [row.person_id for row in signed] == [driver.actor.person_id, giver.actor.person_id]
        assert [row.organization_id for row in signed] == [world.courier.pk, world.center.pk]
        for bag in containers_of(reader, box.stream_id):
            before, after = custody_periods.periods_of(bag)[-2:]
            assert (before.organization_id, after.organization_id) == (world.center.pk, world.courier.pk)
            assert before.until == after.since and abs(after.since - at) < dt.timedelta(minutes=1)


@pytest.mark.story("CR6")
def test_both_at_the_door_hear_at_once_that_the_seal_differs_and_the_box_is_damaged(
    world: World, packed: Journey
) -> None:
    box, driver = box_of(world, packed), world.player("courier", "courier_driver")
    done = packed.perform("pickup", {"seal_seen": "SEAL-OTHER", "condition": "damaged"}, driver)
    assert done.summary == (
        f"{box.code} picked up. Seal SEAL-OTHER was seen on {box.code}; it was closed with {box.seal_code}. "
        "The box was damaged at hand-over. Quality is told."
    )
    told = {row.text for row in open_deviations(world.player("center", "site_quality"), packed)}
    assert len(told) == 2 and all(text in done.summary for text in told)


@pytest.mark.story("CR6")
def test_a_driver_refuses_a_damaged_box_with_a_photo(world: World, packed: Journey) -> None:
    box, driver = box_of(world, packed), world.player("courier", "courier_driver")
    add_photo(driver.actor, packed.code, box.code, "Dent in the lid", photo())
    report_failed_pickup(driver.actor, packed.code, "pickup", "damaged", "")
    coordinator = world.player("center", "coordinator")
    assert step_of(coordinator, packed, "pickup").state == "ready", "it was not taken over"
    assert set(bags(coordinator, packed, "starting_material").values()) == {"collected"}
    (deviation,) = open_deviations(world.player("center", "site_quality"), packed)
    assert "damaged" in deviation.text
    with reading(coordinator.actor):
        (kept,) = BoxPhoto.unwalled.filter(shipment_id=box.pk)
        assert kept.about == "Dent in the lid"
        for bag in containers_of(coordinator.actor, box.stream_id):
            assert custody_periods.custodian(bag).organization_id == world.center.pk  # type: ignore[union-attr]
    for stranger in (world.player("next_center", "coordinator"), world.player("next_maker", "operator")):
        with refused(NotFound):
            add_photo(stranger.actor, packed.code, box.code, "Dent", photo("blue"))
        with refused(NotFound):
            report_failed_pickup(stranger.actor, packed.code, "pickup", "damaged", "")
