"""Orders over REST: opening, listing, reading per role, interrupting."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import PartnerOf, make_partner, opened, problem
from tests.factories import make_organization
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in


def test_opening_an_order_answers_with_its_address_and_detail(world: World, partner: PartnerOf) -> None:
    answer = partner().post("orders", world.enrolment())

    assert answer.status_code == 201
    order = answer.json()
    assert answer["Location"] == f"/api/v1/orders/{order['code']}" == order["href"]
    assert answer["ETag"] == f'"{order["version"]}"'
    assert order["phase"] != "closed" and order["therapy"]["code"] == world.therapy.code
    assert order["patient"]["mrn"] == "MRN-1001"
    assert order["steps"][0]["state"] == "done"
    assert order["whose_turn"] and all(turn["organization"] for turn in order["whose_turn"])


def test_the_same_request_sent_again_opens_one_order(world: World, partner: PartnerOf) -> None:
    center = partner()
    first = center.post("orders", world.enrolment(), Idempotency_Key="k-1")
    again = center.post("orders", world.enrolment(), Idempotency_Key="k-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["code"] == again.json()["code"]
    assert len(center.get("orders").json()["results"]) == 1


def test_a_key_used_for_another_request_is_refused(world: World, partner: PartnerOf) -> None:
    center = partner()
    center.post("orders", world.enrolment(), Idempotency_Key="k-1")
    other = center.post("orders", world.enrolment(mrn="MRN-2", family_name="Other"), Idempotency_Key="k-1")

    problem(other, 409, "idempotency_key_reused")


def test_an_idempotency_key_that_cannot_be_kept_is_refused(world: World, partner: PartnerOf) -> None:
    document = problem(partner().post("orders", world.enrolment(), Idempotency_Key="k" * 201), 400, "invalid_input")
    assert "Idempotency-Key" in document["fields"]


def test_fields_at_fault_are_named_with_their_place(world: World, partner: PartnerOf) -> None:
    wrong = world.enrolment(birth_date="2999-01-01") | {"therapy": 7}
    wrong["identity"]["mrn"] = ""

    fields = problem(partner().post("orders", wrong), 400, "invalid_input")["fields"]
    assert set(fields["identity"]) == {"birth_date", "mrn"}


def test_a_foreign_order_and_none_at_all_answer_alike(world: World, partner: PartnerOf) -> None:
    code = opened(partner(), world)
    stranger = make_partner(make_organization(), "coordinator")
    addresses = ["", "/steps", "/steps/collect", "/events", "/signatures", "/material", "/shipments", "/slot-chains"]

    for address in [*addresses, "/labels.pdf", "/certificate.pdf"]:
        foreign, none = stranger.get(f"orders/{code}{address}"), stranger.get(f"orders/CT-0000-0000{address}")
        assert (foreign.status_code, foreign.content) == (none.status_code, none.content), address
        problem(foreign, 404, "not_found")
    for address in ("/hold", "/lift-hold", "/cancel", "/steps/collect", "/steps/collect/repeat", "/slot-chains/renew"):
        sent = {"reason": "curious"}
        foreign = stranger.post(f"orders/{code}{address}", sent)
        assert foreign.content == stranger.post(f"orders/CT-0000-0000{address}", sent).content, address
        problem(foreign, 404, "not_found")


def test_a_stranger_lists_nothing(world: World, partner: PartnerOf) -> None:
    opened(partner(), world)
    stranger = make_partner(make_organization(), "coordinator")

    for address in ("orders", "worklist", "therapies", "flows", "slots"):
        answer = stranger.get(address)
        assert (answer.status_code, answer.json()["results"]) == (200, []), address


def test_lists_come_in_pages_without_gap_or_repeat(world: World, partner: PartnerOf) -> None:
    center = partner()
    codes = [opened(center, world, number) for number in range(5)]

    found: list[str] = []
    address: str | None = "orders?limit=2"
    while address:
        page = center.get(address.replace("http://testserver", "")).json()
        found += [row["code"] for row in page["results"]]
        address = page["next"]
    assert found == codes[::-1]


@pytest.mark.parametrize("query", ["cursor=%00", "cursor=nonsense", "cursor=cD1ub3Rob3c%3D", "limit=0", "limit=x"])
def test_a_page_that_cannot_be_named_is_refused(partner: PartnerOf, query: str) -> None:
    problem(partner().get(f"orders?{query}"), 400, "invalid_input")


def test_lists_narrow_by_filter(world: World, partner: PartnerOf) -> None:
    center = partner()
    code, other = opened(center, world, 1), opened(center, world, 2)
    assert center.post(f"orders/{other}/cancel", {"reason": "Entered twice."}).status_code == 200

    def codes(query: str) -> list[str]:
        return [row["code"] for row in center.get(f"orders?{query}").json()["results"]]

    assert codes("state=open") == codes("on_hold=false&state=open") == [code]
    assert codes(f"q={code[3:7].lower()}") == [code]
    assert set(codes(f"therapy={world.therapy.code}&center={world.clinic.code}")) == {code, other}
    assert codes("therapy=another") == codes("center=another") == []
    problem(center.get("orders?state=lost"), 400, "invalid_input")


def test_a_list_costs_the_same_for_one_row_and_for_three(world: World, partner: PartnerOf) -> None:
    center = partner()

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert center.get(address).json()["results"]
        return len(queries)

    opened(center, world, 1)
    addresses = ("orders", "worklist", "therapies", "sites", "flows", "slots?limit=1")
    once = {address: cost(address) for address in addresses}
    opened(center, world, 2), opened(center, world, 3)
    more = {address: cost(address.replace("limit=1", "limit=9")) for address in addresses}
    assert once == more


def test_each_role_sees_its_own_fields(world: World, partner: PartnerOf) -> None:
    code = opened(partner(), world)

    assert "patient" in partner("center", "coordinator").get(f"orders/{code}").json()
    unscoped = partner("center", "coordinator", ["view_orders"]).get(f"orders/{code}").json()
    planner = partner("maker", "planner").get(f"orders/{code}").json()
    assert "patient" not in unscoped and "patient" not in planner
    assert planner["identity_code"] == unscoped["identity_code"]
    for text in ("Bellweather", "MRN-1", "1951-02-11"):
        assert text not in partner("maker", "planner").get(f"orders/{code}").content.decode()


def test_an_order_is_held_and_goes_on_with_a_reason(world: World, partner: PartnerOf) -> None:
    center = partner()
    code = opened(center, world)
    etag = center.get(f"orders/{code}")["ETag"]

    problem(center.post(f"orders/{code}/hold", {}), 400, "invalid_input")
    held = center.post(f"orders/{code}/hold", {"reason": "Fever."}, If_Match=etag, Idempotency_Key="h")
    assert held.json()["on_hold"] and held["ETag"] != etag
    again = center.post(f"orders/{code}/hold", {"reason": "Fever."}, If_Match=etag, Idempotency_Key="h")
    assert again.status_code == 200
    problem(center.post(f"orders/{code}/cancel", {"reason": "Late."}, If_Match=etag), 412, "stale")
    verbs = {action["kind"] for action in held.json()["available_actions"] if action["step"] is None}
    assert verbs == {"lift-hold", "cancel"}
    assert not center.post(f"orders/{code}/lift-hold", {"reason": "Well again."}).json()["on_hold"]
    problem(center.post(f"orders/{code}/lift-hold", {"reason": "Well again."}), 409, "wrong_state")
    ended = center.post(f"orders/{code}/cancel", {"reason": "Patient withdrew."}).json()
    assert (ended["state"], ended["available_actions"]) == ("cancelled", [])


def test_a_key_without_the_scope_is_refused_in_words(world: World, partner: PartnerOf) -> None:
    code = opened(partner(), world)

    problem(partner("center", "coordinator", []).get("orders"), 403, "scope_missing")
    narrow = partner("center", "coordinator", ["view_orders"])
    problem(narrow.get(f"orders/{code}/events"), 403, "scope_missing")
    problem(narrow.post(f"orders/{code}/cancel", {"reason": "No."}), 403, "not_allowed")
    problem(narrow.post("orders", world.enrolment(mrn="MRN-9")), 403, "not_allowed")
    assert [a for a in narrow.get(f"orders/{code}").json()["available_actions"] if a["kind"] == "cancel"] == []


def test_a_person_signed_in_reads_the_same_and_writes_only_with_the_token_of_the_form(world: World) -> None:
    member = world.member("center", "coordinator")
    browser = signed_in(member)
    assert browser.get("/api/v1/orders").status_code == 200

    strict: Any = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    refused = strict.post("/api/v1/orders", world.enrolment(), content_type="application/json")
    problem(refused, 403, "csrf_failed")


def test_two_networks_never_meet(world: World, partner: PartnerOf) -> None:
    code = opened(partner(), world)
    other = make_world()
    neighbor = make_partner(other.center, "coordinator")
    mine = opened(neighbor, other)

    assert [row["code"] for row in neighbor.get("orders").json()["results"]] == [mine]
    for address in ("orders", "worklist", "sites", "therapies", "flows", "slots", f"orders/{mine}", f"orders?q={code}"):
        answer = neighbor.get(address).content.decode()
        assert code not in answer and world.clinic.code not in answer and world.therapy.code not in answer, address
