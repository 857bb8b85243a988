"""What cannot be read, is not there, or comes too often: always a problem document, never a 5xx."""

import json
from typing import Any

import pytest
from django.test import Client

from cgt.authentication import ActorThrottle
from tests.api.conftest import Partner, PartnerOf, opened, problem
from tests.orders.factories import World

DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe",
        b'{"a": "\xc3"}',
        b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 40 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + DEEP + b"}",
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_a_body_that_cannot_be_read_is_refused(partner: PartnerOf, raw: bytes) -> None:
    problem(partner().send("POST", "orders", raw=raw), 400, "not_readable")


@pytest.mark.parametrize("raw", [b"[]", b"7", b'"text"', b"null"])
def test_a_body_that_is_no_object_is_refused(partner: PartnerOf, raw: bytes) -> None:
    problem(partner().send("POST", "orders", raw=raw), 400, "invalid_input")


def test_ten_megabytes_are_too_many(partner: PartnerOf) -> None:
    problem(partner().send("POST", "orders", raw=b" " * (10 * 1024 * 1024)), 413, "too_large")


def test_only_json_is_taken_and_answered(partner: PartnerOf) -> None:
    center = partner()
    for kind in ("application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "nonsense"):
        problem(center.send("POST", "orders", raw=b"a=b", content_type=kind), 415, "unsupported_media_type")
    problem(center.get("orders", Accept="text/html"), 406, "not_acceptable")


def test_a_method_that_an_address_does_not_know(partner: PartnerOf) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        problem(partner().send(method, "orders", {}), 405, "method_not_allowed")


def test_an_unknown_address_is_a_problem_too(partner: PartnerOf) -> None:
    for path in ("nothing", "orders/", "orders/a/b/c/d", "/api/", "/api/v2/orders", "orders/CT%00/steps"):
        problem(partner().get(path), 404, "not_found")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer cgt_nobody_secret", "Basic YTpi", "Bearer ünï", "Bearer cgt__", "cgt"]
)
def test_without_a_valid_key_nobody_asks(world: World, authorization: str) -> None:
    for path in ("orders", "worklist", "schema/", "docs/", "capacity"):
        headers = {"Authorization": authorization} if authorization else {}
        answer = Client(raise_request_exception=False).get(f"/api/v1/{path}", headers=headers)
        assert problem(answer, 401, "unauthenticated") and answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("query", ["q=%00", "q=%ff", "state=", "therapy=" + "x" * 500, "on_hold=perhaps", "limit=1e9"])
def test_a_query_that_cannot_be_read(partner: PartnerOf, query: str) -> None:
    assert partner().get(f"orders?{query}").status_code in (200, 400)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("therapy", None),
        ("therapy", "no-such"),
        ("therapy", {"a": 1}),
        ("site", "no-such"),
        ("patient", "no-uuid"),
        ("identity", []),
        ("identity", {"family_name": "x" * 101}),
        ("identity", {"birth_date": "1961-02-30"}),
        ("identity", {"sex": "x"}),
    ],
)
def test_each_wrong_field_is_named(world: World, partner: PartnerOf, field: str, value: Any) -> None:
    sent = world.enrolment()
    merged = {**sent["identity"], **value} if isinstance(value, dict) and field == "identity" else value
    fields = problem(partner().post("orders", {**sent, field: merged}), 400, "invalid_input")["fields"]
    assert field in fields


def test_a_foreign_patient_is_not_there(world: World, partner: PartnerOf) -> None:
    foreign = {**world.enrolment(), "patient": "01890000-0000-7000-8000-000000000000"}
    problem(partner().post("orders", foreign), 404, "not_found")


def test_a_future_time_typed_is_refused_and_nothing_is_half_written(world: World, partner: PartnerOf) -> None:
    center = partner()
    code = opened(center, world, 1)
    before = center.get(f"orders/{code}/events").json()
    answer = center.post(f"orders/{code}/steps/collect", {"started_at": "2999-01-01T00:00:00Z", "ended_at": "soon"})

    fields = problem(answer, 400, "invalid_input")["fields"]
    assert {"started_at", "ended_at", "bags", "signature"} <= set(fields)
    assert center.get(f"orders/{code}/events").json() == before


def test_who_asks_too_often_waits(partner: PartnerOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActorThrottle, "get_rate", lambda self: "3/min")
    busy, other = partner(), partner()
    answers = [busy.get("me") for _ in range(7)]

    refused = next(answer for answer in answers if answer.status_code == 429)  # whenever the minute may end
    assert problem(refused, 429, "too_many_requests") and int(refused["Retry-After"]) > 0
    assert other.get("me").status_code == 200


def test_capacity_is_published_whole_or_not_at_all(world: World, partner: PartnerOf) -> None:
    maker: Partner = partner("maker", "planner")
    slot = maker.get("slots?kind=manufacturing_line&limit=1").json()["results"][0]
    row = {"resource": slot["resource"], "starts_at": "2031-05-05T06:00:00Z", "ends_at": "2031-05-05T18:00:00Z"}
    faulty = [{**row, "capacity": 2}, {**row, "resource": "nobodys", "capacity": 2}]

    assert "rows[1].resource" in problem(maker.post("capacity", {"rows": faulty}), 400, "invalid_input")["fields"]
    assert maker.post("capacity", {"rows": faulty[:1]}).json() == {"added": 1, "changed": 0}
    assert maker.post("capacity", {"rows": faulty[:1]}).json() == {"added": 0, "changed": 0}
    zoneless = {**row, "starts_at": "2031-05-06T06:00:00", "capacity": 1}
    problem(maker.post("capacity", {"rows": [zoneless]}), 400, "invalid_input")
    problem(partner("center", "coordinator").post("capacity", {"rows": faulty[:1]}), 403, "scope_missing")
    own = maker.get("slots?since=2031-01-01T00:00:00Z").json()["results"]
    assert [(found["capacity"], found["taken"]) for found in own] == [(2, 0)]
    foreign = partner("center", "coordinator").get("slots?since=2031-01-01T00:00:00Z").json()["results"]
    assert [set(found) & {"capacity", "taken"} for found in foreign] == [set()]


def test_a_flow_is_proposed_by_one_and_approved_by_another(world: World, partner: PartnerOf) -> None:
    owner, approver = partner("maker", "product_owner"), partner("maker", "flow_approver")
    live = owner.get("flows").json()["results"][0]
    definition = owner.get(live["href"]).json()["definition"]
    proposed = owner.post("flows", {"therapy": world.therapy.code, "definition": definition})

    assert proposed.status_code == 201 and proposed.json()["version"] == live["version"] + 1
    problem(approver.post(f"{proposed['Location']}/approve"), 422, "second_person_needed")
    problem(owner.post(f"{proposed['Location']}/approve"), 403, "not_allowed")
    broken = json.loads(json.dumps(definition))
    broken["steps"][3] |= {"kind": "teleport", "after": ["nowhere"], "color": "blue"}
    faults = problem(owner.post("flows", {"therapy": world.therapy.code, "definition": broken}), 400, "flow_faults")[
        "fields"
    ]["steps"]
    assert len(faults) >= 3
    problem(partner("courier", "courier_driver").get(live["href"]), 404, "not_found")
    assert partner("courier", "courier_driver").get("flows").json()["results"] == []


@pytest.mark.parametrize(
    "step",
    [
        {"after": [[]]},
        {"after": {}},
        {"key": []},
        {"condition": [[["x"], "=", 1]]},
        {"condition": [[{}, {}, {}]]},
        {"condition": [["bags", "<", "two"]]},
        {"condition": [["bags", "in", 2]]},
        {"condition": 7},
        {"due": {"step": []}},
        {"due": {"plan": {}, "hours": "x"}},
        {"parameters": []},
        {"signatures": True},
        {"signatures": 10**9},
        {"planned": []},
        {"kind": None},
        {"capability": []},
    ],
)
def test_a_flow_of_nonsense_is_refused(world: World, partner: PartnerOf, step: dict[str, Any]) -> None:
    owner = partner("maker", "product_owner")
    good = {"key": "enrol", "kind": "enrol", "title": "Enrol", "actor": "treatment_center", "phase": "enrolment"}
    definition = {"name": "odd", "title": "Odd", "steps": [good, {**good, "key": "x", "after": ["enrol"], **step}]}
    answer = owner.post("flows", {"therapy": world.therapy.code, "definition": definition})
    assert answer.status_code == 400 and answer.json()["fields"], answer.content
