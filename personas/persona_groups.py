"""One group per (organization, persona); its capabilities stand on the organization row (django-guardian)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import Group, Permission
from guardian.shortcuts import assign_perm, remove_perm

from personas.declarations import PersonaDeclaration
from personas.models import Organization, OrganizationGroupPermission, Persona


def create_personas(organization: Organization, declared: Sequence[PersonaDeclaration]) -> None:
    """Create the organization's own copies of shipped personas, in as many statements for many as for one."""
    groups = Group.objects.bulk_create([Group(name=f"{organization.pk}:{one.key}") for one in declared])
    pairs = list(zip(declared, groups, strict=True))
    Persona.objects.bulk_create(
        [
            Persona(organization=organization, key=one.key, title=one.title, desk=one.desk, group=group)
            for one, group in pairs
        ]
    )
    known = {p.codename: p for p in _permissions({name for one in declared for name in one.capabilities})}
    OrganizationGroupPermission.objects.bulk_create(
        [
            OrganizationGroupPermission(permission=known[name], group=group, content_object=organization)
            for one, group in pairs
            for name in sorted(map(str, one.capabilities))
        ]
    )


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
