"""What a file may refer to: what stands in it, and what is in the system already; by code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ledger.context import Actor, reading
from ledger.states import Channel
from network.queries import Therapy, therapies
from personas.queries import Membership, Organization, Site, organizations, sites, system_actor
from scheduling.queries import resources

JOB = "network-import"


def operator_of(organization: Organization) -> Actor:
    """The network's operator acting inside one organization."""
    return system_actor(
        organization.pk,
        JOB,
        name=organization.name,
        role=organization.role,
        synthetic=organization.synthetic,
        channel=Channel.COMMAND,
    )


@dataclass
class Directory:
    """Codes and what they name. ``zones``: (organization code, resource code) -> time zone of its windows."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    therapies: dict[str, Therapy] = field(default_factory=dict)
    zones: dict[tuple[str, str], str] = field(default_factory=dict)

    def of_site(self, site: Site) -> Organization:
        return next(found for found in self.organizations.values() if found.pk == site.organization_id)

    def maker_of(self, therapy: Therapy) -> Organization:
        return next(found for found in self.organizations.values() if found.pk == therapy.manufacturer_id)


def present() -> Directory:
    """Return what is in the system: each organization with members is read inside its own wall."""
    found = Directory()
    for organization_id in sorted(set(Membership.unwalled.values_list("organization_id", flat=True))):
        actor = system_actor(organization_id, JOB)
        with reading(actor):
            organization = organizations(actor).get(pk=organization_id)
            own = list(sites(actor).filter(organization_id=organization_id))
            found.organizations[organization.code] = organization
            found.sites |= {site.code: site for site in own}
            made = therapies(actor, active=False).filter(manufacturer_id=organization_id)
            found.therapies |= {therapy.code: therapy for therapy in made}
            known: dict[Any, Site] = {site.pk: site for site in sites(actor)}
            for resource in resources(actor, own=True):
                place = known.get(resource.site_id) or next(
                    (site for site in known.values() if str(site.pk) == resource.attributes.get("origin_site_id")), None
                )
                found.zones[organization.code, resource.code] = place.zone if place else "UTC"
    return found
