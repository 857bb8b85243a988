"""Why dates cannot be had, as the stable codes that a search has for the days it refuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import F

from scheduling.capacity import NotToBeHad
from scheduling.constraints import Constraint
from scheduling.models import Slot
from scheduling.quotas import QuotaUsedUp
from scheduling.states import ResourceKind

Refused = TypeVar("Refused", bound=NotToBeHad)
FULL = {
    ResourceKind.APHERESIS_CHAIR: Constraint.CHAIR_FULL,
    ResourceKind.COURIER_LANE: Constraint.LANE_FULL,
    ResourceKind.RECEIVING: Constraint.RECEIVING_FULL,
    ResourceKind.MANUFACTURING_LINE: Constraint.LINE_FULL,
    ResourceKind.CRITICAL_STOCK: Constraint.STOCK_USED,
    ResourceKind.QUALITY_RELEASE: Constraint.RELEASE_FULL,
    ResourceKind.INFUSION_BED: Constraint.BED_FULL,
}


def because(refusal: Refused, code: str, text: str, date: dt.date | None = None) -> Refused:
    """Return the refusal with one more reason."""
    reason = {"code": str(code), "date": date.isoformat() if date else None, "text": text}
    refusal.reasons = (*refusal.reasons, reason)
    return refusal


def because_full(refusal: Refused, slot_ids: Iterable[UUID], date: dt.date | None = None) -> Refused:
    """Return the refusal of places that could not be taken with which of them are full; a used-up quota says so."""
    if refusal.reasons:
        return refusal
    if isinstance(refusal, QuotaUsedUp):
        return because(refusal, Constraint.QUOTA_USED_UP, refusal.detail, date)
    full = Slot.unwalled.filter(pk__in=list(slot_ids), taken__gte=F("capacity")).order_by("starts_at", "pk")
    codes = dict.fromkeys(FULL[ResourceKind(kind)] for kind in full.values_list("kind", flat=True))
    for code in codes:
        because(refusal, code, f"{code.label}.", date)
    return refusal
