"""The planner's desk: who sees which request and whose load, confirming with one click, declining with a next date."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from cgt.demo.journey import Journey
from ledger.context import reading
from notifications import queries as notices
from notifications.actions import inbox, relay
from orders.models import OrderStep
from orders.states import StepState
from tests.desks.conftest import LIMIT, cost, size_with_fifty
from tests.desks.world import PlantWorld


def codes(page: Any) -> list[str]:
    return [row.order.code for group in page.context["groups"] for row in group["rows"]]


def row_of(page: Any, journey: Journey) -> Any:
    return next(row for group in page.context["groups"] for row in group["rows"] if row.order.code == journey.code)


def answer(client: Any, page: Any, journey: Journey, decision: str = "confirm", **more: str) -> Any:
    """Send what the row's button sends."""
    step = row_of(page, journey).step
    value = f"{journey.code}:{step.key}:{step.attempt}.{step.version}"
    return client.post("/desk/requests/", {decision: value, "once": str(page.context["once"]), **more})


def confirmations(plants: PlantWorld, journey: Journey) -> list[Any]:
    viewer = plants.player("center", "coordinator").actor
    with reading(viewer):
        return list(OrderStep.unwalled.filter(order__code=journey.code, key="confirm").order_by("attempt"))


@pytest.mark.story("MP2", "CM1", "CM2")
def test_each_sees_its_own_requests_and_no_other_clients_load(plants: PlantWorld) -> None:
    journeys = {name: plants.journey(name, before="confirm") for name in ("own", "one", "two")}
    sponsor = plants.browse("one", "planner").get("/")
    assert {journeys["own"].code, journeys["one"].code} <= set(codes(sponsor))
    html = sponsor.content.decode()
    other = plants.organizations["two"], plants.therapies["two"]
    for secret in (journeys["two"].code, other[0].name, other[1].name):
        assert secret not in html, "a client reads of the other client of its contract manufacturer"

    own_line = [day for day in row_of(sponsor, journeys["own"]).load if day.is_asked][0]
    partners_line = [day for day in row_of(sponsor, journeys["one"]).load if day.is_asked][0]
    assert own_line.taken and own_line.capacity == 40
    assert (partners_line.taken, partners_line.capacity, partners_line.words) == (None, None, "room")

    cmo = plants.browse("cmo", "cmo_planner").get("/")
    by_sponsor = {g["sponsor"]: [row.order.code for row in g["rows"]] for g in cmo.context["groups"]}
    assert journeys["one"].code in by_sponsor[plants.organizations["one"].name]
    assert journeys["two"].code in by_sponsor[plants.organizations["two"].name]
    assert journeys["own"].code not in cmo.content.decode(), "made in the sponsor's own plant"
    whole = [day for day in row_of(cmo, journeys["two"]).load if day.is_asked][0]
    assert whole.taken is not None and whole.taken >= 1
    assert not row_of(cmo, journeys["two"]).mine, "the sponsor answers"

    assert codes(plants.browse("stranger", "planner").get("/")) == []


@pytest.mark.story("MP2")
def test_one_click_confirms_and_a_double_click_confirms_once(plants: PlantWorld) -> None:
    journey, planner = plants.journey("own", before="confirm"), plants.browse("one", "planner")
    page = planner.get("/")
    assert f'value="{journey.code}:confirm:' in page.content.decode()
    first, second = (answer(planner, page, journey) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    (step,) = confirmations(plants, journey)
    assert step.state == StepState.DONE
    assert journey.code not in codes(planner.get("/"))
    assert b"Slots confirmed" in planner.get("/").content or first.status_code == 303


def test_of_two_planners_one_wins_and_the_other_is_told(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="confirm")
    one, two = plants.browse("one", "planner", 1), plants.browse("one", "planner", 2)
    seen_by_one, seen_by_two = one.get("/"), two.get("/")
    assert answer(one, seen_by_one, journey).status_code == 303
    late = answer(two, seen_by_two, journey, "decline", reason="No staff")
    assert late.status_code == 412
    assert journey.code in late.content.decode() and "not waiting for an answer" in late.content.decode()
    (step,) = confirmations(plants, journey)
    assert step.done_by == plants.player("one", "planner").actor.person_name


def test_a_decline_needs_its_reason_and_offers_the_next_date_in_the_row(plants: PlantWorld) -> None:
    journey, planner = plants.journey("own", before="confirm"), plants.browse("one", "planner")
    page = planner.get(f"/?open={journey.code}")
    found = page.context["next_date"]
    asked = row_of(page, journey).chain.collection_starts_at
    assert found.offer is not None and found.offer.collection_start.date() > asked.date()
    refused = answer(planner, page, journey, "decline", propose=found.collection_date.isoformat())
    assert refused.status_code == 400
    html = refused.content.decode()
    assert refused.context["opened"] == journey.code and 'aria-invalid="true"' in html
    assert "Next free date" in html
    once = str(uuid4())
    again = {"reason": "Line is down.", "propose": found.collection_date.isoformat(), "once": once}
    assert answer(planner, page, journey, "decline", **again).status_code == 303
    declined = confirmations(plants, journey)[0]
    assert declined.state == StepState.FAILED
    assert "Line is down." in declined.summary and f"{found.collection_date:%d %b %Y}" in declined.summary
    center = plants.browse("center", "coordinator").get(f"/orders/{journey.code}/").content.decode()
    assert "would fit" in center, "the center is told the date"


def test_the_cost_of_the_desk_does_not_grow_with_its_rows(plants: PlantWorld) -> None:
    for name in ("two",):
        plants.journey(name, before="confirm")
    planner = plants.browse("two", "planner")
    few, small = cost(planner)
    rows = len(codes(small))
    for _ in range(2):
        plants.journey("two", before="confirm")
    many, large = cost(planner)
    assert len(codes(large)) == rows + 2
    assert many == few
    assert size_with_fifty(small, rows, large, rows + 2) <= LIMIT


def test_the_week_shows_holds_and_confirmations_on_the_line(plants: PlantWorld) -> None:
    journey, planner = plants.journey("own", before="confirm"), plants.browse("one", "planner")
    start = row_of(planner.get("/"), journey).chain.manufacture_starts_at.date()
    board = planner.get(f"/?week={start}").context["board"]
    (line,) = [line for line in board if line.is_own]
    assert sum(day.requested for day in line.days) >= 1
    confirmed = sum(day.confirmed for day in line.days)
    answer(planner, planner.get("/"), journey)
    (after,) = [line for line in planner.get(f"/?week={start}").context["board"] if line.is_own]
    assert sum(day.confirmed for day in after.days) == confirmed + 1
    assert planner.get("/?week=nonsense").status_code == 200
    assert planner.get("/?week=9999-12-31&open=nobody&due=late").status_code == 200


def test_filters_stand_in_the_address(plants: PlantWorld) -> None:
    plants.journey("own", before="confirm")
    plants.journey("one", before="confirm")
    page = plants.browse("one", "planner").get("/", {"therapy": plants.therapies["own"].code})
    assert {row.order.therapy.code for group in page.context["groups"] for row in group["rows"]} == {
        plants.therapies["own"].code
    }
    assert re.search(r'action="/desk/requests/\?therapy=', page.content.decode())


@pytest.mark.story("CO8")
def test_who_took_a_request_over_is_named_to_the_own_colleagues(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="confirm")
    relay.relay()
    second = plants.player("one", "planner", 2).actor
    with reading(second):
        notice = notices.inbox(second).filter(path__contains=journey.code).get()
    inbox.claim(second, notice.pk)
    row = row_of(plants.browse("one", "planner").get("/"), journey)
    assert row.step.named_owner == second.person_name
    assert second.person_name in plants.browse("one", "planner").get("/").content.decode()
    for who in (("center", "coordinator"), ("stranger", "planner")):
        assert second.person_name not in plants.browse(*who).get("/").content.decode()


@pytest.mark.story("CM2", "MP1")
def test_the_lines_of_a_contract_manufacturer_are_told_by_sponsor_to_it_alone(plants: PlantWorld) -> None:
    journeys = {name: plants.journey(name, before="confirm") for name in ("one", "two")}
    cmo = plants.browse("cmo", "cmo_planner")
    start = row_of(cmo.get("/"), journeys["two"]).chain.manufacture_starts_at.date()
    page = cmo.get(f"/scheduling/lines/?from={start}&days=28")
    use = {name: places for line in page.context["lines"] for name, places in line.use}
    names = {name: plants.organizations[name].name for name in ("one", "two")}
    assert use[names["one"]] >= 1 and use[names["two"]] >= 1
    for name, other in (("one", "two"), ("two", "one")):
        client = plants.browse(name, "planner")
        page = client.get(f"/scheduling/lines/?from={start}&days=28")
        html = page.content.decode()
        for secret in (names[other], journeys[other].code, plants.therapies[other].name):
            assert secret not in html, "a client reads of the other client of its contract manufacturer"
        partners = [line for line in page.context["lines"] if not line.is_own]
        assert partners, "the line that it uses is there"
        for line in partners:
            assert line.percent is None and line.use == [] and line.taken == 0
            assert all(day.taken is None for day in line.days)
        assert names["one"] not in client.get(f"/scheduling/load/?from={start}").content.decode() or name == "one"
    stranger = plants.browse("stranger", "planner").get(f"/scheduling/lines/?from={start}&days=28")
    assert stranger.context["lines"] == []


def test_the_lines_cost_the_same_for_more_orders(plants: PlantWorld) -> None:
    cmo = plants.browse("cmo", "cmo_planner")
    plants.journey("one", before="confirm")
    few, _ = cost(cmo, "/scheduling/lines/?days=28")
    for _ in range(2):
        plants.journey("two", before="confirm")
    many, _ = cost(cmo, "/scheduling/lines/?days=28")
    assert many == few
