"""Unsurprising factories: organizations, sites and people made by the real actions."""

from __future__ import annotations

import itertools
import uuid

from ledger.context import Actor
from ledger.states import Channel
from personas.actions.organizations import add_organization, add_site, connect_partners
from personas.actions.people import add_member
from personas.models import Membership, Organization, Site
from personas.queries import actor_of_membership, system_actor

PASSWORD = "Correct-horse-1"  # noqa: S105
_numbers = itertools.count(1)


def unique(stem: str) -> str:
    return f"{stem}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


def make_organization(role: str = "treatment_center", *, country: str = "DE", name: str = "") -> Organization:
    code = unique(role.replace("_", "-"))
    return add_organization(code=code, name=name or f"Fictional {code}", role=role, country=country, synthetic=True)


def operator(organization: Organization) -> Actor:
    """The network's operator acting inside one organization."""
    return system_actor(
        organization.pk, "network-operator", name=organization.name, role=organization.role, synthetic=True
    )


def make_site(organization: Organization, *, zone: str = "Europe/Berlin", country: str = "") -> Site:
    code = unique("site")
    return add_site(
        operator(organization), code=code, name=f"Site {code}", country=country or organization.country, zone=zone
    )


def make_member(
    organization: Organization, persona: str, *, name: str = "", site: Site | None = None, username: str = ""
) -> Membership:
    username = username or f"{unique(persona.replace('_', '.'))}@example.org"
    return add_member(
        operator(organization),
        username=username,
        name=name or f"Person {username.split('@')[0]}",
        persona_key=persona,
        site=site,
        password=PASSWORD,
    )


def make_actor(organization: Organization, persona: str, *, site: Site | None = None, name: str = "") -> Actor:
    """A new person acting in a persona of the organization, in a browser."""
    return actor_of_membership(make_member(organization, persona, site=site, name=name), Channel.BROWSER)


def connect(first: Organization, second: Organization) -> None:
    connect_partners(operator(first), second)
