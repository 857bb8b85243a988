"""Partners' systems say that customs hold or clear a box, and that quality puts a bag aside: the pages' acts, once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from ledger.queries import events_of
from orders.epcis.identifiers import uri
from tests.api.conftest import Partner
from tests.journeys.test_captures import box_of, event, sent, system
from tests.journeys.test_epcis import told
from tests.journeys.test_error_declarations import wrong
from tests.journeys.watching import bags, kinds_of_events, open_deviations, order_of
from tests.journeys.world import World

pytestmark = pytest.mark.story("AP2", "CC4")
HELD, CLEARED = "orders.customs_held", "orders.customs_cleared"


@pytest.fixture
def center(world: World) -> Player:
    return world.player("center", "coordinator")


@pytest.fixture
def carrier(world: World) -> Partner:
    return system(world, "courier", "courier_dispatcher")


@pytest.fixture
def on_its_way(world: World) -> Journey:
    journey = world.journey()
    journey.run(until="pickup")
    return journey


def counted(center: Player, journey: Journey, *kinds: str) -> list[int]:
    found = kinds_of_events(center, journey)
    return [found.count(kind) for kind in kinds]


def at_customs(box: str, **more: Any) -> dict[str, Any]:
    return event("holding", uri("box", box), disposition="unavailable", **more)


def test_customs_hold_a_box_and_clear_it(world: World, on_its_way: Journey, center: Player, carrier: Partner) -> None:
    box, _ = box_of(center, on_its_way)
    later = (timezone.now() + dt.timedelta(hours=20)).replace(microsecond=0)
    silent = sent(carrier, at_customs(box))["errors"][0]
    assert "reason" in silent["fields"] and counted(center, on_its_way, HELD) == [0]
    said = at_customs(
        box, cgt_reason="Invoice without a value", cgt_expectedAt=later.isoformat(), eventID="urn:uuid:h1"
    )
    for _ in range(2):
        job = sent(carrier, said)
        assert job["success"], job["errors"]
    assert job["cgt:done"] == [{"event": 1, "order": on_its_way.code, "act": "customs_held"}]
    assert counted(center, on_its_way, HELD) == [1]
    with reading(center.actor):
        kept = events_of(center.actor, order_of(center, on_its_way).stream_id).get(kind=HELD)
    assert kept.occurred_at == dt.datetime.fromisoformat(said["eventTime"]) and kept.key_name
    assert kept.payload["expected_at"] == f"{later.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    cases = open_deviations(world.player("maker", "qa_reviewer"), on_its_way)
    assert "Invoice without a value" in " ".join(case.text for case in cases)
    assert set(bags(center, on_its_way).values()) == {"in_transit"}, "custody does not change"
    again = sent(carrier, said | {"eventID": ""})["errors"][0]
    assert (again["status"], again["code"]) == (409, "known_already")
    (out,) = [one for one in told(center, on_its_way) if one["bizStep"] == "holding"]
    assert (out["epcList"], out["disposition"]) == ([uri("box", box)], "unavailable")

    left = event("departing", uri("box", box), cgt_report="customs_cleared")
    assert sent(carrier, left)["cgt:done"][0]["act"] == "customs_cleared"
    assert counted(center, on_its_way, HELD, CLEARED) == [1, 1]
    assert sent(carrier, wrong(said))["success"], "and it can be declared wrong"


def test_what_goes_out_as_cleared_is_taken_as_that(on_its_way: Journey, center: Player, carrier: Partner) -> None:
    box, _ = box_of(center, on_its_way)
    assert sent(carrier, at_customs(box, cgt_note="Papers missing"))["success"]
    written = event("transporting", uri("box", box), disposition="in_transit")
    assert sent(carrier, written | {"cgt:report": "Cleared by customs"})["success"]
    out = [one for one in told(center, on_its_way) if one.get("cgt:report") == "Cleared by customs"]
    assert [one["bizStep"] for one in out] == ["transporting"]
    assert counted(center, on_its_way, HELD, CLEARED, "orders.delayed") == [1, 1, 0]


def test_only_the_courier_that_has_it_says_so(
    world: World, on_its_way: Journey, center: Player, carrier: Partner
) -> None:
    box, _ = box_of(center, on_its_way)
    said = at_customs(box, cgt_reason="Papers missing")
    for who, status in (
        (("center", "coordinator"), 403),
        (("maker", "qa_reviewer"), 403),
        (("next_center", "coordinator"), 400),
    ):
        assert sent(system(world, *who), said)["errors"][0]["status"] == status, who
    door = sent(carrier, event("entering_exiting", uri("box", box)))["errors"][0]
    assert "holding" in door["fields"]["bizStep"][0]
    assert counted(center, on_its_way, HELD) == [0]


@pytest.mark.story("QA1")
def test_quality_puts_a_bag_aside_and_decides_about_it_by_events(world: World, center: Player) -> None:
    journey = world.journey()
    journey.run(until="receipt")
    quality = system(world, "maker", "qa_reviewer")
    code = next(iter(bags(center, journey)))
    before = bags(center, journey)[code]
    said = event("holding", uri("container", code), disposition="non_conformant", eventID="urn:uuid:aside-1")
    silent = sent(quality, said | {"eventID": ""})["errors"][0]
    assert "reason" in silent["fields"] and bags(center, journey)[code] == before
    said["cgt:reason"] = "Port of the bag looks torn"
    early = sent(quality, said | {"eventID": "", "eventTime": "2999-01-01T00:00:00Z"})["errors"][0]
    assert "eventTime" in early["fields"]
    for who in (("maker", "planner"), ("center", "site_quality")):
        assert sent(system(world, *who), said)["errors"][0]["status"] == 403, who
    for _ in range(2):
        job = sent(quality, said)
        assert job["success"], job["errors"]
    assert job["cgt:done"][0]["act"] == "put_aside" and bags(center, journey)[code] == "quarantined"
    assert counted(center, journey, "orders.material_put_aside") == [1]
    twice = sent(quality, said | {"eventID": ""})["errors"][0]
    assert (twice["code"], "quarantine already" in twice["detail"]) == ("already_quarantined", True)
    assert sent(quality, event("inspecting", uri("container", code), disposition="available", cgt_reason="Sound."))[
        "success"
    ]
    assert bags(center, journey)[code] == before
