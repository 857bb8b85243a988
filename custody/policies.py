"""Who may read identities and change what this app alone decides."""

from __future__ import annotations

from ledger.context import Actor
from ledger.refusals import NotAllowed
from personas.states import Capability


def require(actor: Actor, capability: Capability) -> None:
    """Raise NotAllowed unless the acting persona has the capability."""
    if not actor.can(capability):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not: {capability.label.lower()}.")
