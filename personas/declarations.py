"""What an actor's declaration is made of; the declarations themselves are one module per actor."""

from __future__ import annotations

from dataclasses import dataclass

from personas.states import Capability


@dataclass(frozen=True)
class PersonaDeclaration:
    """A shipped persona: a default that an ecosystem adapts in data (rename, add or remove a capability).

    ``desk`` names the page it opens in the morning; ``stories`` are the user stories (DOMAIN 2) it serves.
    """

    key: str
    title: str
    capabilities: frozenset[Capability]
    desk: str
    goal: str
    stories: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActorDeclaration:
    """An actor of the toolkit: its personas, and what it may see of a patient and an order."""

    role: str
    title: str
    personas: tuple[PersonaDeclaration, ...]
    sees_of_patient: str
    sees_of_order: str


def persona(
    key: str, title: str, goal: str, *capabilities: Capability, desk: str = "worklist", stories: tuple[str, ...] = ()
) -> PersonaDeclaration:
    everybody = {Capability.VIEW_ORDERS, Capability.VIEW_RECORD}
    return PersonaDeclaration(key, title, frozenset({*capabilities, *everybody}), desk, goal, stories)


INSPECTOR = persona(
    "inspector",
    "Inspector",
    "See who did what, when and why, without being able to change anything.",
    desk="auditor",
    stories=("RG1", "RG2", "RG3", "RG4", "RG5", "RG6"),
)
ADMINISTRATOR = PersonaDeclaration(
    "administrator",
    "Administrator",
    frozenset({Capability.ADMINISTER, Capability.VIEW_ORDERS}),
    "administrator",
    "Keep people, personas and keys in order, without signing for anybody.",
    ("TA1", "TA2", "TA3"),
)
