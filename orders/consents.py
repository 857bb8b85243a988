"""Consent that a patient gave before: to the same therapy, at the same center."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.models import Event
from orders.models import Order

KIND = "record_consent"


@dataclass(frozen=True)
class GivenConsent:
    """A recorded consent: its purposes, the date on the form, where the form is kept, and the order it stands on."""

    order: str
    purposes: frozenset[str]
    signed_on: str
    form_reference: str


def given_before(order: Order) -> GivenConsent | None:
    """Return the newest consent of the order's patient for the order's therapy, recorded on another of their orders."""
    others = Order.unwalled.filter(
        center_id=order.center_id, patient_id=order.patient_id, therapy_id=order.therapy_id
    ).exclude(pk=order.pk)
    codes = dict(others.values_list("stream_id", "code"))
    if not codes:
        return None
    recorded = Event.unwalled.filter(stream_id__in=list(codes), kind="orders.step_done", payload__kind=KIND)
    event = recorded.order_by("-recorded_at").first()
    if event is None:
        return None
    facts = event.payload.get("facts", {})
    return GivenConsent(
        codes[event.stream_id],
        frozenset(facts.get("purposes", [])),
        str(facts.get("signed_on", "")),
        str(facts.get("form_reference", "")),
    )
