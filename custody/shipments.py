"""Shippers: packed, sealed, picked up, delivered, opened. A broken seal is a finding, never a refusal (DESIGN 1.7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from custody import equipment, material, pieces, scans
from custody.codes import box_code
from custody.keys import Keyed, Named, key_of
from custody.models import BoxPhoto as BoxPhoto
from custody.models import Container, Equipment, SealCheck, Shipment, ShipmentItem
from custody.states import ContainerKind, ContainerState, Direction, SealStage, ShipmentState
from ledger import directory
from ledger.prepared import Prepared
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, WrongState
from personas.queries import Site

ALONG = (ContainerKind.SAMPLE, ContainerKind.INTERMEDIATE)  # what may travel with the material, and never has to
PACKABLE = frozenset({ContainerState.COLLECTED, ContainerState.ACCEPTED, ContainerState.STORED})


def pack(
    stream: Keyed,
    containers: Sequence[Container],
    direction: Direction | str,
    from_site: Named,
    to_site: Named,
    courier: Named,
    shipper_code: str,
    seal_code: str,
    logger_code: str,
    at: dt.datetime,
    *,
    lane_id: UUID | None = None,
    way: equipment.Way | None = None,
    late: bool = False,
    findings: list[MissingFact] | None = None,
) -> Shipment:
    """Close containers into a sealed shipper; gives the box a fresh outer code.

    Raises FactsMissing when a container may not travel (quarantine, state), shipper or logger may not go this ``way``
    (see ``equipment``) or are in another box (``pieces``), InvalidInput for missing codes. Recorded ``late``, what
    speaks against the two only goes to ``findings``.
    """
    codes = {"shipper_code": shipper_code.strip(), "seal_code": seal_code.strip(), "logger_code": logger_code.strip()}
    faults = {name: ["This field is needed."] for name in ("shipper_code", "seal_code") if not codes[name]}
    faults |= {name: ["At most 40 characters."] for name, code in codes.items() if len(code) > 40}
    if faults:
        raise InvalidInput(fields=faults)
    if not late:
        _require_packable(containers)
    way = way or equipment.Way()
    keepers = way.keepers | {key_of(courier)}
    chosen = equipment.choose(keepers, codes["shipper_code"], codes["logger_code"], at, way)
    if chosen.facts and not late:
        raise FactsMissing(chosen.facts[0].text, facts=chosen.facts)
    if findings is not None:
        findings += chosen.facts
    codes |= chosen.serials
    pieces.free_unpacked(key_of(stream), containers)

    def write(binds: bool) -> Shipment:
        row: Shipment = Shipment.objects.create(
            stream_id=key_of(stream),
            code=box_code(),
            direction=Direction(direction),
            lane_id=lane_id,
            from_site_id=key_of(from_site),
            to_site_id=key_of(to_site),
            courier_id=key_of(courier),
            packed_at=at,
            shipper=chosen.shipper,
            logger=chosen.logger,
            holds_until=chosen.shipper.holds_until if chosen.shipper else None,
            binds_pieces=binds,
            **codes,
        )
        return row

    noted = ([] if findings is None else findings) if late else None
    shipment = pieces.bind(write, (chosen.shipper, chosen.logger), noted)
    ShipmentItem.objects.bulk_create(
        [ShipmentItem(stream_id=shipment.stream_id, shipment=shipment, container=container) for container in containers]
    )
    return shipment


def pick_up(shipment: Shipment, scanned_outer: str, seal_seen: str, at: dt.datetime, person_id: UUID | None) -> str:
    """The courier takes the box. Returns the finding about the seal, "" if it fits; raises Mismatch for another box.

    What is in it is in transit with ``custody_periods.hand_over``, by which custody passes.
    """
    _advance(shipment, scanned_outer, ShipmentState.PACKED, ShipmentState.PICKED_UP, picked_up_at=at)
    return check_seal(shipment, SealStage.PICK_UP, seal_seen, at, person_id)


def deliver(shipment: Shipment, scanned_outer: str, seal_seen: str, at: dt.datetime, person_id: UUID | None) -> str:
    """The box is at its destination, still closed; the containers are received one by one. Returns the finding."""
    _advance(shipment, scanned_outer, ShipmentState.PICKED_UP, ShipmentState.DELIVERED, delivered_at=at)
    return check_seal(shipment, SealStage.DELIVERY, seal_seen, at, person_id)


def pick_up_late(
    shipment: Shipment, scanned_outer: str, seal_seen: str, at: dt.datetime, person_id: UUID | None
) -> str:
    """Record a pick-up that happened, even if the box has been delivered meanwhile. Returns the finding."""
    later = shipment.delivered_at is not None
    state = ShipmentState(shipment.state) if later else ShipmentState.PICKED_UP
    _note_late(shipment, scanned_outer, state, "picked_up_at", at)
    return check_seal(shipment, SealStage.PICK_UP, seal_seen, at, person_id)


def deliver_late(
    shipment: Shipment, scanned_outer: str, seal_seen: str, at: dt.datetime, person_id: UUID | None
) -> str:
    """Record a delivery that happened, even if nobody recorded the pick-up. Returns the finding."""
    _note_late(shipment, scanned_outer, ShipmentState.DELIVERED, "delivered_at", at)
    return check_seal(shipment, SealStage.DELIVERY, seal_seen, at, person_id)


def open_boxes(containers: Iterable[Container], at: dt.datetime) -> None:
    """Note that the delivered boxes of these containers are open: whoever takes a bag out has opened its box."""
    items = ShipmentItem.unwalled.filter(container__in=list(containers)).values("shipment")
    closed = Shipment.unwalled.filter(pk__in=items, delivered_at__isnull=False, opened_at__isnull=True)
    for shipment in closed.select_for_update().order_by("pk"):
        shipment.state, shipment.opened_at = ShipmentState.OPENED, max(at, shipment.delivered_at or at)
        shipment.binds_pieces = False
        shipment.save(update_fields=["state", "opened_at", "binds_pieces"])


def box_of(containers: Iterable[Container]) -> Shipment | None:
    """Return the newest delivered box in which any of these containers came; None if none is on the record."""
    items = ShipmentItem.unwalled.filter(container__in=list(containers)).values("shipment")
    found = Shipment.unwalled.filter(pk__in=items, delivered_at__isnull=False).select_related("from_site", "to_site")
    return found.order_by("-packed_at", "-id").first()


def check_seal(shipment: Shipment, stage: SealStage, seal_seen: str, at: dt.datetime, person_id: UUID | None) -> str:
    """Record the seal that was seen, fitting or not; return the finding in words, "" if it fits."""
    seen = seal_seen.strip()
    fits = seen.upper() == shipment.seal_code.upper()
    SealCheck.objects.create(
        stream_id=shipment.stream_id,
        shipment=shipment,
        stage=stage,
        seal_seen=seen[:40],
        matches=fits,
        seen_at=at,
        person_id=person_id,
    )
    if fits:
        return ""
    return f"Seal {seen[:40] or 'missing'} was seen on {shipment.code}; it was closed with {shipment.seal_code}."


def current(stream_id: UUID, direction: Direction | str, state: ShipmentState | str | None = None) -> Shipment | None:
    """Return the order's newest box in a direction (and state), with its sites; None if there is none."""
    boxes = _boxes(stream_id=stream_id, direction=str(direction))
    return _with_places(next((box for box in boxes if state in (None, box.state)), None))


def awaiting(stream_id: UUID, direction: Direction | str, moment: str) -> Shipment | None:
    """Return the newest box whose ``moment`` (``picked_up_at``, ``delivered_at``) nobody recorded; None if none."""
    boxes = _boxes(stream_id=stream_id, direction=str(direction))
    return _with_places(next((box for box in boxes if getattr(box, moment) is None), None))


@Prepared
def _boxes(stream_id: UUID, direction: str) -> QuerySet[Shipment]:
    return Shipment.unwalled.filter(stream_id=stream_id, direction=direction).order_by("-packed_at", "-id")


def _with_places(box: Shipment | None) -> Shipment | None:
    """Fill in a box's sites and its shipper; a shipper that the reader's registers do not know is None.

    A box between sites that the reader does not know is none, as with every other list of boxes.
    """
    sites = directory.rows(Site, [box.from_site_id, box.to_site_id]) if box else {}
    if box is None or not {box.from_site_id, box.to_site_id} <= sites.keys():
        return None
    shipper = next(iter(_shipper(shipper_id=box.shipper_id)), None) if box.shipper_id else None
    box._state.fields_cache.update(from_site=sites[box.from_site_id], to_site=sites[box.to_site_id], shipper=shipper)
    return box


@Prepared
def _shipper(shipper_id: UUID) -> QuerySet[Equipment]:
    return Equipment.unwalled.filter(pk=shipper_id)


def underway(stream_id: UUID) -> set[UUID]:
    """Return the containers that lie in a box which has not been delivered."""
    items = ShipmentItem.unwalled.filter(stream_id=stream_id, shipment__delivered_at__isnull=True)
    return set(items.values_list("container_id", flat=True))


def arrived_along(stream_id: UUID, direction: Direction | str) -> list[Container]:
    """Return the samples and intermediates that lie in a delivered box of a direction, and were not taken out yet."""
    items = ShipmentItem.unwalled.filter(
        stream_id=stream_id, shipment__direction=direction, shipment__delivered_at__isnull=False
    ).values("container")
    found = Container.unwalled.filter(pk__in=items, kind__in=ALONG, state=ContainerState.IN_TRANSIT)
    return list(found.order_by("kind", "position"))


def photos_of(shipment: Shipment) -> list[BoxPhoto]:
    """Return the photos of a box without their content, oldest first."""
    rows = BoxPhoto.unwalled.filter(shipment=shipment).defer("content").select_related("organization")
    return list(rows.order_by("taken_at", "pk"))


def containers_in(shipment: Shipment) -> list[Container]:
    """Return what is in the box."""
    return _contents(shipment_id=shipment.pk)


@Prepared
def _contents(shipment_id: UUID) -> QuerySet[Container]:
    return Container.unwalled.filter(shipment_items__shipment_id=shipment_id).order_by("kind", "position")


def _require_packable(containers: Sequence[Container]) -> None:
    if not containers:
        raise InvalidInput(fields={"bags": ["Scan what goes into the box."]})
    facts = material.quarantine_facts(containers)
    facts += [
        MissingFact("not_ready_to_travel", f"{c.code} is {c.state_label.lower()}.", "Pack only what may travel.")
        for c in containers
        if not c.is_quarantined and c.state not in PACKABLE
    ]
    if facts:
        raise FactsMissing(facts[0].text, facts=facts)


def _advance(
    shipment: Shipment, scanned_outer: str, needed: ShipmentState, wanted: ShipmentState, **times: Any
) -> None:
    scans.expect_outer(shipment, scanned_outer)
    if shipment.state == needed:
        _require_order_of_times(shipment, times)
    if shipment.state != needed or not shipment.change_if({"state": needed}, state=wanted, **times):
        shipment.refresh_from_db(fields=["state"])
        raise WrongState(
            f"Box {shipment.code} is {ShipmentState(shipment.state).label.lower()}.",
            code="box_state",
            remedy="Reload to see where the box is.",
        )


def _note_late(shipment: Shipment, scanned_outer: str, state: ShipmentState, moment: str, at: dt.datetime) -> None:
    """Set a time of the box's way between those that are known; what it carries has travelled, unless it arrived."""
    scans.expect_outer(shipment, scanned_outer)
    carriers = {shipment.from_site.organization_id, shipment.courier_id}
    shipment.refresh_from_db(from_queryset=Shipment.unwalled.select_for_update(of=("self",)))
    if getattr(shipment, moment) is not None:
        raise WrongState(f"Box {shipment.code} is {shipment.state_label.lower()}.", code="box_state")
    before = [shipment.packed_at] + ([shipment.picked_up_at] if shipment.picked_up_at else [])
    after = [shipment.delivered_at] if shipment.delivered_at else []
    if at < max(before) or any(at > known for known in after):
        raise _out_of_order()
    for container in containers_in(shipment):
        if container.custodian_id in carriers and not container.is_terminal:
            material.happened(container, ContainerState.IN_TRANSIT)
    shipment.state = state
    setattr(shipment, moment, at)
    shipment.save(update_fields=["state", moment])


def _out_of_order() -> InvalidInput:
    return InvalidInput(
        "That does not fit the box's other hand-overs.",
        fields={"at": ["The time lies before the previous hand-over of this box, or after the next one."]},
        remedy="Check the time, and the time zone of the site.",
    )


def _require_order_of_times(shipment: Shipment, times: dict[str, dt.datetime]) -> None:
    earlier = [t for t in (shipment.packed_at, shipment.picked_up_at, shipment.delivered_at) if t is not None]
    if any(moment < max(earlier) for moment in times.values()):
        raise InvalidInput(
            "That is before the box's previous hand-over.",
            fields={"at": ["The time lies before the previous hand-over of this box."]},
            remedy="Check the time, and the time zone of the site.",
        )
