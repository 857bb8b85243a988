"""Who may offer capacity, and share it out."""

from ledger.context import Actor
from ledger.refusals import NotAllowed
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
