"""Orders as rows of a desk: one per order, with its next act, whose turn it is, until when, and whom to call."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from ledger.context import Actor
from orders import queries
from orders.flow import why_not
from orders.views import frame
from personas.queries import personas_with
from scheduling.queries import held_until


def rows_of(actor: Actor, orders: list[Any]) -> list[dict[str, Any]]:
    """Return the rows of one page of open orders; as many queries for one as for fifty."""
    names = frame.names_of(actor, orders)
    ready = queries.ready_steps(orders)
    held = held_until(actor, [order.stream_id for order in orders])
    firsts = {pk: _first(actor, steps) for pk, steps in ready.items()}
    owners = queries.owners(actor, firsts.values())
    asked = {(step.responsible_id, step.capability) for step in firsts.values() if step.responsible_id}
    personas = personas_with((organization, capability) for organization, capability in asked if organization)
    return [
        {
            "order": order,
            "patient": names.get(order.patient_id),
            "url": reverse("orders:order", args=[order.code]),
            "held_until": held.get(order.stream_id),
            "more": max(0, len(ready.get(order.pk, [])) - 1),
            "owner": owners.get(firsts[order.pk].pk, "") if order.pk in firsts else "",
            "more_sooner": _is_sooner(ready.get(order.pk, []), firsts.get(order.pk)),
            **_turn(actor, order, firsts.get(order.pk), personas),
        }
        for order in orders
    ]


def _first(actor: Actor, steps: list[Any]) -> Any:
    """Return the step to name: one that the actor may do, else the most urgent."""
    return next((step for step in steps if not why_not(actor, step)), steps[0])


def _is_sooner(steps: list[Any], shown: Any) -> bool:
    """Whether another ready step comes before the shown one: rows stand in the order of the most urgent."""
    return bool(steps) and steps[0] is not shown and steps[0].due_at is not None


def _turn(actor: Actor, order: Any, step: Any, personas: dict[tuple[UUID, str], list[str]]) -> dict[str, Any]:
    if step is None:
        return {"step": None, "due": None, "late": False, "zone": order.center_site.zone, "mine": False}
    site = step.site
    return {
        "step": step,
        "mine": queries.may_act(actor, order, step),
        "act_url": reverse("orders:step", args=[order.code, step.key]),
        "whose": step.responsible.name if step.responsible else "",
        "ours": step.responsible_id == actor.organization_id,
        "who": " or ".join(personas.get((step.responsible_id, step.capability), [])) if step.responsible_id else "",
        "phone": site.phone if site and step.responsible_id != actor.organization_id else "",
        "due": step.due_at,
        "late": step.is_late(timezone.now()),
        "zone": site.zone if site else order.center_site.zone,
    }
