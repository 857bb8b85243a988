"""Waiting list, committee, criteria, equity report, quotas: what their pages show, refuse and keep (CO10, MP3)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from custody import vault
from ledger.context import reading
from orders.flow import order_named
from orders.tasks import offer_freed_places
from scheduling import quota_periods
from scheduling.models import CriteriaSet, RankDecision, WaitingEntry, WaitingOffer
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, patient, prescribed, text_of
from tests.orders.factories import World, make_world
from tests.orders.waiting import decide, line_places, make_criteria, offers, waits
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("CO10")


@pytest.fixture
def world(committed_db: None) -> World:
    return make_world(days=6)


@pytest.fixture
def browse(world: World) -> Browse:
    return lambda organization, persona, number=1: signed_in(world.member(organization, persona, number))


def test_criteria_are_written_and_published_on_the_page(world: World, browse: Browse) -> None:
    author = browse("center", "site_quality")
    sent = {
        "therapy": world.therapy.code,
        "title": "First version",
        "effective_from": "2026-01-01",
        "ageing_days": "60",
        "signers": "2",
        "offer_mode": "sequential",
        "parallel": "1",
        "offer_hours": "24",
        "title-0": "Patient's age",
        "kind-0": "benefit",
        "weight-0": "10",
        "most-0": "5",
    }
    refused = author.post("/waiting/criteria/", sent)
    assert refused.status_code == 400
    assert "protected attribute" in text_of(refused)
    assert "First version" in text_of(refused)  # what was typed is kept
    assert author.post("/waiting/criteria/", {**sent, "title-0": "Likely to benefit"}).status_code == 303
    with reading(world.actor("center", "site_quality")):
        written = CriteriaSet.unwalled.get()
    publishing = f"/waiting/criteria/{written.pk}/publish/"
    assert author.post(publishing, {"therapy": world.therapy.code}).status_code == 403
    assert browse("center", "committee_member").post(publishing, {"therapy": world.therapy.code}).status_code == 303
    page = text_of(author.get("/waiting/criteria/"))
    assert "Likely to benefit" in page and "Committee Member A" in page


def test_an_order_is_added_scored_decided_and_offered_from_the_pages(world: World, browse: Browse) -> None:
    make_criteria(world)
    code = prescribed(world, **patient())
    coordinator, physician = browse("center", "coordinator"), browse("center", "treating_physician")
    member = browse("center", "committee_member")
    world.member("center", "committee_member", 2)
    assert code in text_of(coordinator.get("/waiting/"))
    assert coordinator.post("/waiting/add/", {"order": code, "therapy": world.therapy.code}).status_code == 303
    with reading(world.actor("center", "coordinator")):
        entry = WaitingEntry.unwalled.get()
    bad = physician.post(f"/waiting/{entry.pk}/score/", {"points.benefit": "99", "points.urgency": "3"})
    assert bad.status_code == 400 and "Give 0 to 10 points" in text_of(bad)
    fine = {"points.benefit": "9", "points.urgency": "3"}
    assert physician.post(f"/waiting/{entry.pk}/score/", fine).status_code == 303
    signing = {
        "therapy": world.therapy.code,
        f"rank-{entry.pk}": "1",
        "signature.username": world.username("center", "committee_member", 1),
        "signature.password": PASSWORD,
        "member1.username": world.username("center", "committee_member", 2),
        "member1.password": "wrong",
    }
    refused = member.post("/waiting/committee/", signing)
    assert refused.status_code == 400
    assert "do not match" in text_of(refused)
    assert PASSWORD not in text_of(refused)
    assert member.post("/waiting/committee/", {**signing, "member1.password": PASSWORD}).status_code == 303
    with reading(world.actor("center", "coordinator")):
        assert RankDecision.unwalled.get().members == ["Committee Member A", "Committee Member B"]
    line_places(world, 1)
    assert offer_freed_places() == 1
    actor = world.actor("center", "coordinator")
    with reading(actor):
        (known,) = vault.open_identities(actor, [order_named(actor, code).patient_id]).values()
    desk = text_of(coordinator.get("/"))
    assert f"Accept for {code}" in desk and f"{known.display_name} · " in desk
    assert known.display_name not in text_of(member.get("/waiting/")), "the committee reads no names"
    (offer,) = offers(world)
    answering = f"/waiting/offers/{offer.pk}/"
    assert coordinator.post(answering, {"answer": "refuse", "reason": " "}).status_code == 400
    kept = coordinator.post(answering, {"answer": "accept"})
    assert (kept.status_code, kept["Location"]) == (303, f"/orders/{code}/station/")
    assert f"Book {code}" in text_of(coordinator.get("/waiting/"))
    assert coordinator.get(f"/orders/{code}/station/").status_code == 200


def test_the_list_explains_who_is_ahead_and_the_committee_page_asks_for_reasons(world: World, browse: Browse) -> None:
    make_criteria(world, ageing_days=30)
    first, second = waits(world, 9, 9), waits(world, 1, 1)
    old = waits(world, 0, 0, days=40)
    member = browse("center", "committee_member")
    signing = {
        "therapy": world.therapy.code,
        "signature.username": world.username("center", "committee_member", 1),
        "signature.password": PASSWORD,
        "member1.username": world.username("center", "committee_member", 2),
        "member1.password": PASSWORD,
        **{f"rank-{entry.pk}": str(rank + 1) for rank, entry in enumerate((first, second, old))},
        f"reason-{second.pk}": "Bridging ends this week",
    }
    refused = member.post("/waiting/committee/", signing)
    assert refused.status_code == 400
    assert "passed over by" in text_of(refused)
    assert "Bridging ends this week" in text_of(refused)
    reasons = {f"reason-{old.pk}": "Infection"}
    for rank, words in (("1", "Rank 1 is given to 2 orders"), ("", "Give it a rank"), ("x", "Give it a rank")):
        unclear = member.post("/waiting/committee/", {**signing, **reasons, f"rank-{second.pk}": rank})
        assert unclear.status_code == 400 and words in text_of(unclear), "nobody signs an order that was not typed"
    signed = member.post("/waiting/committee/", {**signing, **reasons})
    assert signed.status_code == 303, text_of(signed)
    page = text_of(browse("center", "coordinator").get("/waiting/"))
    assert f"{first.order_code}</span>: Likely to benefit (+32)" in page.replace('<span class="cgt-mono">', "")
    assert "Infection" in page and "Ageing guard" in page


def test_pages_are_the_centers_own(world: World, browse: Browse) -> None:
    make_criteria(world)
    entry = waits(world, 9, 9)
    decide(world)
    for persona in ("planner", "case_manager"):
        for address in (
            "/waiting/",
            "/waiting/committee/",
            "/waiting/criteria/",
            "/waiting/equity/",
            "/waiting/equity.csv",
        ):
            assert browse("maker", persona).get(address).status_code == 404, address
    stranger = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    assert entry.order_code not in text_of(stranger.get("/waiting/"))
    for act in ("score", "withdraw", "appeal"):
        assert stranger.post(f"/waiting/{entry.pk}/{act}/", {"reason": "Mine"}).status_code in (403, 404)


def test_the_list_costs_the_same_for_one_and_for_three(world: World, browse: Browse) -> None:
    make_criteria(world)
    coordinator = browse("center", "coordinator")
    costs = []
    for count in (1, 2):
        for _ in range(count):
            waits(world, 5, 5)
        decide(world)
        coordinator.get("/waiting/")
        with CaptureQueriesContext(connection) as found:
            assert coordinator.get("/waiting/").status_code == 200
        costs.append(len(found))
    assert costs[0] == costs[1]


@pytest.mark.story("MP3")
def test_quotas_on_the_pages_of_manufacturer_and_center(world: World, browse: Browse) -> None:
    planner, coordinator = browse("maker", "planner"), browse("center", "coordinator")
    first = quota_periods.next_first("month", dt.datetime.now(dt.UTC).date() + dt.timedelta(days=40))
    last = quota_periods.next_first("month", first) - dt.timedelta(days=1)
    sent = {
        "therapy": world.therapy.code,
        "stage": "manufacturing_line",
        "period": "month",
        "starts_on": first.isoformat(),
        "ends_on": last.isoformat(),
        "reserve_percent": "25",
        "release_days": "14",
        "share-0": world.center.code,
        "places-0": "-4",
        "share-1": "pool",
        "places-1": "17",
    }
    refused = planner.post("/quotas/", sent)
    assert refused.status_code == 400 and "Give a whole number" in text_of(refused)
    assert f'value="{first.isoformat()}"' in text_of(refused)
    assert planner.post("/quotas/", {**sent, "places-0": "4"}).status_code == 303
    page = text_of(planner.get("/quotas/"))
    assert world.center.name in page and "Common pool" in page and ">17<" in page
    own = text_of(coordinator.get("/quotas/"))
    assert "by you" in own and ">17<" not in own  # how many the pool has for others is theirs
    neighbor = make_organization("treatment_center")
    assert world.therapy.name not in text_of(signed_in(make_member(neighbor, "coordinator")).get("/quotas/"))
    assert coordinator.post("/quotas/", sent).status_code == 403


def test_the_equity_report_is_a_page_and_a_file(world: World, browse: Browse) -> None:
    make_criteria(world)
    waits(world, 5, 5)
    page = text_of(browse("center", "coordinator").get("/waiting/equity/"))
    assert "Too few to show" in page
    answer = browse("center", "coordinator").get("/waiting/equity.csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert "all,Everybody,,,,1" in text_of(answer)
    assert "CT-" not in text_of(answer)
    with reading(world.actor("center", "coordinator")):
        assert not WaitingOffer.unwalled.exists()
