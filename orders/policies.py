"""Who may act on an order. Buttons and ``available_actions`` ask the same code without raising."""

from __future__ import annotations

from ledger.context import Actor
from ledger.refusals import NotAllowed
from orders.models import OrderStep


def why_not(actor: Actor, step: OrderStep) -> str:
    """Return in words why the actor may not perform the step; empty when they may."""
    if step.responsible_id is None:
        return "Nobody is responsible for this step yet."
    if step.responsible_id != actor.organization_id:
        return "This step belongs to another organization."
    if not actor.can(step.capability):
        return f"{actor.persona_title or 'This key'} may not perform this step."
    if actor.site_id is not None and step.site_id is not None and actor.site_id != step.site_id:
        return "This step belongs to another site of your organization."
    return ""


def may_perform(actor: Actor, step: OrderStep) -> bool:
    return not why_not(actor, step)


def require_may_perform(actor: Actor, step: OrderStep) -> None:
    """Raise NotAllowed unless the actor's organization, persona and site fit the step."""
    reason = why_not(actor, step)
    if reason:
        raise NotAllowed(reason)
