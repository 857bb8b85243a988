"""Whoever plans the plant where an order is booked hears what its center wishes of the dates, and so does the sponsor
who has it made there; another sponsor of the same plant hears nothing (CM2)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from notifications import queries as notices
from notifications.actions import relay
from orders.actions import date_requests
from orders.tasks import tell_requested_days
from scheduling.models import PlantToTell
from tests.desks.test_line_board import booked
from tests.desks.world import PlantWorld
from tests.orders.conftest import text_of

pytestmark = pytest.mark.story("CM2", "CO5")
SAID = "Wishes for its dates"
PLANNERS = {"cmo": "cmo_planner", "one": "planner", "two": "planner", "stranger": "planner"}


def wish(plants: PlantWorld, code: str) -> None:
    """The center's coordinator says on the order's page which weekdays are wished, and everybody is told."""
    sent = {"weekdays": ["", "2", "4"], "earliest": "", "washout_since": "", "washout_days": ""}
    browser = plants.browse("center", "coordinator")
    assert browser.post(f"/orders/{code}/date-wishes/", sent).status_code == 303
    mail.outbox.clear()
    while relay.relay():
        pass
    relay.send_mail()


def hear(plants: PlantWorld, code: str) -> set[str]:
    """Return the organizations whose planner finds the notice on its page."""
    return {
        organization
        for organization, persona in PLANNERS.items()
        if f"{SAID} · {code}" in text_of(plants.browse(organization, persona).get("/inbox/"))
    }


@pytest.mark.parametrize(("therapy", "planners"), [("one", {"cmo", "one"}), ("two", {"cmo", "two"}), ("own", {"one"})])
def test_the_planners_of_plant_and_sponsor_are_told_on_their_page_and_by_mail_and_no_other_sponsor(
    plants: PlantWorld, therapy: str, planners: set[str]
) -> None:
    journey = booked(plants, therapy, "confirm")
    wish(plants, journey.code)
    assert hear(plants, journey.code) == planners
    mails = [message for message in mail.outbox if f"{SAID} · {journey.code}" in message.subject]
    people = {address for message in mails for address in message.to}
    expected = {
        member.user.email for key, member in plants.members.items() if key[0] in planners and key[1] == PLANNERS[key[0]]
    }
    assert people == expected and len(mails) == len(expected)
    for organization, persona in PLANNERS.items():
        page = plants.browse(organization, persona).get(f"/orders/{journey.code}/")
        if organization in planners:
            assert "Collection on Tuesday or Thursday" in text_of(page), "the notice leads to what is wished"
        else:
            assert page.status_code == 404 and journey.code not in text_of(page)


def test_the_plants_operators_and_the_courier_hear_nothing_of_it(plants: PlantWorld) -> None:
    journey = booked(plants, "one", "confirm")
    wish(plants, journey.code)
    for organization, persona in (("cmo", "cmo_operator"), ("cmo", "cmo_quality"), ("courier", "courier_dispatcher")):
        actor = plants.player(organization, persona).actor
        with reading(actor):
            assert not notices.inbox(actor).filter(title__contains=SAID, path__contains=journey.code)


@pytest.mark.parametrize("therapy", ["one", "two"])
def test_before_anything_is_booked_the_manufacturers_planners_are_told_and_nobody_elses(
    plants: PlantWorld, therapy: str
) -> None:
    code = plants.journey(therapy, before="book").code
    wish(plants, code)
    said = f"Wishes for dates that are not booked yet · {code}"
    told = {name for name, persona in PLANNERS.items() if said in text_of(plants.browse(name, persona).get("/inbox/"))}
    assert told == {therapy} and hear(plants, code) == set()
    for name, persona in PLANNERS.items():
        desk = text_of(plants.browse(name, persona).get("/"))
        assert (code in desk) == (name == therapy), "on the desk of the planner whose order it is"
    assert "Collection on Tuesday or Thursday" in text_of(plants.browse(therapy, "planner").get("/"))
    plants.journey(therapy, before="confirm")
    booked_code = booked(plants, therapy, "confirm").code
    wish(plants, booked_code)
    ahead = text_of(plants.browse(therapy, "planner").get("/")).split("Wishes of orders that have no dates yet")[1]
    assert booked_code not in ahead.split("</section>")[0], "dates that are booked stand on the board"


def test_days_that_are_asked_for_before_any_plant_is_chosen_are_told_to_the_sponsor_who_answers(
    plants: PlantWorld,
) -> None:
    code = plants.journey("one", before="book").code
    day = str(timezone.now().date() + dt.timedelta(days=80))
    sent = {"wished_on": day, "first_date": day, "last_date": day, "remark": ""}
    browser = plants.browse("center", "coordinator")
    assert browser.post(f"/orders/{code}/date-request/", sent).status_code == 303
    assert tell_requested_days() >= 1 and tell_requested_days() == 0
    while relay.relay():
        pass
    said = f"Dates requested where nothing is published · {code}"
    told = {name for name, persona in PLANNERS.items() if said in text_of(plants.browse(name, persona).get("/inbox/"))}
    assert told == {"one"}, "the sponsor answers"
    therapy, client = plants.therapies["one"].name, plants.organizations["one"].name
    days = f"Days wished where nothing is published · {therapy}, {client}"
    told = {name for name, persona in PLANNERS.items() if days in text_of(plants.browse(name, persona).get("/inbox/"))}
    assert told == {"cmo"}, "a plant that may make it hears of the days, and of no order"
    actor = plants.player("cmo", "cmo_planner").actor
    with reading(actor):
        event = Event.unwalled.filter(kind="orders.days_wished").latest("recorded_at")
    assert code not in str(event.payload) and plants.organizations["center"].name not in str(event.payload)
    assert (event.payload["wished_on"], event.payload["country"]) == (day, plants.clinic.country)


def test_days_that_were_withdrawn_before_the_sweep_came_by_are_told_to_no_plant(plants: PlantWorld) -> None:
    code = plants.journey("one", before="book").code
    tell_requested_days()
    day = str(timezone.now().date() + dt.timedelta(days=81))
    center = plants.player("center", "coordinator").actor
    date_requests.request_dates(center, code, {"wished_on": day, "first_date": day, "last_date": day})
    date_requests.withdraw_request(center, code, {"reason": "Another therapy"})
    assert tell_requested_days() == 0 and not PlantToTell.unwalled.exists()
