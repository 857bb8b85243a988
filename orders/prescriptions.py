"""The prescription that an issue is compared with: who prescribed what, when, for which weight (PH1)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from ledger.models import Event
from ledger.refusals import MissingFact
from orders import attempts
from orders.evidence_sections import at
from orders.models import Order, OrderStep
from orders.states import StepState

PRESCRIBE, ELIGIBILITY = "prescribe", "record_eligibility"
AGAIN = "The physician prescribes (again) before anything is issued."


def missing(order: Order) -> list[MissingFact]:
    """Return why nothing may be issued on the order's prescription; empty when it is in force and for this therapy.

    Empty too where the flow has no prescription.
    """
    steps = attempts.of_kind(order, PRESCRIBE)
    if not steps:
        return []
    step = steps[-1]
    if step.state != StepState.DONE:
        word = step.get_state_display().lower()
        return [MissingFact("prescription_not_in_force", f"“{step.flow_step.title}” is {word}.", AGAIN)]
    therapy = str(_facts(order, PRESCRIBE).get("therapy") or order.therapy.code)
    if therapy != order.therapy.code:
        text = f"The prescription is for {therapy}, the order for {order.therapy.code}."
        return [MissingFact("prescription_differs", text, AGAIN)]
    return []


def shown(order: Order) -> list[tuple[str, str]]:
    """Return what the pharmacy compares with the product, as (label, value); nothing without a prescription."""
    steps = [step for step in attempts.of_kind(order, PRESCRIBE) if step.state == StepState.DONE]
    if not steps:
        return []
    facts, rows = _facts(order, PRESCRIBE), [("Prescribed", _by(steps[-1], order))]
    rows.append(("Therapy", order.therapy.name))
    rows += [("Dose", str(facts["dose_remark"]))] if facts.get("dose_remark") else []
    weight = _facts(order, ELIGIBILITY).get("weight_kg")
    return [*rows, ("Weight", f"{weight} kg")] if weight else rows


def _by(step: OrderStep, order: Order) -> str:
    when = at(step.done_at, ZoneInfo(order.center_site.zone))
    return f"{step.done_by}, {when}" if step.done_by else when


def _facts(order: Order, kind: str) -> dict[str, Any]:
    """Return what the newest done step of a kind recorded."""
    found = Event.unwalled.filter(stream_id=order.stream_id, kind="orders.step_done", payload__kind=kind)
    event = found.order_by("-seq").first()
    return dict(event.payload.get("facts") or {}) if event else {}
