"""A disruption after the collection: what is left of the chain moves while the material lasts, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import Conflict
from network.actions.places import add_lane
from orders.actions import repair_answers, repairs
from scheduling import disrupted, slot_chains
from scheduling.actions.disruptions import open_disruption
from scheduling.models import RepairMove, Resource, Slot
from scheduling.repair.runs import RepairRun
from scheduling.states import RunState
from tests.factories import PASSWORD, operator
from tests.journeys.conftest import refused
from tests.journeys.test_bookings import taken
from tests.journeys.watching import kinds_of_events, order_of, step_of
from tests.journeys.world import World

DAY = dt.timedelta(days=1)


def links(world: World, journey: Journey) -> dict[str, Any]:
    coordinator = world.player("center", "coordinator")
    with reading(coordinator.actor):
        chain = slot_chains.live_chain(order_of(coordinator, journey).stream_id)
        assert chain is not None
        return {link.kind: link for link in slot_chains.links_of(chain)}


def closed(world: World, journey: Journey, kind: str, *, whole: bool = False) -> Any:
    """The day of the order's link is taken out of its resource, or the resource for a month."""
    link, organization = links(world, journey)[kind], "courier" if kind == "courier_lane" else "maker"
    persona = "courier_dispatcher" if kind == "courier_lane" else "planner"
    actor = world.player(organization, persona).actor
    with reading(actor):
        resource = Resource.unwalled.get(pk=Slot.unwalled.get(pk=link.slot_id).resource_id)
    since, until = (timezone.now(), timezone.now() + 30 * DAY) if whole else (link.starts_at - DAY / 24, link.ends_at)
    reason = "the cooling failed"
    return open_disruption(
        actor, kind="line_stop", resources=[resource.code], starts_at=since, ends_at=until, reason=reason
    )


def worked_out(world: World, journey: Journey, disruption: Any) -> tuple[RepairRun, dict[str, Any]]:
    planner = world.player("maker", "planner").actor
    run = repairs.start_repair(planner, disruption.pk, {"horizon_days": 15})
    assert repairs.work(run.pk)
    with reading(planner):
        run = disrupted.repair_runs(planner).get(pk=run.pk)
    assert run.state == RunState.PROPOSED
    return run, next(row for row in run.plan if row["order"] == journey.code)


def signed(world: World, journey: Journey, run: RepairRun) -> RepairMove:
    planner, coordinator = world.player("maker", "planner"), world.player("center", "coordinator")
    signature = {"username": planner.username, "password": PASSWORD}
    repairs.sign_repair(planner.actor, run.pk, {"version": run.version, "signature": signature})
    with reading(coordinator.actor):
        stream = order_of(coordinator, journey).stream_id
        return disrupted.repair_moves(coordinator.actor).get(run_id=run.pk, stream_id=stream)


@pytest.mark.story("MP6")
def test_material_at_the_plant_starts_on_another_day_before_it_is_too_old(world: World) -> None:
    journey = world.journey()
    journey.run(before="start")
    disruption = closed(world, journey, "manufacturing_line")
    planner = world.player("maker", "planner").actor
    with reading(planner):
        hit = next(hit for hit in repairs.affected(planner, disruption) if hit.order.code == journey.code)
    assert (hit.why_not, hit.stage) == ("", "at the plant")
    assert hit.expires_at is not None and dt.timedelta(hours=47) < hit.expires_at - timezone.now() < 2 * DAY
    run, row = worked_out(world, journey, disruption)
    assert row["chosen"] is not None and row["material"] == 3
    assert all(dt.datetime.fromisoformat(choice["manufacture"]) <= hit.expires_at for choice in row["choices"])
    assert "The start of manufacture moves" in row["text"] and "The collection moves" not in row["text"]
    before, places = links(world, journey), taken(world)
    move = signed(world, journey, run)
    assert (move.before, move.zone) == (before["manufacturing_line"].starts_at, "America/New_York")
    repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    after = links(world, journey)
    assert taken(world) == places and after["manufacturing_line"].slot_id != before["manufacturing_line"].slot_id
    for kind in ("apheresis_chair", "courier_lane", "receiving"):
        assert after[kind].slot_id == before[kind].slot_id
    coordinator = world.player("center", "coordinator")
    assert kinds_of_events(coordinator, journey)[-1] == "orders.start_moved"
    planned = step_of(coordinator, journey, "start").planned_at
    assert planned == after["manufacturing_line"].starts_at
    assert planned - move.after < dt.timedelta(minutes=5)  # of a window that is open, manufacture can begin at once
    assert step_of(coordinator, journey, "kit").attempt == 1
    assert journey.run(until="start") == "finish"


def test_material_at_the_center_takes_another_run_and_the_courier_is_asked_again(world: World) -> None:
    journey = world.journey()
    journey.run(before="pack")
    run, row = worked_out(world, journey, closed(world, journey, "courier_lane"))
    assert row["material"] == 1 and row["chosen"] is not None
    before, places, move = links(world, journey), taken(world), signed(world, journey, run)
    repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    after = links(world, journey)
    assert taken(world) == places
    assert after["apheresis_chair"].slot_id == before["apheresis_chair"].slot_id
    assert after["courier_lane"].slot_id != before["courier_lane"].slot_id
    asked = step_of(world.player("center", "coordinator"), journey, "accept_job")
    assert (asked.attempt, asked.state) == (2, "ready")


@pytest.mark.story("MP6")
def test_a_move_of_material_that_went_on_meanwhile_is_refused_and_nothing_moves(world: World) -> None:
    journey = world.journey()
    journey.run(before="pack")
    run, _ = worked_out(world, journey, closed(world, journey, "courier_lane"))
    move, before, places = signed(world, journey, run), links(world, journey), taken(world)
    journey.run(until="pickup")
    with refused(Conflict, "offer_gone"):
        repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    assert taken(world) == places
    assert {k: link.pk for k, link in links(world, journey).items()} == {k: link.pk for k, link in before.items()}


def test_without_a_start_in_time_the_plan_says_that_the_material_expires(world: World) -> None:
    journey = world.journey()
    journey.run(before="start")
    run, row = worked_out(world, journey, closed(world, journey, "manufacturing_line", whole=True))
    assert row["chosen"] is None and row["choices"] == []
    assert "expires" in row["text"] and "a physician" in row["text"]
    harm = {one["name"]: one["value"] for one in run.result["components"]}
    assert harm["expired"] >= 1 and harm["unplaced"] >= 1


@pytest.mark.story("MP6")
def test_a_shipper_that_holds_too_short_is_named_to_the_center_and_to_the_planner(world: World) -> None:
    """The shippers of the way are qualified anew, for less than a run takes, even one that leaves at once."""
    journey = world.journey()
    journey.run(before="pack")
    disruption = closed(world, journey, "courier_lane")
    run, _ = worked_out(world, journey, disruption)
    move = signed(world, journey, run)
    ends = {"manufacturer": world.maker, "courier": world.courier, "origin": world.clinic, "destination": world.plant}
    times = {"transit_hours": 18, "qualified_hours": 19, "cutoff": dt.time(20), "weekdays": range(7)}
    add_lane(operator(world.maker), **ends, direction="inbound", **times)  # type: ignore[arg-type]
    lane = links(world, journey)["courier_lane"].resource_name
    with pytest.raises(Conflict) as refusal:
        repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, {"decision": "accept"})
    said = refusal.value
    assert said.code == "offer_gone" and f"The shipper of {lane} holds for 19 h; " in str(said) and said.remedy
    assert [reason["code"] for reason in said.as_problem()["reasons"]] == ["shipper_too_short"]
    refuse = {"decision": "refuse", "reason": "No shipper lasts."}
    repair_answers.answer_move(world.player("center", "coordinator").actor, move.pk, refuse)
    _, row = worked_out(world, journey, disruption)
    assert row["chosen"] is None and f"The shipper of {lane} holds for 19 h; " in row["text"]
    assert " until it arrives" in row["text"] and "expires" in row["text"]


def test_a_batch_that_runs_is_on_the_list_and_no_repair_touches_it(world: World) -> None:
    journey = world.journey()
    journey.run(until="start")
    disruption = closed(world, journey, "manufacturing_line")
    planner = world.player("maker", "planner").actor
    with reading(planner):
        hit = next(hit for hit in repairs.affected(planner, disruption) if hit.order.code == journey.code)
    assert "Manufacture has begun" in hit.why_not
    run = repairs.start_repair(planner, disruption.pk, {})
    repairs.work(run.pk)
    with reading(planner):
        assert journey.code not in [row["order"] for row in disrupted.repair_runs(planner).get(pk=run.pk).plan]
