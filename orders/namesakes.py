"""A warning wherever patient and material meet: another open order's patient has the same family name (DOMAIN 5)."""

from __future__ import annotations

from custody import vault
from orders.models import Order
from orders.states import OrderState
from orders.step_kinds import StepContext
from personas.states import Capability

SAME_NAME = "Same name"
MOST = 5


def warning(ctx: StepContext) -> list[tuple[str, str]]:
    """Return the row that warns, with the codes of the other orders; none for whoever may not read names."""
    alike = _open_orders(ctx)
    if not alike:
        return []
    others = "Another order is" if len(alike) == 1 else "Other orders are"
    text = f"{others} open for a patient with this family name: {', '.join(alike)}. Compare every digit."
    return [(SAME_NAME, text)]


def _open_orders(ctx: StepContext) -> list[str]:
    """Return the codes of the center's other open orders whose patient has the same family name; nobody else's."""
    if ctx.actor.organization_id != ctx.order.center_id or not ctx.actor.can(Capability.READ_IDENTITY):
        return []
    patients = vault.namesakes(ctx.actor, ctx.order.patient_id)
    if not patients:
        return []
    others = Order.unwalled.filter(patient_id__in=patients, center_id=ctx.order.center_id, state=OrderState.OPEN)
    return list(others.order_by("code").values_list("code", flat=True)[:MOST])
