"""Who may change the network: the persona's capability, or the network's operator."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor
from ledger.refusals import NotFound
from personas.policies import require
from personas.states import Capability


def require_or_operate(actor: Actor, capability: Capability) -> None:
    """Raise NotAllowed unless the persona has the capability or the network's operator acts."""
    if not actor.system_job:
        require(actor, capability)


def require_own(actor: Actor, organization_id: UUID) -> None:
    """Raise NotFound for another organization's record: it does not exist for the actor."""
    if organization_id != actor.organization_id:
        raise NotFound()
