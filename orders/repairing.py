"""Compiles orders that a disruption hits into a repair's snapshot, and its outcome into a plan that a planner reads."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from orders import bookings, gathering, left_alone, sponsors, whereabouts
from orders.models import Order
from orders.states import LeftAlone
from orders.whereabouts import Whereabouts
from scheduling import availability, disrupted, move_costs, quotas, slot_chains, urgency, wishes
from scheduling.calendars import Calendar, Place, Window
from scheduling.drafts import Draft, Pick
from scheduling.move_costs import Prices
from scheduling.offers import ChainRequest
from scheduling.repair import candidates, collected, explanation, solver
from scheduling.repair.fees import FREE
from scheduling.repair.objective import LABELS, harm_of_none, is_collected_again
from scheduling.repair.reasons import Reasons, sentences
from scheduling.repair.runs import RepairRun
from scheduling.repair.snapshot import NEVER, USED, Affected, Offered, rank, without
from scheduling.slot_chains import SlotChain
from scheduling.states import RESOURCE_OF, LinkKind, Urgency

CHOICES = 4  # the chosen chain and others that the planner may take instead


@dataclass(frozen=True)
class Hit:
    """An order that a disruption hits. ``left_alone``: why a repair leaves it alone; ``why_not``: the same in words
    (empty: it does not)."""

    order: Order
    chain: SlotChain
    where: Whereabouts
    why_not: str
    urgency: Urgency = Urgency.ROUTINE
    left_alone: LeftAlone | None = None

    @property
    def expires_at(self) -> dt.datetime | None:
        """Until when manufacture can begin from what is collected."""
        return self.where.expires_at

    @property
    def stage(self) -> str:
        return explanation.stage_words(self.where.material)


def hits(actor: Actor, resource_ids: Sequence[UUID], since: dt.datetime, until: dt.datetime) -> list[Hit]:
    """Return the actor's orders that are hit: whose material expires first, then who is more urgent, then by the start
    of manufacture."""
    chains = {chain.stream_id: chain for chain in disrupted.chains_hit(actor, resource_ids, since, until)}
    orders = gathering.orders_by(actor, "stream_id", chains)
    where = whereabouts.of_orders(orders.values(), chains)
    levels = urgency.levels(actor, orders) if orders else {}
    asked = disrupted.waiting_for_centers(actor, orders) if orders else set()
    begun = any(one.has_started for one in where.values())
    closed = disrupted.disrupted_slots(actor, resource_ids, since, until) if begun else set()
    found = [
        _hit(
            order,
            chains[stream_id],
            where[order.pk],
            levels.get(stream_id),
            is_asked=stream_id in asked,
            is_behind=_is_behind(chains[stream_id], where[order.pk], closed),
        )
        for stream_id, order in orders.items()
    ]
    return sorted(found, key=_rank)


def _is_behind(chain: SlotChain, where: Whereabouts, closed: set[UUID]) -> bool:
    """Whether a manufacture that has begun used all that is hit: nothing of it can move any more."""
    hit = [link.kind for link in chain.links.all() if link.slot_id in closed]
    return where.has_started and all(kind in USED[where.material] for kind in hit)


def _rank(hit: Hit) -> tuple[Any, ...]:
    return hit.expires_at or NEVER, -hit.urgency, hit.chain.manufacture_starts_at, hit.order.code


def hit_now(order: Order, chain: SlotChain) -> Hit:
    """Return how an order stands that was hit, as a repair sees it."""
    return _hit(order, chain, whereabouts.of_orders([order], {order.stream_id: chain})[order.pk])


def _hit(
    order: Order,
    chain: SlotChain,
    where: Whereabouts,
    noted: Urgency | None = None,
    *,
    is_asked: bool = False,
    is_behind: bool = False,
) -> Hit:
    why = left_alone.why(order, where, is_asked=is_asked, is_behind=is_behind)
    words = why.label if why else ""
    if why in (LeftAlone.BATCH_LOST, LeftAlone.BEGUN) and where.has_reserve:
        words += " It can be made again from reserve."
    level = max(noted or Urgency.ROUTINE, Urgency.SOON if where.made_again else Urgency.ROUTINE)
    return Hit(order, chain, where, words, Urgency.CANNOT_WAIT if where.cannot_wait else Urgency(level), why)


def affected_by(
    hit: Hit, request: ChainRequest, quota_ids: frozenset[UUID] = frozenset(), prices: Prices | None = None
) -> Affected:
    """Return the order as a repair takes it: a closed box goes to its plant with its courier, nothing collected is
    given up (a second collection is a physician's decision)."""
    draft = _draft(hit.chain)
    if hit.where.is_packed and draft.plant_id is not None:
        couriers = {pick.window.organization_id for pick in draft.picks if pick.kind == LinkKind.COURIER_LANE}
        request = replace(request, plant_site_ids=(draft.plant_id,), courier_organization_ids=tuple(sorted(couriers)))
    return Affected(
        hit.order.code,
        request,
        draft,
        hit.where.material,
        expires_at=hit.where.expires_at,
        urgency=int(hit.urgency),
        collected_at=hit.where.collected_at,
        begun_at=hit.where.begun_at,
        may_recollect=False,
        quota_ids=quota_ids,
        fees=prices.fees_of(draft, USED[hit.where.material], request.therapy_id) if prices else FREE,
    )


@dataclass(frozen=True)
class Snapshot:
    """What a repair needs: its orders, by therapy what they choose from, without the closed windows, and the prices."""

    affected: list[Affected]
    offered: dict[UUID, Offered]
    prices: Prices = Prices({})

    @cached_property
    def places(self) -> dict[UUID, Place]:
        """Every site of the snapshot."""
        return {pk: place for one in self.offered.values() for pk, place in one.calendar.places.items()}


def snapshot(actor: Actor, run: RepairRun, found: Sequence[Hit]) -> Snapshot:
    """Read calendars, one per center and therapy, lay those of a therapy together, and read its quotas."""
    closed = disrupted.disrupted_slots(actor, run.resource_ids, run.starts_at, run.ends_at)
    by_therapy: dict[UUID, list[Hit]] = defaultdict(list)
    for hit in found:
        by_therapy[hit.order.therapy_id].append(hit)
    affected: list[Affected] = []
    read: dict[UUID, Offered] = {}
    prices = move_costs.prices_of(actor, by_therapy)
    for therapy_id, alike in by_therapy.items():
        with sponsors.sight(actor, alike[0].order) as seen:
            requests = _requests(actor, [hit.order for hit in alike], run.horizon_days)
            read[therapy_id], held = _offered(seen, alike, requests)
        affected += [
            affected_by(hit, requests[hit.order.pk], held.get(hit.chain.pk, frozenset()), prices) for hit in alike
        ]
    affected.sort(key=rank)
    offered = {pk: replace(one, calendar=without(one.calendar, closed, affected)) for pk, one in read.items()}
    return Snapshot(affected, offered, prices)


def _offered(
    actor: Actor, alike: Sequence[Hit], requests: Mapping[UUID, ChainRequest]
) -> tuple[Offered, dict[UUID, frozenset[UUID]]]:
    """What is offered to the orders of one therapy, and of which rows of quotas their chains have a place."""
    windows: dict[UUID, Window] = {}
    places: dict[UUID, Place] = {}
    centers: dict[UUID, tuple[UUID, str]] = {}
    until, first = (
        timezone.now(),
        min(requests[hit.order.pk].earliest for hit in alike),
    )  # what one wishes binds no other
    for hit in alike:
        request = requests[hit.order.pk]
        if request.center_site_id in centers:
            continue
        known = availability.places_of(actor, request)
        center = known[request.center_site_id]
        links = availability.links_wanted(request, center.zone, first, request.horizon_days)
        windows |= {window.slot_id: window for window in availability.load(actor, request, links, known).windows}
        places |= known
        centers[center.id] = (center.organization_id, center.country)
        until = max(until, *(link.until for link in links))
    since = min(hit.chain.collection_starts_at for hit in alike)
    therapy_id, holders = alike[0].order.therapy_id, [hit.chain.pk for hit in alike]
    left, held = quotas.load_for(actor, therapy_id, centers, since, until, holders)
    return Offered(Calendar(places.values(), windows.values()), left), held


def _requests(actor: Actor, orders: Sequence[Order], horizon_days: int) -> dict[UUID, ChainRequest]:
    """What each order's booking step would ask of a search, as its dates are wished; alike orders ask once. On the
    actor's own lines, if it is a contract manufacturer."""
    wished = wishes.of_orders([order.stream_id for order in orders])
    parameters = whereabouts.booking_parameters(order.flow_id for order in orders)
    today, alike, found = timezone.now().date(), {}, {}
    for order in orders:
        mine = wished.get(order.stream_id, wishes.NOTHING)
        key = (order.therapy_id, order.specification_id, order.flow_id, order.center_site_id, mine)
        if key not in alike:
            request = bookings.wished_request(order, parameters.get(order.flow_id, {}), today, mine)
            alike[key] = replace(sponsors.on_own_lines(actor, request), horizon_days=horizon_days)
        found[order.pk] = alike[key]
    return found


def _draft(chain: SlotChain) -> Draft:
    """The chain as booked."""
    links = list(chain.links.all()) if hasattr(chain, "_prefetched_objects_cache") else slot_chains.links_of(chain)
    picks = tuple(
        Pick(
            Window(
                link.slot_id,
                RESOURCE_OF.get(LinkKind(link.kind), link.kind),
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
        for link in links
    )
    plant = next((link.site_id for link in reversed(links) if link.kind == LinkKind.MANUFACTURING_LINE), None)
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
    found: Snapshot, run: RepairRun, why: str, control: solver.Control
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return plan and result of a run; pure, so that it can run beside the thread that reports."""
    control.tell(f"Looking for other dates of {len(found.affected)} orders")
    asked = candidates.problem(found.affected, found.offered, timezone.now(), run.horizon_days)
    outcome = solver.solve(asked, solver.Limits(seed=run.seed), control)
    components = [
        {"name": one.name, "label": LABELS[one.name], "value": one.value, "bound": one.bound}
        | {"currency": found.prices.currency if one.name == "fees" else ""}
        for one in outcome.components
        if one.name != "fees" or found.prices.currency
    ]
    result = {
        "components": components,
        "gap": outcome.gap,
        "optimal": outcome.is_optimal,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 2),
        "not_weighed": found.prices.others,
    }
    return _rows(found, asked, outcome, why), result


def _rows(one: Snapshot, asked: Any, outcome: solver.Outcome, why: str) -> list[dict[str, Any]]:
    picked = [(order, outcome.chosen[order.key]) for order in one.affected]
    wanted = [(asked.candidates[o.key][i].draft, o) for o, i in picked if i is not None]
    dealt = collected.dealt(asked.pools, wanted)
    drafts = {order.key: draft for (_, order), draft in zip(wanted, dealt, strict=True)}
    rows, reasons = [], Reasons(one.offered, timezone.now())
    for order in one.affected:
        chosen = drafts.get(order.key)
        offered = asked.choices(order.key, CHOICES)
        others = [collected.dealt(asked.pools, [(c.draft, order)])[0] for c in offered]
        choices = [chosen] if chosen else []
        choices += [d for d in others if all(d.slot_ids != kept.slot_ids for kept in choices)]
        why_none = reasons.told(order, chosen, len(choices))
        zone = one.places[order.request.center_site_id].zone.key
        plant = one.places.get(order.current.plant_id) if order.current.plant_id else None
        rows.append(
            {
                "order": order.key,
                "before": order.current.collection_start.isoformat(),
                "start_before": order.current.manufacture_start.isoformat(),
                "infusion_before": order.current.earliest_infusion.isoformat(),
                "material": int(order.material),
                "zone": zone,
                "plant_zone": plant.zone.key if plant else zone,
                "chosen": 0 if chosen else None,
                "text": explanation.explain(order, chosen, one.places, why, offered, sentences(why_none)),
                "reasons": [reason.as_json() for reason in why_none],
                "costs": _costs(order, chosen, one.prices),
                "choices": [_choice(order, d, one, why) for d in choices[:CHOICES]],
            }
        )
    return rows


def _choice(order: Affected, draft: Draft, one: Snapshot, why: str) -> dict[str, Any]:
    plant = one.places[draft.plant_id] if draft.plant_id else None
    return {
        "slot_ids": [str(slot_id) for slot_id in draft.slot_ids],
        "starts": [[str(pick.kind), pick.starts_at.isoformat()] for pick in draft.picks],
        "plant": plant.name if plant else "",
        "plant_zone": plant.zone.key if plant else "",
        "collection": draft.collection_start.isoformat(),
        "manufacture": draft.manufacture_start.isoformat(),
        "infusion": draft.earliest_infusion.isoformat(),
        "text": explanation.explain(order, draft, one.places, why, ()).split(" Otherwise:")[0],
        "costs": _costs(order, draft, one.prices),
    }


def _costs(order: Affected, draft: Draft | None, prices: Prices) -> list[dict[str, str]]:
    """What the price list charges for the move; for an order without a place, the second collection it comes to."""
    again = is_collected_again(order, draft) if draft else bool(harm_of_none(order).expired)
    found = prices.lines(order.current, draft, USED[order.material], order.request.therapy_id, again=again)
    return [
        {"what": line.what, "amount": f"{line.amount:.2f}", "currency": line.currency, "charged_to": line.charged_to}
        for line in found
    ]
