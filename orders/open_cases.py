"""Open cases on the orders of an organization, as its quality decides about them: declared wrong first (QA1, SQ6).

A deviation is the case; nothing is kept twice. It leaves the list when quality closes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order
from orders.places import placed
from personas.states import Capability
from quality import queries as quality

DECLARED, DECLARED_EVENT = "declared_wrong", "orders.error_declared"
MOST = 50


@dataclass(frozen=True)
class OpenCase:
    """A major or critical deviation that is open; ``declared``: who reported an event says that it is wrong."""

    order: Order
    row: Any
    declared: bool


@dataclass(frozen=True)
class OpenCases:
    """``declared``: to decide about first; ``others``: the rest, oldest first; ``more``: further ones that exist."""

    declared: tuple[OpenCase, ...] = ()
    others: tuple[OpenCase, ...] = ()
    more: bool = False

    @property
    def count(self) -> int:
        return len(self.declared) + len(self.others)


def open_cases(actor: Actor) -> OpenCases:
    """Return what quality of the actor's organization has to decide about: two queries, none for anybody else."""
    if actor.organization_role == Role.COURIER or not actor.can(Capability.MANAGE_DEVIATIONS):
        return OpenCases()
    found = list(quality.open_cases(actor, DECLARED)[: MOST + 1])
    rows, ids = found[:MOST], {row.stream_id for row in found[:MOST]}
    if not rows:
        return OpenCases()
    orders = {order.stream_id: order for order in placed(visible(Order, actor).filter(stream_id__in=ids))}
    mine = [
        OpenCase(orders[row.stream_id], row, row.kind == DECLARED)
        for row in rows
        if row.stream_id in orders and actor.organization_id in orders[row.stream_id].party_ids
    ]
    declared = tuple(case for case in mine if case.declared)
    return OpenCases(declared, tuple(case for case in mine if not case.declared), len(found) > MOST)


def still_to_decide(stream_id: UUID) -> set[UUID]:
    """Return the events of an order that were declared wrong and whose case quality has not closed."""
    numbers = quality.open_numbers(stream_id, DECLARED)
    if not numbers:
        return set()
    rows = Event.unwalled.filter(stream_id=stream_id, kind=DECLARED_EVENT, payload__deviation__in=numbers)
    return set(rows.values_list("pk", flat=True))
