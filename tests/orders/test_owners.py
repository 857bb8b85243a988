"""Who took a waiting step over is named on the order, in the desks and over REST, to the own colleagues only (CO8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import reading
from notifications import queries as notices
from notifications.actions import inbox, relay
from notifications.actions.absences import set_away
from orders.actions.overdue_steps import tell_overdue
from orders.models import OrderStep, StepDue
from tests.orders.conftest import Browse, booked, confirmed, patient, text_of
from tests.orders.factories import World

pytestmark = pytest.mark.usefixtures("committed_db")
ANNA = ("center", "coordinator")
BEN = (*ANNA, 2)


def claimed(world: World, *who: Any, code: str) -> None:
    """Take the newest notice about an order over."""
    relay.relay()
    actor = world.actor(*who)
    with reading(actor):
        notice = notices.inbox(actor).filter(path__contains=code).first()
    assert notice is not None
    inbox.claim(actor, notice.pk)


def enrolled(world: World) -> str:
    for who in (ANNA, BEN):
        world.member(*who)
    return world.enrol(**patient())


@pytest.mark.story("CO8")
def test_who_took_a_step_over_is_named_on_the_order_and_on_the_desk(world: World, browse: Browse) -> None:
    code = enrolled(world)
    claimed(world, *BEN, code=code)
    name = world.actor(*BEN).person_name
    anna = browse(*ANNA)
    assert f"Taken over by <strong>{name}</strong>" in text_of(anna.get(f"/orders/{code}/"))
    row = next(row for row in anna.get("/").context["rows"] if row["order"].code == code)
    assert row["owner"] == name
    worklist = anna.get("/worklist/").context["rows"]
    assert {row["owner"] for row in worklist if row["code"] == code} == {name}
    turns = anna.get(f"/api/v1/orders/{code}").json()["whose_turn"]
    assert [turn["owner"] for turn in turns] == [name] * len(turns)
    for organization, persona in (("maker", "case_manager"), ("maker", "planner")):
        other = browse(organization, persona)
        assert name not in text_of(other.get(f"/orders/{code}/"))
        assert {turn["owner"] for turn in other.get(f"/api/v1/orders/{code}").json()["whose_turn"]} <= {""}


def test_an_absence_stands_beside_the_owners_name(world: World, browse: Browse) -> None:
    code = enrolled(world)
    claimed(world, *BEN, code=code)
    ben = world.actor(*BEN)
    today = timezone.now().date()
    set_away(ben, first_day=today - dt.timedelta(days=1), last_day=today + dt.timedelta(days=2))
    words = f"{ben.person_name} (away until {(today + dt.timedelta(days=2)).isoformat()})"
    assert words in text_of(browse(*ANNA).get(f"/orders/{code}/"))


def test_who_takes_an_overdue_step_over_owns_it_from_then_on(world: World, browse: Browse) -> None:
    code = enrolled(world)
    claimed(world, *BEN, code=code)
    anna = world.actor(*ANNA)
    with reading(anna):
        step = OrderStep.unwalled.filter(order__code=code, state="ready").latest("position")
    row = StepDue.unwalled.get(step_id=step.pk)
    assert tell_overdue(row, row.due_at)
    claimed(world, *ANNA, code=code)
    assert f"Taken over by <strong>{anna.person_name}</strong>" in text_of(browse(*BEN[:2]).get(f"/orders/{code}/"))


def test_names_cost_the_same_for_more_rows(world: World, browse: Browse) -> None:
    client = browse(*ANNA)
    claimed(world, *BEN, code=enrolled(world))
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for _ in range(2):
        claimed(world, *BEN, code=enrolled(world))
    with CaptureQueriesContext(connection) as many:
        client.get("/")
    assert len(many) == len(few)


def test_courier_and_nurse_see_on_their_desks_which_colleague_took_a_step_over(world: World, browse: Browse) -> None:
    dispatcher, nurse = ("courier", "courier_dispatcher", 1), ("center", "apheresis_nurse", 2)
    world.member(*dispatcher)
    job = confirmed(world, **patient())
    claimed(world, *dispatcher, code=job)
    name = world.actor(*dispatcher).person_name
    page = browse(*dispatcher[:2]).get("/")
    assert {row["owner"] for row in page.context["jobs"] if row["code"] == job} == {name}
    assert name in text_of(page)
    assert name not in text_of(browse("center", "coordinator").get("/"))
    world.member(*nurse)
    code = booked(world, **patient())
    claimed(world, *nurse, code=code)
    rows = [row for _, day in browse(*nurse[:2]).get("/").context["days"] for row in day]
    assert {row["owner"] for row in rows if row["order"].code == code} == {world.actor(*nurse).person_name}
