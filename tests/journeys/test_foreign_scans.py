"""Another patient's code stops the line first: whoever scanned it, whatever is wrong with the rest that was sent."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from cgt.demo.journey import Journey, Player
from custody.queries import identity_of
from custody.schemes import printed
from custody.states import ContainerState, IdentityState
from ledger.context import reading
from ledger.models import OutboxMessage
from ledger.queries import events_of
from ledger.refusals import InvalidInput, Mismatch, NotAllowed
from orders.actions.interruptions import put_on_hold
from personas.models import Membership
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.destroying import destruction
from tests.journeys.returning import returned
from tests.journeys.test_captures import system
from tests.journeys.watching import bags, kinds_of_events, order_of, step_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("IN1", "AN1", "MO1")
STOPPED = "custody.identity_mismatch"
FIRST_PERSON = {
    "identify": ("center", "apheresis_nurse"),
    "apply_labels": ("center", "apheresis_nurse"),
    "receipt": ("maker", "operator"),
    "receive_product": ("center", "cell_lab_technologist"),
    "bedside": ("center", "infusion_nurse"),
}


def codes(world: World, journey: Journey, kind: str = "drug_product") -> list[str]:
    return list(bags(world.player("center", "coordinator"), journey, kind))


def band(world: World, journey: Journey) -> str:
    return printed(order_of(world.player("center", "coordinator"), journey).identity_code)


def assert_stopped(world: World, journey: Journey, key: str, put_aside: list[str]) -> None:
    """The step was not done; what lay beside is in quarantine, the identity under query, both sites are told."""
    viewer = world.player("center", "coordinator")
    stream_id = order_of(viewer, journey).stream_id
    assert step_of(viewer, journey, key).state == "ready"
    states = bags(viewer, journey) | bags(viewer, journey, "drug_product")
    assert {states[code] for code in put_aside} <= {ContainerState.QUARANTINED}
    with reading(viewer.actor):
        chain = identity_of(viewer.actor, stream_id)
        event = events_of(viewer.actor, stream_id).get(kind=STOPPED)
        told = set(OutboxMessage.unwalled.filter(event_id=event.pk).values_list("organization_id", flat=True))
    assert chain is not None and chain.state == IdentityState.UNDER_QUERY
    assert {world.center.pk, world.maker.pk} <= told


def verifier(world: World, key: str, scan: str, changes: dict[str, str] | None = None) -> list[dict[str, str]]:
    second = world.player(*FIRST_PERSON[key], 2)
    return [{"username": second.username, "password": PASSWORD, "scan": scan} | (changes or {})]


SLIPS: dict[str, dict[str, str]] = {
    "the second set is incomplete": {},
    "the second person scanned nothing": {"scan": ""},
    "the second person's scan is no code": {"scan": "]C0hello"},
    "the second person's password is wrong": {"password": "not it"},
}


@pytest.mark.parametrize("slip", SLIPS)
def test_at_the_bedside_a_wrong_bag_comes_before_a_slip_of_the_second_person(world: World, slip: str) -> None:
    mine, other = world.journey(), world.journey()
    for journey in (mine, other):
        journey.run(before="bedside")
    own, wrong = codes(world, mine), codes(world, other)[0]
    seconds = verifier(world, "bedside", f"{band(world, mine)}, {own[0]}", SLIPS[slip])
    sent = {"bags": [{"scan": own[0]}, {"scan": wrong}], "verifiers": seconds}
    with refused(Mismatch, "identity_mismatch"):
        mine.perform("bedside", sent, world.player("center", "infusion_nurse"))
    assert_stopped(world, mine, "bedside", own)
    assert set(bags(world.player("center", "coordinator"), other, "drug_product").values()) == {ContainerState.THAWED}


@pytest.mark.parametrize("key", ["identify", "apply_labels", "receipt", "receive_product", "bedside"])
@pytest.mark.parametrize("whose", ["first", "second"])
def test_whoever_scanned_it_and_whatever_the_other_one_left_out(world: World, key: str, whose: str) -> None:
    mine, other = world.journey(), world.journey()
    mine.run(before=key)
    kind = "drug_product" if key in ("receive_product", "bedside") else "starting_material"
    own = [] if key == "identify" else codes(world, mine, kind)
    wrong = band(world, other)
    player = world.player(*FIRST_PERSON[key])
    _, _, sent = mine.prepared(key, None, player)
    if whose == "first":
        name = "bags" if "wristband" not in sent else "wristband"
        sent |= {name: [{**sent["bags"][0], "scan": wrong}] if name == "bags" else wrong}
        sent["verifiers"] = verifier(world, key, "")
    else:
        sent |= {"signature": {"password": ""}, "verifiers": verifier(world, key, wrong)}
    with refused(Mismatch, "identity_mismatch"):
        mine.perform(key, sent, player)
    assert_stopped(world, mine, key, own)


def test_a_slip_alone_stays_a_slip_and_who_may_not_act_stops_nothing(world: World) -> None:
    mine, other = world.journey(), world.journey()
    for journey in (mine, other):
        journey.run(before="bedside")
    viewer, nurse = world.player("center", "coordinator"), world.player("center", "infusion_nurse")
    own, wrong = codes(world, mine), codes(world, other)[0]
    before = kinds_of_events(viewer, mine)
    for scan in ("", "]C0hello", own[0], f"{band(world, mine)}, {own[0]}", "COI-1"):
        with refused(InvalidInput) as refusal:
            mine.perform("bedside", {"verifiers": verifier(world, "bedside", scan)}, nurse)
        assert "verifiers" in str(refusal.value.fields), scan
    for stranger in (viewer, world.player("center", "apheresis_nurse")):
        with refused(NotAllowed):
            mine.perform("bedside", {"bags": [{"scan": wrong}]}, stranger)
        with refused(InvalidInput):
            mine.perform("bedside", {"bags": [{"scan": wrong}], "verifiers": verifier(world, "bedside", "")}, stranger)
    assert kinds_of_events(viewer, mine) == before
    assert mine.perform("bedside").state == "done"


def test_what_the_patient_says_comes_before_a_slip_too(world: World) -> None:
    mine = world.journey()
    mine.run(before="bedside")
    sent = {"patient_said": "differs", "verifiers": verifier(world, "bedside", "")}
    with refused(Mismatch, "identity_mismatch"):
        mine.perform("bedside", sent, world.player("center", "infusion_nurse"))
    assert_stopped(world, mine, "bedside", codes(world, mine))


def test_so_do_the_page_and_a_partners_system(world: World) -> None:
    """On the page, half of the second set is missing; over REST all of it."""
    pages, partners, other = world.journey(), world.journey(), world.journey()
    for journey in (pages, partners, other):
        journey.run(before="bedside")
    wrong = codes(world, other)[0]
    nurse = world.player("center", "infusion_nurse")
    browser = signed_in(Membership.unwalled.get(pk=nurse.actor.membership_id))
    own = codes(world, pages)
    (second,) = verifier(world, "bedside", f"{band(world, pages)}, {own[0]}")
    form = {
        "wristband": band(world, pages),
        "bags[0]scan": own[0],
        "bags[1]scan": wrong,
        "patient_said": "matches",
        "signature.password": PASSWORD,
        "once": str(uuid4()),
        **{f"verifiers[0]{name}": value for name, value in second.items()},
    }
    answer = browser.post(f"/orders/{pages.code}/steps/bedside/", form)
    assert (answer.status_code, "another chain of identity" in answer.content.decode()) == (422, True)
    assert_stopped(world, pages, "bedside", own)

    own = codes(world, partners)
    (second,) = verifier(world, "bedside", "")
    body = {
        "wristband": band(world, partners),
        "bags": [{"scan": own[0]}, {"scan": wrong}],
        "patient_said": "matches",
        "signature": {"username": nurse.username, "password": PASSWORD},
        "verifiers": [second],
    }
    lab = system(world, "center", "infusion_nurse")
    said = lab.post(f"orders/{partners.code}/steps/bedside", body, Idempotency_Key=str(uuid4()))
    assert (said.status_code, said.json()["code"]) == (422, "identity_mismatch")
    assert_stopped(world, partners, "bedside", own)


def _another_act(world: World, journey: Journey, own: str, sent: dict[str, Any], act: str) -> None:
    kind = {"destroy": "destroy", "return": "return"}[act]
    quality = {"destroy": ("center", "site_quality"), "return": ("center", "cell_lab_technologist")}[act]
    player = world.player(*quality)
    browser = signed_in(Membership.unwalled.get(pk=player.actor.membership_id))
    form = {"once": str(uuid4())}
    for name, value in sent.items():
        form |= {f"{name}.{part}": text for part, text in value.items()} if isinstance(value, dict) else {name: value}
    answer = browser.post(f"/orders/{journey.code}/material/{own}/{kind}/", form)
    assert answer.status_code == 422, answer.content.decode()[-2000:]


@pytest.mark.parametrize("act", ["destroy", "return"])
@pytest.mark.parametrize("slip", ["", "not the code"])
def test_two_people_with_another_bag_in_hand_stop_the_line_there_too(world: World, act: str, slip: str) -> None:
    mine, other = world.journey(), world.journey()
    mine.run(before="thaw")
    other.run(before="pickup")
    own, *_ = codes(world, mine)
    wrong = codes(world, other, "starting_material")[0]
    make = {"destroy": destruction, "return": returned}[act]
    persona = {"destroy": "site_quality", "return": "cell_lab_technologist"}[act]
    first, second = (world.player("center", persona, number) for number in (1, 2))
    sent = make(first, second, own, scan=slip)
    sent["witness"] = {**sent["witness"], "scan": wrong}
    _another_act(world, mine, own, sent, act)
    viewer: Player = world.player("center", "coordinator")
    assert STOPPED in kinds_of_events(viewer, mine)
    assert bags(viewer, mine, "drug_product")[own] == ContainerState.QUARANTINED


def test_recorded_late_too_another_patients_bag_comes_before_a_slip(world: World) -> None:
    """On hold, and before its time: what is in hand is another patient's, whatever else is missing."""
    mine, other = world.journey(), world.journey()
    for journey in (mine, other):
        journey.run(before="receive_product")
    own, wrong = codes(world, mine), codes(world, other)[0]
    coordinator, lab = world.player("center", "coordinator"), world.player("center", "cell_lab_technologist")
    put_on_hold(coordinator.actor, mine.code, "Fever")
    slip = {"bags": [{"scan": wrong, "decision": "accept"}], "signature": {"password": ""}, "verifiers": []}
    before = kinds_of_events(coordinator, mine)
    with refused(InvalidInput):
        mine.perform("receive_product", slip, lab)
    with refused(InvalidInput):
        mine.perform("receive_product", slip | {"late_reason": "No network"}, world.player("center", "infusion_nurse"))
    assert kinds_of_events(coordinator, mine) == before, "now it is not time; and who may not act stops nothing"
    with refused(Mismatch, "identity_mismatch"):
        mine.perform("receive_product", slip | {"late_reason": "No network"}, lab)
    assert_stopped(world, mine, "receive_product", own)
