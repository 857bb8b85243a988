"""Compiles orders that a disruption hits into a repair's snapshot, and its outcome into a plan that a planner reads."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from orders import gathering, rescheduling
from orders.models import Order
from orders.states import OrderState
from scheduling import availability, disrupted
from scheduling.calendars import Calendar, Place, Window
from scheduling.drafts import Draft, Pick
from scheduling.repair import candidates, explanation, pools, solver
from scheduling.repair.objective import COMPONENTS, LABELS
from scheduling.repair.runs import RepairRun
from scheduling.repair.snapshot import Affected, rank, without
from scheduling.slot_chains import SlotChain
from scheduling.states import LinkKind

CHOICES = 4  # the chosen chain and others that the planner may take instead


@dataclass(frozen=True)
class Hit:
    """An order that a disruption hits. ``why_not``: why a repair leaves it alone, in words (empty: it does not)."""

    order: Order
    chain: SlotChain
    expires_at: dt.datetime | None
    why_not: str


def hits(actor: Actor, resource_ids: Sequence[UUID], since: dt.datetime, until: dt.datetime) -> list[Hit]:
    """Return the actor's orders that are hit: whose material expires first, then by the start of manufacture."""
    chains = disrupted.chains_hit(actor, resource_ids, since, until)
    orders = gathering.orders_by(actor, "stream_id", (chain.stream_id for chain in chains))
    found = [_hit(orders[chain.stream_id], chain) for chain in chains if chain.stream_id in orders]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(found, key=lambda hit: (hit.expires_at or never, hit.chain.manufacture_starts_at, hit.order.code))


def _hit(order: Order, chain: SlotChain) -> Hit:
    begun = rescheduling.collection_begun(order)
    age = order.specification.limits.get("max_age_hours") if begun else None
    expires = chain.collection_ends_at + dt.timedelta(hours=float(age)) if age else None
    why = ""
    if begun:
        why = "The material is collected: decide on the order's own page."
    elif order.state != OrderState.OPEN:
        why = "The order has ended."
    elif order.on_hold:
        why = "The order is on hold."
    return Hit(order, chain, expires, why)


@dataclass(frozen=True)
class Snapshot:
    """What one therapy's repair needs: its orders, and the calendar without the closed windows."""

    affected: list[Affected]
    calendar: Calendar


def snapshots(actor: Actor, run: RepairRun, found: Sequence[Hit]) -> list[Snapshot]:
    """Read calendars, one per center and therapy, and lay those of a therapy together."""
    closed = disrupted.disrupted_slots(actor, run.resource_ids, run.starts_at, run.ends_at)
    by_therapy: dict[UUID, list[Affected]] = defaultdict(list)
    windows: dict[UUID, dict[UUID, Window]] = defaultdict(dict)
    places: dict[UUID, dict[UUID, Place]] = defaultdict(dict)
    for hit in found:
        therapy, today = hit.order.therapy_id, timezone.now().date()
        request = replace(rescheduling.request_of(hit.order, today), horizon_days=run.horizon_days)
        if hit.order.center_site_id not in places[therapy]:
            known = availability.places_of(actor, request)
            zone = known[request.center_site_id].zone
            links = availability.links_wanted(request, zone, today, run.horizon_days)
            for window in availability.load(actor, request, links, known).windows:
                windows[therapy][window.slot_id] = window
            places[therapy] |= known
        by_therapy[therapy].append(
            Affected(hit.order.code, request, _draft(hit.chain), expires_at=hit.expires_at, promised=True)
        )
    return [
        Snapshot(
            sorted(orders, key=rank),
            without(Calendar(places[therapy].values(), windows[therapy].values()), closed, orders),
        )
        for therapy, orders in by_therapy.items()
    ]


def _draft(chain: SlotChain) -> Draft:
    """The chain as booked."""
    picks = tuple(
        Pick(
            Window(
                link.slot_id,
                link.kind,
                link.organization_id,
                link.site_id or link.organization_id,
                link.starts_at,
                link.ends_at,
                0,
                link.resource_name,
            ),
            link.starts_at,
            link.ends_at,
            link.kind,
            dt.timedelta(),
        )
        for link in chain.links.all()
    )
    plant = next((link.site_id for link in chain.links.all() if link.kind == LinkKind.MANUFACTURING_LINE), None)
    return Draft(
        picks,
        plant,
        chain.collection_starts_at,
        chain.collection_ends_at,
        chain.pickup_at,
        chain.arrival_at,
        chain.manufacture_starts_at,
        chain.tentative_return_at,
        chain.earliest_infusion_at,
    )


def repair(
    found: Sequence[Snapshot], run: RepairRun, why: str, control: solver.Control
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return plan and result of a run; pure, so that it can run beside the thread that reports. Therapy by therapy."""
    plan: list[dict[str, Any]] = []
    outcomes = []
    for one in found:
        control.tell(f"Looking for other dates of {len(one.affected)} orders")
        asked = candidates.problem(one.affected, one.calendar, timezone.now(), run.horizon_days)
        outcome = solver.solve(asked, solver.Limits(seed=run.seed), control)
        outcomes.append(outcome)
        plan += _rows(one, asked, outcome, why)
    components = [
        {
            "name": name,
            "label": LABELS[name],
            "value": sum(outcome.components[i].value for outcome in outcomes),
            "bound": _sum(outcome.components[i].bound for outcome in outcomes),
        }
        for i, name in enumerate(COMPONENTS)
    ]
    result = {
        "components": components,
        "gap": max((outcome.gap for outcome in outcomes), default=0.0),
        "optimal": all(outcome.is_optimal for outcome in outcomes),
        "stopped": next((outcome.stopped for outcome in outcomes if outcome.stopped), ""),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 2),
    }
    return plan, result


def _sum(bounds: Any) -> int | None:
    known = list(bounds)
    return None if None in known else sum(known)


def _rows(one: Snapshot, asked: Any, outcome: solver.Outcome, why: str) -> list[dict[str, Any]]:
    drafts: dict[str, Draft] = {}
    picked = [(order, outcome.chosen[order.key]) for order in one.affected]
    wanted = [(asked.candidates[o.key][i].draft, o.current) for o, i in picked if i is not None]
    for (order, _), draft in zip(
        [(o, i) for o, i in picked if i is not None], pools.dealt(asked.pools, wanted), strict=True
    ):
        drafts[order.key] = draft
    rows = []
    for order in one.affected:
        chosen = drafts.get(order.key)
        offered = asked.candidates[order.key][:CHOICES]
        others = [pools.dealt(asked.pools, [(c.draft, order.current)])[0] for c in offered]
        choices = [chosen] if chosen else []
        choices += [d for d in others if all(d.slot_ids != kept.slot_ids for kept in choices)]
        zone = one.calendar.places[order.request.center_site_id].zone.key
        rows.append(
            {
                "order": order.key,
                "before": order.current.collection_start.isoformat(),
                "zone": zone,
                "chosen": 0 if chosen else None,
                "text": explanation.explain(order, chosen, one.calendar.places, why, offered),
                "choices": [_choice(order, d, one, why) for d in choices[:CHOICES]],
            }
        )
    return rows


def _choice(order: Affected, draft: Draft, one: Snapshot, why: str) -> dict[str, Any]:
    plant = one.calendar.places[draft.plant_id] if draft.plant_id else None
    return {
        "slot_ids": [str(slot_id) for slot_id in draft.slot_ids],
        "plant": plant.name if plant else "",
        "plant_zone": plant.zone.key if plant else "",
        "collection": draft.collection_start.isoformat(),
        "manufacture": draft.manufacture_start.isoformat(),
        "infusion": draft.earliest_infusion.isoformat(),
        "text": explanation.explain(order, draft, one.calendar.places, why, ()).split(" Otherwise:")[0],
    }
