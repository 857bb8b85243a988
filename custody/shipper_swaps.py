"""A box moves into another shipper on its way: what it is called, who has it and what is inside stay the same (CC3).

The box keeps its outer code, its containers and its chain of custody. Shipper, seal and logger are new ones; what it
travelled in before stays on the record, and so do the readings of the logger that came with that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from custody import equipment, pieces, returns, scans, shipments
from custody.models import Container, CustodyPeriod, Shipment, ShipperSwap
from custody.states import SealStage, ShipmentState
from ledger.refusals import FactsMissing, InvalidInput, WrongState

ON_THE_WAY = (ShipmentState.PACKED, ShipmentState.PICKED_UP, ShipmentState.IN_TRANSIT)


@dataclass(frozen=True)
class Replacement:
    """What a box is moved into: numbers as they stand on shipper, seal and logger; where, why, and how many units."""

    shipper_code: str
    seal_code: str
    logger_code: str
    units: int
    place: str
    reason: str


@dataclass(frozen=True)
class Carried:
    """What a box travelled in, from–to; ``until`` is None while it does. ``swap``: what ended it."""

    shipper_code: str
    seal_code: str
    logger_code: str
    logger_id: UUID | None
    since: dt.datetime
    until: dt.datetime | None = None
    swap: ShipperSwap | None = None


@dataclass
class Swapped:
    """A change of shipper, and what it found: in words, for a deviation."""

    row: ShipperSwap
    findings: list[str] = field(default_factory=list)


def swap(
    shipment: Shipment,
    scanned_outer: str,
    seal_seen: str,
    new: Replacement,
    at: dt.datetime,
    way: equipment.Way,
    organization_id: UUID,
    person_id: UUID | None,
    *,
    late: bool = False,
) -> Swapped:
    """Record that a box was moved into another shipper with its logger, under a new seal.

    Raises Mismatch for another box, WrongState ``box_state`` where it is not on its way (recorded ``late``: where it
    was opened before ``at``), InvalidInput for numbers that are those of now, another number of units or a time out of
    order, FactsMissing when a register speaks against shipper or logger for the ``way`` that is left. Recorded
    ``late``, what speaks against the two only becomes a finding.
    """
    scans.expect_outer(shipment, scanned_outer)
    _lock(shipment)
    before = carried(shipment)
    _require_on_the_way(shipment, before, at, late=late)
    _refuse_same(shipment, new, len(shipments.containers_in(shipment)))
    keepers = way.keepers | {shipment.courier_id}
    chosen = equipment.choose(keepers, new.shipper_code, new.logger_code, at, way)
    if chosen.facts and not late:
        raise FactsMissing(chosen.facts[0].text, facts=chosen.facts)
    finding = shipments.check_seal(shipment, SealStage.SWAP, seal_seen, at, person_id)
    row: ShipperSwap = ShipperSwap.objects.create(
        stream_id=shipment.stream_id,
        shipment=shipment,
        organization_id=organization_id,
        person_id=person_id,
        swapped_at=at,
        place=new.place,
        reason=new.reason,
        units=new.units,
        was_shipper_code=shipment.shipper_code,
        was_seal_code=shipment.seal_code,
        was_logger_code=shipment.logger_code,
        was_shipper_id=shipment.shipper_id,
        was_logger_id=shipment.logger_id,
        seal_code=new.seal_code,
        shipper=chosen.shipper,
        logger=chosen.logger,
        **{"shipper_code": new.shipper_code, "logger_code": new.logger_code, **chosen.serials},
    )
    if shipment.shipper_id:
        returns.expect_back(shipment.shipper_id, shipment.code, (organization_id, None), shipment.courier_id, at)
    noted = chosen.facts if late else None
    pieces.bind(lambda binds: _move(shipment, row, chosen, binds), (chosen.shipper, chosen.logger), noted)
    return Swapped(row, [finding] * bool(finding) + [fact.text for fact in chosen.facts])


def carried(shipment: Shipment) -> list[Carried]:
    """Return what a box travelled in, oldest first; the last is what it is in now."""
    found, since = [], shipment.packed_at
    for row in _swaps(shipment):
        found.append(
            Carried(
                row.was_shipper_code,
                row.was_seal_code,
                row.was_logger_code,
                row.was_logger_id,
                since,
                row.swapped_at,
                row,
            )
        )
        since = row.swapped_at
    now = (shipment.shipper_code, shipment.seal_code, shipment.logger_code, shipment.logger_id)
    return [*found, Carried(*now, since)]


def packed_in(shipment: Shipment) -> str:
    """Return the number of the shipper that a box was packed in, whatever it travels in now."""
    return carried(shipment)[0].shipper_code


def holder(containers: Iterable[Container], at: dt.datetime) -> UUID | None:
    """Return the one organization that had custody of all containers at a time; None without one."""
    wanted = {container.pk for container in containers}
    periods = CustodyPeriod.unwalled.filter(container_id__in=wanted, since__lte=at).order_by("since", "id")
    had = {row.container_id: row.organization_id for row in periods if row.until is None or row.until > at}
    return next(iter(had.values())) if set(had) == wanted and len(set(had.values())) == 1 else None


def _swaps(shipment: Shipment) -> Collection[ShipperSwap]:
    kept = getattr(shipment, "_prefetched_objects_cache", {}).get("swaps")
    return kept if kept is not None else list(ShipperSwap.unwalled.filter(shipment=shipment))


def _lock(shipment: Shipment) -> None:
    shipment.refresh_from_db(from_queryset=Shipment.unwalled.select_for_update(of=("self",)))


def _require_on_the_way(shipment: Shipment, before: list[Carried], at: dt.datetime, *, late: bool) -> None:
    ended = shipment.opened_at or shipment.delivered_at
    if shipment.state not in ON_THE_WAY and not (late and ended is not None and at < ended):
        raise WrongState(
            f"Box {shipment.code} is {shipment.state_label.lower()}.",
            code="box_state",
            remedy="A shipper is changed between packing and delivery. What happened before the delivery can be "
            "recorded as having happened already, with its time.",
        )
    if at < before[-1].since:
        text = "The time lies before the box was closed into the shipper that it is in now."
        raise InvalidInput(text, fields={"swapped_at": [text]}, remedy="Check the time, and the time zone.")


def _refuse_same(shipment: Shipment, new: Replacement, units: int) -> None:
    faults: dict[str, list[str]] = {}
    if new.shipper_code.upper() == shipment.shipper_code.upper():
        faults["shipper_code"] = [f"Box {shipment.code} is in that shipper already. Enter the other one's number."]
    if new.seal_code.upper() == shipment.seal_code.upper():
        faults["seal_code"] = ["That is the seal that was cut. Close the other shipper with a new one."]
    if new.units != units:
        words = f"{units} unit{'s' if units != 1 else ''}"
        faults["units"] = [
            f"The box was closed with {words}; {new.units} were counted. Look for the rest, count again."
        ]
    if faults:
        raise InvalidInput(fields=faults)


def _move(shipment: Shipment, row: ShipperSwap, chosen: equipment.Chosen, binds: bool) -> None:
    shipment.shipper_code, shipment.seal_code, shipment.logger_code = row.shipper_code, row.seal_code, row.logger_code
    shipment.shipper, shipment.logger = chosen.shipper, chosen.logger
    shipment.holds_until = chosen.shipper.holds_until if chosen.shipper else None
    shipment.binds_pieces = binds and shipment.opened_at is None
    names = ("shipper_code", "seal_code", "logger_code", "shipper", "logger", "holds_until", "binds_pieces")
    shipment.save(update_fields=names)
