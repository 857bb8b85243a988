"""A planner survives a line stop: disruption, repair, signature, the centers' answers; and what must never happen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event, OutboxMessage, Party
from ledger.refusals import InvalidInput, NotAllowed, NotFound, Stale, WrongState
from notifications.recipients import recipients_of
from orders.actions import repair_answers, repairs, what_ifs
from orders.flow import order_named
from orders.models import Order
from orders.repairing import hits
from orders.tasks import sweep_repairs
from personas.queries import organization_actor
from scheduling import disrupted, slot_chains
from scheduling.actions.disruptions import close_disruption, open_disruption
from scheduling.models import RepairDue, RepairMove, RepairRun, Resource, Slot
from scheduling.repair import runs
from scheduling.repair.solver import Control
from scheduling.states import MoveState, RunState
from tests.factories import PASSWORD, make_actor, make_organization
from tests.orders.conftest import confirmed, patient, text_of
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db

OTHER = "A plant could not keep these dates; others are proposed."


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def planner(world: World) -> Actor:
    return world.actor("maker", "planner")


def coordinator(world: World) -> Actor:
    return world.actor("center", "coordinator")


def order_of(world: World, code: str) -> Order:
    with reading(coordinator(world)):
        return order_named(coordinator(world), code)


def stopped(world: World, code: str) -> Any:
    """The day of the order's manufacture is taken out of its line."""
    with reading(planner(world)):
        chain = slot_chains.live_chain(order_of(world, code).stream_id)
        assert chain is not None
        link = next(link for link in slot_chains.links_of(chain) if link.kind == "manufacturing_line")
        line = Resource.unwalled.get(pk=Slot.unwalled.get(pk=link.slot_id).resource_id)
    day = dt.timedelta(hours=12)
    return open_disruption(
        planner(world),
        kind="line_stop",
        resources=[line.code],
        starts_at=link.starts_at - day,
        ends_at=link.starts_at + day,
        reason="the isolator failed its leak test",
    )


def proposed(world: World, disruption: Any) -> RepairRun:
    run = repairs.start_repair(planner(world), disruption.pk, {"horizon_days": 28})
    assert repairs.work(run.pk)
    return again(world, run)


def again(world: World, run: RepairRun) -> RepairRun:
    with reading(planner(world)):
        return disrupted.repair_runs(planner(world)).get(pk=run.pk)


def signed(world: World, run: RepairRun) -> list[RepairMove]:
    planning = planner(world)
    password = {"username": username(world), "password": PASSWORD}
    repairs.sign_repair(planning, run.pk, {"version": run.version, "signature": password})
    with reading(coordinator(world)):
        return list(disrupted.repair_moves(coordinator(world)))


def username(world: World) -> str:
    from personas.queries import username_of

    with reading(planner(world)):
        return str(username_of(planner(world)))


def taken(world: World) -> int:
    with reading(coordinator(world)):
        return sum(Slot.unwalled.values_list("taken", flat=True))


@pytest.mark.story("MP6")
def test_a_line_stop_is_repaired_signed_and_accepted_by_the_center(far: World) -> None:
    code = confirmed(far, 16, **patient())
    before = taken(far)
    disruption = stopped(far, code)
    with reading(planner(far)):
        (hit,) = hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)
    assert hit.order.code == code and not hit.why_not
    run = proposed(far, disruption)
    assert run.state == RunState.PROPOSED and run.result["optimal"] and run.result["gap"] == 0
    (row,) = run.plan
    assert row["order"] == code and "the isolator failed its leak test" in row["text"] and row["choices"]
    (move,) = signed(far, run)
    assert move.state == MoveState.OFFERED and taken(far) > before  # the new places are kept beside the former
    former = slot_of_line(far, code)
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "accept"})
    assert taken(far) == before and slot_of_line(far, code) != former
    with reading(planner(far)):
        said = Event.unwalled.filter(stream_id=order_of(far, code).stream_id).latest("seq")
        assert said.kind == "orders.start_moved" and said.payload["before"] != said.payload["after"]
        assert not hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)
    with pytest.raises(WrongState):
        repair_answers.answer_move(coordinator(far), move.pk, {"decision": "refuse", "reason": "Too late"})


def test_the_order_itself_says_that_other_dates_wait_for_an_answer(far: World) -> None:
    code, other = confirmed(far, 16, **patient()), confirmed(far, 22, **patient())
    (move,) = signed(far, proposed(far, stopped(far, code)))

    def said(organization: str, persona: str, of: str) -> str:
        return text_of(signed_in(far.member(organization, persona)).get(f"/orders/{of}/"))

    page = said("center", "coordinator", code)
    assert OTHER in page and 'href="/disruptions/"' in page.split(OTHER)[1][:200]
    assert "The center accepts or refuses them" in said("maker", "planner", code)
    assert OTHER not in said("courier", "courier_dispatcher", code)
    assert OTHER not in said("center", "coordinator", other)
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "accept"})
    assert OTHER not in said("center", "coordinator", code)


def slot_of_line(world: World, code: str) -> Any:
    with reading(coordinator(world)):
        chain = slot_chains.live_chain(order_of(world, code).stream_id)
        assert chain is not None
        return next(link.slot_id for link in slot_chains.links_of(chain) if link.kind == "manufacturing_line")


def test_a_refused_move_stays_on_the_list_and_moves_nothing(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    (move,) = signed(far, proposed(far, disruption))
    former = slot_of_line(far, code)
    with pytest.raises(InvalidInput):
        repair_answers.answer_move(coordinator(far), move.pk, {"decision": "refuse"})
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "refuse", "reason": "Family event"})
    assert slot_of_line(far, code) == former
    with reading(planner(far)):
        assert hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)


def test_while_a_line_is_stopped_nobody_is_offered_it_and_afterwards_everybody_is(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    with reading(planner(far)):
        closed = disrupted.disrupted_slots(
            planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at
        )
    assert closed and not closed & offered(far, code)
    close_disruption(planner(far), disruption.pk)
    assert closed & offered(far, code)
    with pytest.raises(WrongState):
        close_disruption(planner(far), disruption.pk)


def offered(world: World, code: str) -> set[Any]:
    from orders.actions.rescheduling import search_dates

    found = search_dates(coordinator(world), code, timezone.now().date())
    return {link.slot_id for offer in found.offers for link in offer.links}


def fill(world: World, slot_ids: list[Any]) -> None:
    """Somebody else takes every place of the slots."""
    from django.db.models import F

    from ledger.recording import acting

    with acting(planner(world), "scheduling.resource_added"):
        Slot.unwalled.filter(pk__in=slot_ids).update(taken=F("capacity"))


def test_neighbors_see_neither_run_nor_move_and_a_center_cannot_repair(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    run = proposed(far, disruption)
    (move,) = signed(far, run)
    stranger = make_actor(make_organization("manufacturer"), "planner")
    with reading(stranger):
        assert not disrupted.repair_runs(stranger) and not disrupted.disruptions(stranger)
        assert not hits(stranger, disruption.resource_ids, disruption.starts_at, disruption.ends_at)
    other = make_actor(make_organization("treatment_center"), "coordinator")
    for act in (
        lambda: repair_answers.answer_move(other, move.pk, {"decision": "accept"}),
        lambda: repairs.start_repair(stranger, disruption.pk, {}),
        lambda: repairs.cancel_repair(stranger, run.pk),
        lambda: close_disruption(stranger, disruption.pk),
    ):
        with pytest.raises(NotFound):
            act()
    with reading(coordinator(far)):
        assert not disrupted.repair_runs(coordinator(far))
    with pytest.raises(NotAllowed):
        repairs.start_repair(coordinator(far), disruption.pk, {})


def test_two_planners_do_not_sign_what_the_other_changed(far: World) -> None:
    code = confirmed(far, 16, **patient())
    run = proposed(far, stopped(far, code))
    seen = run.version
    changed = repairs.edit_repair(planner(far), run.pk, {"order": code, "choice": None})
    password = {"username": username(far), "password": PASSWORD}
    with pytest.raises(Stale):
        repairs.sign_repair(planner(far), run.pk, {"version": seen, "signature": password})
    assert repairs.sign_repair(planner(far), run.pk, {"version": changed.version, "signature": password}) == 0
    with pytest.raises(WrongState):
        repairs.sign_repair(planner(far), run.pk, {"version": changed.version, "signature": password})


@pytest.mark.story("MP9")
def test_a_what_if_closes_nothing_tells_nobody_and_is_never_signed(far: World) -> None:
    code = confirmed(far, 16, **patient())
    with reading(planner(far)):
        line = Resource.unwalled.filter(kind="manufacturing_line", organization_id=planner(far).organization_id)[0]
    before = offered(far, code)
    now = timezone.now()
    asked = {
        "resources": [line.code],
        "starts_at": now.isoformat(),
        "ends_at": (now + dt.timedelta(days=25)).isoformat(),
    }
    run = what_ifs.start_what_if(planner(far), asked)
    assert repairs.work(run.pk)
    run = again(far, run)
    assert run.state == RunState.PROPOSED and [row["order"] for row in run.plan] == [code]
    assert offered(far, code) == before
    with reading(coordinator(far)):
        assert not disrupted.repair_moves(coordinator(far)) and not disrupted.disruptions(coordinator(far))
    with pytest.raises(WrongState) as refused:
        repairs.sign_repair(
            planner(far),
            run.pk,
            {"version": run.version, "signature": {"username": username(far), "password": PASSWORD}},
        )
    assert refused.value.code == "what_if"


def test_a_worker_that_dies_leaves_nothing_and_the_run_is_found_dead(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    run = repairs.start_repair(planner(far), disruption.pk, {})
    assert runs.claim(run.pk) and runs.claim(run.pk) is None  # taken up, then its worker is killed
    assert not repairs.work(run.pk)
    RepairDue.unwalled.filter(run_id=run.pk).update(due_at=timezone.now() - dt.timedelta(seconds=1))
    assert sweep_repairs() == 1 and sweep_repairs() == 0
    run = again(far, run)
    assert run.state == RunState.FAILED and "start it again" in run.fault and not run.plan
    assert proposed(far, disruption).state == RunState.PROPOSED


def test_a_cancelled_run_proposes_nothing(far: World, monkeypatch: pytest.MonkeyPatch) -> None:
    code = confirmed(far, 16, **patient())
    run = repairs.start_repair(planner(far), stopped(far, code).pk, {})

    def cancelled_meanwhile(found: Any, run: RepairRun, why: str, control: Control) -> Any:
        RepairDue.unwalled.filter(run_id=run.pk).update(cancelled=True)
        while not control.cancelled:
            pass
        return [], {}

    monkeypatch.setattr("orders.repairing.repair", cancelled_meanwhile)
    repairs.cancel_repair(planner(far), run.pk)
    assert not repairs.work(run.pk)
    run = again(far, run)
    assert run.state == RunState.CANCELLED and not run.plan


def test_a_queue_that_does_not_answer_is_asked_again(
    far: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    asked: list[Any] = []

    def down(*args: Any, **options: Any) -> None:
        asked.append(args)
        raise ConnectionError("no broker")

    monkeypatch.setattr("orders.tasks.work_repair.apply_async", down)
    with django_capture_on_commit_callbacks(execute=True):
        run = repairs.start_repair(planner(far), disruption.pk, {})
    assert len(asked) == 1 and again(far, run).state == RunState.QUEUED
    assert "asked again" in runs.progress_of(run.pk)
    RepairDue.unwalled.filter(run_id=run.pk).update(due_at=timezone.now() - dt.timedelta(seconds=1))
    monkeypatch.setattr("orders.tasks.work_repair.apply_async", lambda args, **_: repairs.work(run.pk))
    assert sweep_repairs() == 0
    assert again(far, run).state == RunState.PROPOSED


def test_bad_disruptions_are_refused_beside_the_field(far: World) -> None:
    now = timezone.now()
    with pytest.raises(InvalidInput) as refused:
        open_disruption(planner(far), kind="storm", resources=["nothing"], starts_at=now, ends_at=now, reason=" ")
    assert set(refused.value.fields) == {"kind", "resources", "ends_at", "reason"}
    with reading(planner(far)):
        assert not Event.unwalled.filter(kind="scheduling.disruption_opened").exists()


def heard(world: World, code: str, kind: str) -> dict[str, set[str]]:
    """Whom the event on the order tells at each of its parties, asked as the relay asks; and what it says."""
    with reading(planner(world)):
        event = Event.unwalled.get(kind=kind, stream_id=order_of(world, code).stream_id)
        parties = Party.unwalled.filter(stream_id=event.stream_id, until__isnull=True)
        organizations = set(parties.values_list("organization_id", flat=True))
    found = {}
    for organization_id in organizations:
        actor = organization_actor(organization_id, "tests")
        with reading(actor):
            found[organization_id] = {f"{one.title} {one.path}" for one in recipients_of(actor, event)}
    return found


@pytest.mark.story("MP6")
def test_the_parties_of_each_order_are_told_of_a_disruption_and_of_its_end(far: World) -> None:
    person = patient()
    code, spared = confirmed(far, 16, **person), confirmed(far, 8, **patient())
    for organization, persona in (("courier", "courier_dispatcher"), ("center", "coordinator"), ("maker", "planner")):
        far.member(organization, persona)
    disruption = stopped(far, code)
    told = heard(far, code, "scheduling.disruption_opened")
    notice = f"Hit by a disruption · {code} /orders/{code}/"
    assert told == {far.center.pk: {notice}, far.courier.pk: {notice}, far.maker.pk: set()}
    with reading(planner(far)):
        events = Event.unwalled.filter(kind="scheduling.disruption_opened")
        assert {event.stream_id for event in events} == {far.maker.pk, order_of(far, code).stream_id}
        outbox = OutboxMessage.unwalled.filter(event_id__in=[event.pk for event in events])
        assert set(outbox.values_list("organization_id", flat=True)) == {far.center.pk, far.courier.pk, far.maker.pk}
        said = str([event.payload for event in events])
    assert spared not in said and person["family_name"] not in said and "hit" not in said
    close_disruption(planner(far), disruption.pk)
    ended = heard(far, code, "scheduling.disruption_closed")
    assert ended[far.center.pk] == {f"The disruption has ended · {code} /orders/{code}/"} == ended[far.courier.pk]


def test_an_order_whose_move_waits_for_an_answer_is_left_out_of_the_next_repair(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    (move,) = signed(far, proposed(far, disruption))
    with reading(planner(far)):
        (hit,) = hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)
    assert "waits for its center" in hit.why_not and proposed(far, disruption).plan == []
    repair_answers.answer_move(coordinator(far), move.pk, {"decision": "refuse", "reason": "Family event"})
    assert [row["order"] for row in proposed(far, disruption).plan] == [code]
