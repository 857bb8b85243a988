"""Whose turn it is on many orders at once: the ready steps of each, most urgent first, with one query per table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from ledger.context import Actor
from orders.models import Order, OrderStep
from orders.states import PLANT, OrderState, StepState

MINE = "me"
URGENT_FIRST = (F("due_at").asc(nulls_last=True), "position")


def _ready(**more: Any) -> QuerySet[OrderStep]:
    return OrderStep.unwalled.filter(order=OuterRef("pk"), state=StepState.READY, **more)


def by_urgency(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return open orders with ``due_at`` of their most urgent ready step, late ones first, those without one last."""
    due = Subquery(_ready().order_by(*URGENT_FIRST).values("due_at")[:1])
    found = orders.filter(state=OrderState.OPEN).annotate(due_at=due)
    return found.order_by(F("due_at").asc(nulls_last=True), "-opened_at", "pk")


def whose(orders: QuerySet[Order], actor: Actor, turn: str) -> QuerySet[Order]:
    """Return the orders on which it is somebody's turn: ``me``, or an actor of the toolkit (``plant``: who makes)."""
    if turn == MINE:
        mine = _ready(responsible_id=actor.organization_id, capability__in=actor.capabilities)
        if actor.site_id is not None:
            mine = mine.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
        return orders.filter(Exists(mine))
    kinds = ("manufacturer", "cmo", PLANT) if turn == PLANT else (turn,)
    return orders.filter(Exists(_ready(flow_step__actor__in=kinds)))


def ready_steps(order_ids: Iterable[UUID]) -> dict[UUID, list[OrderStep]]:
    """Return the ready steps of many orders by order, most urgent first; sites and organizations are read apart."""
    steps = OrderStep.unwalled.filter(order__in=list(order_ids), state=StepState.READY)
    found: dict[UUID, list[OrderStep]] = {}
    rows = steps.select_related("flow_step").prefetch_related("responsible", "site")
    for step in rows.order_by(*URGENT_FIRST):
        found.setdefault(step.order_id, []).append(step)
    return found
