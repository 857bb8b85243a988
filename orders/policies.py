"""Who may act on an order. Buttons and ``available_actions`` ask the same code without raising."""

from __future__ import annotations

from ledger.context import Actor
from ledger.refusals import NotAllowed
from ledger.states import Role
from orders.entitled import why_not as why_not
from orders.models import OrderStep

LOGISTIC_KINDS = ("pack", "hand_over", "confirm_slots", "accept_job")


def may_see(actor: Actor, step: OrderStep) -> bool:
    """Whether a step of a visible order is the actor's to see: a courier sees its own part."""
    mine = step.responsible_id == actor.organization_id
    return mine or actor.organization_role != Role.COURIER or step.flow_step.kind in LOGISTIC_KINDS


def may_see_therapy(actor: Actor) -> bool:
    """Whether therapy, dates and chain of identity are the actor's to see: a courier carries boxes (T39)."""
    return actor.organization_role != Role.COURIER


def may_perform(actor: Actor, step: OrderStep) -> bool:
    return not why_not(actor, step)


def require_may_perform(actor: Actor, step: OrderStep) -> None:
    """Raise NotAllowed unless the actor's organization, persona and site fit the step."""
    reason = why_not(actor, step)
    if reason:
        raise NotAllowed(reason)
