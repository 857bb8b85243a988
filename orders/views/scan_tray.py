"""Codes to scan in a demonstration, where nobody has a scanner or a bag: never in production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from custody import queries as custody
from custody import vault
from ledger.context import Actor
from orders import queries

FOREIGN = "Another patient's code"


@dataclass(frozen=True)
class TrayCode:
    """A code with what it is printed on; ``right`` unless it is there to show what a wrong scan does."""

    label: str
    code: str
    right: bool = True


def codes(actor: Actor, order: Any, *, with_document: bool = False) -> list[TrayCode]:
    """Return what can be scanned on an order: its codes, then one of another order (if there is one) and garbage.

    ``with_document``: also what stands on the fictional patient's own document, for whoever compares it.
    """
    found: list[TrayCode] = []
    if with_document and queries.may_see_identity(actor, order):
        patient = vault.open_identity(actor, order.patient_id)
        found += [
            TrayCode("Patient's document: date of birth", patient.birth_date.isoformat()),
            TrayCode("Patient's document: record number", patient.mrn),
        ]
    if queries.may_see_therapy(actor):
        found.append(TrayCode("Wristband: chain of identity", order.identity_code))
        found += [
            TrayCode(f"{bag.kind_label} {bag.k_of_n} ({bag.state_label.lower()})", bag.code)
            for bag in custody.containers_of(actor, order.stream_id)
        ]
    found += [
        TrayCode(f"Box, {shipment.get_direction_display().lower()}; seal {shipment.seal_code}", shipment.code)
        for shipment in custody.shipments_of(actor, order.stream_id)
    ]
    other = queries.orders(actor).exclude(pk=order.pk).first() if queries.may_see_therapy(actor) else None
    if other is not None:
        found.append(TrayCode(FOREIGN, other.identity_code, right=False))
    return [*found, TrayCode("Smudged label: unreadable", "CT#?–––", right=False)]
