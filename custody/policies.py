"""Who may read identities and change what this app alone decides."""

from __future__ import annotations

from django.db.models import QuerySet

from custody.models import Alias
from ledger.context import Actor
from ledger.refusals import NotAllowed
from ledger.states import Role
from ledger.walls import visible
from personas.states import Capability


def require(actor: Actor, capability: Capability) -> None:
    """Raise NotAllowed unless the acting persona has the capability."""
    if not actor.can(capability):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not: {capability.label.lower()}.")


def aliases_for(actor: Actor) -> QuerySet[Alias]:
    """Return the live registered codes that the actor may look up: a courier those of boxes, whatever it carries."""
    found = visible(Alias, actor).filter(withdrawn_at__isnull=True)
    return found.filter(shipment__isnull=False) if actor.organization_role == Role.COURIER else found


def concerns_numbering(actor: Actor) -> bool:
    """Whether the actor decides how chains of identity are numbered: an entry in the navigation."""
    return actor.can(Capability.SET_NUMBERING) or actor.can(Capability.APPROVE_NUMBERING)


def concerns_label_templates(actor: Actor) -> bool:
    """Whether the actor decides how labels of its therapies look: an entry in the navigation."""
    decides = actor.can(Capability.CONFIGURE_THERAPY) or actor.can(Capability.APPROVE_FLOW)
    return decides and actor.organization_role == Role.MANUFACTURER
