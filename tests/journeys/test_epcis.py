"""Whole journeys as EPCIS documents: valid by GS1's schema, complete, custody without a gap, and no patient in them."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from orders.epcis import documents
from orders.epcis.declarations import declarations
from orders.epcis.events import epcis_events, sources
from orders.epcis.hashing import event_id
from orders.epcis.identifiers import uri
from personas.models import Membership
from tests.api.conftest import make_partner
from tests.journeys.destroying import destroy
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World
from tests.orders.epcis.validation import faults


def told(player: Player, journey: Journey) -> list[dict[str, Any]]:
    """Return the order's EPCIS events as a player reads them, oldest first."""
    with reading(player.actor):
        rows = list(sources(player.actor).filter(stream__in=_stream(player, journey)).order_by("seq"))
        return [event for _, event in epcis_events(player.actor, rows)]


def _stream(player: Player, journey: Journey) -> list[Any]:
    return [order_of(player, journey).stream_id]


def steps_of(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(event["type"], event.get("action", ""), event["bizStep"]) for event in events]


@pytest.fixture(scope="module")
def done(shared_world: World, django_db_blocker: Any) -> Journey:
    """One order from enrolment to the end, committed, for all that only read."""
    with django_db_blocker.unblock():
        journey = shared_world.journey()
        journey.run()
        connections.close_all()
    return journey


@pytest.mark.story("AP2", "CC1")
def test_a_whole_journey_is_a_valid_document(world: World, done: Journey) -> None:
    events = told(world.player("center", "coordinator"), done)
    assert faults(documents.document(events)) == []
    assert [faults(documents.alone(event)) for event in events] == [[]] * len(events)
    assert steps_of(events)[:6] == [
        ("ObjectEvent", "OBSERVE", "encoding"),
        ("ObjectEvent", "OBSERVE", "inspecting"),
        ("ObjectEvent", "ADD", "commissioning"),
        ("ObjectEvent", "ADD", "packing"),
        ("AggregationEvent", "ADD", "packing"),
        ("ObjectEvent", "OBSERVE", "shipping"),
    ]
    said = {event["bizStep"] for event in events}
    assert said >= {"receiving", "unpacking", "accepting", "storing", "dispensing", "picking", "commissioning"}
    assert {event["type"] for event in events} == {"ObjectEvent", "AggregationEvent", "TransformationEvent"}


def test_every_id_follows_from_its_event_and_is_its_own(world: World, done: Journey) -> None:
    events = told(world.player("center", "coordinator"), done)
    assert [event["eventID"] for event in events] == [event_id(event) for event in events]
    assert len({event["eventID"] for event in events}) == len(events) > 15


def test_all_who_may_read_an_event_read_the_same(world: World, done: Journey) -> None:
    center = {event["eventID"]: event for event in told(world.player("center", "coordinator"), done)}
    maker = {event["eventID"]: event for event in told(world.player("maker", "planner"), done)}
    courier = {event["eventID"]: event for event in told(world.player("courier", "courier_driver"), done)}
    assert courier and all(center[key] == event for key, event in courier.items())
    assert maker and all(center[key] == event for key, event in maker.items() if key in center)
    assert len(courier) == 6  # two boxes: closed, taken, given


@pytest.mark.story("CR2")
def test_a_courier_learns_nothing_of_what_is_inside(world: World, done: Journey) -> None:
    center = world.player("center", "coordinator")
    text = json.dumps(told(world.player("courier", "courier_driver"), done))
    order = order_of(center, done)
    inside = [*bags(center, done), order.identity_code]
    assert len(inside) > 2 and not [code for code in inside if code in text]
    assert json.dumps(told(center, done)).count(order.identity_code) > 5


def test_no_patient_is_in_a_document(world: World, done: Journey) -> None:
    text = json.dumps(told(world.player("center", "coordinator"), done)).lower()
    assert not [value for value in done.identity.values() if str(value).lower() in text]


def test_custody_passes_from_hand_to_hand_without_a_gap(world: World, done: Journey) -> None:
    passes = [event for event in told(world.player("center", "coordinator"), done) if "sourceList" in event]
    chain = [(event["sourceList"][0]["source"], event["destinationList"][0]["destination"]) for event in passes]
    clinic, road, plant = (uri("party", org.code) for org in (world.center, world.courier, world.maker))
    assert chain == [(clinic, road), (road, plant), (plant, road), (road, clinic)]


def test_what_was_made_descends_from_what_was_collected(world: World, done: Journey) -> None:
    events = told(world.player("center", "coordinator"), done)
    born = next(event for event in events if event["bizStep"] == "commissioning" and event["type"] == "ObjectEvent")
    began, ended = (event for event in events if event["type"] == "TransformationEvent")
    assert sorted(began["inputEPCList"]) == sorted(born["epcList"])
    assert began["transformationID"] == ended["transformationID"]
    given = [epc for event in events if event["bizStep"] == "dispensing" for epc in event["epcList"]]
    assert sorted(ended["outputEPCList"]) == sorted(given)


def test_times_carry_the_offset_of_the_place(world: World, done: Journey) -> None:
    events = told(world.player("center", "coordinator"), done)
    by_place = {(event.get("readPoint", {}).get("id"), event["eventTimeZoneOffset"]) for event in events}
    offsets = {place: {offset for at, offset in by_place if at == place} for place, _ in by_place}
    assert offsets[uri("site", world.clinic.code)] <= {"+01:00", "+02:00"}
    assert offsets[uri("site", world.plant.code)] <= {"-05:00", "-04:00"}


def test_what_is_said_was_declared(world: World, done: Journey) -> None:
    declared = {shape for one in declarations().values() for shape in one.shapes}
    events = told(world.player("center", "coordinator"), done)
    said = {(e["type"], e.get("action", ""), e["bizStep"], e["disposition"]) for e in events}
    assert said <= declared


def test_in_vivo_vector_from_stock(world: World) -> None:
    journey = world.journey("in_vivo")
    journey.run()
    events = told(world.player("center", "coordinator"), journey)
    assert faults(documents.document(events)) == []
    reserved = next(event for event in events if event["bizStep"] == "reserving")
    assert reserved["disposition"] == "reserved" and len(reserved["epcList"]) == 2


def test_bags_put_aside_and_destroyed(world: World) -> None:
    journey = world.journey()
    journey.overrides["receipt"] = {"temperature_c": "25.0"}
    journey.run("receipt")
    center, quality = world.player("center", "coordinator"), world.player("maker", "qa_reviewer")
    held = [event for event in told(center, journey) if event["bizStep"] == "holding"]
    collected = [uri("container", code) for code in bags(center, journey, "starting_material")]
    assert [(event["disposition"], event["epcList"]) for event in held] == [("unavailable", collected)]
    assert held[0]["sensorElementList"][0]["sensorReport"] == [{"type": "Temperature", "value": 25.0, "uom": "CEL"}]
    bag = next(iter(bags(center, journey, "starting_material")))
    destroy(quality, world.player("maker", "operator"), journey.code, bag)
    gone = told(center, journey)[-1]
    assert (gone["action"], gone["bizStep"], gone["epcList"]) == ("DELETE", "destroying", [uri("container", bag)])
    assert faults(documents.document(told(center, journey))) == []


def exported(*arguments: str) -> dict[str, Any]:
    written, progress = io.StringIO(), io.StringIO()
    call_command("export_epcis", *arguments, stdout=written, stderr=progress)
    found: dict[str, Any] = json.loads(written.getvalue())
    return found


class TestExport:
    def test_one_order_as_a_document(self, world: World, done: Journey) -> None:
        found = exported("--order", done.code)
        assert faults(found) == []
        assert found["epcisBody"]["eventList"] == told(world.player("center", "coordinator"), done)

    def test_everything_holds_each_event_once_and_stock_too(self, world: World, done: Journey) -> None:
        events = exported("--all")["epcisBody"]["eventList"]
        ids = [event["eventID"] for event in events]
        assert len(ids) == len(set(ids))
        assert {event["eventID"] for event in told(world.player("center", "coordinator"), done)} <= set(ids)
        assert any("/unit/" in epc for event in events for epc in event.get("epcList", ()))

    def test_one_file_per_order(self, world: World, done: Journey, tmp_path: Any) -> None:
        call_command("export_epcis", "--order", done.code, "--out", str(tmp_path), stderr=io.StringIO())
        assert [path.name for path in tmp_path.iterdir()] == [f"{done.code}.jsonld"]
        assert faults(json.loads((tmp_path / f"{done.code}.jsonld").read_text())) == []

    def test_an_unknown_order_is_refused(self, world: World) -> None:
        with pytest.raises(CommandError, match="no order CT-NONE"):
            exported("--order", "CT-NONE")


class Asking:
    """A partner system that asks the EPCIS interface."""

    def __init__(self, world: World, organization: str, persona: str) -> None:
        self.partner = make_partner(
            getattr(world, organization), persona, responsible=_member(world.player(organization, persona))
        )

    def events(self, path: str = "epcis/events", **given: str) -> list[dict[str, Any]]:
        """Return every page's events of one query, one after the other."""
        found: list[dict[str, Any]] = []
        address: str | None = f"/api/v1/{path}?{urlencode(given)}"
        while address:
            answer = self.partner.get(address)
            assert answer.status_code == 200, answer.content
            document = answer.json()
            assert faults(document) == []
            found += document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            link = re.match(r'<http://testserver([^>]+)>; rel="next"', answer.headers.get("Link", ""))
            address = link[1] if link else None
        return found


def _member(player: Player) -> Membership:
    return Membership.unwalled.get(pk=player.actor.membership_id)


@pytest.fixture
def center(world: World) -> Asking:
    return Asking(world, "center", "coordinator")


class TestQuery:
    def test_pages_hold_every_event_once_in_either_direction(self, world: World, done: Journey, center: Asking) -> None:
        wanted = [event["eventID"] for event in told(world.player("center", "coordinator"), done)]
        for by in ("recordTime", "eventTime"):
            for size in ("3", "200"):
                ids = [event["eventID"] for event in center.events(perPage=size, orderBy=by)]
                assert sorted(ids) == sorted(wanted)
                back = [event["eventID"] for event in center.events(perPage=size, orderBy=by, orderDirection="DESC")]
                assert sorted(back) == sorted(ids)
        times = [event["eventTime"] for event in center.events(orderBy="eventTime", perPage="7")]
        assert times == sorted(times)

    @pytest.mark.parametrize(
        ("parameter", "of"),
        [
            ("eventType", lambda e: e["type"]),
            ("EQ_action", lambda e: e.get("action")),
            ("EQ_bizStep", lambda e: e["bizStep"]),
            ("EQ_disposition", lambda e: e["disposition"]),
            ("EQ_readPoint", lambda e: e.get("readPoint", {}).get("id")),
            ("EQ_bizLocation", lambda e: e.get("bizLocation", {}).get("id")),
        ],
    )
    def test_each_parameter_leaves_exactly_what_it_names(
        self, world: World, done: Journey, center: Asking, parameter: str, of: Any
    ) -> None:
        everything = told(world.player("center", "coordinator"), done)
        for value in {of(event) for event in everything} - {None}:
            found = {event["eventID"] for event in center.events(perPage="200", **{parameter: value})}
            assert found == {event["eventID"] for event in everything if of(event) == value}, value

    def test_things_are_found_wherever_they_are_named(self, world: World, done: Journey, center: Asking) -> None:
        everything = told(world.player("center", "coordinator"), done)
        bag = uri("container", next(iter(bags(world.player("center", "coordinator"), done, "starting_material"))))
        box = next(event["parentID"] for event in everything if "parentID" in event)
        for epc in (bag, box):
            found = {event["eventID"] for event in center.events(MATCH_anyEPC=epc, perPage="200")}
            assert found == {event["eventID"] for event in everything if f'"{epc}"' in json.dumps(event)}
            assert found
        assert center.events(MATCH_epc=uri("container", "CHA999926000001-SM1-K")) == []
        assert center.events(MATCH_epc="https://elsewhere.example/1") == []

    def test_time_windows_meet_without_gap_or_overlap(self, world: World, done: Journey, center: Asking) -> None:
        everything = told(world.player("center", "coordinator"), done)
        middle = sorted(event["eventTime"] for event in everything)[len(everything) // 2]
        before = center.events(LT_eventTime=middle, perPage="200")
        after = center.events(GE_eventTime=middle, perPage="200")
        assert len(before) + len(after) == len(everything) and before and after
        assert max(e["eventTime"] for e in before) < middle <= min(e["eventTime"] for e in after)

    def test_an_event_is_found_by_an_id_that_was_given_out(self, world: World, done: Journey, center: Asking) -> None:
        event = center.events(perPage="5")[0]
        answer = center.partner.get(f"epcis/events/{quote(event['eventID'], safe='')}")
        assert answer.status_code == 200
        assert {name: value for name, value in answer.json().items() if name != "@context"} == event
        assert faults(answer.json()) == []
        assert [one["eventID"] for one in center.events(EQ_eventID=event["eventID"])] == [event["eventID"]]

    def test_limits(self, center: Asking, done: Journey) -> None:
        assert len(center.events(eventCountLimit="7", perPage="3")) == 7
        problem = center.partner.get("epcis/events?maxEventCount=2")
        assert problem.status_code == 413 and problem.json()["type"] == "epcisException:QueryTooLargeException"

    @pytest.mark.story("AP6")
    def test_event_time_and_record_time_are_both_there(self, center: Asking, done: Journey) -> None:
        assert all(event["eventTime"] <= event["recordTime"] for event in center.events(perPage="200"))

    def test_strangers_and_couriers(self, world: World, done: Journey, center: Asking) -> None:
        event = next(one for one in center.events(perPage="200") if one["type"] == "AggregationEvent")
        address = f"epcis/events/{quote(event['eventID'], safe='')}"
        stranger = Asking(world, "next_center", "coordinator")
        assert stranger.events() == [] and stranger.events(EQ_eventID=event["eventID"]) == []
        assert stranger.events(MATCH_anyEPC=event["childEPCs"][0]) == []
        assert stranger.partner.get(address).status_code == 404
        courier = Asking(world, "courier", "courier_dispatcher")
        inside = courier.events(MATCH_anyEPC=event["childEPCs"][0])
        assert not [one for one in inside if event["childEPCs"][0] in json.dumps(one)]
        assert courier.partner.get(address).status_code == 404

    def test_refusals_are_the_standards_exceptions(self, center: Asking, done: Journey) -> None:
        for path, status, word in (
            ("epcis/events?EQ_nothing=1", 400, "QueryParameterException"),
            ("epcis/events?perPage=0", 400, "ValidationException"),
            ("epcis/events?nextPageToken=abc", 400, "ValidationException"),
            ("epcis/events/ni%3A%2F%2F%2Fsha-256%3Bno", 404, "NoSuchResourceException"),
        ):
            answer = center.partner.get(path)
            assert (answer.status_code, answer.json()["type"]) == (status, f"epcisException:{word}"), path
            assert answer["Content-Type"] == "application/problem+json" and answer.json()["remedy"]
        assert center.partner.get("epcis/events", GS1_EPCIS_Version="1.2").status_code == 400

    def test_headers_and_media_types(self, center: Asking, done: Journey) -> None:
        answer = center.partner.get("epcis/events")
        assert answer["GS1-EPCIS-Version"] == "2.0.0" and answer["GS1-CBV-Version"] == "2.0.0"
        assert answer["Content-Type"].startswith("application/ld+json")
        assert center.partner.get("epcis/events", Accept="application/json")["Content-Type"] == "application/json"
        token = {"Authorization": f"Bearer {center.partner.token}"}
        options = Client().options("/api/v1/epcis/events", headers=token)
        assert options.status_code == 204 and "GET" in options["Allow"] and options["GS1-EPCIS-Version"]

    def test_collections_lead_to_events(self, world: World, done: Journey, center: Asking) -> None:
        steps = center.partner.get("epcis/bizSteps?perPage=200").json()["member"]
        assert {"shipping", "receiving", "dispensing"} <= set(steps)
        assert center.events("epcis/bizSteps/shipping/events") == center.events(EQ_bizStep="shipping")
        epcs, address = [], "epcis/epcs?perPage=2"
        while address:
            answer = center.partner.get(address)
            epcs += answer.json()["member"]
            link = re.match(r"<http://testserver/api/v1/([^>]+)>", answer.headers.get("Link", ""))
            address = link[1] if link else ""
        assert {uri("container", code) for code in bags(world.player("center", "coordinator"), done)} <= set(epcs)
        assert len(epcs) == len(set(epcs))
        place = uri("site", world.clinic.code)
        assert place in center.partner.get("epcis/readPoints").json()["member"]
        events = center.events(f"epcis/readPoints/{quote(place, safe='')}/events", perPage="200")
        assert events and {event["readPoint"]["id"] for event in events} == {place}
        assert center.partner.get("epcis/bizSteps/shipping").json()["member"] == ["events"]

    def test_a_page_costs_the_same_for_few_and_many(self, world: World, done: Journey, center: Asking) -> None:
        center.partner.get("epcis/events?perPage=200")  # what is kept in memory is kept now
        with CaptureQueriesContext(connection) as few:
            center.partner.get("epcis/events?perPage=1")
        with CaptureQueriesContext(connection) as many:
            center.partner.get("epcis/events?perPage=200")
        assert len(few) == len(many)
