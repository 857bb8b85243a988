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
    """Return open orders with ``due_at`` of their most urgent ready step.

    Stopped ones come first (nobody can act until somebody decides), then late ones, those without a due time last.
    """
    due = Subquery(_ready().order_by(*URGENT_FIRST).values("due_at")[:1])
    found = orders.filter(state=OrderState.OPEN).annotate(due_at=due, goes_on=Exists(_ready()))
    return found.order_by("goes_on", F("due_at").asc(nulls_last=True), "-opened_at", "pk")


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


def at_work(orders: QuerySet[Order], actor: Actor, phase: str) -> QuerySet[Order]:
    """Return open orders of which the actor's organization has begun a phase, or may begin it, and not ended it."""
    own = OrderStep.unwalled.filter(order=OuterRef("pk"), flow_step__phase=phase, responsible_id=actor.organization_id)
    if actor.site_id is not None:
        orders = orders.filter(center_site_id=actor.site_id)
    begun = Exists(own.filter(state__in=(StepState.READY, StepState.DONE)))
    unfinished = Exists(own.filter(state__in=(StepState.READY, StepState.WAITING)))
    return orders.filter(begun, unfinished, state=OrderState.OPEN)


def steps_in(order_ids: Iterable[UUID], **which: Any) -> dict[UUID, list[OrderStep]]:
    """Return the newest attempt of each step of many orders, in the flow's order; ``which`` narrows them."""
    steps = OrderStep.unwalled.filter(order__in=list(order_ids), **which).select_related("flow_step")
    newest: dict[tuple[UUID, str], OrderStep] = {}
    for step in steps.order_by("position", "attempt"):
        newest[(step.order_id, step.key)] = step
    found: dict[UUID, list[OrderStep]] = {}
    for (order_id, _), step in newest.items():
        found.setdefault(order_id, []).append(step)
    return found


def evidence(steps: Iterable[OrderStep]) -> dict[UUID, list[OrderStep]]:
    """Return for each step, by its id, the done steps that its flow wants before it: what a signature rests on."""
    rows = list(steps)
    keys = {key for step in rows for key in step.flow_step.after}
    done = steps_in((step.order_id for step in rows), key__in=keys, state=StepState.DONE)
    return {step.pk: [row for row in done.get(step.order_id, []) if row.key in step.flow_step.after] for step in rows}
