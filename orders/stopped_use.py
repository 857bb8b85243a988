"""A lot or shipper that a stop stands on is refused where it would be used; used all the same, it is caught.

What is collected from a stopped donor is a fact, and is caught as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from custody import material
from ledger.refusals import FactsMissing
from orders.step_kinds import StepContext
from quality import stops
from quality.states import SourceKind


def refuse(ctx: StepContext, kind: SourceKind, values: Iterable[str], field: str = "materials") -> list[Any]:
    """Raise FactsMissing ``source_stopped`` for a stopped lot or shipper; recorded late, note it, return its stops."""
    found = stops_on(ctx.order.manufacturer_id, kind, values)
    if refuse_or_tell(found, field, late=ctx.late):
        ctx.findings += stops.source_facts(found)
    return found


def stops_on(manufacturer_id: UUID, kind: SourceKind, values: Iterable[str]) -> list[Any]:
    """Return the stops that stand on lots or shippers of these numbers; no other one is recorded until the act ends."""
    return stops.stopped_sources(manufacturer_id, kind, values)


def refuse_or_tell(stopped: Sequence[Any], field: str, *, late: bool) -> list[str]:
    """Raise FactsMissing ``source_stopped`` beside ``field``; recorded late, return what stands against it in words."""
    facts = stops.source_facts(stopped)
    texts = [fact.text for fact in facts]
    if facts and not late:
        raise FactsMissing(texts[0], facts=facts, fields={field: texts})
    return texts


def catch(ctx: StepContext, stopped: Sequence[Any], bags: Sequence[Any]) -> None:
    """Put aside what a stopped lot or shipper was used for all the same, and put the order under the stop."""
    catch_in(ctx.order.stream_id, stopped, bags)


def catch_in(stream_id: UUID, stopped: Sequence[Any], bags: Sequence[Any]) -> None:
    """Put bags of an order aside because of stops, and put the order under them. Runs inside an action."""
    for row in stopped:
        stops.join(stream_id, row.stop_id, row.number)
        material.quarantine_all(bags, stops.reason_of(row.number))
    for bag in bags if stopped else ():
        bag.refresh_from_db()


def catch_donor(ctx: StepContext, collected: Sequence[Any]) -> list[str]:
    """Put aside what was collected from a donor on whom a stop stands; return what was found, in words.

    A collection is a fact: it is recorded, and its bags wait for quality of the manufacturer.
    """
    donors = {ctx.order.identity_code, *(bag.donation_number for bag in collected)}
    stopped = stops_on(ctx.order.manufacturer_id, SourceKind.DONOR, donors)
    catch(ctx, stopped, collected)
    return [f"Put aside: {fact.text}" for fact in stops.source_facts(stopped)]


def reason_among(bags: Iterable[Any]) -> str:
    """Return the reason by which a stop holds one of these bags; empty when none is held by a stop."""
    return next((bag.quarantine_reason for bag in bags if bag.quarantine_reason.startswith(stops.STOP)), "")


def inherit(reason: str, made: Sequence[Any]) -> None:
    """Put aside what was made of bags that a stop holds, for the same reason."""
    if reason:
        material.quarantine_all(made, reason)
        for bag in made:
            bag.refresh_from_db()
