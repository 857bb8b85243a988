"""After a lost batch the same order goes on, from reserve or collected again: decided and signed by a physician."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from cgt.demo import clock
from cgt.demo.journey import Journey, Player
from custody import queries as custody
from custody.states import ContainerState
from ledger.context import reading
from ledger.queries import events_of, signatures_of
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound, Refusal, Stale, WrongState
from orders import flow_files, queries
from orders.actions import interruptions, repairs
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.interruptions import put_on_hold
from orders.actions.remanufacture import remanufacture, ways_of
from orders.flow_validation import faults
from orders.notices import next_owners
from orders.states import OrderState, StepState
from personas.models import User
from quality import queries as quality
from quality.states import BatchState
from scheduling.models import ChainLink, Slot
from tests.api.conftest import make_partner, problem
from tests.factories import PASSWORD, operator
from tests.journeys.conftest import refused
from tests.journeys.destroying import destroy
from tests.journeys.test_collected_repairs import closed
from tests.journeys.test_flow_engine import live, step
from tests.journeys.watching import bags, order_of, step_of
from tests.journeys.world import World

REASON = "Viability too low; the patient is stable."


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def lost(world: World, how: str = "rejected") -> Journey:
    """An order whose only batch was terminated in manufacture, or rejected by quality."""
    journey = world.journey()
    journey.run(before="finish" if how == "terminated" else "release")
    if how == "terminated":
        journey.perform("finish", {"result": "terminated", "reason": "Contamination.", "bags": []})
    else:
        journey.perform("release", {"decision": "reject", "reason": "Viability below the limit."})
    assert journey.next_step() is None
    return journey


def decide(player: Player, journey: Journey, way: str = "collect", **changes: Any) -> Any:
    raw = {"way": way, "reason": REASON, "signature": {"password": PASSWORD}, **changes}
    return remanufacture(player.actor, journey.code, {k: v for k, v in raw.items() if v is not None})


def batches(world: World, journey: Journey) -> list[str]:
    player = world.player("maker", "qa_reviewer")
    with reading(player.actor):
        rows = quality.batches_of(player.actor, order_of(player, journey).stream_id)
        return [str(row.state) for row in rows]


def test_an_order_on_which_nobody_can_act_comes_first(world: World) -> None:
    stopped = lost(world)
    late = world.journey()
    late.run(before="consent")
    coordinator = world.player("center", "coordinator").actor
    with reading(coordinator), clock.at(timezone.now() + dt.timedelta(days=30)):
        codes = list(queries.open_orders(coordinator).values_list("code", flat=True))
    assert codes.index(stopped.code) < codes.index(late.code)


@pytest.mark.story("MO4")
@pytest.mark.parametrize("how", ["terminated", "rejected"])
def test_collected_again_the_same_order_runs_to_infusion_with_a_second_batch(world: World, how: str) -> None:
    journey, physician = lost(world, how), world.player("center", "treating_physician")
    before = order_of(physician, journey)
    with reading(physician.actor):
        assert set(ways_of(physician.actor, before)) == {"collect"}
        assert ways_of(world.player("center", "coordinator").actor, before) == {}
    old = bags(physician, journey)

    decide(physician, journey)

    order = order_of(physician, journey)
    assert (order.identity_code, order.plan) == (before.identity_code, {})
    assert (journey.next_step().key, journey.next_step().attempt) == ("book", 2)  # type: ignore[union-attr]
    with reading(physician.actor):
        event = events_of(physician.actor, order.stream_id).get(kind="orders.remanufacture_decided")
        signed = signatures_of(physician.actor, order.stream_id).get(event=event)
        assert (event.reason, signed.person_id) == (REASON, physician.actor.person_id)
        assert signed.meaning == "remanufacture prescribed"
        attempts = queries.steps_of(physician.actor, order).filter(key="collect")
        assert [(row.attempt, row.state) for row in attempts] == [(1, "done"), (2, "waiting")]
    planner = world.player("maker", "planner")
    with reading(planner.actor):
        seen = events_of(planner.actor, order.stream_id).get(pk=event.pk)
        told = {recipient.user.pk: recipient.title for recipient in next_owners(planner.actor, seen)}
    assert "To be made again" in told[planner.actor.user_id]
    assert journey.identity["family_name"] not in str(told)

    journey.run(before="close")
    ended = BatchState.FAILED if how == "terminated" else BatchState.REJECTED
    assert batches(world, journey) == [BatchState.RELEASED, ended]
    now = bags(physician, journey)
    assert {code: now[code] for code in old} == old, "what was lost stays as it was"
    fresh = [state for code, state in now.items() if code not in old]
    with reading(physician.actor):
        found = {bag.code: bag for bag in queries.bags_of(physician.actor, order)}
        numbers = [found[code].k_of_n for code in now if code not in old and found[code].lot]
        printed = custody.labels_of(physician.actor, order.stream_id).filter(container__code__in=set(now) - set(old))
        assert sorted(numbers) == ["1 of 2", "2 of 2"], "counted within the second batch"
        assert {label.container.k_of_n for label in printed if label.container.lot} == {"1 of 2", "2 of 2"}
    assert sorted(fresh) == ["consumed", "infused", "infused"]
    for code in (code for code, state in now.items() if state == ContainerState.REJECTED):
        destroy(world.player("maker", "qa_reviewer"), world.player("maker", "operator"), journey.code, code)
    assert journey.run() == ""
    assert order_of(physician, journey).state == OrderState.CLOSED


@pytest.fixture
def with_reserve(world: World) -> World:
    """Two bags are collected, and one may stay behind when manufacture starts."""
    definition = flow_files.shipped("autologous_car_t")
    step(definition, "labels")["parameters"]["containers"] = 2
    live(world, definition)
    return world


def with_one_left(world: World) -> Journey:
    journey = world.journey()
    journey.run(before="start")
    first, second = bags(world.player("center", "coordinator"), journey)
    with refused(InvalidInput):
        journey.perform("start", {"bags": [{"scan": first}, {"scan": first}]})
    journey.perform("start", {"bags": [{"scan": first}]})
    assert bags(world.player("center", "coordinator"), journey) == {
        first: ContainerState.IN_PROCESS,
        second: ContainerState.ACCEPTED,
    }
    journey.perform("finish", {"result": "terminated", "reason": "Contamination.", "bags": []})
    return journey


@pytest.mark.story("MO7")
def test_made_again_from_reserve_once_planner_and_quality_have_released_it(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    for key in ("confirm_reserve", "release_reserve"):
        assert step_of(physician, journey, key).state == StepState.SKIPPED, "nobody is asked for a first batch"
    with reading(physician.actor):
        assert set(ways_of(physician.actor, order_of(physician, journey))) == {"reserve", "collect"}
    decide(physician, journey, "reserve")
    assert (journey.next_step().key, journey.next_step().attempt) == ("confirm_reserve", 2)  # type: ignore[union-attr]
    with reading(physician.actor):
        assert ways_of(physician.actor, order_of(physician, journey)) == {}
    with refused(FactsMissing) as refusal:
        decide(physician, journey, "reserve")
    assert facts_of(refusal) == {"nothing_lost"}
    for key in ("release_reserve", "start"):
        with refused(WrongState):
            journey.perform(key)
    journey.perform("confirm_reserve")
    with refused(WrongState):
        journey.perform("start")
    with refused(NotAllowed):
        journey.perform("release_reserve", player=world.player("maker", "planner"))
    journey.perform("release_reserve")
    with reading(physician.actor):
        stream_id = order_of(physician, journey).stream_id
        meanings = [signed.meaning for signed in signatures_of(physician.actor, stream_id)]
    assert meanings.count("reserve decided") == 1
    journey.run(before="ship")
    assert batches(world, journey) == [BatchState.RELEASED, BatchState.FAILED]
    assert step_of(physician, journey, "collect").attempt == 1


@pytest.mark.story("MO7")
def test_a_reserve_that_quality_rejects_is_never_used(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    _, kept = bags(physician, journey)
    decide(physician, journey, "reserve")
    journey.perform("confirm_reserve")
    with refused(InvalidInput):
        journey.perform("release_reserve", {"decision": "reject", "reason": " "})
    journey.perform("release_reserve", {"decision": "reject", "reason": "Thawed in the tank."})
    assert bags(physician, journey)[kept] == ContainerState.REJECTED
    assert journey.next_step() is None
    with reading(physician.actor):
        assert set(ways_of(physician.actor, order_of(physician, journey))) == {"collect"}
    decide(physician, journey)
    assert (journey.next_step().key, journey.next_step().attempt) == ("book", 2)  # type: ignore[union-attr]


@pytest.mark.story("MO7")
def test_what_the_planner_declined_is_not_used_beside_what_is_collected_again(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    _, kept = bags(physician, journey)
    decide(physician, journey, "reserve")
    before = len(lines_of(world, journey))
    journey.perform("confirm_reserve", {"decision": "decline", "reason": "The line is down."})
    assert len(lines_of(world, journey)) == before
    with reading(physician.actor):
        assert set(ways_of(physician.actor, order_of(physician, journey))) == {"reserve", "collect"}
    decide(physician, journey)
    journey.run(before="start")
    assert step_of(physician, journey, "release_reserve").state == StepState.SKIPPED
    fresh = [code for code, state in bags(physician, journey).items() if state == "accepted" and code != kept]
    assert len(fresh) == 2 and bags(physician, journey)[kept] == ContainerState.ACCEPTED
    with refused(Refusal):
        journey.perform("start", {"bags": [{"scan": fresh[0]}, {"scan": kept}]})
    assert bags(physician, journey)[fresh[0]] == ContainerState.ACCEPTED
    journey.perform("start", {"bags": [{"scan": code} for code in fresh]})
    assert batches(world, journey) == [BatchState.IN_MANUFACTURE, BatchState.FAILED]


@pytest.mark.story("MO7")
def test_a_flow_that_keeps_a_reserve_must_let_two_desks_release_it() -> None:
    definition = flow_files.shipped("autologous_car_t")
    assert faults(definition) == []
    without = copy.deepcopy(definition)
    without["steps"] = [one for one in without["steps"] if one["key"] != "release_reserve"]
    step(without, "start")["after"] = ["confirm_reserve"]
    assert [fault for fault in faults(without) if "keeps a reserve" in fault]
    alone = copy.deepcopy(definition)
    alone["steps"] = [one for one in alone["steps"] if one["key"] != "confirm_reserve"]
    step(alone, "release_reserve")["after"] = ["receipt"]
    assert [fault for fault in faults(alone) if "“confirm_reserve”" in fault]


def lines_of(world: World, journey: Journey) -> list[ChainLink]:
    player = world.player("center", "coordinator")
    with reading(player.actor):
        links = ChainLink.unwalled.filter(stream_id=order_of(player, journey).stream_id, kind="manufacturing_line")
        return list(links.select_related("slot").order_by("position"))


def test_a_new_manufacturing_slot_is_booked_for_what_is_made_again(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    (former,) = lines_of(world, journey)
    before = order_of(physician, journey).plan
    decide(physician, journey, "reserve")
    journey.perform("confirm_reserve")
    _, fresh = lines_of(world, journey)
    plan = order_of(physician, journey).plan
    assert dt.datetime.fromisoformat(plan["manufacture_start"]) == fresh.starts_at >= timezone.now() - dt.timedelta(1)
    assert plan["collection_start"] == before["collection_start"] and plan["tentative_return"] != ""
    assert fresh.slot.taken >= 1 and former.slot_id is not None
    assert step_of(physician, journey, "start").planned_at == fresh.starts_at
    planner = world.player("maker", "planner")
    with reading(planner.actor):
        stream_id = order_of(planner, journey).stream_id
        told = str([event.payload for event in events_of(planner.actor, stream_id).filter(kind="orders.step_done")])
        assert f"Manufacture begins {fresh.starts_at:%d %b %Y %H:%M} UTC." in told
    taken = {link.pk: link.slot.taken for link in lines_of(world, journey)}
    interruptions.cancel(world.player("center", "coordinator").actor, journey.code, "Withdrawn.")
    given_back = 2 if former.slot_id == fresh.slot_id else 1
    assert {link.pk: link.slot.taken for link in lines_of(world, journey)} == {
        pk: count - given_back for pk, count in taken.items()
    }


def test_nobody_promises_a_line_that_no_plant_has_free(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    with acting(operator(world.maker), "scheduling.capacity_published"):
        Slot.unwalled.filter(resource__kind="manufacturing_line").update(taken=F("capacity"))
    with reading(physician.actor):
        assert set(ways_of(physician.actor, order_of(physician, journey))) == {"collect"}
    with refused(FactsMissing) as refusal:
        decide(physician, journey, "reserve")
    assert facts_of(refusal) == {"no_line"}
    assert "Ask the planner" in refusal.value.facts[0].remedy
    assert len(lines_of(world, journey)) == 1


def test_a_line_that_was_taken_meanwhile_is_told_to_the_planner(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    decide(physician, journey, "reserve")
    with acting(operator(world.maker), "scheduling.capacity_published"):
        Slot.unwalled.filter(resource__kind="manufacturing_line").update(taken=F("capacity"))
    with refused(FactsMissing) as refusal:
        journey.perform("confirm_reserve")
    assert facts_of(refusal) == {"no_line"}
    assert (journey.next_step().key, len(lines_of(world, journey))) == ("confirm_reserve", 1)  # type: ignore[union-attr]


def test_a_reserve_that_is_too_old_is_not_used(with_reserve: World) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    with clock.at(timezone.now() + dt.timedelta(hours=241)), refused(FactsMissing) as refusal:
        decide(physician, journey, "reserve")
    assert facts_of(refusal) == {"reserve_over_age"}


def test_material_that_was_lost_before_there_was_a_batch_is_collected_again(world: World) -> None:
    journey, physician = world.journey(), world.player("center", "treating_physician")
    journey.run(before="receipt")
    journey.perform("receipt", {"temperature_c": "14.5"})
    (code,) = bags(physician, journey)
    with refused(FactsMissing) as refusal:
        decide(physician, journey)
    assert facts_of(refusal) == {"nothing_lost"}, "quality has not decided yet"
    decide_on_quarantine(world.player("maker", "qa_reviewer").actor, journey.code, code, "reject", "Too warm.")
    decide(physician, journey)
    with refused(FactsMissing) as refusal:
        decide(physician, journey)
    assert facts_of(refusal) == {"nothing_lost"}, "it goes on already"
    journey.run(before="finish")
    assert batches(world, journey) == [BatchState.IN_MANUFACTURE]


@pytest.mark.parametrize("how", ["terminated", "rejected"])
def test_whoever_decides_is_told_at_once_that_a_batch_was_lost(world: World, how: str) -> None:
    journey = lost(world, how)
    physician, planner = world.player("center", "treating_physician"), world.player("maker", "planner")
    for player, critical in ((physician, True), (planner, False)):
        order = order_of(player, journey)
        with reading(player.actor):
            event = events_of(player.actor, order.stream_id).get(kind="orders.step_failed")
            told = {recipient.user.pk: recipient for recipient in next_owners(player.actor, event)}
        assert "A batch was lost" in told[player.actor.user_id].title
        assert told[player.actor.user_id].critical == critical


def test_who_decides_and_what_stands_against_it(world: World) -> None:
    journey, physician = lost(world, "terminated"), world.player("center", "treating_physician")
    for player in (world.player("center", "coordinator"), world.player("maker", "planner")):
        with refused(NotAllowed):
            decide(player, journey)
    for player in (world.player("next_center", "treating_physician"), world.player("courier", "courier_driver")):
        with refused(NotFound):
            decide(player, journey)
    with refused(InvalidInput) as refusal:
        decide(physician, journey, way="pray", reason=" ", signature=None)
    assert set(refusal.value.fields) == {"way", "reason", "signature"}
    with refused(InvalidInput, "signature_not_accepted"):
        decide(physician, journey, signature={"password": "Wrong-horse-1"})
    with refused(FactsMissing) as refusal:
        decide(physician, journey, "reserve")
    assert facts_of(refusal) == {"no_reserve"}
    with refused(Stale):
        raw = {"way": "collect", "reason": REASON, "signature": {"password": PASSWORD}}
        remanufacture(physician.actor, journey.code, raw, version="1")
    with refused(FactsMissing) as refusal:
        decide(world.add("center", "treating_physician"), journey)
    assert facts_of(refusal) == {"not_credentialed"}
    put_on_hold(physician.actor, journey.code, "Fever.")
    with refused(WrongState, "order_on_hold"):
        decide(physician, journey)
    assert journey.next_step() is None


def test_an_order_that_runs_or_was_infused_is_not_made_again(world: World) -> None:
    journey, physician = world.journey(), world.player("center", "treating_physician")
    journey.run(before="start")
    with refused(FactsMissing) as refusal:
        decide(physician, journey)
    assert facts_of(refusal) == {"nothing_lost"}
    journey.run(before="close")
    with refused(FactsMissing) as refusal:
        decide(physician, journey)
    assert facts_of(refusal) == {"already_infused"}
    journey.run()
    with refused(WrongState, "order_ended"):
        decide(physician, journey)


def browser_of(player: Player) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=player.actor.user_id), "cgt.backends.Accounts")
    return client


def test_the_physician_decides_on_a_page_and_what_was_typed_stays(world: World) -> None:
    journey, physician = lost(world, "terminated"), world.player("center", "treating_physician")
    page, address = f"/orders/{journey.code}/", f"/orders/{journey.code}/remanufacture/"
    mine, coordinator = browser_of(physician), browser_of(world.player("center", "coordinator"))
    assert address in mine.get(page).content.decode()
    assert address not in coordinator.get(page).content.decode()
    assert "Not yours to decide" in coordinator.get(address).content.decode()
    shown = mine.get(address).content.decode()
    assert "No accepted starting material of this chain of identity is left." in shown
    assert journey.identity["family_name"] not in shown.split("</title>")[0]

    sent = {"way": "collect", "reason": REASON, "signature.password": "Wrong-horse-1"}
    answer = mine.post(address, sent)
    assert answer.status_code == 400
    assert REASON in answer.content.decode() and "Wrong-horse-1" not in answer.content.decode()
    refused_here = mine.post(address, {**sent, "way": "reserve", "signature.password": PASSWORD})
    assert refused_here.status_code == 422
    assert coordinator.post(address, sent).status_code == 403
    for stranger in (world.player("next_center", "treating_physician"), world.player("courier", "courier_driver")):
        assert browser_of(stranger).get(address).status_code == 404
        assert browser_of(stranger).post(address, sent).status_code == 404

    done = mine.post(address, {**sent, "signature.password": PASSWORD, "once": "r1"})
    assert (done.status_code, done["Location"]) == (303, page)
    again = mine.post(address, {**sent, "signature.password": PASSWORD, "once": "r1"}, follow=True)
    assert "nothing was done twice" in again.content.decode()
    assert (journey.next_step().key, journey.next_step().attempt) == ("book", 2)  # type: ignore[union-attr]


def test_a_partner_sends_the_physicians_decision(world: World) -> None:
    journey, physician = lost(world, "terminated"), world.player("center", "treating_physician")
    center, neighbor = (make_partner(getattr(world, name), "treating_physician") for name in ("center", "next_center"))
    address = f"orders/{journey.code}/remanufacture"
    offered = center.get(f"orders/{journey.code}").json()["available_actions"]
    assert [act["signatures"] for act in offered if act["kind"] == "remanufacture"] == [1]
    body: dict[str, Any] = {"way": "collect", "reason": REASON}
    assert "signature" in problem(center.post(address, body), 400, "invalid_input")["fields"]
    problem(center.post(address, {**body, "signature": {"password": PASSWORD}}), 403, "key_cannot_sign")
    signed = {**body, "signature": {"username": physician.username, "password": PASSWORD}}
    problem(neighbor.post(address, signed), 404, "not_found")
    problem(make_partner(world.maker, "planner").post(address, signed), 403, "not_allowed")
    missing = problem(center.post(address, {**signed, "way": "reserve"}), 422, "facts_missing")["facts"]
    assert [fact["code"] for fact in missing] == ["no_reserve"]

    answers = [center.post(address, signed, Idempotency_Key="again-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    turn = answers[1].json()["whose_turn"]
    assert [step["step"] for step in turn] == ["book"]
    problem(center.post(address, signed), 422, "facts_missing")


@pytest.mark.story("MO7")
def test_a_released_reserve_that_grew_too_old_is_not_started_and_the_physician_decides_again(
    with_reserve: World,
) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    decide(physician, journey, "reserve")
    journey.perform("confirm_reserve")
    journey.perform("release_reserve")
    with reading(physician.actor):
        assert ways_of(physician.actor, order_of(physician, journey)) == {}
    with clock.at(timezone.now() + dt.timedelta(hours=241)):
        with refused(FactsMissing) as refusal:
            journey.perform("start")
        assert facts_of(refusal) == {"reserve_over_age"}
        with reading(physician.actor):
            assert set(ways_of(physician.actor, order_of(physician, journey))) == {"collect"}
        decide(physician, journey)
        with refused(FactsMissing) as refusal:
            decide(physician, journey)
        assert facts_of(refusal) == {"nothing_lost"}, "it goes on already"
    assert (journey.next_step().key, journey.next_step().attempt) == ("book", 2)  # type: ignore[union-attr]


@pytest.mark.story("MP6")
@pytest.mark.parametrize(("way", "hours"), [("reserve", 240), ("collect", 48)])
def test_a_repair_reckons_a_reserve_with_its_own_age_and_what_was_collected_again_with_the_material_s(
    with_reserve: World, way: str, hours: int
) -> None:
    world, physician = with_reserve, with_reserve.player("center", "treating_physician")
    journey = with_one_left(world)
    old = set(bags(physician, journey))
    decide(physician, journey, way)
    if way == "reserve":
        journey.perform("confirm_reserve")
        journey.perform("release_reserve")
    else:
        journey.run(before="start")
    planner = world.player("maker", "planner").actor
    with reading(physician.actor):
        found = queries.bags_of(physician.actor, order_of(physician, journey))
        counted = [bag for bag in found if (bag.code in old) == (way == "reserve") and bag.state == "accepted"]
    limit = min(bag.ended_at for bag in counted) + dt.timedelta(hours=hours)
    disruption = closed(world, journey, "manufacturing_line", whole=True)
    with reading(planner):
        hit = next(hit for hit in repairs.affected(planner, disruption) if hit.order.code == journey.code)
    assert (hit.expires_at, hit.why_not) == (limit, "")
