"""What endangers the product of a patient whose lymphodepletion has begun: delay, rejection, revocation …"""

from __future__ import annotations

from ledger.models import Event
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, StepState

DANGERS = {
    "custody.identity_mismatch": "identity mismatch",
    "quality.release_revoked": "release revoked",
    "quality.units_stopped": "units of it were stopped",
    "orders.material_destroyed": "a bag was destroyed",
    "orders.material_lost": "a bag is lost",
    "orders.material_put_aside": "a bag was put aside",
    "orders.step_failed": "a step was not passed",
    "orders.pickup_failed": "the courier left without the box",
    "orders.delayed": "transport delayed",
    "orders.box_refused": "the box was not accepted at delivery",
    "orders.customs_held": "the box is held at customs",
    "orders.leg_late": "transport delayed",
    "orders.milestone_missed": "transport is late",
    "orders.excursion_found": "temperature excursion on the way",
    "scheduling.disruption_opened": "hit by a disruption",
    "orders.put_on_hold": "order on hold",
    "orders.cancelled": "order cancelled",
}
GATE, INFUSION = "decide_readiness", "infuse"


def danger_in(event: Event) -> str:
    """Return in a few words what an event endangers; empty when it endangers nothing."""
    payload = event.payload
    if event.kind == "orders.step_overdue":
        return f"delay, {payload['title']}"
    if event.kind == "orders.quarantine_decided":
        return "" if payload["decision"] == "release" else "a bag was rejected"
    if event.kind == "quality.deviation_opened":
        return "critical deviation" if payload.get("severity") == "critical" else ""
    if "late" in payload and payload.get("severity") == "critical":
        return "critical deviation"
    if payload.get("kind") == "receive_product":
        decided = (payload.get("facts") or {}).get("bags") or {}
        return "a bag was not accepted" if set(decided.values()) - {"accept"} else ""
    if payload.get("kind") == INFUSION:
        return "" if (payload.get("facts") or {}).get("result") == "infused" else "a bag was not infused completely"
    return DANGERS.get(event.kind, "")


def lymphodepletion_began(order: Order, event: Event) -> bool:
    """Whether the physician's go for lymphodepletion stands, and the product had not been given before this event."""
    steps = OrderStep.unwalled.filter(order=order, state=StepState.DONE)
    gates = steps.filter(flow_step__kind=GATE, flow_step__parameters__needs_product=True)
    if not gates.exists():
        return False
    # The last bag ends the infusion, also the one that leaked.
    infusions = OrderStep.unwalled.filter(order=order, flow_step__kind=INFUSION)
    rest = infusions.filter(state__in=OPEN_STEP_STATES).exists()  # of a dose that is given in parts
    return event.payload.get("kind") == INFUSION or rest or not infusions.filter(state=StepState.DONE).exists()
