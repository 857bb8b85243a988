"""Named queries: kept by a system, asked by their name, by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from cgt.demo.journey import Journey
from tests.api.conftest import Partner, problem
from tests.journeys.test_captures import system
from tests.journeys.test_epcis import told
from tests.journeys.world import World
from tests.orders.epcis.validation import faults

SHIPPED = {"EQ_bizStep": ["shipping", "packing"], "eventType": "ObjectEvent", "orderBy": "eventTime"}


@pytest.fixture
def center(world: World) -> Partner:
    return system(world, "center", "coordinator")


def kept(partner: Partner, name: str = "shipped", query: Any = SHIPPED, **headers: str) -> Any:
    return partner.post("epcis/queries", {"name": name, "query": query}, **headers)


def test_a_kept_query_answers_by_its_name_like_its_parameters(world: World, center: Partner) -> None:
    journey: Journey = world.journey()
    journey.run(until="pickup")
    events = told(world.player("center", "coordinator"), journey)
    (box,) = {event["parentID"] for event in events if "parentID" in event}
    answer = kept(center, query=SHIPPED | {"MATCH_anyEPC": [box]})  # the network has other orders, too
    assert answer.status_code == 201 and answer["Location"].endswith("/epcis/queries/shipped")
    document = center.get("epcis/queries/shipped/events").json()
    assert faults(document) == []
    results = document["epcisBody"]["queryResults"]
    assert results["queryName"] == "shipped"
    wanted = [
        event["eventID"]
        for event in events
        if event["bizStep"] in ("shipping", "packing") and event["type"] == "ObjectEvent"
    ]
    assert [event["eventID"] for event in results["resultsBody"]["eventList"]] == wanted and len(wanted) == 2
    first = center.get("epcis/queries/shipped/events?perPage=1")
    rest = center.get(first["Link"].partition("<")[2].partition(">")[0].removeprefix("http://testserver"))
    assert [
        page.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"][0]["eventID"] for page in (first, rest)
    ] == wanted
    narrowed = center.get("epcis/queries/shipped/events?EQ_bizStep=storing")
    assert len(narrowed.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]) == 2, (
        "its own parameters stand"
    )


def test_queries_are_listed_read_and_dropped(center: Partner) -> None:
    assert kept(center).status_code == kept(center, "all", {}).status_code == 201
    assert [one["name"] for one in center.get("epcis/queries").json()["queries"]] == ["all", "shipped"]
    assert center.get("epcis/queries/shipped").json()["query"] == SHIPPED
    problem(kept(center), 409, "name_in_use")
    assert center.send("DELETE", "epcis/queries/shipped").status_code == 204
    problem(center.get("epcis/queries/shipped"), 404, "not_found")
    problem(center.send("DELETE", "epcis/queries/shipped"), 404, "not_found")
    assert kept(center).status_code == 201, "the name is free again"


def test_sent_twice_it_is_kept_once(center: Partner) -> None:
    first, again = (kept(center, Idempotency_Key="once") for _ in range(2))
    assert first.json() == again.json() and first.status_code == again.status_code == 201


def test_a_neighbor_sees_no_query(world: World, center: Partner) -> None:
    kept(center)
    stranger = system(world, "next_center", "coordinator")
    assert stranger.get("epcis/queries").json()["queries"] == []
    for path in ("epcis/queries/shipped", "epcis/queries/shipped/events"):
        problem(stranger.get(path), 404, "not_found")
    problem(stranger.send("DELETE", "epcis/queries/shipped"), 404, "not_found")
    assert kept(stranger).status_code == 201, "names are each organization's own"
    assert center.get("epcis/queries/shipped").status_code == 200


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("a b", {}, "name"),
        ("", {}, "name"),
        (7, {}, "name"),
        ("x" * 61, {}, "name"),
        ("good", [], "query"),
        ("good", {"EQ_nothing": "x"}, "EQ_nothing"),
        ("good", {"GE_eventTime": "yesterday"}, "GE_eventTime"),
    ],
)
def test_what_could_not_be_asked_is_not_kept(center: Partner, name: Any, query: Any, field: str) -> None:
    answer = kept(center, name, query)
    assert answer.status_code == 400 and field in answer.json()["fields"]
    assert center.get("epcis/queries").json()["queries"] == []
