"""Whose turn it is in a repair: the urgent ones first, all therapies at once, and nothing that a quota would refuse."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from ledger.context import reading
from orders import queries
from orders.actions import repair_answers
from orders.flow import order_named
from orders.repairing import hits
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota
from scheduling.models import UrgencyClass, WaitingScore
from scheduling.states import Urgency
from tests.api.conftest import make_partner
from tests.factories import make_actor, make_organization
from tests.orders.conftest import confirmed, patient, prescribed, step
from tests.orders.factories import World, make_world, second_therapy
from tests.orders.test_repairs import coordinator, order_of, planner, proposed, signed, stopped
from tests.orders.waiting import line_places, make_criteria, waits

pytestmark = pytest.mark.django_db
DAYS = 16


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def dated(world: World, code: str) -> str:
    """Book and confirm the first dates from ``DAYS`` on."""
    actor = coordinator(world)
    with reading(actor):
        order = order_named(actor, code)
        earliest = order.opened_at.date() + dt.timedelta(days=DAYS)
        found = queries.search_slots(actor, order, queries.step_of(actor, order, "book"), earliest)
    step(world, code, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    step(world, code, ("center", "coordinator", 1), "request")
    step(world, code, ("maker", "planner", 1), "confirm", decision="confirm")
    return code


def of_the_list(world: World, urgency: int) -> str:
    """An order of the waiting list with so many points of 10 for urgency, booked."""
    return dated(world, waits(world, 5, urgency).order_code)


@pytest.mark.story("MP6")
def test_the_urgent_come_first_and_the_manufacturer_learns_a_class_and_no_score(far: World) -> None:
    make_criteria(far)
    routine, soon, urgent = of_the_list(far, 2), of_the_list(far, 5), of_the_list(far, 9)
    plain = confirmed(far, DAYS, **patient())
    disruption = stopped(far, routine)
    with reading(planner(far)):
        found = hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)
        assert not WaitingScore.unwalled.exists()
    assert [hit.order.code for hit in found][:2] == [urgent, soon]
    assert {hit.order.code: hit.urgency for hit in found} == {
        urgent: Urgency.CANNOT_WAIT,
        soon: Urgency.SOON,
        routine: Urgency.ROUTINE,
        plain: Urgency.ROUTINE,
    }
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    rows = maker.get(f"disruptions/{disruption.pk}").json()["orders"]
    assert [row["urgency"] for row in rows] == ["cannot_wait", "soon", "routine", "routine"]
    assert "points" not in str(rows) and "score" not in str(rows)
    for other in (far.actor("courier", "courier_dispatcher"), make_actor(make_organization("manufacturer"), "planner")):
        with reading(other):
            assert not UrgencyClass.unwalled.exists()
    with reading(coordinator(far)):
        assert UrgencyClass.unwalled.count() == 3


def test_the_last_place_goes_to_who_cannot_wait(far: World) -> None:
    make_criteria(far)
    routine, urgent = of_the_list(far, 1), of_the_list(far, 10)
    disruption = stopped(far, routine)
    line_places(far, 1)
    run = proposed(far, disruption)
    assert {row["order"]: row["chosen"] for row in run.plan} == {urgent: 0, routine: None}
    harm = {one["name"]: (one["value"], one["bound"]) for one in run.result["components"]}
    assert (harm["unplaced"], harm["unplaced_urgency"]) == ((1, 1), (1, 1))


@pytest.mark.story("MP6")
def test_two_therapies_of_one_line_are_weighed_together(far: World) -> None:
    other = second_therapy(far)
    first, second = confirmed(far, DAYS, **patient()), dated(other, prescribed(other, **patient()))
    assert order_of(far, first).therapy_id != order_of(far, second).therapy_id
    disruption = stopped(far, first)
    line_places(far, 1)
    run = proposed(far, disruption)
    assert {row["order"] for row in run.plan} == {first, second}
    assert [row["chosen"] is not None for row in run.plan].count(True) == 1
    assert run.result["optimal"] and run.result["components"][0]["value"] == 1


@pytest.mark.story("MP3")
def test_what_a_quota_would_refuse_is_not_proposed(far: World) -> None:
    codes = [confirmed(far, DAYS, **patient()) for _ in range(2)]
    disruption = stopped(far, codes[0])
    monday = timezone.now().date() - dt.timedelta(days=timezone.now().weekday())
    rules = QuotaRules(far.therapy.code, "manufacturing_line", "week", monday, monday + dt.timedelta(days=55))
    add_quota(planner(far), rules, [ShareRow(1, center=far.center.code)])
    run = proposed(far, disruption)
    starts = [dt.datetime.fromisoformat(row["choices"][row["chosen"]]["manufacture"]) for row in run.plan]
    assert len({start.isocalendar()[:2] for start in starts}) == len(starts) == 2
    for move in signed(far, run):
        repair_answers.answer_move(coordinator(far), move.pk, {"decision": "accept"})
    with reading(planner(far)):
        assert not hits(planner(far), disruption.resource_ids, disruption.starts_at, disruption.ends_at)
