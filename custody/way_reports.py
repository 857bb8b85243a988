"""What is reported of a box on its way: legs begun and ended, customs, another route. Runs inside an action.

Reports are facts in the order of their times; nothing of them is edited. What they amount to is read from all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from custody.models import Shipment, WayReport
from custody.states import ShipmentState, WayReportKind
from ledger.recording import open_event
from ledger.refusals import InvalidInput, WrongState

K = WayReportKind
ON_THE_WAY = (ShipmentState.PICKED_UP, ShipmentState.IN_TRANSIT)
LEG_KINDS = (K.LEG_DEPARTED, K.LEG_ARRIVED)


@dataclass
class Reported:
    """What the reports of a box amount to: its route, when legs began and ended, whether customs hold it."""

    route: str = ""
    departed: dict[int, dt.datetime] = field(default_factory=dict)  # by number of the leg, from 1, on this route
    arrived: dict[int, dt.datetime] = field(default_factory=dict)
    customs: WayReport | None = None  # the last word of customs
    rows: list[WayReport] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        return self.customs is not None and self.customs.kind == K.CUSTOMS_HELD


def reported(shipment_id: UUID) -> Reported:
    """Return what the reports of a box amount to, in the order of their times."""
    rows = WayReport.unwalled.filter(shipment_id=shipment_id).select_related("organization")
    found = Reported(rows=list(rows.order_by("happened_at", "id")))
    for row in found.rows:
        if row.kind == K.ROUTE_CHANGED:
            found.route, found.departed, found.arrived = row.route, {}, {}
        elif row.kind in (K.CUSTOMS_HELD, K.CUSTOMS_CLEARED):
            found.customs = row
        elif row.leg is not None:
            (found.departed if row.kind == K.LEG_DEPARTED else found.arrived)[row.leg] = row.happened_at
    return found


def report(
    shipment: Shipment,
    kind: WayReportKind,
    at: dt.datetime,
    *,
    route: str = "",
    leg: int | None = None,
    reason: str = "",
) -> WayReport:
    """Record what happened to a box on its way; who reports it is the open event's.

    Raises WrongState ``box_state`` unless the courier has it, ``not_held`` for what customs clear without having held
    it, ``known_already`` for a leg's moment that is recorded; InvalidInput for a time out of order.
    """
    event = open_event()
    if shipment.state not in ON_THE_WAY:
        raise WrongState(
            f"Box {shipment.code} is {shipment.state_label.lower()}.",
            code="box_state",
            remedy="The way is reported between pick-up and delivery.",
        )
    if shipment.picked_up_at is not None and at < shipment.picked_up_at:
        text = "The time lies before the pick-up."
        raise InvalidInput(text, fields={"happened_at": [text]}, remedy="Check the time, and the time zone.")
    before = reported(shipment.pk)
    if kind in LEG_KINDS:
        _refuse_leg(before, kind, leg or 0, at)
    if kind == K.CUSTOMS_HELD and before.is_held or kind == K.ROUTE_CHANGED and before.route == route:
        raise WrongState(f"That is on the record already: {K(kind).label.lower()}.", code="known_already")
    if kind == K.CUSTOMS_CLEARED and before.customs is not None and not before.is_held:
        raise WrongState("Customs have cleared this box already.", code="known_already")
    row: WayReport = WayReport.objects.create(
        stream_id=shipment.stream_id,
        shipment=shipment,
        kind=kind,
        happened_at=at,
        route=route if kind == K.ROUTE_CHANGED else before.route,
        leg=leg if kind in LEG_KINDS else None,
        reason=reason,
        organization_id=event.actor.organization_id,
        person_id=event.actor.person_id,
    )
    return row


def _refuse_leg(before: Reported, kind: WayReportKind, leg: int, at: dt.datetime) -> None:
    known = before.departed if kind == K.LEG_DEPARTED else before.arrived
    if leg in known:
        raise WrongState(f"Leg {leg}: that is on the record already.", code="known_already")
    earlier: Sequence[dt.datetime] = [
        *(moment for number, moment in before.departed.items() if number <= leg),
        *(moment for number, moment in before.arrived.items() if number < leg),
    ]
    if earlier and at < max(earlier):
        text = "The time lies before what is recorded of the legs before."
        raise InvalidInput(text, fields={"happened_at": [text]}, remedy="Check the time, and the time zone.")
