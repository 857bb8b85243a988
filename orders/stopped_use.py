"""Lots and shippers that a stop stands on are refused where they would be used; used all the same, they are caught."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from custody import material
from ledger.refusals import FactsMissing
from orders.step_kinds import StepContext
from quality import stops
from quality.states import SourceKind


def refuse(ctx: StepContext, kind: SourceKind, values: Iterable[str], field: str = "materials") -> list[Any]:
    """Raise FactsMissing ``source_stopped`` for a stopped lot or shipper; recorded late, note it, return its stops."""
    found = stops.stopped_sources(ctx.order.manufacturer_id, kind, values)
    facts = stops.source_facts(found)
    if not facts:
        return []
    if not ctx.late:
        raise FactsMissing(facts[0].text, facts=facts, fields={field: [fact.text for fact in facts]})
    ctx.findings += facts
    return found


def catch(ctx: StepContext, stopped: Sequence[Any], bags: Sequence[Any]) -> None:
    """Put aside what a stopped lot or shipper was used for all the same, and put the order under the stop."""
    for row in stopped:
        stops.join(ctx.order.stream_id, row.stop_id, row.number)
        material.quarantine_all(bags, stops.reason_of(row.number))
    for bag in bags if stopped else ():
        bag.refresh_from_db()


def reason_among(bags: Iterable[Any]) -> str:
    """Return the reason by which a stop holds one of these bags; empty when none is held by a stop."""
    return next((bag.quarantine_reason for bag in bags if bag.quarantine_reason.startswith(stops.STOP)), "")


def inherit(reason: str, made: Sequence[Any]) -> None:
    """Put aside what was made of bags that a stop holds, for the same reason."""
    if reason:
        material.quarantine_all(made, reason)
        for bag in made:
            bag.refresh_from_db()
