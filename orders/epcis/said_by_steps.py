"""What each kind of step says in EPCIS (DOMAIN 7). Custody changes exactly where the possessing party does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orders.epcis.declarations import Happening, Said, an_object, excuse, says
from orders.epcis.identifiers import BATCH, BOX, CERTIFICATE, CONTAINER, UNIT, uri
from orders.epcis.vocabulary import ADD, AGGREGATION, DELETE, OBSERVE, PREFIX, TRANSFORMATION

Things = tuple[tuple[str, str], ...]
LABELLED = an_object(OBSERVE, "encoding", "encoded")
CHECKED = an_object(OBSERVE, "inspecting", "conformant")
BORN = an_object(ADD, "commissioning", "active")
CLOSED = an_object(ADD, "packing", "container_closed")
PACKED = (AGGREGATION, ADD, "packing", "container_closed")
UNPACKED = (AGGREGATION, DELETE, "unpacking", "container_open")
LEFT = an_object(OBSERVE, "shipping", "in_transit")
ARRIVED = an_object(OBSERVE, "receiving", "in_progress")
ARRIVED_DAMAGED = an_object(OBSERVE, "receiving", "damaged")
LEFT_DAMAGED = an_object(OBSERVE, "shipping", "damaged")
ACCEPTED = an_object(OBSERVE, "accepting", "completeness_verified")
HELD = an_object(OBSERVE, "holding", "unavailable")
REFUSED = an_object(OBSERVE, "inspecting", "non_conformant")
IN_PROCESS = (TRANSFORMATION, "", "commissioning", "in_progress")
LOST = an_object(DELETE, "decommissioning", "inactive")
RELEASED = an_object(OBSERVE, "inspecting", "available")
STORED = an_object(OBSERVE, "storing", "in_progress")
RESERVED = an_object(OBSERVE, "reserving", "reserved")
ISSUED = an_object(OBSERVE, "picking", "reserved")
THAWED = an_object(OBSERVE, "other", "in_progress")
GIVEN = an_object(DELETE, "dispensing", "dispensed")
GIVEN_IN_PART = an_object(DELETE, "dispensing", "partially_dispensed")
DESTROYED = an_object(DELETE, "destroying", "destroyed")
EXPIRED = an_object(OBSERVE, "holding", "expired")


def bags(codes: Iterable[str]) -> Things:
    return tuple((CONTAINER, str(code)) for code in codes)


def own(**facts: Any) -> dict[str, Any]:
    """Return facts as extensions in the house's namespace; what is empty is left out."""
    return {f"{PREFIX}:{name}": value for name, value in facts.items() if value not in (None, "", [], {})}


def origin(happening: Happening, codes: Iterable[str] = ()) -> dict[str, Any]:
    """The master data of material: the chain of identity it belongs to, and donation numbers. Never a patient's."""
    donations = sorted({happening.around.donations[code] for code in codes if code in happening.around.donations})
    return own(chainOfIdentity=happening.around.identity, donationNumber=donations)


@says("print_labels", LABELLED)
def labels_printed(happening: Happening) -> Iterator[Said]:
    serials = happening.facts.get("serials") or ()
    yield Said(
        LABELLED, bags(sorted({str(serial).rpartition("/")[0] for serial in serials})), extensions=own(label=serials)
    )


@says("apply_labels", CHECKED)
@says("label_product", CHECKED)
@says("check_bedside", CHECKED)
def checked(happening: Happening) -> Iterator[Said]:
    yield Said(CHECKED, bags(happening.facts.get("bags") or ()))


@says("collect", BORN)
def collected(happening: Happening) -> Iterator[Said]:
    codes = happening.facts.get("bags") or ()
    yield Said(
        BORN,
        bags(codes),
        ilmd=origin(happening, codes),
        extensions=own(started=happening.facts.get("started_at"), volume=_volumes(happening)),
    )


def _volumes(happening: Happening) -> list[dict[str, str]]:
    """Volumes in milliliters, one entry per bag."""
    volumes: Mapping[str, Any] = happening.facts.get("volumes_ml") or {}
    return [own(bag=uri(CONTAINER, code), milliliters=str(volume)) for code, volume in sorted(volumes.items())]


@says("pack", CLOSED, PACKED, outer=True)
def packed(happening: Happening) -> Iterator[Said]:
    box = happening.box()
    if box is None:
        return
    carried = own(seal=happening.facts.get("seal"), shipper=box.shipper, logger=happening.facts.get("logger"))
    here: dict[str, Any] = {"site": box.from_site, "zone": box.from_zone}
    yield Said(CLOSED, ((BOX, box.code),), extensions=carried, outer=True, **here)
    yield Said(PACKED, bags(box.bags), parent=(BOX, box.code), **here)


@says("hand_over", LEFT, LEFT_DAMAGED, ARRIVED, ARRIVED_DAMAGED, outer=True)
def handed_over(happening: Happening) -> Iterator[Said]:
    box = happening.box()
    if box is None:
        return
    damaged = happening.facts.get("condition") == "damaged"
    taken = own(seal=happening.facts.get("seal"))
    bill = (("bol", BOX, box.code),)
    if happening.facts.get("moment") == "pickup":
        shape, ends = LEFT_DAMAGED if damaged else LEFT, (box.sender, box.courier)
        site, zone = box.from_site, box.from_zone
    else:
        shape, ends = ARRIVED_DAMAGED if damaged else ARRIVED, (box.courier, box.receiver)
        site, zone = box.to_site, box.to_zone
    yield Said(
        shape,
        ((BOX, box.code),),
        site=site,
        zone=zone,
        transactions=bill,
        given_by=ends[0],
        taken_by=ends[1],
        extensions=taken,
        outer=True,
    )


@says("receive_material", UNPACKED, ACCEPTED, HELD)
def material_received(happening: Happening) -> Iterator[Said]:
    codes, held = happening.facts.get("bags") or (), set(happening.facts.get("quarantined") or ())
    yield from _unpacked(happening, codes)
    yield from _received(happening, ACCEPTED, [code for code in codes if code not in held])
    yield from _received(happening, HELD, [code for code in codes if code in held])


@says("receive_product", UNPACKED, ACCEPTED, HELD, REFUSED)
def product_received(happening: Happening) -> Iterator[Said]:
    decided: Mapping[str, str] = happening.facts.get("bags") or {}
    yield from _unpacked(happening, sorted(decided))
    for decision, shape in (("accept", ACCEPTED), ("quarantine", HELD), ("reject", REFUSED)):
        yield from _received(happening, shape, sorted(code for code, word in decided.items() if word == decision))


def _unpacked(happening: Happening, codes: Iterable[str]) -> Iterator[Said]:
    box = happening.around.box_with(set(codes))
    if box is not None:
        yield Said(UNPACKED, bags(codes), parent=(BOX, box.code))


def _received(happening: Happening, shape: Any, codes: list[str]) -> Iterator[Said]:
    if codes:
        yield Said(shape, bags(codes), sensors=_temperature(happening))


def _temperature(happening: Happening) -> tuple[Mapping[str, Any], ...]:
    """The temperature at opening, in degrees Celsius."""
    seen = happening.facts.get("temperature_c")
    if seen is None:
        return ()
    return ({"sensorReport": [{"type": "Temperature", "value": float(seen), "uom": "CEL"}]},)


@says("start_manufacture", IN_PROCESS)
def manufacture_started(happening: Happening) -> Iterator[Said]:
    yield Said(
        IN_PROCESS,
        bags(happening.facts.get("bags") or ()),
        transformation=str(happening.facts.get("batch", "")),
        transactions=_production_order(happening),
        extensions=own(
            batchRecord=happening.facts.get("record_reference"), materials=list(happening.facts.get("materials") or ())
        ),
    )


@says("finish_manufacture", IN_PROCESS, LOST)
def manufacture_finished(happening: Happening) -> Iterator[Said]:
    codes, batch = happening.facts.get("bags") or (), str(happening.facts.get("batch", ""))
    if happening.failed:
        yield Said(LOST, bags(codes), transactions=_production_order(happening))
        return
    yield Said(
        IN_PROCESS,
        made=bags(codes),
        transformation=batch,
        transactions=_production_order(happening),
        ilmd={**origin(happening), **own(lot=batch)},
        extensions=own(volume=_volumes(happening)),
    )


def _production_order(happening: Happening) -> tuple[tuple[str, str, str], ...]:
    batch = happening.facts.get("batch")
    return (("prodorder", BATCH, str(batch)),) if batch else ()


@says("release_batch", RELEASED, REFUSED)
def batch_decided(happening: Happening) -> Iterator[Said]:
    batch = str(happening.facts.get("batch", ""))
    certificate = happening.facts.get("certificate")
    papers = (("cert", CERTIFICATE, str(certificate)),) if certificate else ()
    yield Said(
        REFUSED if happening.failed else RELEASED,
        bags(happening.around.lots.get(batch, ())),
        transactions=(*_production_order(happening), *papers),
    )


@says("release_reserve", RELEASED, REFUSED)
def reserve_decided(happening: Happening) -> Iterator[Said]:
    yield Said(REFUSED if happening.failed else RELEASED, bags(happening.facts.get("bags") or ()))


@says("store_product", STORED)
def stored(happening: Happening) -> Iterator[Said]:
    yield Said(STORED, bags(happening.facts.get("bags") or ()))


@says("allocate_stock", RESERVED)
def allocated(happening: Happening) -> Iterator[Said]:
    lot, serial = str(happening.facts.get("lot", "")), str(happening.facts.get("serial", ""))
    kit = bags([happening.facts["container"]]) if happening.facts.get("container") else ()
    yield Said(RESERVED, ((UNIT, f"{lot}/{serial}"), *kit), extensions=own(lot=lot, serial=serial))


@says("issue_product", ISSUED)
def issued(happening: Happening) -> Iterator[Said]:
    yield Said(ISSUED, bags(happening.facts.get("bags") or ()))


@says("prepare_product", THAWED)
def prepared(happening: Happening) -> Iterator[Said]:
    used_by = own(useBefore=happening.facts.get("use_before"))
    yield Said(THAWED, bags(happening.facts.get("bags") or ()), extensions=used_by)


@says("infuse", GIVEN, GIVEN_IN_PART, DESTROYED, EXPIRED)
def infused(happening: Happening) -> Iterator[Said]:
    shapes = {"infused": GIVEN, "partial": GIVEN_IN_PART, "destroyed": DESTROYED, "expired": EXPIRED}
    shape = shapes.get(str(happening.facts.get("result")))
    if shape is not None:
        taken = own(started=happening.facts.get("started_at"), milliliters=str(happening.facts.get("volume_ml", "")))
        yield Said(shape, bags([happening.facts["bag"]]), extensions=taken)


excuse(
    "A decision about the patient; no material is touched, and nothing of it leaves the clinic.",
    "record_consent",
    "record_eligibility",
    "prescribe",
    "decide_readiness",
    "identify_patient",
)
excuse("An identifier becomes active: the record's matter, no material carries it yet.", "enrol", "activate_identity")
excuse(
    "Capacity is agreed; nothing has moved.",
    "hold_slot_chain",
    "request_slots",
    "confirm_slots",
    "accept_job",
    "confirm_reserve",
)
excuse("An empty kit is checked; it holds no material and has no registered code.", "check_kit")
excuse("Its bags begin to exist when the collection ends (collect).", "start_collection")
excuse("Papers and samples of the laboratory; the batch's own bags stay where they are.", "record_qc", "review_batch")
excuse("The record is closed; the labels' ends are in the dossier.", "close_order")
