"""Who may offer capacity."""

from ledger.context import Actor
from personas.policies import require
from personas.states import Capability


def require_publisher(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may publish capacity; the network's operator may (import of a network)."""
    if not actor.system_job:
        require(actor, Capability.PUBLISH_CAPACITY)
