"""What lies in quarantine, and whose decision it waits for (QA1, CR4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from custody import queries as custody
from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order
from orders.places import placed
from personas.states import Capability
from quality import queries as quality

QUERY, DEVIATION, DISPOSITION = "identity_query", "deviation", "disposition"


@dataclass(frozen=True)
class Held:
    """A container in quarantine. ``waits_for``: the kind of decision, ``words``: whose and which it is.

    ``mine``: the acting persona may take it, ``deviations``: numbers of those that have to be closed first.
    """

    bag: Any
    order: Order
    waits_for: str
    words: str
    mine: bool
    deviations: tuple[str, ...] = ()


def quarantined(actor: Actor) -> QuerySet[Any]:
    """Return the containers in quarantine that the actor may see; none for a courier, who sees boxes (T39)."""
    found = custody.quarantined(actor)
    return found.none() if actor.organization_role == Role.COURIER else found


def held(actor: Actor, bags: Sequence[Any]) -> list[Held]:
    """Return these containers with their orders and the decisions that are missing; three queries, however many."""
    stream_ids = {bag.stream_id for bag in bags}
    orders = {order.stream_id: order for order in placed(visible(Order, actor).filter(stream_id__in=stream_ids))}
    queried = custody.streams_under_query(actor, stream_ids)
    deviations: dict[Any, list[Any]] = defaultdict(list)
    for row in quality.blocking_deviations(actor, stream_ids):
        deviations[row.stream_id].append(row)
    return [
        _held(actor, bag, orders[bag.stream_id], bag.stream_id in queried, deviations[bag.stream_id])
        for bag in bags
        if bag.stream_id in orders
    ]


def _held(actor: Actor, bag: Any, order: Order, queried: bool, deviations: list[Any]) -> Held:
    if queried:
        words = "Quality of two firms signs how the identity mismatch was resolved."
        return Held(bag, order, QUERY, words, actor.can(Capability.RESOLVE_IDENTITY))
    numbers = tuple(row.number for row in deviations)
    may = actor.can(Capability.MANAGE_DEVIATIONS)
    if numbers:
        words = f"Quality closes {', '.join(numbers)} with a conclusion; only then is release possible."
        return Held(bag, order, DEVIATION, words, may, numbers)
    holder = bag.custodian.name if bag.custodian else ""
    firms = " or ".join(dict.fromkeys(name for name in (holder, order.manufacturer.name) if name))
    words = f"Quality of {firms} releases, rejects or destroys it."
    ours = actor.organization_id in (bag.custodian_id, order.manufacturer_id)
    return Held(bag, order, DISPOSITION, words, may and ours)
