"""A planner reads on the page and over REST which constraint leaves an order of a repair no dates (MP6)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger.context import reading
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.actions.disruptions import open_disruption
from scheduling.models import Resource
from tests.api.conftest import make_partner
from tests.factories import operator
from tests.orders.conftest import confirmed, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import proposed, stopped
from tests.personas.conftest import signed_in
from tests.scheduling.factories import make_resource

pytestmark = [pytest.mark.django_db, pytest.mark.story("MP6")]


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def closed(world: World, kind: str, owner: Any) -> Any:
    """Everything of a kind is out for longer than anything is published."""
    with reading(operator(owner)):
        codes = list(Resource.unwalled.filter(organization=owner, kind=kind).values_list("code", flat=True))
    now = dt.datetime.now(dt.UTC)
    return open_disruption(
        operator(owner),
        kind="line_stop" if kind == "manufacturing_line" else "lane_strike",
        resources=codes,
        starts_at=now,
        ends_at=now + dt.timedelta(days=60),
        reason="nothing runs there",
    )


@pytest.mark.parametrize(
    ("kind", "owner", "words", "reason"),
    [
        ("manufacturing_line", "maker", "No manufacturing start at ", "no_line"),
        ("courier_lane", "courier", "No courier offers a run from ", "no_lane"),
    ],
)
def test_an_order_without_a_line_or_a_run_says_so_on_the_page_and_over_rest(
    far: World, kind: str, owner: str, words: str, reason: str
) -> None:
    person = patient()
    code = confirmed(far, 16, **person)
    run = proposed(far, closed(far, kind, getattr(far, owner)))
    page = text_of(signed_in(far.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/"))
    partner = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    (row,) = partner.get(f"repairs/{run.pk}").json()["plan"]
    assert row["order"] == code and row["chosen"] is None and row["choices"] == []
    for said in (page, row["text"]):
        assert "No feasible dates are left for this order because nothing runs there." in said
        assert "Collection on " in said and words in said
        assert "Without a place the patient waits without a date." in said
        assert person["family_name"] not in said and person["given_name"] not in said
    told = {one["code"]: one for one in row["reasons"]}
    day = dt.date.fromisoformat(told[reason]["date"])
    assert f"Collection on {day:%a %d %b %Y}: {told[reason]['text']}" in row["text"] and words in told[reason]["text"]


def test_an_order_that_was_left_out_by_hand_has_that_for_a_code(far: World) -> None:
    code = confirmed(far, 16, **patient())
    run = proposed(far, stopped(far, code))
    partner = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    assert partner.get(f"repairs/{run.pk}").json()["plan"][0]["reasons"] == []
    (row,) = partner.post(f"repairs/{run.pk}/edit", {"order": code, "choice": None}).json()["plan"]
    assert row["reasons"] == [{"code": "left_out", "date": None, "text": "Left out by hand."}]
    (row,) = partner.post(f"repairs/{run.pk}/edit", {"order": code, "choice": 0}).json()["plan"]
    assert row["reasons"] == []


def test_of_two_orders_for_one_place_the_other_hears_that_it_is_needed_and_what_to_do(far: World) -> None:
    orders = {confirmed(far, 16, **patient()) for _ in range(2)}
    disruption = closed(far, "manufacturing_line", far.maker)
    spare, plant = make_resource(far.maker, "manufacturing_line", far.plant), ZoneInfo(far.plant.zone)
    start = dt.datetime.combine(dt.datetime.now(plant).date() + dt.timedelta(days=20), dt.time(6), plant)
    publish_capacity(operator(far.maker), [CapacityRow(spare.code, start, start + dt.timedelta(hours=16), 1)])
    run = proposed(far, disruption)
    partner = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    plan = partner.get(f"repairs/{run.pk}").json()["plan"]
    assert {row["order"] for row in plan} == orders
    (without,) = [row for row in plan if row["chosen"] is None]
    assert without["choices"] and [one["code"] for one in without["reasons"]] == ["needed_elsewhere"]
    page = text_of(signed_in(far.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/"))
    for said in (page, without["text"]):
        assert "No feasible dates are left" not in said
        assert "This order loses its dates because nothing runs there." in said
        assert "needed by other orders of this repair" in said and "look for a plan again" in said
    other = next(row["order"] for row in plan if row is not without)
    partner.post(f"repairs/{run.pk}/edit", {"order": other, "choice": None})
    edited = partner.post(f"repairs/{run.pk}/edit", {"order": without["order"], "choice": 0}).json()["plan"]
    assert {row["order"]: row["chosen"] for row in edited} == {other: None, without["order"]: 0}
