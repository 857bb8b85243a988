"""A manufacturer's stock of ready units."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from custody.models import StockUnit
from custody.policies import require
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput
from personas.states import Capability

PLAIN = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def add_stock_unit(
    actor: Actor, *, therapy_id: UUID, lot: str, serial: str, expires_at: dt.datetime, storage_location: str = ""
) -> StockUnit:
    """Put a released unit into the acting manufacturer's stock. Lot and serial are unique at the manufacturer.

    Raises NotAllowed without ALLOCATE_STOCK (a system job may), InvalidInput per field.
    """
    with acting(actor, "custody.stock_added", subject=("stock_unit", f"{lot}/{serial}")) as event:
        if not actor.system_job:
            require(actor, Capability.ALLOCATE_STOCK)
        faults = {
            name: ["Letters, digits, dash, dot and underscore; at most 40."]
            for name, text in (("lot", lot), ("serial", serial))
            if not 0 < len(text) <= 40 or set(text) - PLAIN
        }
        if expires_at <= event.occurred_at:
            faults["expires_at"] = ["The unit has expired."]
        if faults:
            raise InvalidInput(fields=faults)
        if StockUnit.unwalled.filter(organization_id=actor.organization_id, lot=lot, serial=serial).exists():
            raise InvalidInput(fields={"serial": ["This serial of the lot is in stock already."]})
        unit = StockUnit.objects.create(
            organization_id=actor.organization_id,
            therapy_id=therapy_id,
            lot=lot,
            serial=serial,
            expires_at=expires_at,
            storage_location=storage_location,
            synthetic=actor.synthetic,
        )
        event.note(unit=str(unit), expires_at=expires_at)
    return unit
