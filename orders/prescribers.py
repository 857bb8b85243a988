"""Who may prescribe: a person with a prescriber credential for the therapy that has not run out (TP1)."""

from __future__ import annotations

from uuid import UUID

from ledger.refusals import FactsMissing, MissingFact
from network import queries as network
from orders.models import Order

NOT_CREDENTIALED = MissingFact(
    "not_credentialed",
    "The prescriber's credential is missing or has expired.",
    "Ask your site quality lead to record the credential.",
)


def credential_missing(order: Order, person_id: UUID | None) -> list[MissingFact]:
    """Return the fact that the person lacks the credential for the order's therapy; empty when they have it."""
    if person_id is not None and network.is_credentialed(person_id, order.therapy_id, "prescriber"):
        return []
    return [NOT_CREDENTIALED]


def require_credential(order: Order, person_id: UUID | None) -> None:
    """Raise FactsMissing ``not_credentialed`` for a person without the credential."""
    if missing := credential_missing(order, person_id):
        raise FactsMissing("You have no prescriber credential for this therapy.", facts=missing)
