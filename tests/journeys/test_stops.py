"""Stop-ship: one signed act holds every unit that a search finds, wherever it is, and two people lift it (QA4, DN4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from custody.actions.mismatch import stop_the_line
from custody.actions.stock import add_stock_unit
from custody.models import Container
from custody.states import ContainerState
from ledger.context import reading
from ledger.models import Event
from ledger.queries import signatures_of
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.stops import affected, lift_stop, stop_units
from orders.actions.unit_searches import sought_of
from orders.epcis.events import epcis_events, sources
from orders.flow import perform
from personas.states import Capability
from quality.models import Stop, StoppedOrder, StoppedSource, StoppedUnit
from tests.factories import PASSWORD, operator, unique
from tests.journeys.conftest import refused
from tests.journeys.telling import events, told
from tests.journeys.test_revocation import BLOCKED, LATE, given, standing_against
from tests.journeys.watching import bags, open_deviations, order_of
from tests.journeys.world import World

pytestmark = pytest.mark.story("QA4")
PRODUCT = "drug_product"


def signed(player: Player) -> dict[str, str]:
    return {"username": player.username, "password": PASSWORD}


def stop(world: World, reason: str = "The supplier called the lot back.", **sought: str) -> str:
    reviewer = world.player("maker", "qa_reviewer")
    return stop_units(reviewer.actor, {**sought, "reason": reason, "signature": signed(reviewer)})


def lift(world: World, number: str, **changes: Any) -> int:
    first, second = (world.player("maker", "qa_reviewer", n) for n in (1, 2))
    raw = {"conclusion": "The lot is sound.", "signature": signed(first), "other": signed(second)}
    return lift_stop(first.actor, number, raw | changes)


def made_with(world: World, lot: str, until: str = "", *, before: str = "") -> Journey:
    journey = world.journey()
    journey.vector_lot = lot
    journey.run(until, before=before)
    return journey


@pytest.fixture
def lot() -> str:
    return unique("lot").upper()


def test_every_unit_of_a_lot_is_held_on_every_order_and_on_no_other(world: World, lot: str) -> None:
    """Of three orders one was made with another lot; one patient has the product already."""
    reviewer = world.player("maker", "qa_reviewer")
    stored, given_one, other = (
        made_with(world, lot, before="ship"),
        made_with(world, lot, until="infuse"),
        made_with(world, unique("other").upper(), before="ship"),
    )
    number = stop(world, lot=f" {lot.lower()}")
    assert set(bags(reviewer, stored, PRODUCT).values()) == {ContainerState.QUARANTINED}
    assert set(bags(reviewer, given_one, PRODUCT).values()) == {ContainerState.INFUSED}
    assert ContainerState.QUARANTINED not in bags(reviewer, other).values()
    with reading(reviewer.actor):
        case = Stop.unwalled.get(number=number)
        listed = {row.code: row for row in StoppedUnit.unwalled.filter(stop=case)}
    assert set(listed) == {*bags(reviewer, stored), *bags(reviewer, given_one)}
    assert {row.order for row in listed.values() if row.given} == {given_one.code}
    for journey in (stored, given_one):
        (deviation,) = open_deviations(reviewer, journey)
        assert (deviation.kind, deviation.severity) == ("stop", "critical") and number in deviation.text
        assert other.code not in deviation.text and lot not in str(events(reviewer, journey, "quality.units_stopped"))
    assert open_deviations(reviewer, other) == []
    (event,) = events(reviewer, stored, "quality.units_stopped")
    assert set(event.payload["units"].split(", ")) == set(bags(reviewer, stored, PRODUCT))
    with reading(reviewer.actor):
        names = [row.person_id for row in signatures_of(reviewer.actor, event.stream_id).filter(event_id=event.pk)]
    assert names == [reviewer.actor.person_id]


@pytest.mark.parametrize("key", ["ship_delivery", "thaw", "infuse"])
def test_nothing_goes_on_while_the_stop_stands(world: World, lot: str, key: str) -> None:
    journey = made_with(world, lot, before=key)
    stop(world, lot=lot)
    for blocked, (organization, persona) in BLOCKED.items():
        known = {fact.code for fact in standing_against(world.player(organization, persona), journey, blocked)}
        assert ("stop_box" if organization == "courier" else "units_stopped") in known, blocked
    if key == "infuse":
        nurse = world.player("center", "infusion_nurse")
        code = next(iter(bags(nurse, journey, PRODUCT)))
        with refused(FactsMissing):
            perform(nurse.actor, journey.code, key, given(code) | {"signature": signed(nurse)})


def test_a_batch_is_not_released_under_a_stop(world: World, lot: str) -> None:
    journey = made_with(world, lot, before="release")
    stop(world, lot=lot)
    with refused(FactsMissing) as refusal:
        journey.perform("release")
    assert {"deviation_open", "material_quarantined"} <= {fact.code for fact in refusal.value.facts}


def test_each_site_is_told_once_and_the_physician_of_a_patient_who_has_it(world: World, lot: str) -> None:
    first, second = made_with(world, lot, before="thaw"), made_with(world, lot, until="infuse")
    stop(world, lot=lot)
    reviewer, physician = world.player("maker", "qa_reviewer"), world.player("center", "treating_physician").username
    told_of = [
        told(world.center.pk, event)
        for journey in (first, second)
        for event in events(reviewer, journey, "quality.units_stopped")
    ]
    stops = [notice[physician] for notice in told_of if physician in notice and "STOP" in notice[physician].title]
    assert len(stops) == 1 and stops[0].critical
    assert first.code in stops[0].title and second.code in stops[0].title
    back = [notice[physician].title for notice in told_of if "Look-back" in notice.get(physician, stops[0]).title]
    assert len(back) == 1 and second.code in back[0]
    assert world.player("center", "site_quality").username in told_of[0] | told_of[1]


def test_a_courier_under_way_hears_stop_and_no_more(world: World, lot: str) -> None:
    journey = made_with(world, lot, before="ship_delivery")
    stop(world, lot=lot)
    (event,) = events(world.player("maker", "qa_reviewer"), journey, "quality.units_stopped")
    notice = told(world.courier.pk, event)[world.player("courier", "courier_driver").username]
    assert notice.title == f"STOP this box · {journey.code}" and notice.critical


def test_a_lot_that_is_stopped_is_not_used_and_what_was_made_with_it_all_the_same_is_caught(
    world: World, lot: str
) -> None:
    reviewer = world.player("maker", "qa_reviewer")
    number = stop(world, lot=lot)
    journey = made_with(world, lot, before="start")
    with refused(FactsMissing) as refusal:
        journey.perform("start")
    assert [fact.code for fact in refusal.value.facts] == ["source_stopped"] and number in refusal.value.detail
    assert journey.perform("start", {"materials": [{"name": "Viral vector", "lot": f"{lot}-B"}]}).state == "done"
    late = made_with(world, lot, before="start")
    late.perform("start", {"late_reason": "Begun before the call came."})
    assert ContainerState.QUARANTINED in bags(reviewer, late).values()
    (deviation,) = open_deviations(reviewer, late)
    assert deviation.severity == "critical" and lot in deviation.text
    with reading(reviewer.actor):
        stream_id = order_of(reviewer, late).stream_id
        assert StoppedOrder.unwalled.get(stream_id=stream_id, lifted_at=None).number == number
    late.perform("finish", {"late_reason": "The process could not be halted."})
    product = bags(reviewer, late, PRODUCT)
    assert product and set(product.values()) == {ContainerState.QUARANTINED}


def test_a_unit_in_stock_of_a_stopped_lot_is_not_allocated(world: World) -> None:
    journey, lot = world.journey("in_vivo"), unique("kit")
    soon = timezone.now() + dt.timedelta(days=90)
    add_stock_unit(operator(world.maker), therapy_id=world.in_vivo.pk, lot=lot, serial="K1", expires_at=soon)
    journey.run(before="allocate")
    number = stop(world, lot=lot.upper() if lot.islower() else lot)
    serial = f"{lot}/K1"
    with refused(FactsMissing) as refusal:
        journey.perform("allocate", {"serial": serial})
    assert number in refusal.value.detail


def test_a_stopped_shipper_takes_no_box(world: World) -> None:
    journey, serial = world.journey(), unique("sh").upper()
    journey.run(before="pack")
    stop(world, shipper=serial)
    with refused(FactsMissing) as refusal:
        journey.perform("pack", {"shipper_code": serial.lower()})
    assert [fact.code for fact in refusal.value.facts] == ["source_stopped"]
    assert journey.perform("pack", {"shipper_code": f"{serial}X"}).state == "done"


@pytest.mark.story("DN4")
def test_what_is_collected_from_a_stopped_donor_later_is_put_aside(world: World) -> None:
    """Nothing was collected yet when the donor was stopped; another donor's collection goes on."""
    journey, other, reviewer = world.journey(), world.journey(), world.player("maker", "qa_reviewer")
    for one in (journey, other):
        one.run(before="collect")
    identity = order_of(reviewer, journey).identity_code
    number = stop(world, "The donor's tests came back.", donor=identity.lower())
    for one in (journey, other):
        assert one.perform("collect").state == "done", "a collection is a fact"
    held = bags(reviewer, journey, "starting_material")
    assert held and set(held.values()) == {ContainerState.QUARANTINED}
    assert ContainerState.QUARANTINED not in bags(reviewer, other).values()
    with reading(reviewer.actor):
        known = StoppedSource.unwalled.get(number=number)
        assert identity not in known.value and known.kind == "donor", "partners read the row, and no donor in it"
        stream_id = order_of(reviewer, journey).stream_id
        assert StoppedOrder.unwalled.get(stream_id=stream_id, lifted_at=None).number == number
    with refused((InvalidInput, FactsMissing)):  # type: ignore[arg-type]
        journey.perform("pack")  # there is no bag that may be packed
    assert lift(world, number) == len(held)
    assert ContainerState.QUARANTINED not in bags(reviewer, journey).values()


def test_the_same_is_stopped_once_and_nothing_is_stopped_for_nothing(world: World, lot: str) -> None:
    made_with(world, lot, until="start")
    number = stop(world, lot=lot)
    with refused(Conflict, "stop_stands") as refusal:
        stop(world, lot=lot.lower())
    assert number in refusal.value.detail
    with refused(WrongState, "nothing_found"):
        stop(world, lot=unique("none"), site=world.plant.code)
    with reading(world.player("maker", "qa_reviewer").actor):
        assert StoppedSource.unwalled.filter(value=lot).count() == 1


def test_only_quality_of_the_manufacturer_stops_and_signs_for_it(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, before="ship"), world.player("maker", "qa_reviewer")
    raw = {"lot": lot, "reason": "Called back"}
    for player in (world.player("maker", "planner"), world.player("center", "site_quality")):
        with refused(NotAllowed):
            stop_units(player.actor, raw | {"signature": signed(player)})
    entitled = replace(player.actor, capabilities=player.actor.capabilities | {Capability.STOP_UNITS})
    with pytest.raises(NotAllowed) as refusal:  # whatever rights a center gives its people
        stop_units(entitled, raw | {"signature": signed(player)})
    assert refusal.value.code == "not_manufacturer"
    for changed in (
        {"signature": {"username": reviewer.username, "password": "wrong"}},
        {"signature": signed(world.player("maker", "qa_reviewer", 2))},
        {"signature": signed(reviewer), "reason": " "},
        {},
    ):
        with refused((InvalidInput, NotAllowed)):  # type: ignore[arg-type]
            stop_units(reviewer.actor, raw | changed)
    assert ContainerState.QUARANTINED not in bags(reviewer, journey).values()


def test_another_manufacturer_finds_stops_and_reads_nothing_of_it(world: World, lot: str) -> None:
    journey, stranger = made_with(world, lot, before="ship"), world.player("next_maker", "qa_reviewer")
    with reading(stranger.actor):
        assert affected(stranger.actor, sought_of(stranger.actor, {"lot": lot})).rows == []
    theirs = stop_units(stranger.actor, {"lot": lot, "reason": "Ours too", "signature": signed(stranger)})
    assert ContainerState.QUARANTINED not in bags(world.player("maker", "qa_reviewer"), journey).values()
    number = stop(world, lot=lot)
    assert number != theirs
    with reading(stranger.actor):
        assert not Stop.unwalled.filter(number=number).exists()
        assert not StoppedUnit.unwalled.filter(order=journey.code).exists()
        assert not StoppedOrder.unwalled.filter(number=number).exists()
        assert not StoppedSource.unwalled.filter(number=number).exists()
    with refused_quietly():
        lift_stop(stranger.actor, number, {})
    site = world.player("center", "site_quality")
    with reading(site.actor):
        assert StoppedOrder.unwalled.filter(number=number).exists(), "a party knows that its order is stopped"
        assert not StoppedUnit.unwalled.filter(stop__number=number).exists(), "the whole list is the manufacturer's"


def refused_quietly() -> Any:
    return pytest.raises(NotFound)


def test_two_people_lift_it_and_the_units_go_on_where_they_were(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, before="thaw"), world.player("maker", "qa_reviewer")
    before, number = bags(reviewer, journey), stop(world, lot=lot)
    first = world.player("maker", "qa_reviewer")
    with refused(FactsMissing, "second_person_needed"):
        lift(world, number, other=signed(first))
    with refused((InvalidInput, NotAllowed)):  # type: ignore[arg-type]
        lift(world, number, other=signed(world.player("maker", "planner")))
    code = next(iter(bags(reviewer, journey, PRODUCT)))
    with refused(FactsMissing) as refusal:
        decide_on_quarantine(reviewer.actor, journey.code, code, "release", "Looks fine")
    assert "units_stopped" in {fact.code for fact in refusal.value.facts}
    assert lift(world, number) == 2
    assert bags(reviewer, journey) == before
    assert open_deviations(reviewer, journey) == []
    assert journey.perform("thaw").state == "done"
    with refused(WrongState, "stop_lifted"):
        lift(world, number)
    again = world.journey()
    again.vector_lot = lot
    again.run(before="start")
    assert again.perform("start").state == "done", "the lot may be used again"


def test_it_is_lifted_for_one_order_alone(world: World, lot: str) -> None:
    one, two, reviewer = (
        made_with(world, lot, before="ship"),
        made_with(world, lot, before="ship"),
        world.player("maker", "qa_reviewer"),
    )
    number = stop(world, lot=lot)
    with refused(InvalidInput):
        lift(world, number, order="CT-NONE-0000")
    assert lift(world, number, order=one.code.lower()) == 2
    assert ContainerState.QUARANTINED not in bags(reviewer, one).values()
    assert ContainerState.QUARANTINED in bags(reviewer, two).values()
    with reading(reviewer.actor):
        assert Stop.unwalled.get(number=number).state == "standing"
    assert lift(world, number) == 2
    with reading(reviewer.actor):
        assert Stop.unwalled.get(number=number).state == "lifted"


def test_of_two_stops_on_an_order_the_second_still_holds(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, before="ship"), world.player("maker", "qa_reviewer")
    identity = order_of(reviewer, journey).identity_code
    first, second = stop(world, lot=lot), stop(world, "The donor was ill.", donor=identity)
    assert lift(world, first) == 0
    assert set(bags(reviewer, journey, PRODUCT).values()) == {ContainerState.QUARANTINED}
    assert lift(world, second) == 2
    assert ContainerState.QUARANTINED not in bags(reviewer, journey).values()


def test_a_dose_given_in_spite_of_it_is_recorded_as_critical(world: World, lot: str) -> None:
    journey, nurse = made_with(world, lot, before="infuse"), world.player("center", "infusion_nurse")
    stop(world, lot=lot)
    code = next(iter(bags(nurse, journey, PRODUCT)))
    perform(nurse.actor, journey.code, "infuse", given(code) | LATE | {"signature": signed(nurse)})
    assert bags(nurse, journey)[code] == ContainerState.INFUSED
    severities = {deviation.kind: deviation.severity for deviation in open_deviations(nurse, journey)}
    assert severities["recorded_late"] == "critical"


@pytest.mark.story("DN4")
def test_a_donor_leads_back_to_every_unit_and_recipient(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, until="infuse"), world.player("maker", "qa_reviewer")
    identity = order_of(reviewer, journey).identity_code
    number = stop(world, "Post-donation information.", donor=identity)
    with reading(reviewer.actor):
        listed = StoppedUnit.unwalled.filter(stop__number=number)
        assert {row.code for row in listed} == set(bags(reviewer, journey))
        assert {(row.identity_code, row.center) for row in listed if row.given} == {(identity, world.clinic.name)}


def test_the_stop_is_told_in_epcis_as_recalled(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, before="ship"), world.player("maker", "qa_reviewer")
    stop(world, lot=lot)
    with reading(reviewer.actor):
        stream_id = order_of(reviewer, journey).stream_id
        rows = list(sources(reviewer.actor).filter(stream=stream_id).order_by("seq"))
        said = [event for _, event in epcis_events(reviewer.actor, rows)]
    recalled = [event for event in said if event.get("disposition") == "recalled"]
    assert len(recalled) == 1 and len(recalled[0]["epcList"]) == len(bags(reviewer, journey, PRODUCT))


def test_what_was_put_aside_before_keeps_its_reason(world: World, lot: str) -> None:
    journey, reviewer = made_with(world, lot, before="ship"), world.player("maker", "qa_reviewer")
    with reading(reviewer.actor):
        stream_id = order_of(reviewer, journey).stream_id
        (first, *_) = Container.unwalled.filter(stream_id=stream_id, kind=PRODUCT)
    stop_the_line(reviewer.actor, stream_id, [first.pk], "another bag")
    number = stop(world, lot=lot)
    lift(world, number)
    with reading(reviewer.actor):
        first.refresh_from_db()
        assert first.quarantine_reason.startswith("Identity mismatch")
        assert Event.unwalled.filter(stream_id=stream_id, kind="quality.stop_lifted").exists()
