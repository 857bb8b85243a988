"""The acting manufacturer's stock, inside an action; nobody else's is visible (the row policies see to it)."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from custody.models import StockUnit
from custody.states import StockState
from ledger.refusals import InvalidInput


def available(therapy_id: UUID) -> list[StockUnit]:
    """Return the units of a therapy that can be allocated and have not expired, first to expire first."""
    found = StockUnit.unwalled.filter(therapy_id=therapy_id, state=StockState.AVAILABLE, expires_at__gt=timezone.now())
    return list(found.order_by("expires_at", "lot", "serial"))


def unit_with_serial(therapy_id: UUID, serial: str, field: str = "serial") -> StockUnit:
    """Return the available unit with this serial (or ``lot/serial``); InvalidInput otherwise."""
    text = serial.strip()
    fitting = [unit for unit in available(therapy_id) if text in (unit.serial, f"{unit.lot}/{unit.serial}")]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        fault = "Several lots have this serial. Enter lot and serial with a slash between them."
    else:
        fault = "No unit with this serial is available in stock."
    raise InvalidInput(fault, code="no_such_unit", fields={field: [fault]})
