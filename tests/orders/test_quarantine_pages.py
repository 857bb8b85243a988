"""The quarantine list: what is held, since when, where, whose decision; nothing of the tenant next door (QA1)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from custody import material
from custody.models import Container
from ledger.context import reading
from ledger.recording import acting
from orders.flow import order_named
from quality.actions.deviations import open_deviation
from tests.custody.factories import a_person  # noqa: F401 - registers the kind of event that a test's own step has
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("QA1")]
QUALITY, NURSE, REVIEWER = ("center", "site_quality"), ("center", "apheresis_nurse"), ("maker", "qa_reviewer")


def hold(world: World, code: str, reason: str) -> list[Container]:
    """Put the collected bags of an order into quarantine; return them as they are now."""
    actor = world.actor(*NURSE)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    with acting(actor, "tests.custody_step", stream_id=stream_id):
        bags = list(Container.unwalled.filter(stream_id=stream_id, kind="starting_material"))
        return [material.quarantine(bag, reason) for bag in bags]


@pytest.fixture
def code(world: World) -> str:
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    return journey.code


def row_of(text: str, bag: Container) -> str:
    assert bag.code in text
    return text.split(bag.code, 1)[1].split("</tr>", 1)[0]


def test_the_list_says_why_since_when_where_and_whose_decision_it_is(world: World, browse: Browse, code: str) -> None:
    before = timezone.now()
    bag = hold(world, code, "The box was warm.")[0]
    assert before <= bag.quarantined_at <= timezone.now() + dt.timedelta(seconds=1)
    row = row_of(text_of(browse(*QUALITY).get("/quarantine/")), bag)
    assert "The box was warm." in row and code in row and world.clinic.name in row
    assert f"Quality of {world.center.name} or {world.maker.name}" in row and "Your decision" in row
    assert "Your decision" not in row_of(text_of(browse(*NURSE).get("/quarantine/")), bag)
    assert "Your decision" in row_of(text_of(browse(*REVIEWER).get("/quarantine/")), bag)
    assert f"/orders/{code}/#material" in row


def test_an_open_deviation_stands_before_the_decision(world: World, browse: Browse, code: str) -> None:
    bag = hold(world, code, "Damaged.")[0]
    actor = world.actor(*QUALITY)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    number = open_deviation(actor, stream_id, kind="damage", severity="critical", text="torn bag").number
    told = browse(*QUALITY).get("/api/v1/quarantine").json()["results"]
    mine = next(one for one in told if one["container"] == bag.code)
    assert (mine["waits_for"], mine["deviations"], mine["mine"]) == ("deviation", [number], True)
    assert (mine["order"], mine["went_on_as"], mine["reason"]) == (code, "collected", "Damaged.")
    assert number in row_of(text_of(browse(*QUALITY).get("/quarantine/")), bag)


def test_what_was_decided_leaves_the_list(world: World, browse: Browse, code: str) -> None:
    quality = browse(*QUALITY)
    bag = hold(world, code, "Looked cloudy.")[0]
    decided = {"decision": "release", "reason": "looked at again"}
    assert quality.post(f"/orders/{code}/material/{bag.code}/decide/", decided).status_code == 303
    held = [one["container"] for one in quality.get("/api/v1/quarantine").json()["results"]]
    assert bag.code not in held
    with reading(world.actor(*NURSE)):
        assert Container.unwalled.get(pk=bag.pk).quarantined_at is None


def test_strangers_and_couriers_read_nothing_of_it(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    bag = hold(world, code, "The box was warm.")[0]
    stranger = signed_in(make_member(make_organization("treatment_center"), "site_quality"))
    for browser in (stranger, browse("courier", "courier_driver")):
        assert bag.code not in text_of(browser.get("/quarantine/"))
        assert browser.get("/api/v1/quarantine").json()["results"] == []


def test_more_rows_take_no_more_queries(world: World, browse: Browse, code: str) -> None:
    quality = browse(*QUALITY)

    def cost() -> int:
        quality.get("/quarantine/")
        with CaptureQueriesContext(connection) as captured:
            assert quality.get("/quarantine/").status_code == 200
        return len(captured)

    hold(world, code, "first")
    once = cost()
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    hold(world, journey.code, "second")
    assert cost() == once
