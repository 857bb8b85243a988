"""An event as it is posted to a partner system: what its organization's role may read, never patient data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.context import Actor
from ledger.events import EventKind, kind_named, registered
from ledger.models import Event

Namer = Callable[[Actor, Event], dict[str, str]]
_namers: list[Namer] = []


def register(namer: Namer) -> Namer:
    """Ask ``namer(actor, event)`` which codes and addresses name what an event is about; ``{}`` if it does not know.

    It runs inside ``reading(actor)``. Upper floors register what they know; codes of patients and bags never go out.
    """
    if namer not in _namers:
        _namers.append(namer)
    return namer


def kinds_for(role: str) -> list[EventKind]:
    """Return the kinds of event that an organization of this role can be told of, by label."""
    heard = [kind for kind in registered().values() if kind.notifies and (not kind.audience or role in kind.audience)]
    return sorted(heard, key=lambda kind: kind.label)


def envelope(actor: Actor, event: Event) -> dict[str, Any]:
    """Return an event in words for the acting organization's role, with the codes that name what it is about."""
    kind = kind_named(event.kind)
    data: dict[str, Any] = {
        "event": str(event.pk),
        "label": kind.label,
        "text": kind.say(event.payload, actor.organization_role),
        "organization": event.organization_name,
        "occurred_at": event.occurred_at.isoformat(),
        "zone": event.zone,
        "recorded_at": event.recorded_at.isoformat(),
        "synthetic": event.synthetic,
    }
    for namer in _namers:
        data |= namer(actor, event)
    return {"type": event.kind, "timestamp": event.recorded_at.isoformat(), "data": data}
