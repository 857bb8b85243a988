"""An identity under query is a case of quality: counted among an order's deviations and first on quality's desk."""

from __future__ import annotations

import html
import re
from typing import Any

import pypdfium2
import pytest
from django.test import Client

from cgt.demo.journey import Journey, Player
from custody.actions.mismatch import stop_the_line
from ledger import copies, seals
from ledger.context import reading
from ledger.refusals import Mismatch
from orders.actions.dossiers import take_dossier
from orders.actions.identity_queries import lift_identity_query
from orders.dossier_identity import queries_in_full
from orders.flow import order_named
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
        assert case["text"].startswith(f"Start manufacture: {WHY}")
        assert asked(*who).json()["results"] == []
    lift(world, stopped)
    (case,) = asked("maker", "qa_reviewer").json()["identity_queries"]
    assert (case["state"], case["conclusion"]) == ("closed", HOW) and case["closed_at"]
    assert asked("courier", "courier_driver").json() == {"results": [], "identity_queries": []}
    assert asked("next_center", "coordinator").status_code == 404


def test_the_dossier_tells_what_was_asked_what_was_compared_and_how_it_was_decided(
    world: World, stopped: Journey
) -> None:
    reviewer, quality = world.player("maker", "qa_reviewer"), world.player("center", "site_quality")
    (bag,) = bags(reviewer, stopped)
    (row,) = copies.unpack(take_dossier(reviewer.actor, stopped.code).content)[0]["parts"]["identity_queries"]
    assert (row["query"], row["decided_at"], row["decided_by"]) == (1, None, "")
    assert "Not decided" in row["how_it_was_decided"]
    lift(world, stopped)
    document, files = copies.unpack(take_dossier(quality.actor, stopped.code).content)
    assert copies.verify(document, files, seals.public_key()).findings == []
    (row,) = document["parts"]["identity_queries"]
    assert (
        row["what_was_compared"] == WHY and document["parts"]["order"][0]["chain_of_identity"] in row["what_was_asked"]
    )
    assert row["asked_at"] and world.maker.name in row["asked_by"] and row["put_aside"] == row["released"] == bag
    assert row["decided_at"] > row["asked_at"] and row["how_it_was_decided"] == HOW
    assert world.maker.name in row["decided_by"] and world.center.name in row["decided_by"]
    pdf = pypdfium2.PdfDocument(files["dossier.pdf"])
    said = "".join(squeezed(page.get_textpage().get_text_range()) for page in pdf)
    page = html.unescape(files["dossier.html"].decode())
    for words in ("Identity queries", WHY, HOW, row["decided_by"], row["asked_by"], row["what_was_asked"]):
        assert squeezed(words) in said and words in page, words


def test_quality_reads_where_it_was_found_and_whose_people_scanned_reads_the_wrong_code_alone(world: World) -> None:
    mine, other = world.journey(), world.journey()
    for journey in (mine, other):
        journey.run(before="start")
    wrong = next(iter(bags(world.player("center", "coordinator"), other)))
    address = f"/orders/{mine.code}/identity/"
    maker, center = (world.player("maker", "qa_reviewer"), world.player("center", "site_quality"))
    assert wrong not in text(browser(maker), address)
    with refused(Mismatch):
        mine.perform("start", {"bags": [{"scan": wrong}]})
    own, their = text(browser(maker), address), text(browser(center), address)
    assert "Start manufacture" in own and wrong in own and WHY in own
    assert "Start manufacture" in their and WHY in their and wrong not in their, "another order's code stays at home"
    (row,) = copies.unpack(take_dossier(maker.actor, mine.code).content)[0]["parts"]["identity_queries"]
    assert row["during"] == "Start manufacture"
    lift(world, mine)
    for player, told in ((maker, True), (center, False)):
        page = text(browser(player), f"/orders/{mine.code}/record/")
        assert f"Start manufacture: {WHY}" in page and (wrong in page) is told
        assert (wrong in str(copies.unpack(take_dossier(player.actor, mine.code).content))) is told


def squeezed(text: str) -> str:
    """Text without blanks and hyphens: a reader of PDF takes a hyphen at a line's end for one that divides a word."""
    return re.sub(r"[\s\-\x02\ufffe\xad]", "", text)


def test_a_mismatch_after_the_decision_is_a_query_of_its_own(world: World, stopped: Journey) -> None:
    reviewer, other = world.player("maker", "qa_reviewer"), world.journey()
    other.run(before="start")
    lift(world, stopped)
    wrong = next(iter(bags(world.player("center", "coordinator"), other)))
    with refused(Mismatch):
        stopped.perform("start", {"bags": [{"scan": wrong}]})
    rows = copies.unpack(take_dossier(reviewer.actor, stopped.code).content)[0]["parts"]["identity_queries"]
    assert [(row["query"], bool(row["decided_at"])) for row in rows] == [(1, True), (2, False)]
    courier = world.player("courier", "courier_driver")
    with reading(courier.actor):
        assert queries_in_full(courier.actor, order_named(courier.actor, stopped.code)) == []
