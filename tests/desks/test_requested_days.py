"""Days wished where nothing is published: each contract manufacturer that may make the therapy reads them, no more."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.walls import visible
from network.actions.places import add_plant
from orders import queries
from orders.actions import date_requests
from personas.queries import Organization
from scheduling.models import DateRequest, RequestedDays
from tests.desks.conftest import cost
from tests.desks.world import PlantWorld
from tests.factories import connect, make_member, make_organization, make_site, operator
from tests.personas.conftest import signed_in

WORDS = "Travels from afar, Tuesdays only"


def wish(journey: Any, plants: PlantWorld, days: int = 80) -> dict[str, str]:
    wanted = timezone.now().date() + dt.timedelta(days=days)
    given = {"wished_on": str(wanted), "first_date": str(wanted), "last_date": str(wanted), "remark": WORDS}
    date_requests.request_dates(plants.player("center", "coordinator").actor, journey.code, given)
    return given


def read(plants: PlantWorld, organization: str, persona: str) -> list[Any]:
    actor = plants.player(organization, persona).actor
    with reading(actor):
        return queries.days_for_plants(actor)


@pytest.mark.story("CM1", "CM2")
def test_each_plant_that_may_make_the_therapy_reads_the_days_and_nothing_else(plants: PlantWorld) -> None:
    journey = plants.journey("one", before="book")
    desk = plants.browse("cmo", "cmo_planner")
    before, told = len(read(plants, "cmo", "cmo_planner")), desk.get("/").content.decode()
    given = wish(journey, plants)
    found = read(plants, "cmo", "cmo_planner")
    assert len(found) == before + 1
    mine = next(one for one in found if str(one.row.wished_on) == given["wished_on"])
    assert (mine.therapy, mine.client) == (plants.therapies["one"].name, plants.organizations["one"].name)
    page = desk.get("/").content.decode()
    assert "Days wished of your clients" in page and plants.therapies["one"].name in page
    for secret in (journey.code, WORDS, plants.organizations["center"].name, plants.clinic.name):
        # Other orders, on its own lines, may name their center.
        assert page.count(secret) == told.count(secret), "what the plant is not told before it is chosen"
    actor = plants.player("cmo", "cmo_planner").actor
    with reading(actor):
        assert not DateRequest.unwalled.filter(wished_on=given["wished_on"]).exists(), "the request itself stays walled"
    for organization, persona in (("two", "planner"), ("stranger", "planner"), ("courier", "courier_dispatcher")):
        assert read(plants, organization, persona) == []
        reader = plants.player(organization, persona).actor
        with reading(reader):
            assert not visible(RequestedDays, reader).exists()
            assert not RequestedDays.unwalled.exists()  # the braces alone
    assert read(plants, "one", "planner") == [], "the client has the request itself on its desk"


def test_made_elsewhere_or_licensed_later_or_answered(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="book")
    before = {one.row.pk for one in read(plants, "cmo", "cmo_planner")}
    wish(journey, plants, 90)
    assert {one.row.pk for one in read(plants, "cmo", "cmo_planner")} == before, "made in the sponsor's own plant"
    late: Organization = make_organization("cmo")
    for other in ("one", "center"):
        connect(plants.organizations[other], late)
    planner = make_member(late, "cmo_planner")
    other = plants.journey("one", before="book")
    wish(other, plants, 91)
    client = signed_in(planner)
    assert "Days wished of your clients" not in client.get("/").content.decode()
    add_plant(operator(plants.organizations["one"]), plants.therapies["one"], make_site(late))
    assert "Days wished of your clients" in client.get("/").content.decode(), "licensed meanwhile"
    decline = {"decision": "decline", "reason": "No capacity at all"}
    for code in (journey.code, other.code):
        date_requests.answer_request(plants.player("one", "planner").actor, code, decline)
    assert not [one for one in read(plants, "cmo", "cmo_planner") if one.row.wished_on == in_days(91)]


def in_days(days: int) -> dt.date:
    return timezone.now().date() + dt.timedelta(days=days)


def test_the_same_over_rest_with_a_constant_number_of_queries(plants: PlantWorld) -> None:
    cmo, costs = plants.browse("cmo", "cmo_planner"), []
    for number in range(3):
        wish(plants.journey("one", before="book"), plants, 100 + number)
        costs.append(cost(cmo)[0])
        answer = cmo.get("/api/v1/date-requests/of-plants").json()["results"]
        assert str(in_days(100 + number)) in {row["wished_on"] for row in answer}
    assert costs[0] == costs[1] == costs[2]
    assert set(answer[0]) == {"therapy", "client", "country", "wished_on", "first_date", "last_date", "due_at"}
    client = plants.browse("two", "planner").get("/api/v1/date-requests/of-plants")
    assert client.status_code == 200 and client.json()["results"] == []
    assert plants.browse("courier", "courier_dispatcher").get("/api/v1/date-requests/of-plants").status_code == 403
