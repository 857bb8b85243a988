"""Compiles flow and material limits into a plain chain request; ties a held chain to the order's plan and parties."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger import directory
from ledger.context import Actor
from ledger.refusals import MissingFact
from ledger.states import Role
from network import queries as network
from orders import parties
from orders.models import Order
from personas.queries import Organization, Site
from scheduling import date_requests, lead_time_register, pending, slot_chains, waiting, waiting_offers
from scheduling import wishes as date_wishes
from scheduling.conditions import BarredPlant, LeadTime, ShipperHold
from scheduling.offers import DEFAULT_NEEDS, EVERY_DAY
from scheduling.slot_chains import ChainRequest, SearchResult, SlotChain
from scheduling.states import ChainState, Contingency, Ranking
from scheduling.wishes import Wishes


def plant_sites(order: Order) -> list[UUID]:
    """Return the sites that may make the therapy for the center's country."""
    return [plant.site_id for plant in network.plants_of(order.therapy_id, order.center_site.country)]


def chain_request(order: Order, parameters: dict[str, Any], earliest: dt.date) -> ChainRequest:
    """Return what scheduling needs to know; it never sees a flow.

    ``parameters``: those of the flow's booking step (``steps.hold_slot_chain.Parameters``), as far as they are given.
    """
    limits, country = order.specification.limits, order.center_site.country
    barred = network.plants_barred(order.therapy_id, country)
    contingency, plants = parameters.get("contingency", Contingency.NONE), plant_sites(order)
    return ChainRequest(
        therapy_id=order.therapy_id,
        center_site_id=order.center_site_id,
        plant_site_ids=tuple(plants),
        barred_plants=tuple(BarredPlant(site_id, f"is not licensed for {country}") for site_id in barred),
        manufacturer_id=order.manufacturer_id,
        market=country,
        earliest=earliest,
        horizon_days=int(parameters.get("horizon_days", 28)),
        needs=needs_of(parameters),
        collection_hours=limits["collection_hours"],
        pack_minutes=limits["pack_minutes"],
        max_age_hours=limits["max_age_hours"],
        age_buffer_hours=limits["age_buffer_hours"],
        manufacture_days=limits["manufacture_days"],
        release_days=limits["release_days"],
        lead_days=int(limits.get("lead_days", 2)),
        contingency_days=int(contingency != Contingency.NONE),
        reserves_contingency=contingency == Contingency.RESERVED,
        weekdays=frozenset(parameters.get("collection_weekdays") or EVERY_DAY),
        infusion_weekdays=frozenset(parameters.get("infusion_weekdays") or EVERY_DAY),
        authorized_until=network.authorized_until(order.therapy_id, order.center_site_id),
        shipper_holds=_shipper_holds(order),
        lead_times=(*_lead_times(order, parameters), *_registered(order, plants)),
        same_courier=True,  # one courier is a party of the order
        **{name: parameters[name] for name in PLAIN if parameters.get(name) is not None},
    )


# Parameters of the booking step that scheduling takes as they are, under the same name.
PLAIN = (
    "cryopreserved",
    "storage_days",
    "pickup_days",
    "collection_days",
    "shipper_buffer_hours",
    "release_days_p90",
    "conditioning_days",
    "product_hold_days",
    "second_dose_days",
    "second_dose_tolerance_days",
)


def needs_of(parameters: dict[str, Any]) -> tuple[str, ...]:
    """Return the links of a chain: chair, courier, receiving and line always, the others as the flow says."""
    return (*DEFAULT_NEEDS, *parameters.get("also_needs", ()))


def _shipper_holds(order: Order) -> tuple[ShipperHold, ...]:
    """Return how long the qualified shippers hold on the sponsor's lanes to and from the center."""
    return tuple(
        ShipperHold(lane.origin_id, lane.destination_id, float(lane.qualified_hours), lane.courier_id)
        for lane in network.lanes_of_site(order.manufacturer_id, order.center_site_id)
    )


def _lead_times(order: Order, parameters: dict[str, Any]) -> tuple[LeadTime, ...]:
    """Return the overrides of the flow; those at a site that is neither the center nor a plant fall away."""
    rules = parameters.get("lead_times") or ()
    if not rules:
        return ()
    plants = directory.rows(Site, plant_sites(order)).values()
    sites = {site.code: site.pk for site in (order.center_site, *plants)}
    return tuple(
        LeadTime.exactly(
            rule["step"],
            rule["value"],
            priority=rule.get("priority", 0),
            market=rule.get("market", ""),
            site_id=sites[rule["site"]] if rule.get("site") else None,
            since=_date(rule.get("since")) or dt.date.min,
            until=_date(rule.get("until")),
            reason=rule.get("reason", ""),
        )
        for rule in rules
        if not rule.get("site") or rule["site"] in sites
    )


def _registered(order: Order, plants: list[UUID]) -> tuple[LeadTime, ...]:
    """Return what the manufacturer's register of overrides says about the order's chain."""
    sites = {order.center_site_id, *plants}
    return lead_time_register.of_maker(order.manufacturer_id, order.therapy_id, order.center_site.country, sites)


def _date(stored: str | dt.date | None) -> dt.date | None:
    """Return a date of a flow's parameters, which are stored as JSON."""
    return dt.date.fromisoformat(stored) if isinstance(stored, str) else stored


def wished_request(
    order: Order, parameters: dict[str, Any], earliest: dt.date, wishes: Wishes | None = None
) -> ChainRequest:
    """Return the request with what is wished of the order's dates: what its record says, unless said now."""
    found = date_wishes.of_order(order.stream_id) if wishes is None else wishes
    return found.narrowed(chain_request(order, parameters, earliest), parameters)


def search(
    actor: Actor, order: Order, parameters: dict[str, Any], earliest: dt.date, wishes: Wishes | None = None
) -> SearchResult:
    """Return feasible chains from a day on, as the therapy allows and is wished; what the waiting list keeps for the
    order is free to it. ``wishes``: instead of those that the order's record says."""
    return search_for(actor, order, wished_request(order, parameters, earliest, wishes), wishes)


def search_for(actor: Actor, order: Order, request: ChainRequest | None, wishes: Wishes | None) -> SearchResult:
    """Return feasible chains for a request of the order, none for none; what the waiting list keeps is free to it."""
    if request is None:
        return SearchResult()
    kept = waiting_offers.live_offers(order.stream_id) if actor.organization_id == order.center_id else []
    if kept:
        slots = frozenset(kept[0].place.slot_ids)
        request = replace(request, own_slot_ids=slots, own_chain_id=kept[0].place_id)
    return slot_chains.search(actor, request, wishes.ranking if wishes else Ranking.EARLIEST)


def hold(actor: Actor, order: Order, parameters: dict[str, Any], token: str, wishes: Wishes | None = None) -> SlotChain:
    """Hold exactly the offered chain; plant and courier become parties, and the order gets its plan (``take_over``).

    ``wishes``: those of the search, instead of those that the order's record says; a chain that they refuse is not
    held, and the order remembers them.
    """
    open_now = pending.of_stream(order.stream_id)
    wished = wishes if wishes is not None or open_now.wishes else date_wishes.NOTHING
    request = wished_request(order, parameters, order.center_site.today, wished)
    if wishes is not None:
        date_wishes.keep(actor, order.stream_id, order.center_id, wishes)
    if open_now.offer:
        waiting_offers.give_way(order.stream_id, token)
    hours = int(parameters.get("hold_hours", 48))
    chain = slot_chains.hold(actor, order.stream, request, token, hours, has_chain=open_now.chain)
    if open_now.request:
        date_requests.drop(order.stream_id, "Dates were found by a search.")
    if open_now.entry:
        waiting.note_placed(order.stream_id, order.center_id)
    take_over(order, chain)
    order.chain_at_hand = chain
    return chain


def note_booked(order: Order, chain: SlotChain) -> None:
    """Let the order follow its first chain: off the waiting list, with a plan, a plant and a courier."""
    waiting.note_placed(order.stream_id, order.center_id)
    set_plan(order, chain)


def set_plan(order: Order, chain: SlotChain) -> None:
    """Take the chain's times and places over into the order."""
    take_over(order, chain)
    order.save(update_fields=["plan", "plant_site"])


def take_over(order: Order, chain: SlotChain) -> None:
    """As ``set_plan``, but let the order be written with its next phase (``attempts.advance``), in one row."""
    links = {link.kind: link for link in slot_chains.links_of(chain)}
    order.plan = plan_of(chain)
    line, lane = links["manufacturing_line"], links["courier_lane"]
    (order.plant_site,) = directory.rows(Site, [line.site_id]).values()
    order.to_write |= {"plan", "plant_site"}
    (plant,) = directory.rows(Organization, [line.organization_id]).values()
    for party in parties.current_parties(order):
        if party.role == Role.COURIER and party.organization_id != lane.organization_id:
            parties.leave(order, party.organization_id, party.role)
    maker = parties.Newcomer(plant.pk, plant.role, order.plant_site_id)
    parties.join(order, maker, parties.Newcomer(lane.organization_id, Role.COURIER))


def plan_of(chain: SlotChain) -> dict[str, str]:
    """Return the chain's times by the names that a flow may refer to, as ISO 8601 in UTC."""
    times = {
        "collection_start": chain.collection_starts_at,
        "collection_end": chain.collection_ends_at,
        "pickup": chain.pickup_at,
        "arrival": chain.arrival_at,
        "manufacture_start": chain.manufacture_starts_at,
        "tentative_return": chain.tentative_return_at,
        "earliest_infusion": chain.earliest_infusion_at,
    }
    return {name: time.astimezone(dt.UTC).isoformat() for name, time in times.items()}


def release_plan(order: Order, acting: UUID | None = None) -> None:
    """Forget plan, plant and courier of a chain that was freed; a contracted plant and the courier leave.

    The ``acting`` organization stays until the next chain is held: who has left could not record what it does now.
    """
    for party in parties.current_parties(order):
        if party.role in (Role.COURIER, Role.CMO) and party.organization_id != acting:
            parties.leave(order, party.organization_id, party.role)
    order.plan, order.plant_site = {}, None
    order.save(update_fields=["plan", "plant_site"])
    parties.assign(order)


def held_chain_missing(order: Order, state: str) -> list[MissingFact]:
    """Return what is missing when the order has no live chain in the given state."""
    chain = order.chain_at_hand or slot_chains.live_chain(order.stream_id)
    overdue = chain is not None and chain.state == ChainState.HELD and chain.held_until <= timezone.now()
    if chain is not None and chain.state == state and not overdue:
        return []
    return [
        MissingFact(
            "slot_hold_expired", "The slot hold has expired or was freed.", "Search again and hold another chain."
        )
    ]
