"""Booked dates that move over REST: searched, previewed, moved or asked for, answered; swaps of two own patients."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tests.api.conftest import Partner, make_partner, problem, signature
from tests.factories import make_organization
from tests.orders.factories import World, make_world
from tests.orders.test_rescheduling import PHYSICIAN, WHY, at, order_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def booking(world: World) -> Partner:
    return make_partner(world.center, "coordinator", responsible=world.member("center", "coordinator"))


def first_offer(partner: Partner, code: str, days: int) -> dict[str, Any]:
    earliest = timezone.now().date() + dt.timedelta(days=days)
    found: dict[str, Any] = partner.get(f"orders/{code}/dates?earliest={earliest}").json()["offers"][0]
    return found


@pytest.mark.story("CO5")
def test_a_partner_previews_a_change_and_moves_the_dates_once(far: World) -> None:
    code, center = at(far, 16), booking(far)
    offer = first_offer(center, code, 20)
    preview = center.get(f"orders/{code}/dates/preview?offer={offer['token']}").json()
    assert preview["at_once"] and preview["stops"] == []
    assert [shift["kind"] for shift in preview["shifts"] if not shift["stays"]][0] == "apheresis_chair"
    body = {"offer": offer["token"], **WHY}
    for _ in range(2):
        answer = center.post(f"orders/{code}/dates/move", body, Idempotency_Key="move-1")
        assert answer.status_code == 200
        assert parse_datetime(answer.json()["plan"]["collection_start"]) == parse_datetime(offer["collection_start"])
    again = center.post(f"orders/{code}/dates/move", body)
    problem(again, 409, "same_dates")


def test_the_manufacturer_answers_and_a_refusal_needs_its_reason(far: World) -> None:
    code, center = at(far, 6), booking(far)
    planner = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    center.post(f"orders/{code}/dates/move", {"offer": first_offer(center, code, 9)["token"], **WHY})
    bad = planner.post(f"orders/{code}/dates/answer", {"decision": "refuse"})
    assert "reason" in problem(bad, 400, "invalid_input")["fields"]
    assert planner.post(f"orders/{code}/dates/answer", {"decision": "refuse", "reason": "Full"}).status_code == 200
    gone = center.post(f"orders/{code}/dates/withdraw", {"reason": "Too late"})
    problem(gone, 409, "no_change_proposed")


def test_next_door_neither_orders_nor_swaps_exist(far: World) -> None:
    first, second, center = at(far, 6), at(far, 12), booking(far)
    swap = center.post(f"orders/{first}/swaps", {"other": second, **WHY}).json()
    stranger = make_partner(make_organization("treatment_center"), "coordinator")
    token = first_offer(center, first, 9)["token"]
    assert stranger.get(f"orders/{first}/dates").status_code == 404
    assert stranger.get(f"orders/{first}/dates/preview?offer={token}").status_code == 404
    assert stranger.post(f"orders/{first}/dates/move", {"offer": token, **WHY}).status_code == 404
    assert stranger.post(f"swaps/{swap['id']}/withdraw", {"reason": "Mine"}).status_code == 404


@pytest.mark.story("CO6")
def test_a_swap_is_signed_for_each_patient_and_a_key_alone_never_signs(far: World) -> None:
    first, second, center = at(far, 6), at(far, 12), booking(far)
    plans = [order_of(far, code).plan for code in (first, second)]
    swap = center.post(f"orders/{first}/swaps", {"other": second, **WHY}).json()
    physician = make_partner(far.center, "treating_physician", responsible=far.member(*PHYSICIAN))
    alone = physician.post(f"swaps/{swap['id']}/answer", {"order": first, "decision": "approve"})
    assert alone.status_code in (400, 403)
    for code, state in ((first, "proposed"), (second, "done")):
        given = {"order": code, "decision": "approve", "signature": signature(far, *PHYSICIAN)}
        answer = physician.post(f"swaps/{swap['id']}/answer", given)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert [order_of(far, code).plan for code in (first, second)] == plans[::-1]


@pytest.mark.story("MP2")
def test_a_planner_s_key_proposes_and_the_center_s_answers(far: World) -> None:
    code, center = at(far, 16), booking(far)
    planner = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    before, offer = order_of(far, code).plan, first_offer(planner, code, 20)
    preview = planner.get(f"orders/{code}/dates/preview?offer={offer['token']}").json()
    assert not preview["at_once"] and far.center.name in {one["who"] for one in preview["agrees"]}
    body = {"offer": offer["token"], "code": "plant_capacity", "reason": "Line service"}
    for _ in range(2):
        assert planner.post(f"orders/{code}/dates/move", body, Idempotency_Key="offer-1").status_code == 200
    assert order_of(far, code).plan == before
    problem(planner.post(f"orders/{code}/dates/answer", {"decision": "agree"}), 403, "not_allowed")
    problem(center.post(f"orders/{code}/dates/withdraw", {"reason": "Not mine"}), 403, "not_allowed")
    assert center.post(f"orders/{code}/dates/answer", {"decision": "agree"}).status_code == 200
    assert parse_datetime(order_of(far, code).plan["collection_start"]) == parse_datetime(offer["collection_start"])
    near = at(far, 0)
    stops = planner.get(f"orders/{near}/dates/preview?offer={first_offer(planner, near, 9)['token']}").json()["stops"]
    assert [fact["code"] for fact in stops] == ["dates_frozen"] and "disruption" in stops[0]["remedy"]
