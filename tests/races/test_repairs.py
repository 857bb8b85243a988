"""Repairs on real threads and commits: signed once, accepted or not at all, cancelled while at work, killed midway.

Each test has orders of its own in a network of this module; what it closes it opens again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone

from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import WrongState
from orders import bookings, queries
from orders.actions import repair_answers, repairs
from orders.flow import order_named
from orders.tasks import sweep_repairs
from scheduling import disrupted, slot_chains
from scheduling.actions.disruptions import close_disruption
from scheduling.actions.holds import expire_move
from scheduling.models import MoveDue, RepairDue, RepairMove, Slot
from scheduling.repair import runs
from scheduling.repair.runs import RepairRun
from scheduling.repair.solver import Control
from scheduling.states import MoveState, RunState
from tests.factories import PASSWORD
from tests.orders.conftest import confirmed, patient, prescribed
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import again, coordinator, order_of, planner, proposed, signed, stopped, taken
from tests.races.test_slots import together
from tests.scheduling.factories import stepping

pytestmark = [pytest.mark.race, pytest.mark.story("MP6")]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Really committed and left in place."""
    with django_db_blocker.unblock():
        yield make_world(days=30)


@pytest.fixture
def hit(world: World, committed_db: None) -> Iterator[tuple[World, str, Any]]:
    """A confirmed order whose day on the line is closed; afterwards it is open again."""
    code = confirmed(world, 16, **patient())
    disruption = stopped(world, code)
    yield world, code, disruption
    close_disruption(planner(world), disruption.pk)


def links(world: World, code: str) -> set[Any]:
    with reading(coordinator(world)):
        chain = slot_chains.live_chain(order_of(world, code).stream_id)
        assert chain is not None
        return {link.slot_id for link in slot_chains.links_of(chain)}


def move_of(world: World, code: str, moves: list[RepairMove]) -> RepairMove:
    stream_id = order_of(world, code).stream_id
    return next(move for move in moves if move.stream_id == stream_id and move.state == MoveState.OFFERED)


def test_two_planners_sign_a_run_once(hit: tuple[World, str, Any]) -> None:
    world, code, disruption = hit
    run = proposed(world, disruption)

    def signing(number: int) -> Callable[[], int]:
        actor = world.actor("maker", "planner", number)
        signature = {"username": world.username("maker", "planner", number), "password": PASSWORD}
        return lambda: repairs.sign_repair(actor, run.pk, {"version": run.version, "signature": signature})

    answers = together([signing(1), signing(2), signing(1), signing(2)])
    moves = len([row for row in run.plan if row["chosen"] is not None])
    assert sorted(answers, key=str) == sorted([moves, *["not_proposed"] * 3], key=str)
    with reading(coordinator(world)):
        assert disrupted.repair_moves(coordinator(world)).filter(run_id=run.pk).count() == moves


def test_who_signs_and_who_books_the_same_last_place_have_one_winner(hit: tuple[World, str, Any]) -> None:
    world, code, disruption = hit
    run = proposed(world, disruption)
    (row,) = [row for row in run.plan if row["order"] == code]
    choice = row["choices"][row["chosen"]]
    fresh = {UUID(slot_id) for slot_id in choice["slot_ids"]} - links(world, code)
    other = prescribed(world, **patient())
    actor, after = coordinator(world), dt.datetime.fromisoformat(choice["collection"]).date()
    with reading(actor):
        order = order_named(actor, other)
        found = queries.search_slots(actor, order, queries.step_of(actor, order, "book"), after)
        offer = next(offer for offer in found.offers if fresh & {link.slot_id for link in offer.links})
        wanted = next(iter(fresh & {link.slot_id for link in offer.links}))
        request = bookings.chain_request(order, {"horizon_days": 28}, after)
    with acting(planner(world), "scheduling.resource_added"):
        Slot.unwalled.filter(pk=wanted).update(capacity=F("taken") + 1)

    def sign() -> str:
        signature = {"username": world.username("maker", "planner"), "password": PASSWORD}
        repairs.sign_repair(planner(world), run.pk, {"version": run.version, "signature": signature})
        return "signed"

    def book() -> str:
        with stepping(actor, order.stream_id):
            slot_chains.hold(actor, order.stream_id, request, offer.token)
        return "held"

    answer, held = together([sign, book])
    assert (answer, held) in [("signed", "slot_full"), ("facts_missing", "held")]
    with reading(actor):
        slot = Slot.unwalled.get(pk=wanted)
    assert slot.taken == slot.capacity
    if answer == "signed":
        (move,) = [one for one in kept(world) if one.stream_id == order_of(world, code).stream_id]
        repair_answers.answer_move(actor, move.pk, {"decision": "accept"})
        with reading(actor):
            assert wanted in links(world, code) and Slot.unwalled.get(pk=wanted).taken == slot.capacity


def kept(world: World) -> list[RepairMove]:
    with reading(coordinator(world)):
        return list(disrupted.repair_moves(coordinator(world)).filter(state=MoveState.OFFERED))


def test_an_answer_and_the_clock_give_the_kept_places_back_once(hit: tuple[World, str, Any]) -> None:
    world, code, disruption = hit
    move, after = move_of(world, code, signed(world, proposed(world, disruption))), taken(world)
    due = MoveDue.unwalled.get(move_id=move.pk)
    later = due.due_at + dt.timedelta(seconds=1)

    def refuse() -> str:
        given = {"decision": "refuse", "reason": "Family event"}
        return str(repair_answers.answer_move(coordinator(world), move.pk, given).state)

    answers = together([refuse, lambda: expire_move(due, later), lambda: expire_move(due, later)])
    assert answers in [["refused", False, False], ["wrong_state", True, False], ["wrong_state", False, True]]
    assert due.kept and taken(world) == after - len(due.kept)
    assert not MoveDue.unwalled.filter(move_id=move.pk).exists()


def test_a_center_that_answers_twice_at_once_moves_once(hit: tuple[World, str, Any]) -> None:
    world, code, disruption = hit
    move, after = move_of(world, code, signed(world, proposed(world, disruption))), taken(world)
    fresh = len(MoveDue.unwalled.get(move_id=move.pk).kept)
    answers = together(
        [lambda: repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"}).state] * 3
    )
    assert sorted(answers) == ["accepted", "wrong_state", "wrong_state"]
    assert taken(world) == after - fresh


def test_a_run_is_cancelled_while_its_worker_is_busy_and_nothing_is_proposed(
    hit: tuple[World, str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, disruption = hit
    run, busy = repairs.start_repair(planner(world), disruption.pk, {}), threading.Event()

    def endless(found: Any, run: RepairRun, why: str, control: Control) -> Any:
        control.tell("Weighing for ever")
        busy.set()
        while not control.cancelled:
            pass
        return [{"order": "left over"}], {"optimal": False}

    def cancel() -> str:
        assert busy.wait(60)
        return str(repairs.cancel_repair(planner(world), run.pk).state)

    monkeypatch.setattr("orders.repairing.repair", endless)
    worked, cancelled = together([lambda: repairs.work(run.pk), cancel])
    assert (worked, cancelled) == (True, RunState.CANCELLED)
    run = again(world, run)
    assert run.state == RunState.CANCELLED and not run.plan and not run.result
    assert not RepairDue.unwalled.filter(run_id=run.pk).exists()


def test_two_workers_take_a_run_once(hit: tuple[World, str, Any]) -> None:
    world, _, disruption = hit
    run = repairs.start_repair(planner(world), disruption.pk, {})
    assert sorted(together([lambda: repairs.work(run.pk)] * 3)) == [False, False, True]
    assert again(world, run).state == RunState.PROPOSED


def lost(*_: Any, **__: Any) -> None:
    """The worker's connection is gone in the middle of its transaction, as when it is killed."""
    connection.connection.close()


def killed(act: Callable[[], Any]) -> None:
    """Run the act in a thread that loses its database before the commit."""
    faults: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except (InterfaceError, OperationalError) as fault:
            faults.append(fault)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=120)
    assert faults and not thread.is_alive()


def test_a_worker_killed_while_it_writes_leaves_nothing_half_applied(
    hit: tuple[World, str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, disruption = hit
    run = repairs.start_repair(planner(world), disruption.pk, {})
    save = RepairRun.save

    def save_and_die(self: RepairRun, *args: Any, **options: Any) -> None:
        save(self, *args, **options)
        lost()

    with monkeypatch.context() as patched:
        patched.setattr(RepairRun, "save", save_and_die)
        killed(lambda: repairs.work(run.pk))
    found = again(world, run)
    assert found.state == RunState.QUEUED and not found.plan and runs.progress_of(run.pk)
    RepairDue.unwalled.filter(run_id=run.pk).update(due_at=timezone.now())
    assert sweep_repairs() == 1
    assert again(world, run).state == RunState.FAILED
    assert proposed(world, disruption).state == RunState.PROPOSED


def test_an_acceptance_that_dies_midway_moves_nothing(
    hit: tuple[World, str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, code, disruption = hit
    move = move_of(world, code, signed(world, proposed(world, disruption)))
    before, places = links(world, code), taken(world)
    fresh = len(MoveDue.unwalled.get(move_id=move.pk).kept)
    with monkeypatch.context() as patched:
        patched.setattr("orders.rescheduling.replan", lost)
        killed(lambda: repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"}))
    assert (links(world, code), taken(world)) == (before, places)
    repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
    assert links(world, code) != before and taken(world) == places - fresh
    with pytest.raises(WrongState):
        repair_answers.answer_move(coordinator(world), move.pk, {"decision": "accept"})
