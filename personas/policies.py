"""Who may change organizations, people and keys."""

from ledger.context import Actor
from ledger.refusals import NotAllowed
from personas.states import SEPARATED, SIGNING, Capability


def require(actor: Actor, capability: Capability | str) -> None:
    """Raise NotAllowed unless the acting persona has the capability."""
    if not actor.can(str(capability)):
        label = Capability(capability).label.lower()
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not: {label}.")


def separation_conflicts(capabilities: frozenset[str]) -> list[str]:
    """Return in words each separation-of-duty rule that a set of capabilities would break (TA2)."""
    conflicts = [
        f"“{Capability(a).label}” and “{Capability(b).label}” need two people"
        for a, b in SEPARATED
        if a in capabilities and b in capabilities
    ]
    if Capability.ADMINISTER in capabilities and capabilities & {c.value for c in SIGNING}:
        conflicts.append("An administrator never signs or decides about material")
    return conflicts
