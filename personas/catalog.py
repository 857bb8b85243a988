"""All actors and personas that ship (the toolkit's, DOMAIN 2), by role."""

from personas.cmo import CMO
from personas.courier import COURIER
from personas.declarations import ActorDeclaration, PersonaDeclaration
from personas.manufacturer import MANUFACTURER
from personas.treatment_center import TREATMENT_CENTER

ACTORS: dict[str, ActorDeclaration] = {
    str(declaration.role): declaration for declaration in (TREATMENT_CENTER, MANUFACTURER, CMO, COURIER)
}


def declaration_of(role: str, persona_key: str) -> PersonaDeclaration:
    """Return the shipped persona; raise LookupError for a key that the actor does not have."""
    for declared in ACTORS[role].personas:
        if declared.key == persona_key:
            return declared
    raise LookupError(f"{role} has no persona {persona_key!r}")
