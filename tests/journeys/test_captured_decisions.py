"""Quality's own system decides about a bag in quarantine by an event: the page's act, its refusals, done once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from ledger.queries import events_of
from orders.epcis.identifiers import uri
from quality.actions.deviations import close_deviation
from tests.journeys.test_captures import event, sent, system
from tests.journeys.test_epcis import told
from tests.journeys.test_error_declarations import wrong
from tests.journeys.watching import bags, kinds_of_events, open_deviations, order_of
from tests.journeys.world import World

pytestmark = pytest.mark.story("AP2", "QA1")
DECIDED = "orders.quarantine_decided"


@pytest.fixture
def center(world: World) -> Player:
    return world.player("center", "coordinator")


@pytest.fixture
def damaged(world: World) -> Journey:
    """An order whose material came damaged: in quarantine at the plant, with a critical deviation."""
    journey = world.journey()
    journey.run(before="receipt")
    codes = bags(world.player("center", "coordinator"), journey)
    journey.perform("receipt", {"bags": [{"scan": code, "condition": "damaged"} for code in codes]})
    return journey


def inspected(code: str, disposition: str = "available", **more: Any) -> dict[str, Any]:
    said = event(
        "inspecting", uri("container", code), disposition=disposition, cgt_reason="Bag intact, outer bag torn."
    )
    return said | more


def investigate(world: World, journey: Journey) -> None:
    reviewer = world.player("maker", "qa_reviewer").actor
    for row in open_deviations(world.player("maker", "qa_reviewer"), journey):
        close_deviation(reviewer, row.pk, conclusion="Only the outer bag.", person_id=reviewer.person_id)


def test_released_once_the_case_is_closed_and_told_as_it_came(world: World, damaged: Journey, center: Player) -> None:
    quality = system(world, "maker", "qa_reviewer")
    code, *others = bags(center, damaged)
    refused = sent(quality, inspected(code))["errors"][0]
    assert refused["status"] == 422 and "deviation_open" in str(refused), refused
    assert DECIDED not in kinds_of_events(center, damaged)
    investigate(world, damaged)
    said = inspected(code, eventID="urn:uuid:decided-1")
    for _ in range(2):
        job = sent(quality, said)
        assert job["success"], job["errors"]
    assert job["cgt:done"] == [{"event": 1, "order": damaged.code, "act": "quarantine_decided"}]
    assert kinds_of_events(center, damaged).count(DECIDED) == 1
    assert bags(center, damaged)[code] == "accepted"
    with reading(center.actor):
        kept = events_of(center.actor, order_of(center, damaged).stream_id).get(kind=DECIDED)
    assert kept.occurred_at == dt.datetime.fromisoformat(said["eventTime"])
    assert kept.reason == "Bag intact, outer bag torn." and kept.key_name
    last = [one for one in told(center, damaged) if one["bizStep"] == "inspecting"][-1]
    assert (last["epcList"], last["disposition"]) == (said["epcList"], "available")
    assert sent(quality, wrong(said))["success"], "and it can be declared wrong"
    for other in others:
        assert sent(quality, inspected(other, "non_conformant"))["success"]
        assert bags(center, damaged)[other] == "rejected"


def test_a_rejection_needs_no_closed_case(world: World, damaged: Journey, center: Player) -> None:
    code = next(iter(bags(center, damaged)))
    answer = system(world, "maker", "qa_reviewer").post("epcis/events", inspected(code, "non_conformant"))
    assert (answer.status_code, answer.json()) == (201, {"order": damaged.code, "act": "quarantine_decided"})
    assert bags(center, damaged)[code] == "rejected"


def test_it_is_refused_as_on_the_page(world: World, damaged: Journey, center: Player) -> None:
    """Whose it is not, what says no decision, and a bag that waits for none."""
    investigate(world, damaged)
    quality, code = system(world, "maker", "qa_reviewer"), next(iter(bags(center, damaged)))
    free = world.journey()
    free.run(before="start")
    (accepted, *_) = bags(center, free)
    early = (timezone.now() - dt.timedelta(days=400)).isoformat()
    late = (timezone.now() + dt.timedelta(days=1)).isoformat()
    for said, status, field in (
        (inspected(code, "conformant"), 400, "disposition"),
        (inspected(code, "non_sellable_other"), 400, "disposition"),
        (inspected(code) | {"cgt:reason": ""}, 400, "reason"),
        (inspected(code) | {"eventTime": early}, 400, "eventTime"),
        (inspected(code) | {"eventTime": late}, 400, "eventTime"),
        (inspected(code) | {"epcList": [uri("container", code), uri("container", accepted)]}, 400, "epcList"),
        (inspected(code) | {"action": "DELETE"}, 400, "action"),
        (inspected(accepted), 409, ""),
    ):
        error = sent(quality, said)["errors"][0]
        assert error["status"] == status and (not field or field in error["fields"]), (said, error)
    for who, status in (
        (("maker", "operator"), 403),
        (("center", "site_quality"), 403),
        (("next_maker", "qa_reviewer"), 400),
        (("courier", "courier_driver"), 403),
    ):
        error = sent(system(world, *who), inspected(code))["errors"][0]
        assert error["status"] == status, (who, error)
        assert status != 400 or damaged.code not in str(error)
    assert DECIDED not in kinds_of_events(center, damaged)
    assert bags(center, damaged)[code] == "quarantined"
