"""Named system jobs that act inside one organization."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor, reading
from personas.queries import organizations, system_actor


def job_in(organization_id: UUID, name: str) -> Actor:
    """Return a system job acting for an organization, with the organization's name and role as they are."""
    bare = system_actor(organization_id, name)
    with reading(bare):
        organization = organizations(bare).get(pk=organization_id)
    return system_actor(
        organization_id, name, name=organization.name, role=organization.role, synthetic=organization.synthetic
    )
