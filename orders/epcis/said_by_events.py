"""What events other than steps say in EPCIS, and why the rest says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orders.epcis.declarations import Happening, Said, an_object, excuse, says
from orders.epcis.identifiers import BATCH, BOX, CERTIFICATE, CONTAINER, UNIT
from orders.epcis.said_by_steps import BORN, CHECKED, DESTROYED, HELD, REFUSED, RELEASED, STORED, bags, own
from orders.epcis.vocabulary import ADD, AGGREGATION, DELETE, OBSERVE, TRANSFORMATION

FOREIGN = an_object(OBSERVE, "inspecting", "mismatch_instance")
AGREED = an_object(OBSERVE, "inspecting", "conformant")
LATER = an_object(OBSERVE, "transporting", "in_transit")
NOT_TAKEN = an_object(OBSERVE, "void_shipping", "container_closed")
UNSEALED = (AGGREGATION, DELETE, "repackaging", "container_open")
RESEALED = (AGGREGATION, ADD, "repackaging", "container_closed")
CUSTOMS_HOLD = an_object(OBSERVE, "holding", "unavailable")
SWAPPED = an_object(OBSERVE, "repackaging", "in_transit")
MEASURED = an_object(OBSERVE, "sensor_reporting", "in_transit")
MISSING = an_object(OBSERVE, "stock_taking", "unknown")
RETURNED = an_object(OBSERVE, "holding", "returned")
RECALLED = an_object(OBSERVE, "holding", "recalled")


def _named(text: object) -> list[str]:
    """Codes as an event lists them in words; "none" for none."""
    codes = [code.strip() for code in str(text or "").split(",")]
    return sorted(code for code in codes if code and code != "none")


@says("custody.identity_mismatch", FOREIGN, HELD)
def mismatched(happening: Happening) -> Iterator[Said]:
    codes = _named(happening.payload.get("containers"))
    yield Said(FOREIGN, bags(codes))
    if codes:
        yield Said(HELD, bags(codes))


@says("custody.query_lifted", AGREED)
def cleared(happening: Happening) -> Iterator[Said]:
    yield Said(AGREED, bags(_named(happening.payload.get("containers"))))


@says("custody.stock_added", BORN)
def stocked(happening: Happening) -> Iterator[Said]:
    unit = str(happening.payload.get("unit", ""))
    lot, _, serial = unit.partition("/")
    yield Said(BORN, ((UNIT, unit),), ilmd=own(lot=lot, serial=serial, expires=happening.payload.get("expires_at")))


@says("orders.quarantine_decided", RELEASED, REFUSED)
def quarantine_decided(happening: Happening) -> Iterator[Said]:
    shapes = {"release": RELEASED, "reject": REFUSED}
    shape = shapes.get(str(happening.payload.get("decision")))
    if shape is not None:
        yield Said(shape, ((CONTAINER, str(happening.payload.get("container"))),))


@says("orders.material_destroyed", DESTROYED)
def destroyed(happening: Happening) -> Iterator[Said]:
    yield Said(DESTROYED, ((CONTAINER, str(happening.payload.get("container"))),))


@says("orders.store_breached", HELD)
def held_in_store(happening: Happening) -> Iterator[Said]:
    codes = _named(happening.payload.get("held"))
    if codes and happening.payload.get("deviation"):  # an order's own part
        yield Said(HELD, bags(codes))


@says("orders.material_returned", RETURNED)
def returned(happening: Happening) -> Iterator[Said]:
    """Back in the own store; what goes back to the manufacturer is shipped."""
    told = happening.payload
    place = own(place=told.get("place"), condition=told.get("condition"))
    yield Said(RETURNED, ((CONTAINER, str(told.get("container"))),), extensions=place)


@says("orders.material_lost", MISSING)
def missed(happening: Happening) -> Iterator[Said]:
    yield Said(MISSING, ((CONTAINER, str(happening.payload.get("container"))),))


@says("orders.material_put_aside", HELD)
def put_aside(happening: Happening) -> Iterator[Said]:
    yield Said(HELD, ((CONTAINER, str(happening.payload.get("container"))),))


@says("orders.material_found", HELD)
def found_again(happening: Happening) -> Iterator[Said]:
    yield Said(HELD, ((CONTAINER, str(happening.payload.get("container"))),))


CONVERSIONS = {
    "processed": (TRANSFORMATION, "", "commissioning", "in_progress"),
    "split": (TRANSFORMATION, "", "commissioning", "in_progress"),
    "pooled": (TRANSFORMATION, "", "commissioning", "in_progress"),
    "sampled": an_object(ADD, "sampling", "in_progress"),
    "replaced": (TRANSFORMATION, "", "replacing", "in_progress"),
    "repacked": (TRANSFORMATION, "", "repackaging", "in_progress"),
}


@says("orders.material_converted", *dict.fromkeys(CONVERSIONS.values()))
def converted(happening: Happening) -> Iterator[Said]:
    """What was made of what; a drawn sample is a thing of its own, what it was drawn from goes on as it was."""
    told = happening.payload
    shape = CONVERSIONS.get(str(told.get("conversion")))
    if shape is None:
        return
    used, made = bags(_named(told.get("used"))), bags(_named(told.get("made")))
    of = own(conversion=told.get("conversion"), madeOf=", ".join(code for _, code in used))
    yield Said(shape, used, made=made) if shape[0] == TRANSFORMATION else Said(shape, made, ilmd=of)


@says("orders.material_moved", STORED)
def moved(happening: Happening) -> Iterator[Said]:
    place = own(place=happening.payload.get("after"))
    yield Said(STORED, ((CONTAINER, str(happening.payload.get("container"))),), extensions=place)


@says("orders.readings_recorded", MEASURED, outer=True)
def measured(happening: Happening) -> Iterator[Said]:
    found = happening.payload
    report: dict[str, Any] = {"type": "Temperature", "uom": "CEL"}
    report |= {name: float(found[key]) for name, key in (("minValue", "lowest"), ("maxValue", "highest")) if found[key]}
    if "minValue" in report:
        yield Said(MEASURED, ((BOX, str(found["box"])),), sensors=({"sensorReport": [report]},), outer=True)


excuse(
    "What was recorded before amounts to this: the sensor reports themselves stand with the readings.",
    "orders.condition_in_range",
)


@says("orders.excursion_found", HELD)
def excursion_found(happening: Happening) -> Iterator[Said]:
    """The sensor reports stand with the readings; what lay in the box is held until quality decides."""
    box = happening.box()
    if box is not None and box.bags:
        yield Said(HELD, bags(box.bags))


def _on_the_way(happening: Happening, shape: tuple[str, str, str, str]) -> Iterator[Said]:
    told, box = happening.payload, str(happening.payload.get("box") or "")
    facts = {name: told.get(name) for name in ("report", "route", "leg")}
    yield Said(shape, ((BOX, box),), extensions=own(**facts, expected=told.get("expected_at")), outer=True)


@says("orders.customs_held", CUSTOMS_HOLD, outer=True)
def customs_held(happening: Happening) -> Iterator[Said]:
    yield from _on_the_way(happening, CUSTOMS_HOLD)


@says("orders.customs_cleared", LATER, outer=True)
@says("orders.route_changed", LATER, outer=True)
@says("orders.leg_reported", LATER, outer=True)
@says("orders.leg_late", LATER, outer=True)
def moves_on(happening: Happening) -> Iterator[Said]:
    """Which leg, by which route, is said by the extensions."""
    yield from _on_the_way(happening, LATER)


@says("orders.box_refused", REFUSED, outer=True)
def box_refused(happening: Happening) -> Iterator[Said]:
    """Nobody took it: no possessing party changes."""
    told = happening.payload
    yield Said(REFUSED, ((BOX, str(told.get("box"))),), extensions=own(refusal=told.get("refusal")), outer=True)


@says("orders.shipper_swapped", SWAPPED, UNSEALED, RESEALED, outer=True)
def shipper_swapped(happening: Happening) -> Iterator[Said]:
    """Out of one shipper, into another: the box keeps its code, so its parent is the same; the extensions name both."""
    told, box = happening.payload, happening.box()
    if box is None:
        return
    was = own(shipper=told.get("was_shipper"), seal=told.get("was_seal"), logger=told.get("was_logger"))
    now = own(shipper=told.get("shipper"), seal=told.get("seal"), logger=told.get("logger"))
    both = now | own(replaces=told.get("was_shipper"), place=told.get("place"))
    yield Said(SWAPPED, ((BOX, box.code),), extensions=both, outer=True)
    yield Said(UNSEALED, bags(box.bags), parent=(BOX, box.code), extensions=was)
    yield Said(RESEALED, bags(box.bags), parent=(BOX, box.code), extensions=now)


@says("orders.pickup_failed", NOT_TAKEN, outer=True)
def not_taken(happening: Happening) -> Iterator[Said]:
    box = happening.payload.get("box")
    things = ((BOX, str(box)),) if box else ()
    yield Said(NOT_TAKEN, things, extensions=own(failure=happening.payload.get("failure")), outer=True)


@says("orders.delayed", LATER, outer=True)
def delayed(happening: Happening) -> Iterator[Said]:
    box = happening.payload.get("box")
    expected = own(expected=happening.payload.get("expected_at"), planned=happening.payload.get("planned_at"))
    yield Said(LATER, ((BOX, str(box)),) if box else (), extensions=expected, outer=True)


@says("quality.release_revoked", RELEASED, RECALLED)
def revoked(happening: Happening) -> Iterator[Said]:
    """The recall, and the release once more as declared wrong: same event, same id, with what corrects it."""
    batch = str(happening.payload.get("batch", ""))
    made = bags(happening.around.lots.get(batch, ()))
    order = (("prodorder", BATCH, batch),)
    yield Said(RECALLED, made, transactions=order)
    release = happening.around.releases.get(str(happening.payload.get("certificate", "")))
    if release is not None:
        papers = (*order, ("cert", CERTIFICATE, release.certificate))
        yield Said(
            RELEASED,
            made,
            site=release.site,
            transactions=papers,
            error=("incorrect_data", happening.recorded_at),
            at=release.at,
            zone=release.zone,
        )


@says("quality.units_stopped", RECALLED)
def stopped(happening: Happening) -> Iterator[Said]:
    """The units put aside: unsaid where there are none, as on the manufacturer's own record."""
    codes = _named(happening.payload.get("units")) if "deviation" in happening.payload else []
    if codes:
        yield Said(RECALLED, bags(codes), extensions=own(deviation=happening.payload["deviation"]))


@says("quality.stop_lifted", AGREED)
def stop_lifted(happening: Happening) -> Iterator[Said]:
    codes = _named(happening.payload.get("units")) if "orders" not in happening.payload else []
    if codes:
        yield Said(AGREED, bags(codes))


excuse(
    "Dates are moved, asked for or agreed; nothing has moved.",
    "orders.dates_moved",
    "orders.start_moved",
    "orders.return_moved",
    "orders.wishes_stated",
    "orders.change_proposed",
    "orders.change_agreed",
    "orders.change_offered",
    "orders.change_offered_by_plant",
    "orders.offered_change_agreed",
    "orders.offered_change_refused",
    "orders.move_refused",
    "orders.change_refused",
    "orders.change_withdrawn",
    "orders.dates_requested",
    "orders.date_request_met",
    "orders.date_request_declined",
    "orders.date_request_withdrawn",
    "orders.date_request_overdue",
    "orders.days_wished",
    "orders.repair_signed",
    "orders.repair_handed_over",
    "orders.swap_proposed",
    "orders.swap_approved",
    "orders.swap_ended",
    "orders.dates_swapped",
    "orders.hold_renewed",
    "orders.booking_reopened",
)
excuse(
    "The clock told people of a milestone; nothing happened to the box.",
    "orders.milestone_ahead",
    "orders.milestone_missed",
)
excuse(
    "What a device kept is no act before it is recorded as one: the step's own event says it.",
    "orders.offline_received",
    "orders.offline_discarded",
    "orders.pack_printed",
)


@says("orders.labels_scanned_back", CHECKED)
def scanned_back(happening: Happening) -> Iterator[Said]:
    yield Said(CHECKED, bags(_named(happening.payload.get("containers"))))


excuse(
    "A donation number is told with the material: whatever is said of it from then on has the right one.",
    "orders.donation_corrected",
)
excuse(
    "What became of a label, or a print that is not on its material yet; the material stays as and where it is.",
    "orders.label_settled",
    "orders.label_reprinted",
)
excuse(
    "The order's own state; its material stays as and where it is.",
    "orders.enrolled",
    "orders.put_on_hold",
    "orders.hold_lifted",
    "orders.cancelled",
    "orders.party_left",
    "orders.remanufacture_decided",
    "orders.step_repeated",
    "orders.step_overdue",
)
excuse(
    "Who read or proved the record; nothing physical.",
    "orders.dossier_taken",
    "orders.copy_verified",
    "orders.record_read",
)
excuse(
    "A document of a partner; the acts in it say what happened.",
    "orders.epcis_received",
    "orders.epcis_captured",
)
excuse("A question under a name; nothing physical.", "orders.epcis_query_kept", "orders.epcis_query_dropped")
excuse("Who is told what answers a question.", "orders.epcis_subscribed", "orders.epcis_unsubscribed")
excuse(
    "Shippers, loggers and kits by themselves: none has a registered asset identifier (GRAI); nothing is in them.",
    "custody.equipment_added",
    "custody.shipper_charged",
    "custody.equipment_renewed",
    "custody.equipment_retired",
    "custody.shipper_cleaned",
    "custody.empty_handed_over",
    "custody.empty_received",
    "custody.return_postponed",
    "custody.return_overdue",
    "custody.job_booked",
    "custody.job_fetched",
    "custody.job_delivered",
    "custody.job_failed",
    "custody.job_cancelled",
    "custody.job_told",
    "orders.kit_sent",
)
excuse("A picture of what was there; nothing moved.", "orders.box_photographed")
excuse("How files of a logger model are read is a setting of an organization's own.", "custody.layout_saved")
excuse("How a therapy works is written down.", "orders.flow_proposed", "orders.flow_approved", "orders.flow_retired")
excuse(
    "How identifiers are given is written down.",
    "custody.facility_entered",
    "custody.label_template_approved",
    "custody.label_template_proposed",
    "custody.label_template_retired",
    "custody.scheme_proposed",
    "custody.scheme_approved",
    "custody.scheme_retired",
)
excuse(
    "What the store consists of, what may be in it and who looks after it is written down.",
    "custody.store_unit_added",
    "custody.store_unit_retired",
    "custody.store_limits_set",
    "custody.store_alarm_opened",
    "custody.store_alarm_acknowledged",
    "custody.store_alarm_closed",
    "orders.store_readings_recorded",
)
excuse(
    "What a party calls a thing in its own system; nothing happens to the thing.",
    "custody.alias_registered",
    "custody.aliases_imported",
    "custody.alias_withdrawn",
)
excuse(
    "Papers of quality: what they decide about material is said by the decision itself.",
    "quality.deviation_opened",
    "quality.stop_signed",
    "quality.deviation_closed",
    "quality.result_invalidated",
)
