"""What a code says, and what it leads to among an actor's orders: everything that a scan page tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from custody import queries as custody
from custody.decoding import Part, decode
from custody.isbt128 import Unreadable
from ledger.context import Actor
from ledger.refusals import InvalidInput
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order


@dataclass(frozen=True)
class Meaning:
    """What a code says, and the order and registered code that it leads to among the actor's."""

    parts: tuple[Part, ...]
    order: Order | None = None
    alias: Any = None


def meaning_of(actor: Actor, scanned: str) -> Meaning:
    """Return what a code says and leads to; InvalidInput ``unreadable`` when it does neither, or ``ambiguous_code``.

    A courier's codes lead to boxes only.
    """
    try:
        parts = decode(scanned).parts
    except Unreadable:
        parts = ()
    try:
        found = custody.lookup(actor, scanned)
    except InvalidInput as refusal:
        if not parts or refusal.code == "ambiguous_code":
            raise
        found = None
    if found is None or (found.shipment is None and actor.organization_role == Role.COURIER):
        return Meaning(parts)
    return Meaning(parts, visible(Order, actor).filter(stream_id=found.stream_id).first(), found.alias)


def aliases_of(actor: Actor, order: Order) -> list[Any]:
    """Return the registered codes of an order's things that the actor may see: for a courier those of boxes."""
    return list(custody.aliases_of(actor, order.stream_id))
