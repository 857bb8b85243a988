"""Reserve: accepted starting material that was there when an earlier batch began; its use is released (CL1, MO7)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from custody import material
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState
from ledger import directory
from ledger.context import Actor
from ledger.refusals import FactsMissing, MissingFact
from orders import attempts, bookings
from orders.evidence_sections import at
from orders.models import Order, OrderStep
from orders.states import StepState
from personas.queries import Site
from quality import batches
from scheduling import rebooking, slot_chains

CONFIRM, RELEASE, START = "confirm_reserve", "release_reserve", "start_manufacture"
CHOSEN = (StepState.READY, StepState.DONE)  # of these steps: the reserve is what the order goes on from
HOUR = dt.timedelta(hours=1)
HORIZON = dt.timedelta(days=28)  # how far ahead a line is looked for


def is_kept(bag: Any) -> bool:
    return bool(bag.kind == ContainerKind.STARTING_MATERIAL and bag.state == ContainerState.ACCEPTED)


def bags_of(order: Order) -> list[Any]:
    """Return the accepted bags of starting material that were collected before the newest batch began."""
    batch = batches.newest(order.stream_id)
    if batch is None:
        return []
    kept = [bag for bag in material.of_stream(order.stream_id) if is_kept(bag)]
    return [bag for bag in kept if is_older(bag, batch.started_at)]


def is_older(bag: Any, began: dt.datetime | None) -> bool:
    """Whether a bag was collected before the newest batch began: then it is reserve for the next one."""
    return began is not None and (bag.ended_at is None or bag.ended_at <= began)


def is_all_there_is(order: Order) -> bool:
    """Whether the next batch can only be made from reserve: nothing was collected since the last one began."""
    kept = [bag for bag in material.of_stream(order.stream_id) if is_kept(bag)]
    return bool(kept) and len(kept) == len(bags_of(order))


def is_released(order: Order) -> bool:
    """Whether the planner and quality have let the reserve be used for the batch that comes next."""
    return any(step.state == StepState.DONE for step in attempts.of_kind(order, RELEASE))


def is_over(order: Order) -> bool:
    """Whether the reserve that was chosen was refused, is gone, or grew too old before it was used.

    Then the order waits for the physician again.
    """
    states = {step.state for kind in (CONFIRM, RELEASE) for step in attempts.of_kind(order, kind)}
    if StepState.FAILED in states:
        return True
    return bool(states & set(CHOSEN)) and bool(missing(order))


def missing(order: Order) -> list[MissingFact]:
    """Return why there is no reserve to be used now; empty when there is."""
    bags = bags_of(order)
    if not bags:
        text = "No accepted starting material of this chain of identity is left."
        return [MissingFact("no_reserve", text, "Collect again.")]
    hours = _oldest_hours(order)
    oldest = timezone.now() - dt.timedelta(hours=hours)
    if any(bag.ended_at is None or bag.ended_at < oldest for bag in bags):
        return [MissingFact("reserve_over_age", f"The reserve is older than {hours:g} h.", "Collect again.")]
    return []


def line_missing(actor: Actor, order: Order) -> list[MissingFact]:
    """A reserve is made again on a line: nobody promises what no plant has a place for."""
    if order.plant_site_id is None or slot_chains.live_chain(order.stream_id) is None:
        return []
    since, until = _window(order)
    if rebooking.has_line(actor, bookings.chain_request(order, {}, since.date()), order.plant_site_id, since, until):
        return []
    return [_no_line(until)]


def book_line(actor: Actor, order: Order) -> dt.datetime | None:
    """Take the next free place of the plant's lines; return when it begins. An order without a chain needs none."""
    chain = slot_chains.live_chain(order.stream_id)
    if chain is None or order.plant_site_id is None:
        return None
    since, until = _window(order)
    request = bookings.chain_request(order, {}, since.date())
    link = rebooking.book_line(actor, chain, request, order.plant_site_id, since, until)
    if link is None:
        raise FactsMissing("The reserve cannot be used now.", facts=[_no_line(until)])
    order.plan = bookings.plan_of(chain)
    order.save(update_fields=["plan"])
    return link.starts_at


def shown(order: Order, *, placed: bool = False) -> list[tuple[str, str]]:
    """Return what whoever lets a reserve be used has to see: of whom it is, why, and of each bag what was collected,
    where it is stored and until when manufacture may start. ``placed``: once it has a place, how old it is then.

    Nothing in it changes by the clock alone: what was read is what is signed.
    """
    batch, zone = batches.newest(order.stream_id), ZoneInfo(_zone(order))
    lost = f"{batch.number}, {batch.get_state_display().lower()}" if batch else "none"
    start = attempts.plan_time(order, "manufacture_start") if placed else None
    bags, hours = bags_of(order), _oldest_hours(order)
    sites = directory.rows(Site, [bag.custodian_site_id for bag in bags])
    return [
        ("Chain of identity", printed(order.identity_code)),
        ("Lost batch", lost),
        *([("Place on the line", at(start, zone))] if placed else []),
        ("Oldest it may be at the start", f"{hours:g} h"),
        *((f"Bag {bag.code}", _told(bag, start, hours, sites.get(bag.custodian_site_id), zone)) for bag in bags),
    ]


def _told(bag: Any, start: dt.datetime | None, hours: float, site: Site | None, zone: ZoneInfo) -> str:
    said = [bag.k_of_n, bag.state_label.lower()]
    said += [f"{bag.volume_ml:f} mL"] if bag.volume_ml is not None else []
    said.append(f"collection ended {at(bag.ended_at, zone)}")
    if bag.ended_at is not None:
        said += [f"{(start - bag.ended_at) / HOUR:.1f} h old at the start"] if start else []
        said.append(f"may start until {at(bag.ended_at + hours * HOUR, zone)}")
    where = ", ".join(words for words in (site.name if site else "", bag.storage_location) if words)
    return ", ".join([*said, f"stored at {where}" if where else "no storage place recorded"])


def _zone(order: Order) -> str:
    return str(order.plant_site.zone if order.plant_site else order.center_site.zone)


def _no_line(until: dt.datetime) -> MissingFact:
    text = f"No manufacturing line of the plant has a free place before {until:%Y-%m-%d %H:%M} UTC."
    return MissingFact("no_line", text, "Ask the planner to offer a place in time, or collect again.")


def _window(order: Order) -> tuple[dt.datetime, dt.datetime]:
    """Return from when and until when the reserve may enter a process: it must not grow too old on the way."""
    now = timezone.now()
    ends = [bag.ended_at for bag in bags_of(order) if bag.ended_at is not None]
    too_old = min(ends) + dt.timedelta(hours=_oldest_hours(order)) if ends else now
    return now, min(too_old, now + HORIZON)


def _oldest_hours(order: Order) -> float:
    """Return how old a reserve may be when it enters the process, in hours."""
    steps: list[OrderStep] = attempts.of_kind(order, START)
    given = steps[0].flow_step.parameters.get("reserve_age_hours") if steps else None
    return float(given or order.specification.limits["max_age_hours"])
