"""Every address: a stranger is sent to sign in, another organization learns nothing about what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ledger.context import reading
from orders.queries import flows
from tests.factories import make_member, make_organization
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

# Open to strangers, each for a reason.
OPEN = {
    "healthz": "a load balancer asks it; it says nothing but ok",
    "scheduling/feeds/<str:token>.ics": "a calendar program has nothing but the signed address",
    "offline/": "the page that a device keeps: the same for everybody, without anything of anybody",
    "worker.js": "the worker that keeps that page",
    "accounts/": "sign-in itself, made by allauth; what is behind it asks for a session",
}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def filled(route: str, code: str, flow: str) -> str:
    """Return an address of a route, with an order's code, a flow's id, or an id of nothing."""
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<str:\1>", route).replace("\\.", ".").replace("\\Z", "")
    route = route.replace("^", "").replace("$", "").replace("?", "")
    route = re.sub(r"<(order:)?(str:|slug:)?code>", code, route)
    route = route.replace("<uuid:flow_id>", flow)
    route = re.sub(r"<uuid:\w+>", str(uuid4()), route)
    route = re.sub(r"<int:\w+>", "7", route)
    route = re.sub(r"<(drf_)?format_suffix:\w+>", ".json", route)
    return "/" + re.sub(r"<[^>]*>", "collect", route)


ROUTES = sorted(set(routes(get_resolver().url_patterns)))
OURS = [route for route in ROUTES if not route.startswith(tuple(OPEN)) and "static" not in route]
ABOUT_AN_ORDER = [route for route in OURS if "code>" in route and "order" in route]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_world()


@pytest.fixture(scope="module")
def about(world: World, django_db_blocker: object) -> tuple[str, str]:
    """The code of an order and the id of a flow version that strangers must not find."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        owner = world.actor("maker", "product_owner")
        with reading(owner):
            flow = str(flows(owner).values_list("pk", flat=True).first())
        return world.enrol(), flow


def answers(client: Client, address: str) -> list[int]:
    """Return what GET and POST answer, without methods that the address does not know."""
    found = [client.get(address), client.post(address, {})]
    return [answer.status_code for answer in found if answer.status_code != 405]


def test_there_are_addresses() -> None:
    assert len(OURS) > 20
    assert len(ABOUT_AN_ORDER) >= 9


def test_no_page_takes_a_form_without_the_present_token(
    world: World, about: tuple[str, str], committed_db: None
) -> None:
    """The token changes whenever somebody signs in or switches persona: so no form outlives a change of who acts."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(world.member("center", "coordinator")).cookies
    pages = [route for route in OURS if not route.startswith("api/")]
    assert len(pages) > 80
    taken = [route for route in pages if strict.post(filled(route, *about), {}).status_code != 403]
    assert taken == []


@pytest.mark.parametrize("route", OURS)
def test_a_stranger_is_sent_to_sign_in(route: str, about: tuple[str, str], committed_db: None) -> None:
    address = filled(route, *about)
    if address.startswith("/api/v1/schema") or address.startswith("/api/v1/docs"):
        pytest.skip("what the API can do is no secret")
    found = answers(Client(), address)
    assert found
    assert set(found) <= ({401} if address.startswith("/api/") else {302}), address


@pytest.mark.parametrize("route", ABOUT_AN_ORDER)
def test_another_organization_finds_nothing(route: str, about: tuple[str, str], committed_db: None) -> None:
    address = filled(route, *about)
    for role, persona in (("treatment_center", "coordinator"), ("manufacturer", "qualified_person")):
        client = signed_in(make_member(make_organization(role), persona))
        page = client.get(address)
        assert page.status_code in (404, 405), address
        if not address.startswith("/api/"):
            assert set(answers(client, address)) == {404}, address


def test_flows_of_strangers_are_not_found(about: tuple[str, str], committed_db: None) -> None:
    client = signed_in(make_member(make_organization("manufacturer"), "flow_approver"))
    for tail in ("", "file.yaml", "approve/", "retire/"):
        assert set(answers(client, f"/flows/{about[1]}/{tail}")) == {404}
