"""Organizations, sites and partnerships."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.models import Partnership, Party, Stream
from ledger.recording import acting
from ledger.refusals import InvalidInput
from ledger.states import Role, StreamKind
from personas.catalog import ACTORS
from personas.models import Organization, Site
from personas.persona_groups import create_personas
from personas.policies import require
from personas.queries import system_actor
from personas.states import Capability

_zones = cache(available_timezones)  # which walks through a thousand files


def add_organization(*, code: str, name: str, role: str, country: str, synthetic: bool = False) -> Organization:
    """Open a tenant with its own stream and the shipped personas of its actor. Run by the network's operator only."""
    if role not in ACTORS:
        raise InvalidInput(fields={"role": [f"Unknown actor. Use one of {', '.join(ACTORS)}."]})
    key = new_id()
    operator = system_actor(key, "network-operator", name=name, role=role, synthetic=synthetic)
    stream = Stream(id=key, kind=StreamKind.ORGANIZATION, organization_id=key, party_ids=[key], synthetic=synthetic)
    with acting(operator, "personas.organization_added", new_stream=stream, subject=("organization", code)) as event:
        organization = Organization.objects.create(
            id=key, code=code, name=name, role=role, country=country, synthetic=synthetic
        )
        Party.objects.create(stream=stream, organization_id=key, role=Role(role))
        create_personas(organization, ACTORS[role].personas)
        event.note(organization=name, role=role)
    return organization


def add_site(
    actor: Actor, *, code: str, name: str, country: str, zone: str, address: str = "", phone: str = "", door: str = ""
) -> Site:
    """Add a site of the acting organization. ``zone`` is an IANA time zone."""
    with acting(actor, "personas.site_added", subject=("site", code)) as event:
        _require_operator(actor)
        if zone not in _zones():
            raise InvalidInput(fields={"zone": ["Unknown time zone. Use an IANA name such as Europe/Berlin."]})
        site = Site.objects.create(
            organization_id=actor.organization_id,
            code=code,
            name=name,
            country=country,
            zone=zone,
            address=address,
            phone=phone,
            door=door,
        )
        event.note(site=code)
    return site


def connect_partners(actor: Actor, partner: Organization) -> None:
    """Let the acting organization and ``partner`` see each other in their directories."""
    with acting(actor, "personas.partners_connected", subject=("organization", partner.code)) as event:
        _require_operator(actor)
        for viewer, seen in ((actor.organization_id, partner.pk), (partner.pk, actor.organization_id)):
            if not Partnership.unwalled.filter(viewer_id=viewer, organization_id=seen).exists():
                Partnership.objects.create(viewer_id=viewer, organization_id=seen)
        event.note(partner=partner.name)


def _require_operator(actor: Actor) -> None:
    if not actor.system_job:
        require(actor, Capability.ADMINISTER)
