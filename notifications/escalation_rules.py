"""Who hears of a critical notice that nobody acknowledged: a persona per role, unless the organization chose one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.states import Role
from notifications.models import EscalationRule

MINUTES = 15
PERSONAS: dict[str, str] = {
    Role.TREATMENT_CENTER: "site_quality",
    Role.MANUFACTURER: "qa_reviewer",
    Role.CMO: "cmo_quality",
    Role.COURIER: "courier_dispatcher",
}
LAST_RESORT = "administrator"  # where the persona has nobody who was not told already


@dataclass(frozen=True)
class Rule:
    """``minutes`` until a critical notice goes on to ``persona``."""

    minutes: int
    persona: str


def rule_of(organization_id: UUID, role: str) -> Rule:
    """Return the organization's rule, or what is usual for its role. Runs inside its wall."""
    found = EscalationRule.unwalled.filter(organization_id=organization_id).first()
    return Rule(found.minutes, found.persona) if found else Rule(MINUTES, PERSONAS.get(role, LAST_RESORT))
