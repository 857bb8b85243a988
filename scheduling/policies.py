"""Who may offer capacity, and share it out."""

from uuid import UUID

from ledger.context import Actor
from ledger.refusals import NotAllowed, NotFound
from ledger.states import Role
from personas.policies import require
from personas.states import Capability


def require_publisher(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may publish capacity; the network's operator may (import of a network)."""
    if not actor.system_job:
        require(actor, Capability.PUBLISH_CAPACITY)


def require_quota_owner(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may share out the manufacturer's capacity (MP3)."""
    if actor.organization_role != Role.MANUFACTURER:
        raise NotAllowed("Only a therapy's manufacturer sets its quotas.")
    if not actor.system_job:
        require(actor, Capability.SET_QUOTAS)


def require_lead_time_setter(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may override the lead times of the manufacturer's therapies (F21)."""
    if actor.organization_role != Role.MANUFACTURER:
        raise NotAllowed("Only a therapy's manufacturer overrides its lead times.")
    if not actor.system_job:
        require(actor, Capability.SET_LEAD_TIMES)


def require_own_feed(actor: Actor, user_id: UUID) -> None:
    """Raise NotFound for somebody else's calendar feed, unless the actor may publish capacity."""
    if actor.user_id != user_id and not actor.can(Capability.PUBLISH_CAPACITY):
        raise NotFound()


def require_center(actor: Actor, *capabilities: Capability) -> None:
    """Raise NotAllowed unless the actor works at a treatment center and holds one of the capabilities there."""
    if actor.organization_role != Role.TREATMENT_CENTER:
        raise NotAllowed("A waiting list belongs to a treatment center.")
    if not actor.system_job and not any(actor.can(capability) for capability in capabilities):
        require(actor, capabilities[0])
