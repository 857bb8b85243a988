"""What a partner's error declaration says: the act that it is about once more, as declared wrong, under the same id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils.dateparse import parse_datetime

from orders.epcis import said_by_events, said_by_steps  # noqa: F401 - they declare what can be captured
from orders.epcis.declarations import Happening, Said, declarations, say, says

# What an act that a partner sends is on the record: steps, and events that are no steps.
CAPTURED = (
    "pack",
    "hand_over",
    "store_product",
    "start_manufacture",
    "receive_material",
    "receive_product",
    "prepare_product",
    "infuse",
    "orders.pickup_failed",
    "orders.delayed",
    "orders.leg_reported",
    "orders.leg_late",
    "orders.customs_held",
    "orders.customs_cleared",
    "orders.quarantine_decided",
    "orders.material_put_aside",
)
SHAPES = tuple(dict.fromkeys(shape for key in CAPTURED for shape in declarations()[key].shapes))


@says("orders.error_declared", *SHAPES, outer=True)
def declared_wrong(happening: Happening) -> Iterator[Said]:
    """All that the act said; where and when it was stays, so that each id does."""
    wrong, at = happening.wrong, parse_datetime(str(happening.payload.get("declared_at", "")))
    if wrong is None or at is None:
        return
    error = (str(happening.payload["reason"]), at)
    for said in say(wrong):
        site = wrong.site if said.site is None else said.site
        yield replace(said, site=site, at=said.at or wrong.occurred_at, zone=said.zone or wrong.zone, error=error)
