"""What is in a packed box, for whom: couriers, and its outside, get the outer content only (CO9, LM4, CR4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from custody import queries as custody
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.states import Role
from orders.models import Order


@dataclass(frozen=True)
class PackingList:
    """One box: ``count`` is what everybody on its way may know of its content.

    ``inside``: whether chain of identity and therapy are named and ``bags`` listed. No list ever names a patient.
    """

    shipment: Any
    count: int
    inside: bool
    bags: list[Any] = field(default_factory=list)


def of_box(actor: Actor, order: Order, box: str, *, outer: bool = False) -> PackingList:
    """Return the list of a box of the order by its outer code; ``outer``: as it stands on the outside of the box.

    NotFound for a box that is none of the order, and for a courier that does not carry it.
    """
    found = custody.shipments_of(actor, order.stream_id).filter(code=box.upper()).first()
    carries = actor.organization_role == Role.COURIER
    if found is None or (carries and found.courier_id != actor.organization_id):
        raise NotFound()
    items = list(found.items.all())
    if carries or outer:
        return PackingList(found, len(items), inside=False)
    bags = sorted((item.container for item in items), key=lambda bag: (bag.kind, bag.lot, bag.position))
    return PackingList(found, len(items), inside=True, bags=bags)
