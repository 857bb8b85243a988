"""A foreign identity stops the line at both sites; a slip of the hand is a plain error that names what was scanned."""

from __future__ import annotations

import pytest

from cgt.demo.journey import Journey, Player
from custody.queries import identity_of, shipments_of
from custody.schemes import printed
from custody.states import ContainerState, IdentityState
from ledger.context import reading
from ledger.models import OutboxMessage
from ledger.queries import events_of
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.identity_queries import lift_identity_query
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.test_revocation import standing_against
from tests.journeys.watching import bags, kinds_of_events, order_of, step_of
from tests.journeys.world import World


def identity_state(player: Player, journey: Journey) -> str:
    with reading(player.actor):
        return str(identity_of(player.actor, order_of(player, journey).stream_id).state)  # type: ignore[union-attr]


def told(player: Player, journey: Journey, kind: str) -> set[object]:
    with reading(player.actor):
        event = events_of(player.actor, order_of(player, journey).stream_id).get(kind=kind)
        return set(OutboxMessage.unwalled.filter(event_id=event.pk).values_list("organization_id", flat=True))


AT_HAND = {"apply_labels": "starting_material", "issue": "drug_product", "bedside": "drug_product"}


def two_before(world: World, key: str) -> tuple[Journey, Journey]:
    mine, other = world.journey(seed=1), world.journey(seed=2)
    for journey in (mine, other):
        journey.run(before=key)
    return mine, other


def again(world: World, journey: Journey, key: str, bag: dict[str, str]) -> None:
    """The same step with the right bag, scanned by both people."""
    organization, persona = {
        "apply_labels": ("center", "apheresis_nurse"),
        "collect": ("center", "apheresis_nurse"),
        "pack": ("center", "apheresis_nurse"),
        "receipt": ("maker", "operator"),
        "start": ("maker", "operator"),
    }[key]
    first, second = (world.player(organization, persona, n) for n in (1, 2))
    verifier = {"username": second.username, "password": PASSWORD, "scan": bag["scan"]}
    journey.perform(key, {"bags": [bag], "verifiers": [verifier]}, first)


def codes(world: World, journey: Journey) -> list[str]:
    return list(bags(world.player("center", "coordinator"), journey))


@pytest.mark.story("AN1", "MO1")
@pytest.mark.parametrize("key", ["apply_labels", "collect", "pack", "receipt", "start"])
def test_the_bag_of_another_patient_stops_the_line(world: World, key: str) -> None:
    mine, other = two_before(world, key)
    coordinator = world.player("center", "coordinator")
    rest = {"collect": {"volume_ml": "200"}, "receipt": {"condition": "good"}}.get(key, {})
    wrong, right = ({"scan": codes(world, journey)[0], **rest} for journey in (other, mine))
    version = step_of(coordinator, mine, key).version

    with refused(Mismatch, "identity_mismatch"):
        mine.perform(key, {"bags": [wrong]})

    step = step_of(coordinator, mine, key)
    assert (step.state, step.version) == ("ready", version), "the step itself was not done"
    assert set(bags(coordinator, mine).values()) == {ContainerState.QUARANTINED}
    assert identity_state(coordinator, mine) == IdentityState.UNDER_QUERY
    assert {world.center.pk, world.maker.pk} <= told(coordinator, mine, "custody.identity_mismatch")
    assert bags(coordinator, other) and ContainerState.QUARANTINED not in bags(coordinator, other).values()
    assert identity_state(coordinator, other) == IdentityState.ACTIVE
    with refused(FactsMissing) as refusal:
        again(world, mine, key, right)
    assert {fact.code for fact in refusal.value.facts} & {
        "identity_under_query",
        "material_quarantined",
        "nothing_to_pack",
        "nothing_arrived",
    }


@pytest.mark.story("IN1", "AN1")
@pytest.mark.parametrize("key", ["identify", "apply_labels", "start_collection", "issue", "bedside"])
def test_the_wristband_of_another_patient_stops_the_line(world: World, key: str) -> None:
    mine, other = world.journey(seed=1), world.journey(seed=2)
    mine.run(before=key)
    coordinator = world.player("center", "coordinator")
    with refused(Mismatch, "identity_mismatch"):
        mine.perform(key, {"wristband": printed(order_of(coordinator, other).identity_code)})
    assert identity_state(coordinator, mine) == IdentityState.UNDER_QUERY
    if key in AT_HAND:
        assert set(bags(coordinator, mine, AT_HAND[key]).values()) == {ContainerState.QUARANTINED}
    assert "identity_under_query" in {fact.code for fact in standing_against(coordinator, mine, key)}


@pytest.mark.story("IN1")
def test_another_patients_wristband_beside_the_right_one_stops_the_line_at_the_bedside(world: World) -> None:
    """Two wristbands are one too many, but the second one was another patient's: no slip of a scanner."""
    mine, other = two_before(world, "bedside")
    nurse, colleague = (world.player("center", "infusion_nurse", n) for n in (1, 2))
    bands = [printed(order_of(nurse, journey).identity_code) for journey in (mine, other)]
    scan = ", ".join([*bands, *bags(nurse, mine, AT_HAND["bedside"])])
    verifier = {"username": colleague.username, "password": PASSWORD, "scan": scan}
    with refused(Mismatch, "identity_mismatch"):
        mine.perform("bedside", {"verifiers": [verifier]}, nurse)
    assert identity_state(nurse, mine) == IdentityState.UNDER_QUERY
    assert set(bags(nurse, mine, AT_HAND["bedside"]).values()) == {ContainerState.QUARANTINED}


def test_a_second_person_who_scans_something_else_stops_the_line_too(world: World) -> None:
    mine, other = two_before(world, "apply_labels")
    nurse, colleague = (world.player("center", "apheresis_nurse", n) for n in (1, 2))
    verifier = {"username": colleague.username, "password": PASSWORD, "scan": codes(world, other)[0]}
    with refused(Mismatch, "identity_mismatch"):
        mine.perform("apply_labels", {"verifiers": [verifier]}, nurse)
    assert identity_state(nurse, mine) == IdentityState.UNDER_QUERY


@pytest.mark.story("QA1")
def test_no_step_goes_on_under_query_until_quality_of_both_firms_lifts_it(world: World) -> None:
    mine, other = two_before(world, "start")
    quality, reviewer = world.player("center", "site_quality"), world.player("maker", "qa_reviewer")
    with refused(Mismatch):
        mine.perform("start", {"bags": [{"scan": codes(world, other)[0]}]})
    bag = codes(world, mine)[0]
    with refused(FactsMissing) as refusal:
        decide_on_quarantine(reviewer.actor, mine.code, bag, "release", "Looks fine")
    assert [fact.code for fact in refusal.value.facts] == ["identity_under_query"]

    def lift(username: str) -> None:
        other_signature = {"username": username, "password": PASSWORD}
        sent = {"reason": "Bag swapped in the tray; both labels compared.", "other": other_signature}
        lift_identity_query(reviewer.actor, mine.code, {**sent, "signature": {"password": PASSWORD}})

    with refused(NotAllowed, "signer_not_allowed"):
        lift(world.player("maker", "qa_reviewer", 2).username)
    assert identity_state(reviewer, mine) == IdentityState.UNDER_QUERY
    lift(quality.username)
    assert identity_state(reviewer, mine) == IdentityState.ACTIVE
    assert bags(reviewer, mine)[bag] == ContainerState.ACCEPTED
    assert mine.perform("start").state == "done"


@pytest.mark.parametrize("scan", ["]C0hello", "=garbage", "\x00", "x" * 201, "COI-1"])
def test_an_unreadable_scan_is_an_error_and_nothing_more(world: World, scan: str) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before="pack")
    before = kinds_of_events(coordinator, journey)
    with refused(InvalidInput) as refusal:
        journey.perform("pack", {"bags": [{"scan": scan}]})
    assert "bags" in str(refusal.value.fields)
    assert kinds_of_events(coordinator, journey) == before
    assert identity_state(coordinator, journey) == IdentityState.ACTIVE
    assert journey.perform("pack").state == "done"


def test_another_code_of_the_same_order_is_named_and_nothing_more(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before="ship")
    order = order_of(coordinator, journey)
    with reading(coordinator.actor):
        box = shipments_of(coordinator.actor, order.stream_id).get()
    source = next(code for code, state in bags(coordinator, journey).items() if state == ContainerState.CONSUMED)
    before = kinds_of_events(coordinator, journey)
    for scan in (source, box.code, printed(order.identity_code)):
        with refused(InvalidInput, "wrong_bag") as refusal:
            journey.perform("ship", {"bags": [{"scan": scan}, {"scan": scan}]})
        assert refusal.value.fields, scan
    assert kinds_of_events(coordinator, journey) == before
    assert identity_state(coordinator, journey) == IdentityState.ACTIVE
    assert journey.perform("ship").state == "done"


def test_the_wrong_box_at_the_dock_is_refused_without_questioning_an_identity(world: World) -> None:
    mine, other = two_before(world, "pickup")
    driver = world.player("courier", "courier_driver")
    with reading(driver.actor):
        box = shipments_of(driver.actor, order_of(driver, other).stream_id).get()
    with refused(Mismatch, "another_box") as refusal:
        mine.perform("pickup", {"outer_code": box.code}, driver)
    assert "SHP-" in refusal.value.remedy
    assert identity_state(world.player("center", "coordinator"), mine) == IdentityState.ACTIVE
    assert mine.perform("pickup").state == "done"
