"""Lists of orders: the same cost for one and three rows, every order once, filters in the address, no nonsense."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.context import reading
from orders.flow import order_named
from orders.models import Order
from orders.views import order_list
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World

pytestmark = pytest.mark.usefixtures("committed_db")


def cost(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("address", ["/worklist/", "/orders/"])
def test_a_list_costs_the_same_for_one_and_for_three_rows(
    world: World, browse: Browse, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse("center", "coordinator", 2)
    for _ in range(3):
        world.enrol(**patient())
    monkeypatch.setattr("orders.views.order_list.PER_PAGE", 1)
    monkeypatch.setattr("orders.views.frame.PER_PAGE", 1)
    one = cost(client, address)
    monkeypatch.setattr("orders.views.order_list.PER_PAGE", 3)
    monkeypatch.setattr("orders.views.frame.PER_PAGE", 3)
    assert cost(client, address) == one


def test_pages_of_orders_show_each_order_once_in_both_directions(
    world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.enrol(**patient())
    actor = world.actor("center", "coordinator")
    with reading(actor):
        wanted = list(Order.unwalled.order_by("-opened_at", "-pk").values_list("code", flat=True))
    monkeypatch.setattr(order_list, "PER_PAGE", 2)
    client, seen, address = browse("center", "coordinator"), [], "/orders/"
    while address:
        page = client.get(address)
        seen += [row["order"].code for row in page.context["rows"]]
        last, address = address, page.context["older_url"] and f"/orders/{page.context['older_url']}"
    assert seen == wanted
    back = client.get(f"/orders/{client.get(last).context['newer_url']}").context
    assert [row["order"].code for row in back["rows"]] == wanted[-2 - len(client.get(last).context["rows"]) :][:2]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "a\x00b"},
        {"q": "%_'\"<"},
        {"state": "nonsense", "phase": "x", "therapy": "\x00"},
        {"after": "x"},
        {"after": "0001-01-01T00:00:00+23:00_x"},
        {"before": "2026-01-01T00:00:00Z_00000000-0000-0000-0000-000000000000"},
        {"page": "-3"},
        {"site": "\x00", "therapy": "\x00", "due": "\x00"},
        {"due": "late", "page": "9999999999999999999999"},
    ],
)
def test_nonsense_in_the_address_is_no_server_error(browse: Browse, query: dict[str, str]) -> None:
    client = browse("center", "coordinator")
    assert client.get("/", query).status_code == 200
    assert client.get("/worklist/", query).status_code == 200
    assert client.get("/orders/", query).status_code == 200


def test_an_order_is_found_by_its_codes(world: World, browse: Browse, code: str) -> None:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        identity = order_named(actor, code).identity_code
    client = browse("center", "coordinator")
    for text in (code, code.lower(), identity):
        assert code in text_of(client.get("/orders/", {"q": text}))
    assert "No order matches this filter" in text_of(client.get("/orders/", {"q": "CT-0000"}))


def test_filters_of_the_worklist_stand_in_the_address(world: World, browse: Browse, code: str) -> None:
    client = browse("center", "coordinator", 2)
    assert code in text_of(client.get("/worklist/", {"therapy": world.therapy.code, "site": world.clinic.code}))
    assert "No step matches this filter" in text_of(client.get("/worklist/", {"therapy": "other"}))
    assert code not in text_of(client.get("/worklist/", {"due": "late"}))


def test_no_browser_keeps_what_a_person_signed_in_was_shown(world: World, browse: Browse) -> None:
    """*Back* shows what stands now, and no patient after the person signed out of a device that others use too."""
    nurse = browse("center", "apheresis_nurse")
    for address in ("/", "/worklist/", "/orders/", "/inbox/", "/codes/"):
        page = nurse.get(address)
        assert page.status_code == 200 and "no-store" in page["Cache-Control"], address
    assert nurse.get("/offline/")["Cache-Control"] == "no-cache", "what a page says itself stands"
    assert "Cache-Control" not in nurse.get("/api/v1/orders/").headers
