"""Waiting list and quotas over REST: the same refusals, each request once, and nothing for anybody else (CO10, MP3)."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.context import reading
from orders.tasks import offer_freed_places
from scheduling import quota_periods
from scheduling.models import Quota, WaitingEntry
from tests.api.conftest import PartnerOf, problem
from tests.factories import PASSWORD
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World
from tests.orders.waiting import CRITERIA, line_places, make_criteria, offers

pytestmark = pytest.mark.story("CO10")


def test_an_order_waits_is_scored_decided_and_offered(world: World, partner: PartnerOf) -> None:
    therapy = world.therapy.code
    line_places(world, 0)
    make_criteria(world)
    code = prescribed(world, **patient())
    coordinator, physician = partner("center", "coordinator"), partner("center", "treating_physician")
    committee = partner("center", "committee_member")
    once = {"Idempotency_Key": "wait-1"}
    added = coordinator.post("waiting-list", {"order": code}, **once)
    assert added.status_code == 201
    again = coordinator.post("waiting-list", {"order": code}, **once)
    assert (again.status_code, again.json()) == (201, added.json())
    assert problem(coordinator.post("waiting-list", {"order": code}), 409, "waits_already")
    entry = added.json()["id"]
    bad = problem(physician.post(f"waiting-list/{entry}/score", {"points": {"benefit": 11}}), 400, "invalid_input")
    assert "points.benefit" in bad["fields"]
    points = {"points": {"benefit": 8, "urgency": 4}}
    assert physician.post(f"waiting-list/{entry}/score", points).status_code == 200
    assert problem(coordinator.post(f"waiting-list/{entry}/score", points), 403, "not_allowed")
    signed = [{"username": world.username("center", "committee_member", n), "password": PASSWORD} for n in (1, 2)]
    decision = {"therapy": therapy, "ranks": [{"entry": entry}], "signatures": signed[:1]}
    assert (
        problem(committee.post("waiting-list/decisions", decision), 422, "facts_missing")["facts"][0]["code"]
        == "signers_missing"
    )
    decided = committee.post("waiting-list/decisions", decision | {"signatures": signed})
    assert decided.status_code == 201
    assert decided.json()["members"] == ["Committee Member A", "Committee Member B"]
    (row,) = coordinator.get(f"waiting-list?therapy={therapy}").json()["results"]
    assert (row["order"], row["rank"], row["scored"]) == (code, 1, True)
    assert [part["value"] for part in row["parts"]][:2] == [32, 16]
    line_places(world, 1)
    assert offer_freed_places() == 1
    (offer,) = coordinator.get("waiting-list/offers").json()["results"]
    answering = f"waiting-list/offers/{offer['id']}/answer"
    assert "reason" in problem(coordinator.post(answering, {"answer": "refuse"}), 400, "invalid_input")["fields"]
    assert coordinator.post(answering, {"answer": "accept"}).json()["state"] == "accepted"
    appeal = coordinator.post(f"waiting-list/{entry}/appeal", {"reason": "A new lesion"})
    assert (appeal.status_code, appeal.json()["decision"]) == (201, 1)
    assert coordinator.post(f"waiting-list/{entry}/withdraw", {"reason": "Other trial"}).json()["state"] == "withdrawn"
    assert offers(world) == []


def test_nobody_else_reads_or_moves_a_list(world: World, partner: PartnerOf) -> None:
    therapy = world.therapy.code
    make_criteria(world)
    code = prescribed(world, **patient())
    entry = partner("center", "coordinator").post("waiting-list", {"order": code}).json()["id"]
    planner = partner("maker", "planner")
    assert planner.get(f"waiting-list?therapy={therapy}").json() == {"results": []}
    assert planner.get(f"waiting-list/criteria?therapy={therapy}").json() == {"results": []}
    assert planner.get("waiting-list/offers").json() == {"results": []}
    for act in ("score", "withdraw", "appeal"):
        body = {"points": {}} if act == "score" else {"reason": "Mine"}
        problem(planner.post(f"waiting-list/{entry}/{act}", body), 404, "not_found")
    problem(planner.post("waiting-list", {"order": code}), 403, "not_allowed")
    problem(partner("center", "apheresis_nurse").get(f"waiting-list?therapy={therapy}"), 403, "not_allowed")
    with reading(world.actor("center", "coordinator")):
        assert WaitingEntry.unwalled.get(pk=entry).state == "waiting"


def test_criteria_need_two_people_and_no_protected_attribute(world: World, partner: PartnerOf) -> None:
    author, member = partner("center", "site_quality"), partner("center", "committee_member")
    body = {"therapy": world.therapy.code, "title": "First", "criteria": CRITERIA, "effective_from": "2026-01-01"}
    bad = [CRITERIA[0] | {"key": "sex", "title": "Sex"}]
    refused = problem(author.post("waiting-list/criteria", body | {"criteria": bad}), 400, "invalid_input")
    assert {"criteria[0].key", "criteria[0].title"} <= set(refused["fields"])
    written = author.post("waiting-list/criteria", body).json()
    assert written["state"] == "draft"
    # A key alone publishes nothing: publishing is a second person's act.
    problem(member.post(f"waiting-list/criteria/{written['id']}/publish"), 403, "second_person_needed")


@pytest.mark.story("MP3")
def test_quotas_are_added_changed_and_read(world: World, partner: PartnerOf) -> None:
    planner, coordinator = partner("maker", "planner"), partner("center", "coordinator")
    first = quota_periods.next_first("month", dt.datetime.now(dt.UTC).date() + dt.timedelta(days=40))
    second = quota_periods.next_first("month", first)
    last = quota_periods.next_first("month", second) - dt.timedelta(days=1)
    body = {
        "therapy": world.therapy.code,
        "stage": "manufacturing_line",
        "period": "month",
        "starts_on": first.isoformat(),
        "ends_on": last.isoformat(),
        "release_days": 14,
        "reserve_percent": 25,
        "shares": [{"places": 4, "center": world.center.code}, {"places": 7}],
    }
    refused = problem(planner.post("quotas", body | {"ends_on": second.isoformat()}), 400, "invalid_input")
    assert "ends_on" in refused["fields"]
    problem(coordinator.post("quotas", body), 403, "not_allowed")
    added = planner.post("quotas", body, Idempotency_Key="quota-1")
    assert added.status_code == 201
    assert planner.post("quotas", body, Idempotency_Key="quota-1").json() == added.json()
    address = f"quotas/{added.json()['id']}"
    shares = [{"places": 6, "center": world.center.code}]
    changed = planner.post(address, {"from_on": second.isoformat(), "shares": shares}).json()
    own = next(share for share in changed["shares"] if share["share"] == "center")
    assert [(p["places"], p["reserve"]) for p in own["periods"]] == [(4, 1), (6, 1)]
    problem(coordinator.post(address, {"from_on": second.isoformat(), "shares": shares}), 404, "not_found")
    (seen,) = coordinator.get("quotas").json()["results"]
    by_share = {share["share"]: share["periods"][0] for share in seen["shares"]}
    assert by_share["center"]["places"] == 4
    assert by_share["pool"]["places"] is None and by_share["pool"]["has_room"]
    with reading(world.actor("maker", "planner")):
        assert Quota.unwalled.count() == 1
