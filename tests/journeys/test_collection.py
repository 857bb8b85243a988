"""At the chair: two people identify the patient and scan every label back, and only then anything is collected."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey
from custody import material
from custody.check_characters import check_character
from custody.queries import labels_of, lookup
from custody.states import IdentityState, LabelState
from ledger.context import reading
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed, WrongState
from orders.actions.interruptions import repeat_step
from orders.views.sheets import sheet_of
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.test_wrong_scans import identity_state
from tests.journeys.watching import bags, kinds_of_events, order_of, step_of
from tests.journeys.world import World


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def shown(world: World, journey: Journey, key: str) -> dict[str, str]:
    nurse = world.player("center", "apheresis_nurse")
    step = step_of(nurse, journey, key)
    with reading(nurse.actor):
        return dict(sheet_of(nurse.actor, order_of(nurse, journey), step).shown)


def second_nurse(world: World, scan: str) -> dict[str, str]:
    return {"username": world.player("center", "apheresis_nurse", 2).username, "password": PASSWORD, "scan": scan}


@pytest.mark.story("TP2")
@pytest.mark.parametrize(("gate", "closed"), [("readiness", "identify"), ("ship_go", "ship"), ("ld_go", "issue")])
def test_a_physician_who_says_not_yet_is_asked_again(world: World, gate: str, closed: str) -> None:
    journey, physician = world.journey(), world.player("center", "treating_physician")
    journey.run(before=gate)
    for colleague in (world.player("center", "coordinator"), world.player("maker", "planner")):
        with refused(NotAllowed):
            journey.perform(gate, player=colleague)
    with refused(InvalidInput) as refusal:
        journey.perform(gate, {"decision": "wait"})
    assert "reason" in refusal.value.fields
    waits = journey.perform(gate, {"decision": "wait", "reason": "White cells too low."}, physician)
    assert (waits.state, waits.summary) == ("failed", "Not yet: White cells too low.")
    assert (journey.next_step().key, journey.next_step().attempt) == (gate, 2)  # type: ignore[union-attr]
    with refused(WrongState, "step_not_ready"):
        journey.perform(closed)
    assert journey.run(before=closed) == closed


@pytest.mark.story("AN1")
def test_what_the_patient_says_differs_and_the_line_stops(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before="identify")
    with refused(Mismatch, "identity_mismatch"):
        journey.perform("identify", {"patient_said": "differs"})
    assert identity_state(coordinator, journey) == IdentityState.UNDER_QUERY
    assert "custody.identity_mismatch" in kinds_of_events(world.player("maker", "qa_reviewer"), journey)
    with refused(FactsMissing) as refusal:
        journey.perform("identify")
    assert facts_of(refusal) == {"identity_under_query"}


@pytest.mark.story("AN1")
def test_a_patient_of_the_same_name_at_this_center_is_warned_of(world: World) -> None:
    def journey_of(family: str, center: str = "center") -> Journey:
        journey = Journey(world.cast, random.Random(1))
        clinic = world.clinic if center == "center" else world.next_clinic
        identity = {"family_name": family, "given_name": "Ada", "birth_date": f"19{40 + len(made)}-01-02"}
        identity["mrn"] = f"NS-{family}-{len(made)}-{center}"
        journey.enrol(world.player(center, "coordinator"), world.car_t.code, clinic.code, identity)
        made.append(journey)
        return journey

    made: list[Journey] = []
    mine, alone = journey_of("Müllersdorf"), journey_of("Alleinsdorf")
    alike, next_door = journey_of("Muellersdorf"), journey_of("Alleinsdorf", "next_center")
    for journey in (mine, alone):
        journey.run(before="identify")

    assert alike.code in shown(world, mine, "identify")["Same name"]
    assert "Same name" not in shown(world, alone, "identify"), "nothing of another tenant"
    assert next_door.code not in str(shown(world, alone, "identify"))


@pytest.mark.story("AN2")
def test_a_void_label_is_not_applied(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="apply_labels")
    repeat_step(nurse.actor, journey.code, "labels", "The first label tore.")
    journey.perform("labels", {"reason": "The first label tore."})
    stream_id = order_of(nurse, journey).stream_id
    with reading(nurse.actor):
        states = dict(labels_of(nurse.actor, stream_id).values_list("state", "serial"))
    void = {"bags": [{"scan": states[LabelState.VOID]}]}
    with refused(InvalidInput, "label_void"):
        journey.perform("apply_labels", void)
    valid = states[LabelState.PRINTED]
    with refused(InvalidInput, "label_void"):
        verifiers = [second_nurse(world, states[LabelState.VOID])]
        journey.perform("apply_labels", {"bags": [{"scan": valid}], "verifiers": verifiers}, nurse)

    done = {"bags": [{"scan": valid}], "verifiers": [second_nurse(world, valid)]}
    assert journey.perform("apply_labels", done, nurse).state == "done"
    with reading(nurse.actor):
        found = set(labels_of(nurse.actor, stream_id).values_list("serial", "state"))
    assert found == {(states[LabelState.VOID], LabelState.VOID), (valid, LabelState.APPLIED)}
    with refused(WrongState, "later_step_done"):
        repeat_step(nurse.actor, journey.code, "labels", "Too late")


@pytest.mark.story("AN2")
def test_both_people_scan_every_label(world: World, several_bags: None) -> None:
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="apply_labels")
    one, two = bags(nurse, journey)
    both = {"bags": [{"scan": one}, {"scan": two}]}
    for left_out in ({"bags": [{"scan": one}]}, {"bags": [{"scan": one}, {"scan": one}]}):
        with refused(InvalidInput) as refusal:
            journey.perform("apply_labels", {**left_out, "verifiers": [second_nurse(world, f"{one},{two}")]}, nurse)
        assert "Scan each of the 2 labels once." in str(refusal.value.fields["bags"])
    with refused(InvalidInput) as refusal:
        journey.perform("apply_labels", {**both, "verifiers": [second_nurse(world, one)]}, nurse)
    assert "verifiers[0].scan" in refusal.value.fields
    assert journey.perform("apply_labels", {**both, "verifiers": [second_nurse(world, f"{two}, {one}")]}, nurse)
    journey.run(before="collect")
    with refused(FactsMissing) as refusal:
        journey.perform("collect", {"bags": [{"scan": one, "volume_ml": "200"}]})
    assert facts_of(refusal) == {"bag_not_scanned"}
    assert journey.perform("collect").state == "done"


@pytest.fixture
def several_bags(world: World) -> None:
    from orders import flow_files
    from tests.journeys.test_flow_engine import live, step

    definition = flow_files.shipped("autologous_car_t")
    step(definition, "labels")["parameters"]["containers"] = 2
    live(world, definition)


@pytest.mark.story("AN3", "AU3")
def test_nothing_is_collected_before_the_label_is_on_the_bag(world: World) -> None:
    from orders import flow_files
    from tests.journeys.test_flow_engine import live, step

    definition = flow_files.shipped("autologous_car_t")
    step(definition, "kit")["after"] = ["confirm"]
    step(definition, "readiness")["after"] = ["confirm"]  # the kit may be checked at any time …
    step(definition, "start_collection")["after"] = ["labels"]  # … and labels be applied after the start
    step(definition, "collect")["after"] = ["start_collection", "apply_labels", "kit"]
    live(world, definition)
    journey = world.journey()
    journey.run(until="accept_job")
    for key in ("readiness", "identify", "labels"):
        journey.perform(key)
    with refused(FactsMissing) as refusal:
        journey.perform("start_collection")
    assert facts_of(refusal) == {"kit_not_checked", "label_not_applied"}
    journey.perform("kit")
    journey.perform("apply_labels")
    assert journey.perform("start_collection").state == "done"


@pytest.mark.story("AN3")
def test_the_end_of_the_collection_starts_the_age_clock(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="start_collection")
    began = timezone.now()
    journey.perform("start_collection", {"started_at": began.isoformat()})
    ended = began + dt.timedelta(hours=4)
    with clock.at(began + dt.timedelta(hours=6)):
        with refused(InvalidInput) as refusal:
            journey.perform("collect", {"ended_at": (began - dt.timedelta(hours=1)).isoformat()})
        assert "ended_at" in refusal.value.fields
        later = {"ended_at": ended.isoformat(), "started_at": (began - dt.timedelta(hours=9)).isoformat()}
        journey.perform("collect", later)
        stream_id = order_of(nurse, journey).stream_id
        with reading(nurse.actor):
            (bag,) = material.of_stream(stream_id)
        assert (bag.ended_at, bag.collected_at) == (ended, began), (
            "the end, not the click; the start as it was recorded"
        )
        journey.run(before="receipt")
        over = ended + dt.timedelta(hours=48, minutes=1)
    with clock.at(over):
        result = journey.perform("receipt", {"received_at": over.isoformat()})
    assert "quarantined" in result.summary


def test_a_flow_without_a_start_asks_for_it_at_the_end(world: World) -> None:
    from orders import flow_files
    from tests.journeys.test_flow_engine import _without, live

    definition = flow_files.shipped("autologous_car_t")
    _without("start_collection")(definition)
    live(world, definition)
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="collect")
    with refused(InvalidInput) as refusal:
        journey.perform("collect")
    assert "started_at" in refusal.value.fields
    began = timezone.now() - dt.timedelta(hours=4)
    assert journey.perform("collect", {"started_at": began.isoformat()}).state == "done"
    with reading(nurse.actor):
        assert [bag.collected_at for bag in material.of_stream(order_of(nurse, journey).stream_id)] == [began]


@pytest.mark.story("AN3")
def test_the_donation_number_is_scanned_at_the_chair_and_leads_to_its_order(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="collect")
    number = a_din()
    wrong = next(mark for mark in "AB" if mark != check_character(number))
    for typed in (number, number + wrong):
        with refused(InvalidInput, "check_character") as refusal:
            journey.perform("collect", {"donation": typed})
        assert "donation" in refusal.value.fields
    assert journey.perform("collect", {"donation": f"={number}00"}).state == "done"
    for reader in (nurse, world.player("maker", "operator")):
        with reading(reader.actor):
            found = lookup(reader.actor, f"{number}{check_character(number)}")
            assert found is not None and found.stream_id == order_of(reader, journey).stream_id
            assert found.container is not None and found.container.donation_number == number


@pytest.mark.story("AN3")
def test_another_patients_donation_number_at_the_chair_stops_the_line(world: World) -> None:
    first, second, number = world.journey(), world.journey(), a_din()
    first.run(before="collect")
    first.perform("collect", {"donation": f"={number}00"})
    second.run(before="collect")
    with refused(Mismatch, "identity_mismatch"):
        second.perform("collect", {"donation": f"={number}00"})
    assert identity_state(world.player("center", "coordinator"), second) == IdentityState.UNDER_QUERY


@pytest.mark.story("AN3")
def test_a_flow_may_demand_the_donation_number(world: World) -> None:
    from orders import flow_files
    from tests.journeys.test_flow_engine import live, step

    definition = flow_files.shipped("autologous_car_t")
    step(definition, "collect")["parameters"] = {"needs_donation": True}
    live(world, definition)
    journey = world.journey()
    journey.run(before="collect")
    with refused(InvalidInput) as refusal:
        journey.perform("collect", {"donation": ""})
    assert "donation" in refusal.value.fields
    assert journey.perform("collect", {"donation": f"={a_din()}00"}).state == "done"


def a_din() -> str:
    """A donation number of the fictional facility that no other test has."""
    return f"A999926{random.SystemRandom().randrange(10**6):06d}"
