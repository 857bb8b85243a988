"""Whose a step is: asked by the policies, and where an act is looked at before it can be read as a whole."""

from __future__ import annotations

from ledger.context import Actor
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
