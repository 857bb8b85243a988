"""Subscriptions of named queries: posted once, signed, tried again, dead after the last try; nobody else's (AP3)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from ledger.refusals import InvalidInput
from orders.actions.epcis_deliveries import ATTEMPTS, signature, tell_due_subscribers
from orders.epcis import schedules
from orders.models import EpcisFeed
from tests.api.conftest import Partner, problem
from tests.journeys.test_captures import event, signed, system
from tests.journeys.test_epcis import told
from tests.journeys.test_epcis_queries import kept
from tests.journeys.world import World
from tests.notifications.receiver import Arrived, Receiver, serve
from tests.orders.epcis.validation import faults

TOKEN = "a-token-of-the-receiver-itself"  # noqa: S105


class Subscriber(Receiver):
    """Takes what comes and answers as told, without judging signatures."""

    def take(self, request: Arrived) -> int:
        self.arrived.append(request)
        return self.answers.pop(0) if self.answers else 204

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.arrived]

    @property
    def ids(self) -> list[str]:
        return [
            one["eventID"]
            for document in self.documents
            for one in document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        ]


@pytest.fixture
def receiver() -> Iterator[Subscriber]:
    found = Subscriber()
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def center(world: World) -> Partner:
    return system(world, "center", "coordinator")


def subscribed(partner: Partner, receiver: Subscriber, query: str = "all", **changes: Any) -> Any:
    body = {"dest": receiver.url, "signatureToken": TOKEN, "stream": True} | changes
    answer = partner.post(f"epcis/queries/{query}/subscriptions", {k: v for k, v in body.items() if v is not None})
    return answer


def make_due(number: str) -> EpcisFeed:
    EpcisFeed.unwalled.filter(subscription_id=number).update(due_at=timezone.now())
    return EpcisFeed.unwalled.get(subscription_id=number)


def run(number: str) -> EpcisFeed:
    make_due(number)
    tell_due_subscribers()
    return EpcisFeed.unwalled.get(subscription_id=number)


@pytest.mark.story("AP3")
def test_what_happens_from_then_on_is_posted_once_and_signed(
    world: World, center: Partner, receiver: Subscriber
) -> None:
    before = world.journey()
    before.run(before="pack")
    kept(center, "all", {"EQ_bizStep": ["packing"]})
    answer = subscribed(center, receiver)
    assert answer.status_code == 201 and answer.json()["token"] == TOKEN
    number = answer.json()["subscriptionID"]
    assert answer["Location"].endswith(f"/epcis/queries/all/subscriptions/{number}")
    run(number)
    assert receiver.arrived == [], "nothing happened yet, and nobody asked for empty reports"
    before.perform("pack")
    for _ in range(3):
        run(number)
    wanted = [
        one["eventID"] for one in told(world.player("center", "coordinator"), before) if one["bizStep"] == "packing"
    ]
    assert receiver.ids == wanted and len(wanted) == 2
    (document,), (request,) = receiver.documents, receiver.arrived
    assert faults(document) == []
    assert document["epcisBody"]["queryResults"]["subscriptionID"] == number
    at = int(request.headers["GS1-Signature"].partition(",")[0].removeprefix("t="))
    assert request.headers["GS1-Signature"] == signature(TOKEN, at, request.body)
    assert request.headers["Content-Type"] == "application/ld+json"
    assert center.get(f"epcis/events/{quote(wanted[0], safe='')}").status_code == 200, "whoever got an id may ask by it"


def test_a_receiver_that_fails_is_tried_again_and_its_subscription_dies_in_the_end(
    world: World, center: Partner, receiver: Subscriber
) -> None:
    kept(center, "all", {})
    number = subscribed(center, receiver).json()["subscriptionID"]
    journey = world.journey()
    journey.run(until="collect")
    receiver.answers = [503, 302]
    for attempts, error in ((1, "HTTP 503"), (2, "HTTP 302")):
        before = timezone.now()
        feed = run(number)
        assert (feed.attempts, feed.last_error) == (attempts, error)
        assert feed.due_at >= before + dt.timedelta(minutes=2**attempts)
        shown = center.get(f"epcis/queries/all/subscriptions/{number}").json()
        assert (shown["cgt:state"], shown["cgt:lastError"]) == ("failing", error)
    feed = run(number)
    assert (feed.attempts, feed.last_error) == (0, "")
    bodies = [request.body for request in receiver.arrived]
    first = [json.loads(body)["epcisBody"] for body in bodies]
    assert len(first) == 3 and first[0] == first[1] == first[2], "what failed comes again, word for word"
    journey.perform("pack")
    receiver.answers = [500] * ATTEMPTS
    for _ in range(ATTEMPTS):
        feed = run(number)
    assert feed.dead_at is not None
    assert center.get(f"epcis/queries/all/subscriptions/{number}").json()["cgt:state"] == "dead"
    count = len(receiver.arrived)
    run(number)
    assert len(receiver.arrived) == count


def test_history_from_a_time_on_comes_in_pages_and_empty_reports_where_asked(
    world: World, center: Partner, receiver: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.actions.epcis_deliveries.ROWS", 1)
    since = timezone.now().isoformat()
    journey = world.journey()
    journey.run(until="pickup")
    kept(center, "all", {"EQ_bizStep": ["packing", "shipping", "commissioning"]})
    number = subscribed(center, receiver, initialRecordTime=since, reportIfEmpty=True).json()["subscriptionID"]
    run(number)
    wanted = {
        one["eventID"]
        for one in told(world.player("center", "coordinator"), journey)
        if one["bizStep"] in ("packing", "shipping", "commissioning")
    }
    assert wanted <= set(receiver.ids) and len(receiver.ids) == len(set(receiver.ids)) and len(receiver.arrived) > 1
    count = len(receiver.arrived)
    run(number)
    assert len(receiver.arrived) == count + 1
    assert receiver.documents[-1]["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


def test_a_subscription_is_its_organizations_alone(world: World, center: Partner, receiver: Subscriber) -> None:
    kept(center, "all", {})
    number = subscribed(center, receiver).json()["subscriptionID"]
    stranger = system(world, "next_center", "coordinator")
    kept(stranger, "all", {})
    theirs = subscribed(stranger, receiver, dest=f"{receiver.url}&theirs=1").json()["subscriptionID"]
    problem(stranger.get(f"epcis/queries/all/subscriptions/{number}"), 404, "not_found")
    assert stranger.send("DELETE", f"epcis/queries/all/subscriptions/{number}").status_code == 404
    journey = world.journey()
    journey.run(until="pickup")
    run(theirs)
    seen = {one["eventID"] for one in told(world.player("center", "coordinator"), journey)}
    assert not [request for request in receiver.arrived if "theirs" in request.path], "another center's order"
    run(number)
    assert seen <= set(receiver.ids)
    problem(center.send("DELETE", "epcis/queries/all"), 400, "has_subscriptions")
    assert center.send("DELETE", f"epcis/queries/all/subscriptions/{number}").status_code == 204
    assert center.get("epcis/queries/all/subscriptions").json() == {"subscriptions": []}
    count = len(receiver.arrived)
    journey.perform("delivery")
    run(number)
    assert len(receiver.arrived) == count, "it ended"
    assert center.send("DELETE", "epcis/queries/all").status_code == 204


def test_what_cannot_be_subscribed_to_is_refused_by_field(center: Partner, receiver: Subscriber, settings: Any) -> None:
    kept(center, "all", {})
    problem(subscribed(center, receiver, "none"), 404, "not_found")
    for changes, field in (
        ({"dest": None}, "dest"),
        ({"dest": "ftp://partner.example/x"}, "dest"),
        ({"signatureToken": "short"}, "signatureToken"),
        ({"stream": None, "schedule": {"hour": "25"}}, "schedule.hour"),
        ({"stream": True, "schedule": {"hour": "5"}}, "stream"),
        ({"stream": None, "schedule": {"dayOfMonth": "31", "month": "2"}}, "schedule"),
        ({"initialRecordTime": "today"}, "initialRecordTime"),
        ({"callback": "x"}, "callback"),
    ):
        answer = subscribed(center, receiver, **changes)
        assert answer.status_code == 400 and field in answer.json()["fields"], (changes, answer.content)
    settings.WEBHOOKS_WITHIN = False
    for inside in ("https://127.0.0.1/x", "https://10.0.0.8/x", "https://metadata.internal/x", "http://example.org/x"):
        assert "dest" in subscribed(center, receiver, dest=inside).json()["fields"], inside


def test_a_schedule_says_the_next_time() -> None:
    noon = dt.datetime(2030, 1, 31, 12, 0, 30, tzinfo=dt.UTC)  # a Thursday
    for given, expected in (
        ({"minute": "0,30"}, "2030-01-31T12:30"),
        ({"hour": "6"}, "2030-02-01T06:00"),
        ({"hour": "[8-18]", "minute": "15"}, "2030-01-31T12:15"),
        ({"dayOfWeek": "1", "hour": "7"}, "2030-02-04T07:00"),
        ({"dayOfMonth": "31", "hour": "0"}, "2030-03-31T00:00"),
        ({"second": "0"}, "2030-01-31T12:01"),
    ):
        assert schedules.following(given, noon).isoformat().startswith(expected), given
    for wrong in ({}, {"minute": "61"}, {"minute": "x"}, {"week": "1"}, {"month": "2", "dayOfMonth": "30"}):
        with pytest.raises(InvalidInput):
            schedules.following(wrong, noon)


def test_a_single_event_is_one_act_and_its_refusal_is_the_answer(world: World) -> None:
    journey, carrier = world.journey(), system(world, "courier", "courier_driver")
    journey.run(before="pickup")
    seen = told(world.player("center", "coordinator"), journey)
    closed = next(one for one in seen if one["bizStep"] == "packing" and one["type"] == "ObjectEvent")
    box, seal = closed["epcList"][0].rpartition("/")[2], closed["cgt:seal"]
    hands = signed(world, ("center", "cell_lab_technologist"), box)
    one = event("shipping", box, cgt_seal=seal, **hands) | {"@context": ["https://ref.gs1.org/x"]}
    done = carrier.post("epcis/events", one, content_type="application/ld+json")
    assert (done.status_code, done.json()) == (201, {"order": journey.code, "act": "picked_up"}), done.content
    assert carrier.post("epcis/events", one).status_code == 201, "the same again is done once"
    problem(carrier.post("epcis/events", event("shipping", "SHP-NOBODY00-X")), 400, "unknown_identifier")
    problem(carrier.post("epcis/events", {"type": "EPCISDocument"}), 400, "invalid_input")
    problem(system(world, "next_center", "coordinator").post("epcis/events", one), 400, "unknown_identifier")
