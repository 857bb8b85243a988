"""What a planner signs stands: checked again, its places kept for the centers, given back once (MP6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import FactsMissing, WrongState
from orders.actions import repair_answers, repairs
from orders.actions.rescheduling import reschedule, search_dates
from scheduling import disrupted, kept_moves
from scheduling.models import MoveDue, RepairMove, RepairRun, Slot
from scheduling.repair.acceptance import REMEDY
from scheduling.states import MoveState, RunState
from scheduling.tasks import expire_moves
from tests.api.conftest import make_partner, problem
from tests.factories import PASSWORD
from tests.orders.conftest import confirmed, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import (
    again,
    coordinator,
    fill,
    heard,
    order_of,
    planner,
    proposed,
    signed,
    slot_of_line,
    stopped,
    taken,
    username,
)
from tests.orders.waiting import line_places
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.story("MP6")]
OVER = dt.timedelta(hours=kept_moves.HOURS, minutes=1)


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


@pytest.fixture
def hit(far: World) -> tuple[World, str, RepairRun]:
    """A confirmed order whose line was stopped, and the repair that was worked out."""
    code = confirmed(far, 16, **patient())
    return far, code, proposed(far, stopped(far, code))


def fresh(world: World, code: str, run: RepairRun) -> list[Any]:
    """The slots of the plan that the order does not have yet."""
    (row,) = [row for row in run.plan if row["order"] == code]
    with reading(coordinator(world)):
        from scheduling import slot_chains

        chain = slot_chains.live_chain(order_of(world, code).stream_id)
        own = {str(link.slot_id) for link in slot_chains.links_of(chain)}  # type: ignore[arg-type]
    return [slot_id for slot_id in row["choices"][row["chosen"]]["slot_ids"] if slot_id not in own]


def moved(world: World, move: RepairMove) -> RepairMove:
    with reading(coordinator(world)):
        return disrupted.repair_moves(coordinator(world)).get(pk=move.pk)


def full(world: World, slot_ids: list[Any]) -> bool:
    with reading(coordinator(world)):
        return not Slot.unwalled.filter(pk__in=slot_ids, taken__lt=F("capacity")).exists()


def over(due: MoveDue) -> None:
    MoveDue.unwalled.filter(pk=due.pk).update(due_at=timezone.now() - dt.timedelta(seconds=1))


def test_the_places_of_a_signed_move_are_kept_until_its_center_accepts(hit: tuple[World, str, RepairRun]) -> None:
    world, code, run = hit
    line_places(world, 0)  # nothing is left on the line but what the plan found …
    wanted, before = fresh(world, code, run), taken(world)
    with acting(planner(world), "scheduling.resource_added"):
        Slot.unwalled.filter(pk__in=wanted).update(capacity=F("taken") + 1)
    (move,) = signed(world, run)
    assert full(world, wanted) and taken(world) == before + len(wanted)  # … and nobody else gets it now
    due = MoveDue.unwalled.get(move_id=move.pk)
    assert sorted(map(str, due.kept)) == sorted(wanted) and not due.lacking
    assert abs(due.due_at - timezone.now() - dt.timedelta(hours=kept_moves.HOURS)) < dt.timedelta(minutes=5)
    center, maker = (signed_in(world.member(*one)) for one in (("center", "coordinator"), ("maker", "planner")))
    page = text_of(center.get("/disruptions/"))
    assert "Answer by" in page and "these places are kept for you" in page
    assert "kept until" in text_of(maker.get(f"/disruptions/repairs/{run.pk}/"))
    partner = make_partner(world.center, "coordinator", responsible=world.member("center", "coordinator"))
    (row,) = partner.get("moves").json()["results"]
    assert dt.datetime.fromisoformat(row["kept_until"]) == due.due_at and row["awaits"] == 0
    repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert full(world, wanted) and taken(world) == before
    assert str(slot_of_line(world, code)) in wanted and not MoveDue.unwalled.filter(move_id=move.pk).exists()
    assert partner.get("moves").json()["results"][0]["kept_until"] is None


def test_a_move_that_does_not_fit_any_more_is_refused_by_name_and_nothing_is_signed(
    hit: tuple[World, str, RepairRun],
) -> None:
    world, code, run = hit
    fill(world, fresh(world, code, run))
    before = taken(world)
    with pytest.raises(FactsMissing) as refused:
        signed(world, run)
    (fact,) = refused.value.facts
    assert fact.code == "move_not_feasible" and fact.text.startswith(f"{code}: ")
    assert "Look for a plan again" in fact.remedy and "leave it out" in fact.remedy
    assert again(world, run).state == RunState.PROPOSED and taken(world) == before
    given = {"version": run.version, "signature": {"username": username(world), "password": PASSWORD}}
    maker = make_partner(world.maker, "planner", responsible=world.member("maker", "planner"))
    told = problem(maker.post(f"repairs/{run.pk}/sign", given), 422, "facts_missing")
    assert [one["code"] for one in told["facts"]] == ["move_not_feasible"]
    browser = signed_in(world.member("maker", "planner"))
    typed = {"version": run.version, "signature.username": username(world), "signature.password": PASSWORD}
    answer = browser.post(f"/disruptions/repairs/{run.pk}/sign/", typed)
    assert answer.status_code == 422 and f"{code}: " in text_of(answer)
    with reading(planner(world)):
        assert not disrupted.repair_moves(planner(world)) and not MoveDue.unwalled.exists()
    repairs.edit_repair(planner(world), run.pk, {"order": code, "choice": None})
    assert repairs.sign_repair(planner(world), run.pk, given | {"version": run.version + 1}) == 0


def test_an_order_that_went_on_hold_meanwhile_is_refused_by_name(hit: tuple[World, str, RepairRun]) -> None:
    from orders.actions.interruptions import put_on_hold

    world, code, run = hit
    put_on_hold(coordinator(world), code, "Fever")
    with pytest.raises(FactsMissing) as refused:
        signed(world, run)
    assert code in refused.value.facts[0].text and "hold" in refused.value.facts[0].text


def test_a_move_that_nobody_answers_expires_once_its_places_are_free_and_both_sides_are_told(
    hit: tuple[World, str, RepairRun],
) -> None:
    world, code, run = hit
    before = taken(world)
    (move,) = signed(world, run)
    due = MoveDue.unwalled.get(move_id=move.pk)
    assert expire_moves() == 0
    over(due)
    with pytest.raises(WrongState) as late:
        repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert late.value.code == "move_expired" and late.value.remedy == REMEDY
    assert (expire_moves(), expire_moves()) == (1, 0)
    assert moved(world, move).state == MoveState.EXPIRED and taken(world) == before
    told = heard(world, code, "scheduling.move_expired")
    notice = f"Other dates not answered in time: their places are free again · {code} /orders/{code}/"
    assert told[world.center.pk] == {notice} == told[world.maker.pk]
    with pytest.raises(WrongState):
        repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert "Not answered in time" in text_of(
        signed_in(world.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/")
    )
    with reading(planner(world)):
        disruption = again(world, run).disruption
    assert [row["order"] for row in proposed(world, disruption).plan] == [code]


def test_a_decline_frees_the_places_at_once_and_the_planner_is_told(hit: tuple[World, str, RepairRun]) -> None:
    world, code, run = hit
    before = taken(world)
    (move,) = signed(world, run)
    repair_answers.answer_move(coordinator(world), move.pk, {"decision": "refuse", "reason": "Family event"})
    assert taken(world) == before and not MoveDue.unwalled.exists() and expire_moves() == 0
    told = heard(world, code, "orders.move_refused")
    assert any("Other dates refused" in one for one in told[world.maker.pk])


def test_other_dates_that_the_center_chooses_withdraw_the_move_and_free_its_places(
    hit: tuple[World, str, RepairRun],
) -> None:
    world, code, run = hit
    before = taken(world)
    (move,) = signed(world, run)
    found = search_dates(coordinator(world), code, timezone.now().date())
    assert not {str(link.slot_id) for link in found.offers[-1].links} & set(fresh(world, code, run))
    given = {"offer": found.offers[-1].token, "code": "patient_wish", "reason": "Another day"}
    reschedule(coordinator(world), code, given)
    assert moved(world, move).state == MoveState.WITHDRAWN and taken(world) == before
    assert not MoveDue.unwalled.exists()


def test_a_place_that_another_order_still_has_goes_to_the_move_when_it_is_given_up(
    hit: tuple[World, str, RepairRun],
) -> None:
    """As in a sponsor's part of a plan in which an order of another sponsor moves away."""
    world, code, run = hit
    (slot_id,) = fresh(world, code, run)
    fill(world, [slot_id])
    with acting(planner(world), "scheduling.repair_edited"):
        RepairRun.unwalled.filter(pk=run.pk).update(result=run.result | {"given_elsewhere": {slot_id: 1}})
    (move,) = signed(world, run)
    due = MoveDue.unwalled.get(move_id=move.pk)
    assert [str(one) for one in due.lacking] == [slot_id] and not due.kept
    center = signed_in(world.member("center", "coordinator"))
    assert "that another order of the plan still has" in text_of(center.get("/disruptions/"))
    with pytest.raises(WrongState) as refused:
        repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert refused.value.code == "slot_full" and "accept again later" in refused.value.remedy
    assert MoveDue.unwalled.filter(pk=due.pk).exists()
    with acting(planner(world), "scheduling.resource_added"):
        Slot.unwalled.filter(pk=slot_id).update(taken=F("taken") - 1)
        kept_moves.hand_on(move.disruption_id, [due.lacking[0]])
    assert full(world, [slot_id])
    due.refresh_from_db()
    assert [str(one) for one in due.kept] == [slot_id] and not due.lacking
    repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert str(slot_of_line(world, code)) == slot_id and full(world, [slot_id])


def test_who_signs_is_on_the_record_with_the_moves(hit: tuple[World, str, RepairRun]) -> None:
    world, code, run = hit
    signed(world, run)
    with reading(planner(world)):
        event = Event.unwalled.get(kind="orders.repair_signed", stream_id=order_of(world, code).stream_id)
    assert event.payload["moves"] == 1
