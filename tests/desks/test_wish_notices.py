"""Whoever plans the plant where an order is booked hears what its center wishes of the dates, and so does the sponsor
who has it made there; another sponsor of the same plant hears nothing (CM2)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.utils import timezone

from ledger.context import reading
from notifications import queries as notices
from notifications.actions import relay
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


def test_before_anything_is_booked_no_plant_plans_the_order(plants: PlantWorld) -> None:
    code = plants.journey("one", before="book").code
    wish(plants, code)
    assert hear(plants, code) == set()


def test_days_that_are_asked_for_before_any_plant_is_chosen_are_told_to_the_sponsor_who_answers(
    plants: PlantWorld,
) -> None:
    code = plants.journey("one", before="book").code
    day = str(timezone.now().date() + dt.timedelta(days=80))
    sent = {"wished_on": day, "first_date": day, "last_date": day, "remark": ""}
    browser = plants.browse("center", "coordinator")
    assert browser.post(f"/orders/{code}/date-request/", sent).status_code == 303
    while relay.relay():
        pass
    said = f"Dates requested where nothing is published · {code}"
    told = {name for name, persona in PLANNERS.items() if said in text_of(plants.browse(name, persona).get("/inbox/"))}
    assert told == {"one"}, "a plant that may make it reads the days on its desk, without the order"
