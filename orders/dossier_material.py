"""Parts of a dossier about what became of material: conversions, critical lots, conditions on the way, stops."""

from __future__ import annotations

from typing import Any

from custody import queries as custody
from custody import readings, used_lots
from ledger import queries as record
from ledger.context import Actor
from orders import checklists, collection_records
from orders.conditions import degrees
from orders.models import Order
from personas.queries import people_names
from quality import stops

Rows = list[dict[str, Any]]


def parts_of(actor: Actor, order: Order) -> dict[str, Rows]:
    """Return these parts as plain rows. Call inside ``reading(actor)``."""
    return {
        "conversions": conversions(actor, order),
        "collections": collections(actor, order),
        "packing": packing(actor, order),
        "critical_materials": lots(order),
        "conditions": conditions(order),
        "stops": stopped(order),
    }


def collections(actor: Actor, order: Order) -> Rows:
    """Return how each collection was made, as its therapy asks for it: device, kit, anticoagulant, counts (AN3)."""
    return [
        {
            "ended_at": facts.get("ended_at"),
            "bags": ", ".join(facts.get("bags", [])),
            "donation": facts.get("donation", "")
            or ", ".join(f"{bag}: {number}" for bag, number in facts.get("donations", {}).items()),
            **dict(collection_records.rows(facts.get("record", {}))),
        }
        for facts in _facts_of(actor, order, "collect")
    ]


def packing(actor: Actor, order: Order) -> Rows:
    """Return each box's checklist as it was ticked when the box was closed (CL6)."""
    return [
        {"box": facts.get("shipment", ""), "item": item, "found": found}
        for facts in _facts_of(actor, order, "pack")
        for item, found in facts.get(checklists.NAME, {}).items()
    ]


def _facts_of(actor: Actor, order: Order, kind: str) -> list[dict[str, Any]]:
    rows = record.events_of(actor, order.stream_id).filter(payload__kind=kind, payload__has_key="facts")
    return [row.payload["facts"] or {} for row in rows.order_by("seq")]


def conversions(actor: Actor, order: Order) -> Rows:
    """Return what was made of what, act by act, with its balance in milliliters (I3)."""
    lineage = custody.lineage_of(actor, order.stream_id)
    people = people_names(actor, [act.row.recorded_by_id for act in lineage.acts if act.row.recorded_by_id])
    return [
        {
            "act": act.row.get_kind_display(),
            "used": ", ".join(bag.code for bag in act.parents),
            "made": ", ".join(bag.code for bag in act.children),
            "ml_in": act.row.volume_in,
            "ml_out": act.row.volume_out,
            "ml_left": act.row.volume_left,
            "ml_lost": act.row.volume_lost,
            "reason": act.row.reason,
            "happened_at": act.row.happened_at,
            "recorded_by": people.get(act.row.recorded_by_id, "") if act.row.recorded_by_id else "",
        }
        for act in lineage.acts
    ]


def lots(order: Order) -> Rows:
    """Return the lots of critical materials with the containers that they touched."""
    return [
        {"material": row.name, "lot": row.lot, "container": row.container.code, "used_at": row.used_at}
        for row in used_lots.of_streams([order.stream_id])
    ]


def conditions(order: Order) -> Rows:
    """Return what the temperatures of each box amount to, in degrees Celsius, against its limits."""
    return [
        {
            "box": row.shipment.code,
            "logger": row.shipment.logger_code,
            "verdict": row.get_state_display(),
            "readings": row.readings,
            "first_at": row.first_at,
            "last_at": row.last_at,
            "lowest_c": degrees(row.lowest),
            "highest_c": degrees(row.highest),
            "limits_c": f"{degrees(row.minimum) or '–'} to {degrees(row.maximum) or '–'}",
            "minutes_outside": round(row.minutes_outside, 1),
            "minutes_allowed": round(row.minutes_allowed, 1),
            "longest_gap_minutes": round(row.gap_minutes, 1),
        }
        for row in readings.conditions_on(order.stream_id)
    ]


def stopped(order: Order) -> Rows:
    """Return the stops that stood on the order."""
    return [
        {"stop": row.number, "stopped_at": row.stopped_at, "lifted_at": row.lifted_at}
        for row in stops.all_on(order.stream_id)
    ]
