"""A fictional network, and partner systems with keys in it. Each answer is held against the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.test import Client

from personas.actions.people import issue_api_key
from personas.models import Membership, Organization, User
from personas.states import Capability
from tests.api import conformance
from tests.factories import PASSWORD, make_member, operator
from tests.orders.factories import World, make_world


@dataclass
class Partner:
    """A partner system of one organization, acting in one persona with a key."""

    token: str

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Any:
        """Send a request below ``/api/v1/`` and compare the answer with the document."""
        address = path if path.startswith("/api/") else f"/api/v1/{path}"
        content: dict[str, Any] = {}
        if body is not None or raw is not None:
            kind = headers.pop("content_type", "application/json")
            content = {"data": raw if raw is not None else json.dumps(body), "content_type": kind}
        sent = {"Authorization": f"Bearer {self.token}"} | {n.replace("_", "-"): v for n, v in headers.items()}
        answer = Client(raise_request_exception=False).generic(method, address, headers=sent, **content)
        conformance.check(method, address, answer)
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)


def make_partner(
    organization: Organization,
    persona: str,
    scopes: Iterable[str] | None = None,
    *,
    responsible: Membership | None = None,
) -> Partner:
    """Issue a key for a persona, with every scope unless some are named."""
    member = responsible or make_member(organization, persona)
    _, token = issue_api_key(
        operator(organization),
        name=f"{persona} system",
        persona_key=persona,
        scopes=Capability.values if scopes is None else scopes,
        responsible=User.objects.get(pk=member.user_id),
    )
    return Partner(token)


@pytest.fixture(scope="session")
def _network(django_db_setup: None, django_db_blocker: Any) -> World:
    """One network for all tests, committed; what a test does to it is rolled back."""
    with django_db_blocker.unblock():
        return make_world()


@pytest.fixture
def world(_network: World, db: None) -> World:
    return replace(_network, people=dict(_network.people))


PartnerOf = Callable[..., Partner]


@pytest.fixture
def partner(world: World) -> PartnerOf:
    """``partner("center", "coordinator")``: a partner system of that organization."""

    def make(
        organization: str = "center", persona: str = "coordinator", scopes: Iterable[str] | None = None
    ) -> Partner:
        return make_partner(getattr(world, organization), persona, scopes)

    return make


SURNAMES = ("Abendroth", "Bellweather", "Czerny", "Dufour", "Eriksson", "Fontaine")


def opened(partner: Partner, world: World, number: int = 1) -> str:
    """Open an order for the ``number``-th fictional patient; return its code."""
    identity = {
        "mrn": f"MRN-{number}",
        "family_name": SURNAMES[number],
        "birth_date": f"19{50 + number}-0{number + 1}-11",
    }
    answer = partner.post("orders", world.enrolment(**identity))
    assert answer.status_code == 201, answer.content
    return str(answer.json()["code"])


def signature(world: World, organization: str, persona: str, number: int = 1) -> dict[str, str]:
    return {"username": world.username(organization, persona, number), "password": PASSWORD}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of an answer."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].split(";")[0] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"]) == (status, code), document
    assert document["remedy"]
    return document
