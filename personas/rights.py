"""What the personas of an organization may do, in words and as keys, and how that came about (TA2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from ledger import queries as record
from ledger.context import Actor
from ledger.models import Event
from ledger.refusals import NotFound
from ledger.walls import visible
from personas.catalog import ACTORS
from personas.models import OrganizationGroupPermission, Persona
from personas.states import Capability


@dataclass(frozen=True)
class PersonaRights:
    """A persona of the acting organization: ``capabilities`` in words, ``rights`` as their keys, in the same order."""

    key: str
    title: str
    capabilities: list[str]
    rights: list[str]

    @property
    def version(self) -> str:
        return rights_version(self.title, self.rights)


def rights_version(title: str, rights: Iterable[str]) -> str:
    """Return what changes whenever a persona's title or one of its rights changes."""
    return hashlib.sha256("\n".join([title, *sorted(rights)]).encode()).hexdigest()[:16]


def persona_rights(actor: Actor) -> list[PersonaRights]:
    """Return the acting organization's personas and what each may do (TA2)."""
    rights: dict[int, list[tuple[str, str]]] = {}
    granted = OrganizationGroupPermission.objects.filter(content_object_id=actor.organization_id)
    rows = granted.values_list("group_id", "permission__name", "permission__codename").order_by("permission__name")
    for group_id, name, codename in rows:
        rights.setdefault(group_id, []).append((name, codename))
    personas = visible(Persona, actor).filter(organization_id=actor.organization_id).order_by("title")
    found = [(persona, rights.get(persona.group_id, [])) for persona in personas]
    return [
        PersonaRights(persona.key, persona.title, [name for name, _ in held], [codename for _, codename in held])
        for persona, held in found
    ]


def usual_rights(role: str) -> frozenset[str]:
    """Return the capabilities that the personas of an actor hold as they ship."""
    return frozenset(str(right) for persona in ACTORS[role].personas for right in persona.capabilities)


def rights_of(actor: Actor, key: str) -> PersonaRights:
    """Return one persona of the acting organization with what it may do; NotFound for any other."""
    for found in persona_rights(actor):
        if found.key == key:
            return found
    raise NotFound()


def persona_changes(actor: Actor, key: str) -> QuerySet[Event]:
    """Return the recorded changes of a persona of the acting organization, newest first (TA2)."""
    own = record.events_of(actor, actor.organization_id)
    return own.filter(kind="personas.persona_adapted", subject_id=key).order_by("-seq")


def told_changes(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return changes of a persona with the capabilities in words: who, when, why, what was added and taken away."""
    words = dict(Capability.choices)
    return [
        {
            "id": event.pk,
            "at": event.recorded_at,
            "by": event.actor_name,
            "reason": event.reason,
            "title": event.payload.get("title", ""),
            "before": event.payload.get("before", ""),
            "added": [words.get(name, name) for name in event.payload.get("added", [])],
            "removed": [words.get(name, name) for name in event.payload.get("removed", [])],
        }
        for event in events
    ]
