"""A stop of many orders: it stands on all of them once it is signed; a worker puts units aside, all or none (QA4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from custody.states import ContainerState
from ledger.context import reading
from ledger.queries import events_of, signatures_of
from ledger.refusals import Conflict, WrongState
from orders import tasks
from orders.actions import stop_runs, stops
from orders.epcis.events import epcis_events, sources
from orders.flow import perform
from personas.models import Membership
from quality import deviations as quality_deviations
from quality.models import Stop, StopDue, StoppedOrder, StoppedUnit
from tests.api.conftest import make_partner
from tests.factories import unique
from tests.journeys.telling import events, told
from tests.journeys.test_revocation import BLOCKED, LATE, standing_against
from tests.journeys.test_stops import PRODUCT, lift, made_with, stop
from tests.journeys.watching import bags, open_deviations, order_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("QA4")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two orders are many."""
    monkeypatch.setattr(stops, "AT_ONCE", 1)


@pytest.fixture
def lot() -> str:
    return unique("lot").upper()


def member_of(world: World, organization: str, persona: str) -> Membership:
    return Membership.unwalled.get(pk=world.player(organization, persona).actor.membership_id)


def signed_stop(world: World, lot: str) -> Any:
    number = stop(world, lot=lot)
    with reading(world.player("maker", "qa_reviewer").actor):
        return Stop.unwalled.get(number=number)


def test_it_stands_at_once_and_the_worker_puts_everything_aside(world: World, lot: str, client: Client) -> None:
    reviewer, inspector = world.player("maker", "qa_reviewer"), world.player("center", "treating_physician")
    one, other = made_with(world, lot, before="ship"), made_with(world, lot, until="infuse")
    before = bags(reviewer, one)
    case = signed_stop(world, lot)
    for blocked, (organization, persona) in BLOCKED.items():
        known = {fact.code for fact in standing_against(world.player(organization, persona), one, blocked)}
        assert ("stop_box" if organization == "courier" else "units_stopped") in known, blocked
    assert bags(reviewer, one) == before and open_deviations(reviewer, one) == []
    (said,) = events(inspector, one, "quality.stop_signed")
    assert other.code not in str(said.payload) and "2 orders" not in str(said.payload), "no center learns of another"
    partner = make_partner(world.maker, "qa_reviewer")
    listed = partner.get(f"stops/{case.number}").json()
    assert listed["in_progress"] and "Waiting for a worker" in listed["progress"]
    assert {row["order"] for row in listed["orders"]} == {one.code, other.code}
    with pytest.raises(WrongState) as refused:
        lift(world, case.number)
    assert refused.value.code == "stop_in_progress"
    with pytest.raises(Conflict):
        stop(world, lot=lot)

    assert stop_runs.work(case.pk)
    assert not stop_runs.work(case.pk), "asked twice, it works once"
    assert set(bags(reviewer, one, PRODUCT).values()) == {ContainerState.QUARANTINED}
    assert set(bags(reviewer, other, PRODUCT).values()) == {ContainerState.INFUSED}
    for journey in (one, other):
        (deviation,) = open_deviations(reviewer, journey)
        assert (deviation.kind, deviation.opened_by_id) == ("stop", reviewer.actor.person_id)
        (event,) = events(reviewer, journey, "quality.units_stopped")
        assert event.system_job == stop_runs.JOB
        with reading(reviewer.actor):
            signers = [
                row.person_id for row in signatures_of(reviewer.actor, event.stream_id).filter(event_id=event.pk)
            ]
        assert signers == [reviewer.actor.person_id], "what was signed stands on each order"
    heard = told(world.center.pk, events(inspector, other, "quality.units_stopped")[0])
    assert any("Look-back" in notice.title for notice in heard.values())
    with reading(reviewer.actor):
        assert StoppedUnit.unwalled.filter(stop=case).count() == len({*bags(reviewer, one), *bags(reviewer, other)})
        assert not StoppedOrder.unwalled.filter(stop_id=case.pk, deviation=None).exists()
        stream_id = order_of(reviewer, one).stream_id
        rows = list(sources(reviewer.actor).filter(stream_id=stream_id, kind="quality.units_stopped"))
        assert [event["disposition"] for _, event in epcis_events(reviewer.actor, rows)] == ["recalled"]
        mine = [row.kind for row in events_of(reviewer.actor, world.maker.pk).filter(subject_id=case.number)]
    assert sorted(mine) == ["quality.stop_signed", "quality.units_stopped"]
    done = partner.get(f"stops/{case.number}").json()
    assert not done["in_progress"] and done["progress"] == "" and all(row["deviation"] for row in done["orders"])
    assert lift(world, case.number) > 0
    assert ContainerState.QUARANTINED not in bags(reviewer, one, PRODUCT).values()


def test_a_worker_that_fails_changes_nothing_and_the_next_one_begins_anew(
    world: World, lot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer = world.player("maker", "qa_reviewer")
    journeys = [made_with(world, lot, before="ship") for _ in range(2)]
    case, opened = signed_stop(world, lot), quality_deviations.open_deviation
    calls: list[int] = []

    def failing(*given: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the disk is full")
        return opened(*given, **more)

    monkeypatch.setattr(quality_deviations, "open_deviation", failing)
    assert stop_runs.work(case.pk)
    for journey in journeys:
        assert ContainerState.QUARANTINED not in bags(reviewer, journey).values()
        assert open_deviations(reviewer, journey) == [] == events(reviewer, journey, "quality.units_stopped")
        player = world.player("maker", "operator")
        assert "units_stopped" in {fact.code for fact in standing_against(player, journey, "ship")}, "it still stands"
    due = StopDue.unwalled.get(stop_id=case.pk)
    assert not due.claimed and due.attempts == 1 and "tried again" in due.progress
    asked: list[str] = []
    monkeypatch.setattr(tasks.work_stop, "apply_async", lambda given, **_: asked.append(given[0]))
    StopDue.unwalled.filter(pk=due.pk).update(due_at=timezone.now() - dt.timedelta(seconds=1))
    assert tasks.sweep_stops() >= 1 and str(case.pk) in asked
    assert tasks.work_stop(str(case.pk))
    for journey in journeys:
        assert set(bags(reviewer, journey, PRODUCT).values()) == {ContainerState.QUARANTINED}
        assert len(open_deviations(reviewer, journey)) == 1
    assert not StopDue.unwalled.filter(stop_id=case.pk).exists()


def test_what_was_given_meanwhile_is_found_as_given(world: World, lot: str) -> None:
    """The infusion was under way when it was signed; it is recorded before the worker comes, as late."""
    journeys = [made_with(world, lot, before="infuse") for _ in range(2)]
    case = signed_stop(world, lot)
    player, _, inputs = journeys[0].prepared("infuse")
    perform(player.actor, journeys[0].code, "infuse", inputs | LATE)
    assert stop_runs.work(case.pk)
    with reading(world.player("maker", "qa_reviewer").actor):
        given = set(StoppedUnit.unwalled.filter(stop=case, given=True).values_list("order", flat=True))
    assert given == {journeys[0].code}


def test_the_page_tells_how_far_it_is(world: World, lot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        made_with(world, lot, before="ship")
    case = signed_stop(world, lot)
    browser = signed_in(member_of(world, "maker", "qa_reviewer"))
    page = browser.get(f"/stops/{case.number}/").content.decode()
    assert "being put aside" in page and "Waiting for a worker" in page and "Lift the stop" not in page
    assert f"/stops/{case.number}/progress/" in page
    assert stop_runs.work(case.pk)
    polled = browser.get(f"/stops/{case.number}/progress/").content.decode()
    assert "Every unit is put aside" in polled and "every 2s" not in polled
    page = browser.get(f"/stops/{case.number}/").content.decode()
    assert "being put aside" not in page and "Lift the stop" in page
    stranger = signed_in(member_of(world, "center", "site_quality"))
    assert stranger.get(f"/stops/{case.number}/progress/").status_code in (403, 404)
