"""One group per (organization, persona); its capabilities stand on the organization row (django-guardian)."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from guardian.shortcuts import assign_perm, remove_perm

from personas.declarations import PersonaDeclaration
from personas.models import Organization, Persona


def create_persona(organization: Organization, declared: PersonaDeclaration) -> Persona:
    """Create the organization's own copy of a shipped persona."""
    group = Group.objects.create(name=f"{organization.pk}:{declared.key}")
    persona = Persona.objects.create(
        organization=organization, key=declared.key, title=declared.title, desk=declared.desk, group=group
    )
    for capability in sorted(declared.capabilities):
        grant_capability(persona, organization, capability)
    return persona


def grant_capability(persona: Persona, organization: Organization, capability: str) -> None:
    assign_perm(_permission(capability), persona.group, organization)


def withdraw_capability(persona: Persona, organization: Organization, capability: str) -> None:
    remove_perm(_permission(capability), persona.group, organization)


def _permission(capability: str) -> Permission:
    return Permission.objects.get(
        codename=str(capability), content_type__app_label="personas", content_type__model="organization"
    )
