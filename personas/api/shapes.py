"""How people, personas and keys look over REST: fields listed by hand, and their description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from personas.envelopes import Shape
from personas.states import Capability


class OrganizationRow(Shape):
    """The acting organization, or a partner of it."""

    code = s.CharField()
    name = s.CharField()
    role = s.CharField()
    country = s.CharField(help_text="ISO 3166-1 alpha-2")
    own = s.BooleanField()
    synthetic = s.BooleanField(help_text="true: fictional")


class MemberRow(Shape):
    """A person in one persona of the organization."""

    id = s.UUIDField(help_text="of the membership")
    person = s.UUIDField()
    name = s.CharField()
    username = s.CharField()
    persona = s.CharField()
    persona_title = s.CharField()
    site = s.CharField(allow_null=True, help_text="site code; null: all sites")
    since = s.DateTimeField()


class MemberInput(Shape):
    """A person who is given a persona; somebody new chooses a password by the link of “forgot password”."""

    username = s.EmailField(max_length=150, help_text="the e-mail address")
    name = s.CharField(max_length=200)
    persona = s.CharField(max_length=64, help_text="key of the persona")
    site = s.CharField(max_length=40, required=False, help_text="site code; absent: all sites")


class SiteInput(Shape):
    """The site where a persona works from now on."""

    site = s.CharField(max_length=40, allow_null=True, help_text="site code; null: all sites")


class PersonaRow(Shape):
    """What a persona of the organization may do."""

    key = s.CharField()
    title = s.CharField()
    capabilities = s.ListField(child=s.CharField(), help_text="in words")
    capability_keys = s.ListField(child=s.CharField(), help_text="the same, as scopes and changes name them")


class PersonaChange(Shape):
    """A new title; rights added and taken away, within the separation of duties; and why."""

    title = s.CharField(max_length=120, required=False)
    add = s.ListField(child=s.ChoiceField(choices=Capability.choices), required=False)
    remove = s.ListField(child=s.ChoiceField(choices=Capability.choices), required=False)
    reason = s.CharField(max_length=500, required=False, allow_blank=True, help_text="refused without one")


class PersonaChangeRow(Shape):
    """One recorded change of a persona."""

    id = s.UUIDField(help_text="of the event")
    at = s.DateTimeField()
    by = s.CharField()
    reason = s.CharField(allow_blank=True)
    title = s.CharField(allow_blank=True)
    before = s.CharField(allow_blank=True, help_text="the title before, where it changed")
    added = s.ListField(child=s.CharField(), help_text="in words")
    removed = s.ListField(child=s.CharField(), help_text="in words")


class KeyRow(Shape):
    """A partner system's key; its token is never shown again."""

    prefix = s.CharField()
    name = s.CharField()
    persona = s.CharField()
    scopes = s.ListField(child=s.CharField())
    responsible = s.CharField(help_text="name of the person who answers for it")
    expires_at = s.DateTimeField(allow_null=True)
    revoked_at = s.DateTimeField(allow_null=True)


class KeyWithToken(KeyRow):
    """A key with its token, which is shown only this once."""

    token = s.CharField(allow_null=True, help_text="null when an idempotent request is answered again")


class KeyInput(Shape):
    """A new key: a persona, narrowed to scopes."""

    name = s.CharField(max_length=120)
    persona = s.CharField(max_length=64)
    scopes = s.ListField(child=s.ChoiceField(choices=Capability.choices), allow_empty=False)
    expires_at = s.DateTimeField(required=False)


def organization_row(actor: Any, organization: Any) -> dict[str, Any]:
    return {
        "code": organization.code,
        "name": organization.name,
        "role": organization.role,
        "country": organization.country,
        "own": organization.pk == actor.organization_id,
        "synthetic": organization.synthetic,
    }


def persona_row(rights: Any) -> dict[str, Any]:
    return {
        "key": rights.key,
        "title": rights.title,
        "capabilities": rights.capabilities,
        "capability_keys": rights.rights,
    }


def member_row(member: Any) -> dict[str, Any]:
    person = member.user.person
    return {
        "id": member.pk,
        "person": member.user.person_id,
        "name": person.name if person else "",
        "username": member.user.username,
        "persona": member.persona.key,
        "persona_title": member.persona.title,
        "site": member.site.code if member.site else None,
        "since": member.since,
    }


def key_row(key: Any) -> dict[str, Any]:
    person = key.responsible.person
    return {
        "prefix": key.prefix,
        "name": key.name,
        "persona": key.persona.key,
        "scopes": key.scopes,
        "responsible": person.name if person else key.responsible.username,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
