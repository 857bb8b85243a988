"""What a code says, and what it leads to among an actor's orders: everything that a scan page tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from custody import queries as custody
from custody.decoding import Part, decode
from custody.isbt128 import Unreadable
from custody.labels import VALID
from ledger.context import Actor
from ledger.refusals import InvalidInput
from ledger.states import Role
from ledger.walls import visible
from orders import standing
from orders.models import Order
from orders.standing import Standing


@dataclass(frozen=True)
class Meaning:
    """What a code says, and the order and registered code that it leads to among the actor's."""

    parts: tuple[Part, ...]
    order: Order | None = None
    alias: Any = None
    label: Any = None  # the print that it is, where it says one
    replaced_by: Any = None  # the valid print instead of one that is valid no more
    standing: Standing | None = None  # the bag or box that it names, as it is now


def meaning_of(actor: Actor, scanned: str) -> Meaning:
    """Return what a code says and leads to; InvalidInput ``unreadable`` when it does neither, or ``ambiguous_code``.

    A courier's codes lead to boxes only.
    """
    try:
        decoded = decode(scanned)
        parts, serial = decoded.parts, decoded.reading.label
    except Unreadable:
        parts, serial = (), ""
    try:
        found = custody.lookup(actor, scanned)
    except InvalidInput as refusal:
        if not parts or refusal.code == "ambiguous_code":
            raise
        found = None
    if found is None or (found.shipment is None and actor.organization_role == Role.COURIER):
        return Meaning(parts)
    order = visible(Order, actor).filter(stream_id=found.stream_id).first()
    label, valid = (custody.label_standing(actor, serial) if serial and found.container else None) or (None, None)
    instead = valid if label and label.state not in VALID else None
    return Meaning(parts, order, found.alias, label, instead, standing.of_found(actor, found, order) if order else None)


def aliases_of(actor: Actor, order: Order) -> list[Any]:
    """Return the registered codes of an order's things that the actor may see: for a courier those of boxes."""
    return list(custody.aliases_of(actor, order.stream_id))
