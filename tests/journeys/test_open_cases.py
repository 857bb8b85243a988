"""An event declared wrong is asked of quality: on its desk, as a task, until the case is closed; by nobody else."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from notifications.recipients import still_open
from notifications.states import NoticeClass
from orders.epcis.identifiers import uri
from personas.models import Membership
from personas.queries import organization_actor
from quality.actions.deviations import close_deviation, open_deviation
from tests.api.conftest import Partner
from tests.journeys.telling import events, told
from tests.journeys.test_captures import box_of, event, sent, system
from tests.journeys.test_error_declarations import wrong
from tests.journeys.watching import open_deviations, order_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.story("QA1", "SQ6", "AP2")
QUALITY = (("center", "site_quality"), ("maker", "qa_reviewer"), ("maker", "qualified_person"))


def browser(player: Player) -> Client:
    return signed_in(Membership.unwalled.get(pk=player.actor.membership_id))


def text(client: Client, address: str = "/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.content.decode())


def declared(world: World) -> Journey:
    """An order of which a courier's system told a failed pickup that did not occur."""
    journey = world.journey()
    journey.run(before="pickup")
    carrier: Partner = system(world, "courier", "courier_driver")
    box, _ = box_of(world.player("center", "coordinator"), journey)
    said: dict[str, Any] = event("void_shipping", uri("box", box), cgt_failure="not_ready", eventID=f"urn:x:{box}")
    assert sent(carrier, said)["success"] and sent(carrier, wrong(said))["success"]
    return journey


def case_of(world: World, journey: Journey) -> Any:
    found = open_deviations(world.player("maker", "qa_reviewer"), journey)
    return next(one for one in found if one.kind == "declared_wrong")


def close(player: Player, case: Any) -> None:
    close_deviation(player.actor, case.pk, conclusion="The driver tapped twice.", person_id=player.actor.person_id)


def test_it_stands_on_the_desk_of_quality_of_both_sites_until_it_is_closed(world: World) -> None:
    journey = declared(world)
    case = case_of(world, journey)
    asked = f"Decide about {case.number}"
    for who in QUALITY:
        page = text(browser(world.player(*who)))
        assert asked in page and "Declared wrong by who reported it" in page and case.text[:60] in page, who
    others = (("center", "coordinator"), ("courier", "courier_driver"), ("next_maker", "qa_reviewer"))
    for who in others:
        assert case.number not in text(browser(world.player(*who))), who
    assert case.number not in text(browser(world.add("next_center", "site_quality")))
    for who in QUALITY[:2]:
        order = text(browser(world.player(*who)), f"/orders/{journey.code}/")
        assert "Quality decides:" in order and 'href="#whole"' in order and 'id="whole"' in order
        assert f"close {case.number}" in order.replace("</a>", "").replace('<a href="#quality">', "")
    assert "Quality decides:" not in text(browser(world.player("center", "coordinator")), f"/orders/{journey.code}/")
    close(world.player("center", "site_quality"), case)
    for who in QUALITY:
        assert case.number not in text(browser(world.player(*who))), who


def test_it_is_a_task_that_ends_with_the_case(world: World) -> None:
    journey = declared(world)
    case, quality = case_of(world, journey), world.player("center", "site_quality")
    (said,) = events(quality, journey, "orders.error_declared")
    heard = told(world.center.pk, said)
    mine = heard[quality.username]
    assert (mine.critical, mine.category) == (True, NoticeClass.TASK)
    assert mine.title.startswith("Declared wrong by who reported it: quality decides")
    assert heard[world.player("center", "coordinator").username].category == NoticeClass.NEWS
    relay = organization_actor(world.center.pk, "relay")
    with reading(relay):
        assert said.pk in (still_open(relay, said) or set())
    close(quality, case)
    (closed,) = events(quality, journey, "quality.deviation_closed")
    with reading(relay):
        assert said.pk not in (still_open(relay, closed) or set())


def test_put_on_hold_it_says_so_and_stays_to_be_decided(world: World) -> None:
    journey, reviewer = declared(world), world.player("maker", "qa_reviewer")
    case, client = case_of(world, journey), browser(reviewer)
    held = client.post(f"/orders/{journey.code}/hold/", {"reason": f"{case.number}: was it picked up?"})
    assert held.status_code == 303
    assert "the order is on hold; once it is put right," in text(client, f"/orders/{journey.code}/")
    panel = text(client).split(f"Decide about {case.number}")[1].split("</li>")[0]
    assert "On hold" in panel


def test_other_open_deviations_are_folded_below_and_cost_nothing_more(world: World) -> None:
    quality = world.player("center", "site_quality")
    client = browser(quality)

    def opened(severity: str) -> str:
        journey = world.journey()
        journey.run(before="pack")
        stream_id = order_of(quality, journey).stream_id
        made = open_deviation(quality.actor, stream_id, kind="handling", severity=severity, text="Dropped.")
        return str(made.number)

    def cost() -> tuple[int, str]:
        text(client)
        with CaptureQueriesContext(connection) as captured:
            page = text(client)
        return len(captured), page

    first = opened("major")
    once, page = cost()
    assert first in page.split("major or critical</summary>")[1] and f"Decide about {first}" not in page
    minor, second = opened("minor"), opened("critical")
    again, page = cost()
    assert second in page and minor not in page
    assert again == once
