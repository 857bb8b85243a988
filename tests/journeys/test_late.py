"""What physically happened is always recorded: as late, with its reason and one deviation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cgt.demo.journey import Journey, Player
from custody import queries as custody
from custody.states import ContainerState
from ledger.context import reading
from ledger.queries import events_of
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed, Stale, WrongState
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.interruptions import cancel, put_on_hold
from orders.flow import perform
from tests.journeys.conftest import refused
from tests.journeys.test_wrong_scans import two_before
from tests.journeys.watching import bags, kinds_of_events, open_deviations, order_of, step_of
from tests.journeys.world import World

LATE = {"late_reason": "The system was not at hand."}


def quality(world: World) -> Player:
    return world.player("maker", "qa_reviewer")


def end(world: World, journey: Journey) -> None:
    cancel(world.player("center", "coordinator").actor, journey.code, "The patient withdrew.")


def last_event(world: World, journey: Journey) -> Any:
    player = world.player("center", "coordinator")
    with reading(player.actor):
        return (
            events_of(player.actor, order_of(player, journey).stream_id).filter(kind="orders.step_recorded_late").last()
        )


def periods(world: World, journey: Journey) -> dict[str, list[Any]]:
    """Return the custody periods of each bag, oldest first."""
    player, found = world.player("center", "coordinator"), {}
    with reading(player.actor):
        for row in custody.custody_of(player.actor, order_of(player, journey).stream_id).order_by("since", "id"):
            found.setdefault(row.container.code, []).append(row)
    return found


def assert_no_gap(world: World, journey: Journey) -> None:
    found = periods(world, journey)
    assert found
    for code, rows in found.items():
        assert all(one.until == other.since for one, other in zip(rows, rows[1:], strict=False)), code


def test_without_a_reason_a_stopped_act_is_refused_and_told_how_to_record_it(world: World) -> None:
    journey = world.journey()
    journey.run(before="pickup")
    end(world, journey)
    with refused(WrongState, "order_ended") as refusal:
        journey.perform("pickup")
    assert "If it has happened already, record it as late with the reason." in refusal.value.remedy


@pytest.mark.parametrize("key", ["pack", "pickup", "delivery", "receipt", "start", "finish"])
def test_after_cancellation_the_fact_is_recorded_and_the_order_stays_cancelled(world: World, key: str) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before=key)
    end(world, journey)
    before = {step: step_of(coordinator, journey, step).state for step in ("release", "thaw", "close")}

    assert journey.perform(key, LATE).state == "done"

    step, order = step_of(coordinator, journey, key), order_of(coordinator, journey)
    assert step.state == "done"
    assert step.summary
    assert step.done_at is not None
    assert (order.state, order.phase) == ("cancelled", "cancelled")
    assert {name: step_of(coordinator, journey, name).state for name in before} == before, "the flow is not reopened"
    (deviation,) = open_deviations(quality(world), journey)
    assert (deviation.kind, deviation.automatic, deviation.severity) == ("recorded_late", True, "major")
    assert "cancelled" in deviation.text
    event = last_event(world, journey)
    assert event.reason == LATE["late_reason"]
    assert "order_ended" in event.payload["late"]
    assert event.payload["deviation"] == deviation.number
    assert_no_gap(world, journey)


def test_what_stands_in_the_record_already_is_not_recorded_twice(world: World) -> None:
    journey = world.journey()
    journey.run(before="receipt")
    for key in ("pickup", "delivery"):
        with refused(FactsMissing) as refusal:
            journey.perform(key, LATE)
        assert [fact.code for fact in refusal.value.facts] == ["no_shipment"]
    assert open_deviations(quality(world), journey) == []


def test_a_delivery_whose_pickup_nobody_recorded_keeps_custody_without_a_gap(world: World) -> None:
    journey, planner = world.journey(), world.player("maker", "planner")
    journey.run(before="pickup")

    assert journey.perform("delivery", LATE).state == "done"

    (deviation,) = open_deviations(quality(world), journey)
    assert "Nobody recorded the pick-up" in deviation.text
    assert {"step_not_ready", "pickup_not_recorded"} <= set(last_event(world, journey).payload["late"])
    assert set(bags(planner, journey).values()) == {ContainerState.IN_TRANSIT}
    assert_no_gap(world, journey)
    (rows,) = periods(world, journey).values()
    assert [row.organization_id for row in rows] == [world.center.pk, world.maker.pk]
    assert step_of(planner, journey, "receipt").state == "ready", "the journey goes on"


def test_the_pickup_is_recorded_after_the_delivery_and_divides_the_custody(world: World) -> None:
    journey, driver = world.journey(), world.player("courier", "courier_driver")
    journey.run(before="pickup")
    with reading(driver.actor):
        packed = custody.shipments_of(driver.actor, order_of(driver, journey).stream_id).get().packed_at
    journey.perform("delivery", LATE)
    assert journey.perform("pickup", {**LATE, "handed_over_at": packed.isoformat()}).state == "done"
    (rows,) = periods(world, journey).values()
    assert [row.organization_id for row in rows] == [world.center.pk, world.courier.pk, world.maker.pk]
    assert_no_gap(world, journey)
    assert [row.until is None for row in rows] == [False, False, True]


@pytest.mark.parametrize("state", ["quarantined", "rejected"])
def test_an_infusion_of_material_put_aside_is_recorded_as_critical(world: World, state: str) -> None:
    """Thawed, then put aside by a foreign scan; the nurse had begun already."""
    journey, other = two_before(world, "infuse")
    nurse = world.player("center", "infusion_nurse")
    codes = list(bags(nurse, journey, "drug_product"))
    with refused(Mismatch):
        journey.perform("infuse", {"scan": next(iter(bags(nurse, other, "drug_product")))})
    assert set(bags(nurse, journey, "drug_product").values()) == {ContainerState.QUARANTINED}
    if state == "rejected":
        decide_on_quarantine(quality(world).actor, journey.code, codes[0], "reject", "Not to be given.")
    given = {"scan": codes[0], "result": "infused", "volume_ml": "60"}
    now = {"started_at": "2026-01-01T10:00:00Z", "ended_at": "2026-01-01T10:20:00Z"}
    with refused((FactsMissing, InvalidInput)) as refusal:  # type: ignore[arg-type]
        send(journey, nurse, "infuse", given | now)
    assert "record it as late" in refusal.value.remedy
    done = send(journey, nurse, "infuse", given | recent(journey, nurse) | LATE)
    assert bags(nurse, journey)[codes[0]] == ContainerState.INFUSED
    assert done.state in ("ready", "done")
    deviation = next(d for d in open_deviations(quality(world), journey) if d.kind == "recorded_late")
    assert deviation.severity == "critical"
    assert "Identity mismatch" in deviation.text or state == "rejected", "why it was put aside is kept"
    assert_no_gap(world, journey)
    assert periods(world, journey)[codes[0]][-1].until is not None, "its chain of custody ends with it"


def recent(journey: Journey, player: Player) -> dict[str, str]:
    from cgt.demo.journey import now_text

    return {"started_at": now_text(), "ended_at": now_text()}


def send(journey: Journey, player: Player, key: str, inputs: dict[str, Any]) -> Any:
    signature = {"username": player.username, "password": player.password}
    return perform(player.actor, journey.code, key, inputs | {"signature": signature})


def test_a_thaw_in_quarantine_is_recorded_and_the_bag_stays_put_aside(world: World) -> None:
    journey, other = two_before(world, "thaw")
    lab = world.player("center", "cell_lab_technologist")
    mine, theirs = (list(bags(lab, one, "drug_product")) for one in (journey, other))
    with refused(Mismatch):
        journey.perform("thaw", {"bags": [{"scan": theirs[0]}]})
    now = recent(journey, lab)["started_at"]
    with refused(FactsMissing):
        journey.perform("thaw", {"bags": [{"scan": mine[0]}], "started_at": now})
    journey.perform("thaw", {"bags": [{"scan": mine[0]}], "started_at": now, **LATE})
    with reading(lab.actor):
        bag = custody.containers_of(lab.actor, order_of(lab, journey).stream_id).get(code=mine[0])
    assert (bag.state, bag.state_before_quarantine) == (ContainerState.QUARANTINED, ContainerState.THAWED)
    assert bag.thawed_at is not None
    deviation = next(d for d in open_deviations(quality(world), journey) if d.kind == "recorded_late")
    assert deviation.severity == "critical"
    assert "Identity mismatch" in deviation.text


def test_an_infusion_without_its_bedside_check_is_recorded_as_critical(world: World) -> None:
    journey, nurse = world.journey(), world.player("center", "infusion_nurse")
    journey.run(before="bedside")
    code = next(iter(bags(nurse, journey, "drug_product")))
    given = {"scan": code, "result": "infused", "volume_ml": "60", **recent(journey, nurse)}
    with refused(WrongState, "step_not_ready"):
        send(journey, nurse, "infuse", given)
    send(journey, nurse, "infuse", given | LATE)
    assert step_of(nurse, journey, "infuse").state == "waiting", "one bag is left: the step stays as it was"
    (deviation,) = open_deviations(quality(world), journey)
    assert deviation.severity == "critical"
    assert "identity_not_checked" in last_event(world, journey).payload["late"]


@pytest.mark.parametrize("key", ["receipt", "pickup"])
def test_the_code_of_another_patient_stays_a_hard_stop(world: World, key: str) -> None:
    mine, other = two_before(world, key)
    planner = world.player("maker", "planner")
    if key == "pickup":
        with reading(planner.actor):
            foreign = custody.shipments_of(planner.actor, order_of(planner, other).stream_id).get().code
        wrong: dict[str, Any] = {"outer_code": foreign}
    else:
        wrong = {"bags": [{"scan": next(iter(bags(planner, other))), "condition": "good"}]}
    end(world, mine)
    with refused(Mismatch):
        mine.perform(key, wrong | LATE)
    assert step_of(planner, mine, key).state == "cancelled", "nothing was recorded of the act"
    assert "orders.step_recorded_late" not in kinds_of_events(planner, mine)
    if key == "receipt":
        assert "custody.identity_mismatch" in kinds_of_events(planner, mine), "but the mismatch itself"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda world: {"signature": {"username": "nobody@example.org", "password": "wrong"}}, NotAllowed),
        (lambda world: {"bags": [{"scan": "x"}]}, InvalidInput),
        (lambda world: {"temperature_c": "cold"}, InvalidInput),
        (lambda world: {"verifiers": []}, InvalidInput),
    ],
)
def test_who_acts_and_what_is_readable_is_never_relaxed(
    world: World, change: Callable[[World], dict[str, Any]], kind: Any
) -> None:
    journey = world.journey()
    journey.run(before="receipt")
    end(world, journey)
    with pytest.raises((kind, InvalidInput)):
        journey.perform("receipt", change(world) | LATE)
    assert step_of(quality(world), journey, "receipt").state == "cancelled"


def test_another_persona_and_a_stale_page_are_refused_late_too(world: World) -> None:
    journey = world.journey()
    journey.run(before="receipt")
    end(world, journey)
    with refused(NotAllowed):
        journey.perform("receipt", LATE, world.player("maker", "planner"))
    operator = world.player("maker", "operator")
    with pytest.raises(Stale):
        perform(operator.actor, journey.code, "receipt", late_receipt(world, journey), version='"1.999"')


def late_receipt(world: World, journey: Journey) -> dict[str, Any]:
    first, second = (world.player("maker", "operator", number) for number in (1, 2))
    scan = next(iter(bags(first, journey)))
    return {
        "bags": [{"scan": scan, "condition": "good"}],
        "temperature_c": "5",
        "received_at": recent(journey, first)["started_at"],
        "signature": {"username": first.username, "password": first.password},
        "verifiers": [{"username": second.username, "password": second.password, "scan": scan}],
        **LATE,
    }


def test_nothing_is_thawed_twice(world: World) -> None:
    journey, lab = world.journey(), world.player("center", "cell_lab_technologist")
    journey.run(before="thaw")
    first, second = list(bags(lab, journey, "drug_product"))
    now = recent(journey, lab)["started_at"]
    journey.perform("thaw", {"bags": [{"scan": first}, {"scan": second}], "started_at": now})
    with refused(WrongState, "step_not_ready"):
        journey.perform("thaw", {"bags": [{"scan": second}], "started_at": now})


def test_a_second_bag_thawed_after_the_check_is_checked_before_it_is_given(world: World) -> None:
    journey, lab = world.journey(), world.player("center", "cell_lab_technologist")
    journey.run(before="thaw")
    first, second = list(bags(lab, journey, "drug_product"))
    now = recent(journey, lab)["started_at"]
    journey.perform("thaw", {"bags": [{"scan": first}], "started_at": now})
    journey.perform("bedside")
    journey.perform("thaw", {"bags": [{"scan": second}], "started_at": now, **LATE})
    assert (step_of(lab, journey, "thaw").attempt, step_of(lab, journey, "thaw").state) == (2, "done")
    bedside = step_of(lab, journey, "bedside")
    assert (bedside.attempt, bedside.state) == (2, "ready"), "the other bag is checked before it is given"


def test_a_check_that_was_not_done_is_never_recorded_late(world: World) -> None:
    journey = world.journey()
    journey.run(before="bedside")
    put_on_hold(world.player("center", "treating_physician").actor, journey.code, "Fever.")
    with refused(WrongState, "order_on_hold") as refusal:
        journey.perform("bedside", LATE)
    assert "late" not in refusal.value.remedy


def test_the_record_of_a_late_fact_verifies(committed_world: World, faults: Callable[[Any], list[Any]]) -> None:
    journey = committed_world.journey()
    journey.run(before="delivery")
    end(committed_world, journey)
    journey.perform("delivery", LATE)
    assert faults(order_of(quality(committed_world), journey).stream_id) == []
