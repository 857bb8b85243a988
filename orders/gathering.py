"""Orders with what many rows need of them: read apart, one query per table, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ledger.context import Actor
from ledger.walls import visible
from orders import owners, places
from orders.models import Order, OrderStep
from orders.states import OrderState


def orders_by(actor: Actor, field: str, keys: Iterable[UUID]) -> dict[UUID, Order]:
    """Return open orders by ``pk`` or ``stream_id``, with therapy, specification, organizations and sites."""
    wanted = set(keys)
    rows = visible(Order, actor).filter(**{f"{field}__in": wanted}, state=OrderState.OPEN) if wanted else ()
    found = list(rows.prefetch_related("therapy", "specification")) if wanted else []  # type: ignore[union-attr]
    return {getattr(order, field): order for order in places.fill(found)}


def with_orders(actor: Actor, steps: Iterable[OrderStep]) -> list[OrderStep]:
    """Return the steps with orders and owners filled in; a step whose order the actor does not see is left out."""
    rows = list(steps)
    orders = orders_by(actor, "pk", (step.order_id for step in rows))
    field: Any = OrderStep._meta.get_field("order")
    for step in rows:
        if step.order_id in orders:
            field.set_cached_value(step, orders[step.order_id])
    found = [step for step in rows if step.order_id in orders]
    owners.name_on(actor, found)
    return found
