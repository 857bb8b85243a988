"""Whoever plans the plant where an order is booked hears what its center wishes of the dates, and nobody else (CM2)."""

from __future__ import annotations

import pytest
from django.core import mail

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


@pytest.mark.parametrize(("therapy", "planner"), [("one", "cmo"), ("two", "cmo"), ("own", "one")])
def test_the_planner_of_the_plant_is_told_on_its_page_and_by_mail(
    plants: PlantWorld, therapy: str, planner: str
) -> None:
    journey = booked(plants, therapy, "confirm")
    wish(plants, journey.code)
    assert hear(plants, journey.code) == {planner}
    mails = [message for message in mail.outbox if f"{SAID} · {journey.code}" in message.subject]
    people = {address for message in mails for address in message.to}
    expected = {member.user.email for key, member in plants.members.items() if key[:2] == (planner, PLANNERS[planner])}
    assert people == expected and len(mails) == len(expected)
    page = plants.browse(planner, PLANNERS[planner]).get(f"/orders/{journey.code}/")
    assert "Collection on Tuesday or Thursday" in text_of(page), "the notice leads to what is wished"


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
