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
from scheduling import slot_chains, waiting, waiting_offers
from scheduling.slot_chains import ChainRequest, SearchResult, SlotChain
from scheduling.states import ChainState


def plant_sites(order: Order) -> list[UUID]:
    """Return the sites that may make the therapy for the center's country."""
    return [plant.site_id for plant in network.plants_of(order.therapy_id, order.center_site.country)]


def chain_request(order: Order, parameters: dict[str, Any], earliest: dt.date) -> ChainRequest:
    """Return what scheduling needs to know; it never sees a flow."""
    limits = order.specification.limits
    return ChainRequest(
        therapy_id=order.therapy_id,
        center_site_id=order.center_site_id,
        plant_site_ids=tuple(plant_sites(order)),
        manufacturer_id=order.manufacturer_id,
        earliest=earliest,
        horizon_days=int(parameters.get("horizon_days", 28)),
        collection_hours=limits["collection_hours"],
        pack_minutes=limits["pack_minutes"],
        max_age_hours=limits["max_age_hours"],
        age_buffer_hours=limits["age_buffer_hours"],
        manufacture_days=limits["manufacture_days"],
        release_days=limits["release_days"],
        lead_days=int(limits.get("lead_days", 2)),
    )


def search(actor: Actor, order: Order, parameters: dict[str, Any], earliest: dt.date) -> SearchResult:
    """Search for an order; what the waiting list keeps for it is free to it."""
    request = chain_request(order, parameters, earliest)
    kept = waiting_offers.live_offers(order.stream_id) if actor.organization_id == order.center_id else []
    if kept:
        slots = frozenset(kept[0].place.slot_ids)
        request = replace(request, own_slot_ids=slots, own_chain_id=kept[0].place_id)
    return slot_chains.search(actor, request)


def hold(actor: Actor, order: Order, parameters: dict[str, Any], token: str) -> SlotChain:
    """Hold exactly the offered chain; plant and courier become parties, and the order gets its plan."""
    earliest = timezone.now().date()
    request = chain_request(order, parameters, earliest)
    waiting_offers.give_way(order.stream_id, token)
    chain = slot_chains.hold(actor, order.stream, request, token, hours=int(parameters.get("hold_hours", 48)))
    waiting.note_placed(order.stream_id)
    set_plan(order, chain)
    return chain


def set_plan(order: Order, chain: SlotChain) -> None:
    """Take the chain's times and places over into the order."""
    links = {link.kind: link for link in slot_chains.links_of(chain)}
    order.plan = plan_of(chain)
    line, lane = links["manufacturing_line"], links["courier_lane"]
    (order.plant_site,) = directory.rows(Site, [line.site_id]).values()
    order.save(update_fields=["plan", "plant_site"])
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
    chain = slot_chains.live_chain(order.stream_id)
    overdue = chain is not None and chain.state == ChainState.HELD and chain.held_until <= timezone.now()
    if chain is not None and chain.state == state and not overdue:
        return []
    return [
        MissingFact(
            "slot_hold_expired", "The slot hold has expired or was freed.", "Search again and hold another chain."
        )
    ]
