"""Desks of those who work with their hands or sign: what is theirs, with the patient named at their center only."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cgt.demo import clock
from ledger.context import reading
from orders import queries
from orders.views.desks import cell_lab
from tests.journeys.world import World
from tests.orders.conftest import text_of
from tests.orders.desks.conftest import Sit
from tests.orders.desks.costs import assert_light

pytestmark = pytest.mark.usefixtures("committed_db")
HOUR, FAR = dt.timedelta(hours=1), dt.timedelta(days=90)


@pytest.fixture(scope="module")
def collected(travels: World, django_db_blocker: object) -> list[str]:
    """Three orders whose kit is to be checked, their chairs booked."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        journeys = [travels.journey(seed=seed) for seed in range(3)]
        for journey in journeys:
            journey.run(before="kit")
        return [journey.code for journey in journeys]


@pytest.fixture(scope="module")
def stored(travels: World, django_db_blocker: object) -> list[str]:
    """Three orders whose product lies in the center's store, of which one is prepared."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        journeys = [travels.journey("in_vivo", seed=seed) for seed in range(3)]
        for journey in journeys:
            journey.run(until="go")
        journeys[0].run(until="prepare")
        return [journey.code for journey in journeys]


def names(page: object, key: str = "rows") -> list[str]:
    return [row["patient"].display_name for row in page.context[key] if row.get("patient")]  # type: ignore[attr-defined]


def test_apheresis_lists_patients_by_chair_time_and_leads_to_their_stations(
    collected: list[str], sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sit("apheresis_nurse")
    page = client.get("/")
    rows = [row for _, group in page.context["days"] for row in group]
    assert {row["order"].code for row in rows} == set(collected)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert all(row["patient"] and row["next"] for row in rows)
    for code in collected:
        assert f"/orders/{code}/station/" in text_of(page)
    assert [span["count"] for span in page.context["strip"]][-1] == len(collected)
    assert client.get("/", {"due": "earlier"}).context["days"] == []
    assert_light(monkeypatch, client)


def test_what_is_not_confirmed_yet_is_no_collection(travels: World, collected: list[str], sit: Sit) -> None:
    journey = travels.journey(seed=9)
    journey.run(before="confirm")
    assert journey.code not in text_of(sit("apheresis_nurse").get("/"))


def test_the_cell_lab_sees_what_to_do_by_kind_and_where_everything_lies(
    stored: list[str], sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sit("cell_lab_technologist")
    page = client.get("/")
    assert {row["code"] for _, rows in page.context["groups"] for row in rows} >= set(stored[1:])
    lying = {row["order"].code: row["bag"].storage_location for row in page.context["stored"]}
    assert set(stored[1:]) <= set(lying)
    assert all(lying.values())
    assert stored[0] in {row["order"].code for row in page.context["clocks"]}
    assert "Thaw clocks running" in text_of(page)
    assert_light(monkeypatch, client)


def test_who_may_not_read_identities_reads_codes(stored: list[str], sit: Sit) -> None:
    page = sit("cell_lab_technologist").get("/")
    assert names(page) == []
    assert names(page, "stored") == []
    assert stored[1] in text_of(page)


def test_the_infusion_nurse_sees_whose_product_is_here_with_running_clocks(
    stored: list[str], sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sit("infusion_nurse")
    page = client.get("/")
    assert {row["order"].code for row in page.context["rows"]} == set(stored)
    assert len(names(page)) == len(stored)
    assert [row["order"].code for row in page.context["clocks"]] == stored[:1]
    assert_light(monkeypatch, client)


def test_the_physician_signs_beside_the_evidence(travels: World, sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    journeys = [travels.journey(seed=seed) for seed in range(20, 23)]
    for journey in journeys:
        journey.run(before="prescribe")
    client = sit("treating_physician")
    page = client.get("/")
    row = next(row for row in page.context["rows"] if row["code"] == journeys[0].code)
    assert {done.key for done in row["evidence"]} == {"consent", "eligibility"}
    assert "Consent is on file." in text_of(page)
    journeys[0].run(until="prescribe")
    assert journeys[0].code in {row["order"].code for row in client.get("/").context["patients"]}
    assert_light(monkeypatch, client)


def test_strangers_see_nothing_of_it(stored: list[str], sit: Sit) -> None:
    for persona in ("coordinator", "treating_physician", "apheresis_nurse"):
        assert not any(code in text_of(sit(persona, 1, "next_center").get("/")) for code in stored), persona


def test_a_delivery_that_was_planned_before_now_is_late(travels: World) -> None:
    journey = travels.journey(seed=40)
    journey.run(before="ship_pickup")
    actor = travels.player("center", "cell_lab_technologist").actor
    with reading(actor):
        (step,) = queries.expected_deliveries(actor, timezone.now() + FAR).filter(order__code=journey.code)
        assert step.planned_at is not None
        for moment, late in ((step.planned_at - HOUR, False), (step.planned_at + HOUR, True)):
            with clock.at(moment):
                rows = {row["code"]: row["late"] for row in cell_lab._expected(actor)}
            assert rows[journey.code] is late
