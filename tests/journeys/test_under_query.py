"""An identity under query is a case of quality: counted among an order's deviations and first on quality's desk."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from cgt.demo.journey import Journey, Player
from custody.actions.mismatch import stop_the_line
from ledger.refusals import Mismatch
from orders.actions.identity_queries import lift_identity_query
from personas.models import Membership
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.test_captures import system
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("QA1", "SQ6")
WHY = "The scan names another chain of identity."
HOW = "Bag swapped in the tray; both labels compared."


def browser(player: Player) -> Client:
    return signed_in(Membership.unwalled.get(pk=player.actor.membership_id))


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.content.decode())


@pytest.fixture
def stopped(world: World) -> Journey:
    """An order whose manufacture was to start with another patient's bag."""
    mine, other = world.journey(), world.journey()
    for journey in (mine, other):
        journey.run(before="start")
    wrong = next(iter(bags(world.player("center", "coordinator"), other)))
    with refused(Mismatch):
        mine.perform("start", {"bags": [{"scan": wrong}]})
    return mine


def lift(world: World, journey: Journey) -> None:
    reviewer, quality = world.player("maker", "qa_reviewer"), world.player("center", "site_quality")
    other = {"username": quality.username, "password": PASSWORD}
    sent = {"reason": HOW, "other": other, "signature": {"password": PASSWORD}}
    lift_identity_query(reviewer.actor, journey.code, sent)


def counted(page: str) -> int:
    found = re.search(r'href="#deviations"[^>]*><b>(\d+)</b> Deviations', page)
    assert found
    return int(found[1])


@pytest.mark.parametrize("who", [("center", "site_quality"), ("maker", "qa_reviewer")])
def test_quality_finds_it_among_the_orders_deviations(world: World, stopped: Journey, who: tuple[str, str]) -> None:
    client, link = browser(world.player(*who)), f'href="/orders/{stopped.code}/identity/"'
    page = text(client, f"/orders/{stopped.code}/")
    card = page[page.index('id="quality"') :]
    assert "Identity under query" in card and WHY in card and link in card and "Critical" in card
    record = text(client, f"/orders/{stopped.code}/record/")
    assert counted(record) == 1 and link in record and WHY in record[record.index('id="deviations"') :]
    lift(world, stopped)
    page, record = text(client, f"/orders/{stopped.code}/"), text(client, f"/orders/{stopped.code}/record/")
    assert link not in page[page.index('id="quality"') :] and f"Conclusion: {HOW}" in page
    assert counted(record) == 1 and HOW in record and link not in record


def test_it_stands_among_the_deviations_of_the_evidence_and_counts_as_open(world: World) -> None:
    journey = world.journey()
    journey.run(before="review")
    reviewer = world.player("maker", "qa_reviewer")
    stop_the_line(reviewer.actor, order_of(reviewer, journey).stream_id, [], WHY)
    client = browser(reviewer)

    def deviations() -> str:
        page = text(client, f"/orders/{journey.code}/evidence/")
        return re.split(r'<section class="cgt-card[^>]*id="', page[page.index('id="deviations"') :])[0]

    assert "1 open that stop the release" in deviations() and WHY in deviations()
    lift(world, journey)
    assert "None open that stops the release" in deviations() and HOW in deviations()


def test_the_desk_of_quality_leads_there_and_only_those_see_it_who_are_parties(world: World, stopped: Journey) -> None:
    next_door = world.journey(center="next_center")
    neighbor = world.player("next_center", "coordinator")
    stop_the_line(neighbor.actor, order_of(neighbor, next_door).stream_id, [], "Another wristband was scanned.")

    def led_to(player: Player) -> set[str]:
        page = text(browser(player), "/")
        return {one.code for one in (stopped, next_door) if f'href="/orders/{one.code}/identity/"' in page}

    reviewer, quality = world.player("maker", "qa_reviewer"), world.player("center", "site_quality")
    assert led_to(quality) == {stopped.code}
    assert led_to(reviewer) == led_to(world.player("maker", "qualified_person")) == {stopped.code, next_door.code}
    assert led_to(world.add("next_center", "site_quality")) == {next_door.code}
    strangers = (("next_maker", "qa_reviewer"), ("center", "apheresis_nurse"), ("courier", "courier_driver"))
    for who in strangers:
        assert led_to(world.player(*who)) == set(), who
    for page in ("", "record/", "evidence/", "identity/"):
        assert browser(neighbor).get(f"/orders/{stopped.code}/{page}").status_code == 404
        assert browser(quality).get(f"/orders/{next_door.code}/{page}").status_code == 404
    lift(world, stopped)
    assert led_to(quality) == set() and led_to(reviewer) == {next_door.code}


def test_a_partners_system_reads_it_beside_the_deviations(world: World, stopped: Journey) -> None:
    def asked(organization: str, persona: str) -> Any:
        return system(world, organization, persona).get(f"orders/{stopped.code}/deviations")

    for who in (("center", "site_quality"), ("maker", "qa_reviewer")):
        (case,) = asked(*who).json()["identity_queries"]
        assert (case["state"], case["closed_at"], case["conclusion"]) == ("open", None, "")
        assert case["text"].startswith(WHY)
        assert asked(*who).json()["results"] == []
    lift(world, stopped)
    (case,) = asked("maker", "qa_reviewer").json()["identity_queries"]
    assert (case["state"], case["conclusion"]) == ("closed", HOW) and case["closed_at"]
    assert asked("courier", "courier_driver").json() == {"results": [], "identity_queries": []}
    assert asked("next_center", "coordinator").status_code == 404
