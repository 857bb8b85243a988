"""One group per (organization, persona); its capabilities stand on the organization row (django-guardian)."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from guardian.shortcuts import assign_perm, remove_perm

from personas.declarations import PersonaDeclaration
from personas.models import Organization, OrganizationGroupPermission, Persona


def create_persona(organization: Organization, declared: PersonaDeclaration) -> Persona:
    """Create the organization's own copy of a shipped persona."""
    group = Group.objects.create(name=f"{organization.pk}:{declared.key}")
    persona = Persona.objects.create(
        organization=organization, key=declared.key, title=declared.title, desk=declared.desk, group=group
    )
    OrganizationGroupPermission.objects.bulk_create(
        [
            OrganizationGroupPermission(permission=permission, group=group, content_object=organization)
            for permission in _permissions(declared.capabilities)
        ]
    )
    return persona


def grant_capability(persona: Persona, organization: Organization, capability: str) -> None:
    assign_perm(_permission(capability), persona.group, organization)


def withdraw_capability(persona: Persona, organization: Organization, capability: str) -> None:
    remove_perm(_permission(capability), persona.group, organization)


def _permission(capability: str) -> Permission:
    return _permissions([capability])[0]


def _permissions(capabilities: Iterable[str]) -> list[Permission]:
    """Return the permissions of these capabilities, in the order of their names; LookupError for an unknown one."""
    wanted = {str(capability) for capability in capabilities}
    found = Permission.objects.filter(
        codename__in=wanted, content_type__app_label="personas", content_type__model="organization"
    ).order_by("codename")
    if unknown := wanted - {permission.codename for permission in found}:
        raise LookupError(f"unknown capabilities: {', '.join(sorted(unknown))}")
    return list(found)
