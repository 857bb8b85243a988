"""At the bedside: what was not matched there is not infused; a dose in parts; what comes back to the store."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cgt.demo import clock
from cgt.demo.journey import Journey
from custody import material
from custody.queries import containers_of, identity_of
from custody.schemes import printed
from custody.states import ContainerState, IdentityState
from ledger.context import reading
from ledger.models import Signature
from ledger.queries import events_of
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed, NotFound, WrongState
from orders import attempts, flow
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.identity_queries import lift_identity_query
from orders.actions.interruptions import repeat_step
from orders.step_kinds import kind_of
from personas.models import User
from quality.actions.deviations import close_deviation
from tests.factories import PASSWORD, unique
from tests.journeys.conftest import refused
from tests.journeys.destroying import destroy
from tests.journeys.returning import returned, take_back
from tests.journeys.watching import bags, kinds_of_events, open_deviations, order_of, step_of
from tests.journeys.world import Player, World
from tests.personas.conftest import signed_in

S = ContainerState


def product(world: World, journey: Journey) -> dict[str, str]:
    return bags(world.player("center", "coordinator"), journey, "drug_product")


def at(world: World, key: str) -> tuple[Journey, str, str]:
    journey = world.journey()
    journey.run(before=key)
    one, two = product(world, journey)
    return journey, one, two


def state(world: World, journey: Journey, key: str) -> tuple[int, str]:
    step = step_of(world.player("center", "coordinator"), journey, key)
    return step.attempt, str(step.state)


def put_aside(world: World, journey: Journey, code: str) -> None:
    player = world.player("center", "site_quality")
    stream_id = order_of(player, journey).stream_id
    with acting(player.actor, "orders.step_done", stream_id=stream_id):
        for bag in material.of_stream(stream_id, "drug_product"):
            if bag.code == code:
                material.quarantine(bag, "Frost on the port.")


def let_go(world: World, journey: Journey, code: str) -> None:
    decide_on_quarantine(world.player("center", "site_quality").actor, journey.code, code, "release", "Intact.")


def infuse(journey: Journey, code: str, **changes: Any) -> Any:
    return journey.perform("infuse", {"scan": code, **changes})


def labs(world: World) -> tuple[Player, Player]:
    first, second = (world.player("center", "cell_lab_technologist", number) for number in (1, 2))
    return first, second


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def shown(world: World, journey: Journey, key: str, player: Player) -> dict[str, str]:
    with reading(player.actor):
        order = flow.order_named(player.actor, journey.code)
        step = flow.current_step(order, key)
        return dict(kind_of(step.flow_step.kind).shown(flow.context_of(player.actor, order, step)))


# ---- only what two people matched --------------------------------------------------------------------------------


@pytest.mark.story("IN1")
def test_a_bag_that_came_out_of_quarantine_after_the_check_is_matched_before_it_is_infused(world: World) -> None:
    journey, one, two = at(world, "bedside")
    put_aside(world, journey, two)
    journey.perform("bedside")
    let_go(world, journey, two)
    assert state(world, journey, "bedside") == (2, "ready")
    with refused(FactsMissing) as refusal:
        infuse(journey, two)
    assert facts_of(refusal) == {"identity_not_checked"} and "bedside check" in refusal.value.facts[0].remedy
    assert product(world, journey) == {one: S.THAWED, two: S.THAWED}
    assert infuse(journey, one).state == "ready"  # the other one is still out
    journey.perform("bedside")
    assert infuse(journey, two).state == "done"
    assert journey.run() == ""


@pytest.mark.story("IN1")
def test_a_bag_that_was_put_aside_after_the_check_is_matched_anew(world: World) -> None:
    journey, one, two = at(world, "infuse")
    put_aside(world, journey, one)
    let_go(world, journey, one)
    with refused(FactsMissing) as refusal:
        infuse(journey, one)
    assert facts_of(refusal) == {"identity_not_checked"}
    assert state(world, journey, "bedside") == (2, "ready")
    journey.perform("bedside")
    assert (infuse(journey, one).state, infuse(journey, two).state) == ("ready", "done")


def test_after_another_patients_bag_at_the_infusion_the_check_is_open_again(world: World) -> None:
    journey, one, two = at(world, "infuse")
    other = world.journey()
    other.run(before="start")
    foreign = next(iter(bags(world.player("center", "coordinator"), other)))
    with refused(Mismatch):
        journey.perform("infuse", {"scan": foreign})
    reviewer, quality = world.player("maker", "qa_reviewer"), world.player("center", "site_quality")
    second = {"username": quality.username, "password": PASSWORD}
    sent = {"reason": "Taken from the next bed.", "other": second, "signature": {"password": PASSWORD}}
    lift_identity_query(reviewer.actor, journey.code, sent)
    assert state(world, journey, "bedside") == (2, "ready")
    journey.run(until="infuse")
    assert set(product(world, journey).values()) == {S.INFUSED}


def test_the_check_is_repeated_by_hand_while_something_is_unmatched(world: World) -> None:
    """As after an update: what was matched before says nothing of it."""
    journey, one, _ = at(world, "infuse")
    nurse = world.player("center", "infusion_nurse")
    with refused(NotAllowed, "step_does_not_repeat"):
        repeat_step(nurse.actor, journey.code, "bedside", "To be sure")
    stream_id = order_of(nurse, journey).stream_id
    with acting(nurse.actor, "orders.step_done", stream_id=stream_id):
        for bag in material.of_stream(stream_id, "drug_product"):
            material._set(bag, matched_at=None)
    with refused(FactsMissing):
        infuse(journey, one)
    repeat_step(nurse.actor, journey.code, "bedside", "Matched before the update")
    assert state(world, journey, "bedside") == (2, "ready") and state(world, journey, "infuse") == (2, "waiting")
    assert journey.run() == ""


def test_recorded_late_what_nobody_matched_is_noted_as_critical(world: World) -> None:
    journey, one, two = at(world, "bedside")
    put_aside(world, journey, two)
    journey.perform("bedside")
    let_go(world, journey, two)
    infuse(journey, two, late_reason="Given before anybody looked.")
    assert product(world, journey)[two] == S.INFUSED
    (deviation,) = open_deviations(world.player("center", "site_quality"), journey)
    assert deviation.severity == "critical" and f"{two} was not matched" in deviation.text


@pytest.mark.story("IN1")
def test_the_screen_says_what_the_label_says(world: World) -> None:
    """After a remanufacture the position runs on; the label counts within its batch."""
    journey, one, _ = at(world, "bedside")
    player = world.player("center", "infusion_nurse")
    stream_id = order_of(player, journey).stream_id
    with acting(world.player("center", "site_quality").actor, "orders.step_done", stream_id=stream_id):
        for bag in material.of_stream(stream_id, "drug_product"):
            if bag.code == one:
                material._set(bag, number=7, total=9)
    rows = shown(world, journey, "bedside", player)
    assert one in rows["Bag 7 of 9"] and "use before" in rows["Bag 7 of 9"]
    assert rows["Product"] == world.car_t.name
    journey.perform("bedside")
    assert f"{one} (7 of 9)" in shown(world, journey, "infuse", player)["Bags to infuse"]


@pytest.mark.story("IN1")
def test_the_second_person_scans_the_wristband_and_every_bag(world: World) -> None:
    journey, one, two = at(world, "bedside")
    nurse, colleague = (world.player("center", "infusion_nurse", n) for n in (1, 2))
    band = printed(order_of(nurse, journey).identity_code)

    def check(scan: str) -> Any:
        verifier = {"username": colleague.username, "password": PASSWORD, "scan": scan}
        return journey.perform("bedside", {"verifiers": [verifier]}, nurse)

    for scan in (
        one,
        band,
        f"{band}, {one}",
        f"{one}, {two}",
        f"{band}, {one}, {one}",
        f"{band}, {band}, {one}, {two}",
    ):
        with refused(InvalidInput) as refusal:
            check(scan)
        assert set(refusal.value.fields) == {"verifiers[0].scan"}, scan
    assert check(f"{two}, {one}, {band}").state == "done"


@pytest.mark.story("IN1", "CL2", "MO1")
@pytest.mark.parametrize("key", ["receipt", "receive_product"])
def test_the_second_person_at_a_receipt_scans_every_bag(world: World, key: str) -> None:
    journey = world.journey()
    journey.run(before=key)
    kind = "drug_product" if key == "receive_product" else "starting_material"
    codes = list(bags(world.player("center", "coordinator"), journey, kind))
    organization, persona = ("maker", "operator") if key == "receipt" else ("center", "cell_lab_technologist")
    first, second = (world.player(organization, persona, n) for n in (1, 2))

    def receive(scan: str) -> Any:
        verifier = {"username": second.username, "password": PASSWORD, "scan": scan}
        return journey.perform(key, {"verifiers": [verifier]}, first)

    wrong = [codes[0]] if len(codes) > 1 else []
    for scan in (*wrong, f"{codes[0]}, {codes[0]}"):
        with refused(InvalidInput) as refusal:
            receive(scan)
        assert set(refusal.value.fields) == {"verifiers[0].scan"}
    assert receive(", ".join(reversed(codes))).state == "done"


@pytest.mark.story("IN1")
@pytest.mark.parametrize(("key", "said"), [("bedside", "patient_said"), ("issue", "patient_ready")])
def test_what_differs_at_the_patient_stops_the_line(world: World, key: str, said: str) -> None:
    journey, *_ = at(world, key)
    coordinator = world.player("center", "coordinator")
    with refused(Mismatch, "identity_mismatch"):
        journey.perform(key, {said: "differs"})
    assert set(product(world, journey).values()) == {S.QUARANTINED}
    with reading(coordinator.actor):
        chain = identity_of(coordinator.actor, order_of(coordinator, journey).stream_id)
    assert chain.state == IdentityState.UNDER_QUERY
    assert "custody.identity_mismatch" in kinds_of_events(world.player("maker", "qa_reviewer"), journey)


# ---- a dose in parts ---------------------------------------------------------------------------------------------


@pytest.mark.story("IN2", "CL4")
def test_bags_are_thawed_and_given_one_after_the_other(world: World) -> None:
    journey, one, two = at(world, "thaw")
    thawed = journey.perform("thaw", {"bags": [{"scan": one}]})
    assert thawed.state == "done" and two in thawed.summary
    assert state(world, journey, "thaw") == (2, "ready")
    journey.perform("bedside")
    given = infuse(journey, one)
    assert given.state == "ready" and "1 to go" in given.summary, "the second bag is still out"
    journey.perform("thaw")
    assert state(world, journey, "bedside") == (2, "ready")
    with refused(FactsMissing):
        infuse(journey, two)
    journey.perform("bedside")
    last = infuse(journey, two)
    assert last.state == "done" and "every bag is accounted for" in last.summary
    assert journey.run() == "" and set(product(world, journey).values()) == {S.INFUSED}


@pytest.mark.story("IN2")
def test_the_rest_of_a_split_dose_is_issued_on_another_day(world: World) -> None:
    journey, one, two = at(world, "issue")
    first = journey.perform("issue", {"bags": [{"scan": one}], "rest_later": True})
    assert (first.state, first.summary) == ("done", "1 of 2 bags of the dose issued; the rest later.")
    assert state(world, journey, "issue") == (2, "ready")
    journey.perform("thaw")
    journey.perform("bedside")
    assert infuse(journey, one).state == "done"
    assert product(world, journey) == {one: S.INFUSED, two: S.STORED}
    with refused(FactsMissing) as refusal:
        journey.perform("close")
    assert "bag_not_terminal" in facts_of(refusal)
    for key in ("issue", "thaw", "bedside"):
        assert journey.perform(key).attempt == 2, key
    assert infuse(journey, two).state == "done"
    assert journey.run() == "" and set(product(world, journey).values()) == {S.INFUSED}


@pytest.mark.story("IN2", "PH4")
def test_the_second_dose_that_is_never_given_ends_with_its_bag(world: World) -> None:
    journey, one, two = at(world, "issue")
    journey.perform("issue", {"bags": [{"scan": one}], "rest_later": True})
    journey.perform("thaw")
    journey.perform("bedside")
    infuse(journey, one)
    destroy(world.player("center", "site_quality"), labs(world)[0], journey.code, two)
    assert state(world, journey, "issue") == (2, "skipped")
    assert journey.run() == "" and product(world, journey) == {one: S.INFUSED, two: S.DESTROYED}


@pytest.mark.story("IN5")
def test_the_record_tells_thaw_times_of_the_infusion_and_volume_of_each_bag(world: World) -> None:
    journey, one, _ = at(world, "thaw")
    begun = timezone.now() + dt.timedelta(minutes=1)  # after the bags came into hand
    with clock.at(begun + dt.timedelta(minutes=4)):
        journey.perform("thaw", {"started_at": begun.isoformat()})
        journey.perform("bedside")
        given = {"started_at": (begun + dt.timedelta(minutes=1)).isoformat(), "volume_ml": "57.5"}
        given["ended_at"] = (begun + dt.timedelta(minutes=2)).isoformat()
        for wrong in ({"volume_ml": "0"}, {"ended_at": begun.isoformat()}, {"started_at": ""}):
            with refused(InvalidInput) as refusal:
                infuse(journey, one, **(given | wrong))
            assert set(refusal.value.fields) <= {"volume_ml", "ended_at", "started_at"}
        infuse(journey, one, **given)
    nurse = world.player("center", "infusion_nurse")
    with reading(nurse.actor):
        stream_id = order_of(nurse, journey).stream_id
        bag = containers_of(nurse.actor, stream_id).get(code=one)
        facts = events_of(nurse.actor, stream_id).filter(payload__step="infuse").latest("seq").payload["facts"]
    assert bag.thawed_at == begun and bag.expires_at == begun + dt.timedelta(minutes=180)
    assert (facts["bag"], facts["result"], facts["volume_ml"]) == (one, "infused", "57.5")
    assert parse_datetime(facts["started_at"]) == begun + dt.timedelta(minutes=1)
    assert parse_datetime(facts["ended_at"]) == begun + dt.timedelta(minutes=2)


# ---- the issue and its prescription ------------------------------------------------------------------------------


@pytest.mark.story("PH1")
def test_the_issue_shows_the_prescription_and_waits_for_one_in_force(world: World) -> None:
    journey = world.journey()
    journey.run(before="prescribe")
    physician = world.player("center", "treating_physician")
    journey.perform("prescribe", {"dose_remark": "Two bags, split"}, physician)
    journey.run(before="issue")
    lab = labs(world)[0]
    rows = shown(world, journey, "issue", lab)
    assert physician.actor.person_name in rows["Prescribed"] and "Europe/Berlin" in rows["Prescribed"]
    assert (rows["Therapy"], rows["Dose"]) == (world.car_t.name, "Two bags, split")
    assert rows["Weight"].endswith(" kg")
    stream_id = order_of(lab, journey).stream_id
    with acting(lab.actor, "orders.step_done", stream_id=stream_id) as event:
        order = flow.order_named(lab.actor, journey.code)
        attempts.begin_again(order, ("prescribe",), event.id)
    with refused(FactsMissing) as refusal:
        journey.perform("issue")
    assert facts_of(refusal) == {"prescription_not_in_force"}
    journey.perform("prescribe")
    assert journey.perform("issue").state == "done"


@pytest.mark.story("IN1")
@pytest.mark.parametrize("key", ["labels", "apply_labels", "receive_product", "issue", "bedside"])
def test_a_patient_with_the_same_family_name_is_warned_of_to_those_who_read_names(world: World, key: str) -> None:
    mine = world.journey()
    mine.run(before=key)
    alike = Journey(world.cast, random.Random(3))
    identity = {**mine.identity, "given_name": "Other", "birth_date": "1950-01-01", "mrn": unique("MRN")}
    alike.enrol(world.player("center", "coordinator"), world.car_t.code, world.clinic.code, identity)
    personas = {"labels": "apheresis_nurse", "apply_labels": "apheresis_nurse", "bedside": "infusion_nurse"}
    reader = world.add("center", personas.get(key, "pharmacist"))
    assert alike.code in shown(world, mine, key, reader)["Same name"]
    if key in ("receive_product", "issue"):  # works on codes alone
        assert "Same name" not in shown(world, mine, key, labs(world)[0])


# ---- back to the store -------------------------------------------------------------------------------------------


@pytest.mark.story("PH4")
def test_what_was_issued_and_not_thawed_comes_back_and_is_used_again_when_quality_says_so(world: World) -> None:
    journey, one, two = at(world, "thaw")
    journey.perform("thaw", {"bags": [{"scan": one}]})
    first, second = labs(world)
    take_back(first, second, journey.code, two)
    assert product(world, journey)[two] == S.RETURNED
    quality = world.player("center", "site_quality")
    with reading(quality.actor):
        bag = containers_of(quality.actor, order_of(quality, journey).stream_id).get(code=two)
        signed = Signature.unwalled.filter(event__stream_id=bag.stream_id, event__kind="orders.material_returned")
        assert {row.meaning for row in signed} == {"product returned to the store", "return witnessed"}
    assert bag.storage_location == "Tank 1, rack 2" and "put off" in bag.quarantine_reason
    with refused(FactsMissing):
        journey.perform("thaw", {"bags": [{"scan": two}]})
    journey.perform("bedside")
    assert infuse(journey, one).state == "done"
    let_go(world, journey, two)
    assert product(world, journey)[two] == S.STORED and state(world, journey, "issue") == (2, "ready")
    assert journey.run() == "" and set(product(world, journey).values()) == {S.INFUSED}


@pytest.mark.story("PH4")
def test_what_was_not_kept_waits_for_the_deviation_and_its_end_ends_the_treatment(world: World) -> None:
    journey, one, two = at(world, "thaw")
    journey.perform("thaw", {"bags": [{"scan": one}]})
    take_back(*labs(world), journey.code, two, condition="not_kept")
    quality = world.player("center", "site_quality")
    (deviation,) = open_deviations(quality, journey)
    assert deviation.severity == "major" and two in deviation.text
    with refused(FactsMissing) as refusal:
        let_go(world, journey, two)
    assert facts_of(refusal) == {"deviation_open"}
    journey.perform("bedside")
    infuse(journey, one)
    close_deviation(quality.actor, deviation.pk, conclusion="Lay on the bench for an hour.")
    decide_on_quarantine(quality.actor, journey.code, two, "reject", "It was too warm.")
    destroy(quality, labs(world)[0], journey.code, two)
    assert journey.run() == "" and product(world, journey) == {one: S.INFUSED, two: S.DESTROYED}


@pytest.mark.story("PH4")
def test_who_may_not_return_and_what_does_not_come_back(world: World) -> None:
    journey, one, two = at(world, "thaw")
    first, second = labs(world)
    neighbor = world.player("next_center", "coordinator")
    for stranger in (neighbor, world.player("courier", "courier_driver"), world.player("next_maker", "qa_reviewer")):
        with refused(NotFound):
            take_back(stranger, second, journey.code, one)
    with refused(NotAllowed):
        take_back(world.player("center", "infusion_nurse"), second, journey.code, one)
    with refused(NotAllowed):
        take_back(world.player("maker", "qa_reviewer"), second, journey.code, one)
    with refused(FactsMissing, "second_person_needed"):
        take_back(first, first, journey.code, one)
    with refused(NotAllowed, "signer_not_allowed"):
        take_back(first, world.player("center", "coordinator"), journey.code, one)
    with refused(InvalidInput, "wrong_bag"):
        take_back(first, second, journey.code, one, scan=two)
    with refused(InvalidInput) as refusal:
        take_back(first, second, journey.code, one, condition="", reason="", place="")
    assert set(refusal.value.fields) == {"condition", "reason", "place"}
    assert product(world, journey)[one] == S.ISSUED
    journey.perform("thaw", {"bags": [{"scan": one}]})
    with refused(WrongState, "not_issued"):
        take_back(first, second, journey.code, one)
    other = world.journey()
    other.run(before="thaw")
    foreign = next(iter(product(world, other)))
    with refused(Mismatch):
        take_back(first, second, journey.code, two, scan=foreign)
    assert product(world, journey)[two] == S.QUARANTINED


def test_on_the_page(world: World) -> None:
    journey, one, _ = at(world, "thaw")
    first, second = labs(world)
    page, order_page = f"/orders/{journey.code}/material/{one}/return/", f"/orders/{journey.code}/"
    client = signed_in(User.objects.get(username=first.username).memberships.get())
    assert page in client.get(order_page).content.decode()
    assert "Sign and record the return" in client.get(page).content.decode()
    sent = returned(first, second, one)
    form = {name: value for name, value in sent.items() if isinstance(value, str)}
    form |= {f"signature.{name}": value for name, value in sent["signature"].items()}
    form |= {f"witness.{name}": value for name, value in sent["witness"].items()}
    wrong = client.post(page, form | {"witness.password": "no"})
    assert wrong.status_code == 400 and 'value="Tank 1, rack 2"' in wrong.content.decode()
    for _ in range(2):  # a double click is one act
        done = client.post(page, form | {"once": "b3c4b8b0-52a9-4f5e-9c55-0c2b7e0b8f12"})
        assert done.status_code == 303, done.content.decode()
    assert product(world, journey)[one] == S.RETURNED
    assert page not in client.get(order_page).content.decode()
    quality = signed_in(User.objects.get(username=world.player("center", "site_quality").username).memberships.get())
    assert one in quality.get("/quarantine/").content.decode()
    assert "May be used again" in quality.get(order_page).content.decode()
    outside = signed_in(User.objects.get(username=world.player("next_maker", "qa_reviewer").username).memberships.get())
    assert outside.get(page).status_code == 404 and outside.post(page, form).status_code == 404
