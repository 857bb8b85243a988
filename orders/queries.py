"""Reads of orders: actor first, narrowed querysets out. What a role may see of an order is decided here, for both faces."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Q, QuerySet

from ledger.context import Actor
from ledger.models import Party
from ledger.states import Role
from ledger.walls import visible
from orders.models import Flow, Order, OrderStep
from orders.states import OrderState, StepState
from personas.queries import Organization

LOGISTIC_KINDS = ("pack", "hand_over", "confirm_slots")


def orders(actor: Actor) -> QuerySet[Order]:
    """Return the orders that the actor's organization is a party of, newest first."""
    return (
        visible(Order, actor)
        .select_related("therapy", "center", "center_site", "manufacturer", "plant_site", "flow", "specification")
        .order_by("-opened_at", "-pk")
    )


def steps_of(actor: Actor, order: Order) -> QuerySet[OrderStep]:
    """Return every attempt of the order's steps in the flow's order (the timeline); a courier sees its own part."""
    steps = (
        visible(OrderStep, actor)
        .filter(order=order)
        .select_related("flow_step", "responsible", "site")
        .order_by("position", "attempt")
    )
    if actor.organization_role == Role.COURIER:
        steps = steps.filter(Q(responsible_id=actor.organization_id) | Q(flow_step__kind__in=LOGISTIC_KINDS))
    return steps


def worklist(actor: Actor) -> QuerySet[OrderStep]:
    """Return the steps that wait for the acting persona, over all manufacturers, by due time (CO8)."""
    steps = OrderStep.unwalled.filter(
        responsible_id=actor.organization_id,
        state=StepState.READY,
        capability__in=actor.capabilities if actor.scopes is None else actor.capabilities & actor.scopes,
        order__state=OrderState.OPEN,
    )
    if actor.site_id is not None:
        steps = steps.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    return steps.select_related(
        "order", "order__therapy", "order__center_site", "order__manufacturer", "flow_step", "site"
    ).order_by(F("due_at").asc(nulls_last=True), "pk")


def parties_of(actor: Actor, order: Order) -> list[tuple[Party, Organization | None]]:
    """Return the order's parties with their organizations, in the order in which they joined."""
    parties = list(visible(Party, actor).filter(stream_id=order.stream_id).order_by("since", "pk"))
    found = {
        organization.pk: organization
        for organization in visible(Organization, actor).filter(pk__in=[p.organization_id for p in parties])
    }
    return [(party, found.get(party.organization_id)) for party in parties]


def flows(actor: Actor) -> QuerySet[Flow]:
    return visible(Flow, actor).select_related("therapy", "manufacturer").order_by("therapy__name", "-version")


def may_see_therapy(actor: Actor) -> bool:
    """A courier carries boxes: it sees neither therapy nor chain of identity (T39)."""
    return actor.organization_role != Role.COURIER


def may_see_identity(actor: Actor, order: Order) -> bool:
    """Only the patient's own center reads the identity, and only in a persona that may (T39, T40)."""
    return order.center_id == actor.organization_id and actor.can("read_identity")


def patient_ids(found: Iterable[Order]) -> list[UUID]:
    return [order.patient_id for order in found]
