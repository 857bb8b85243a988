"""What it takes to move an order's booked dates, what follows from it, and who must agree (CO5; DOMAIN 10.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from custody import identity
from ledger import directory
from ledger.context import Actor
from ledger.refusals import MissingFact
from ledger.states import Role
from orders import attempts, bookings, parties
from orders.models import FlowStep, Order, OrderStep
from orders.states import OrderState, StepState
from personas.queries import Site, organization_names
from scheduling import changes, slot_chains
from scheduling.changes import KnockOn
from scheduling.offers import ChainOffer, ChainRequest, SearchResult
from scheduling.slot_chains import SlotChain
from scheduling.states import ChangeWindow, ResourceKind

FREE_DAYS, FROZEN_DAYS = 14, 3  # where a specification says nothing
BOOKING, ANSWER = "hold_slot_chain", "confirm_slots"
BEGUN = ("start_collection", "collect")
# What was done for the former day and does not hold for another one.
DONE_FOR_THE_DAY = ("check_kit", "decide_readiness", "identify_patient", "print_labels", "apply_labels")
JOB = "accept_job"


@dataclass(frozen=True)
class Consequence:
    """One thing that follows from a change: what, and whose it is to do or to agree."""

    who: str
    what: str


@dataclass(frozen=True)
class Preview:
    """A change before it is made: the dates, the knock-on, what it takes, and what follows."""

    offer: ChainOffer
    knock_on: KnockOn
    window: ChangeWindow
    agrees: list[Consequence]
    follows: list[Consequence]
    stops: list[MissingFact]

    @property
    def at_once(self) -> bool:
        return self.window in (ChangeWindow.OPEN, ChangeWindow.FREE)


def window(order: Order, chain: SlotChain, now: dt.datetime | None = None) -> ChangeWindow:
    """Return what a change of the order's dates takes now, by the limits of its own specification version."""
    limits = order.specification.limits
    free = float(limits.get("change_free_days", FREE_DAYS))
    frozen = float(limits.get("change_frozen_days", min(FROZEN_DAYS, free)))
    return changes.window_of(chain, now or timezone.now(), free, frozen)


def stops(order: Order, chain: SlotChain | None) -> list[MissingFact]:
    """Return why the booked dates cannot move now; empty when they can. The same code offers and refuses."""
    if chain is None:
        return [MissingFact("no_slot_chain", "No dates are booked.", "Search and hold a slot chain first.")]
    found = identity.query_facts(order.stream_id)
    if order.state != OrderState.OPEN:
        found.append(MissingFact("order_ended", "The order has ended.", "Open a new order."))
    if order.on_hold:
        found.append(MissingFact("order_on_hold", "The order is on hold.", "Lift the hold first."))
    if collection_begun(order):
        text = "The collection has begun: its dates cannot move any more."
        found.append(MissingFact("collection_begun", text, "Ask the planner; what comes later moves as a disruption."))
    if window(order, chain) == ChangeWindow.FROZEN:
        text = "The collection is so near that its dates are frozen."
        remedy = "Call the planner, or put the order on hold or cancel it with a reason."
        found.append(MissingFact("dates_frozen", text, remedy))
    return found


def collection_begun(order: Order) -> bool:
    return any(step.state == StepState.DONE for kind in BEGUN for step in attempts.of_kind(order, kind))


def request_of(order: Order, earliest: dt.date) -> ChainRequest:
    """Return what the order's booking step would ask of a search."""
    return bookings.chain_request(order, _parameters(order), earliest)


def _parameters(order: Order) -> dict[str, Any]:
    step = FlowStep.unwalled.filter(flow_id=order.flow_id, kind=BOOKING).first()
    return dict(step.parameters) if step else {}


def search(actor: Actor, order: Order, chain: SlotChain, earliest: dt.date) -> SearchResult:
    """Return the dates to which the order could move, as if it had no places yet; the booked dates are left out."""
    result = slot_chains.search(actor, changes.staying(chain, request_of(order, earliest)))
    booked = changes.places_in(chain)
    return SearchResult([o for o in result.offers if changes.places_of(o) != booked], result.refused)


def preview(actor: Actor, order: Order, chain: SlotChain, offer: ChainOffer) -> Preview:
    """Return what the change would do and take. Changes nothing."""
    found = changes.knock_on(chain, offer)
    takes = window(order, chain)
    return Preview(
        offer, found, takes, _agreements(actor, order, found, takes), _follows(order, found), stops(order, chain)
    )


def _agreements(actor: Actor, order: Order, found: KnockOn, takes: ChangeWindow) -> list[Consequence]:
    agrees = []
    if takes == ChangeWindow.APPROVAL:
        names = organization_names(actor, [order.manufacturer_id])
        who = names.get(order.manufacturer_id, "The manufacturer")
        agrees.append(Consequence(who, "agrees before the dates move; until then both are kept"))
    if takes == ChangeWindow.OPEN and attempts.of_kind(order, ANSWER):
        agrees.append(Consequence("The planner", "confirms the new dates instead of the former ones"))
    if found.moves(ResourceKind.COURIER_LANE) and _done(order, (JOB,)):
        agrees.append(Consequence("The courier", "accepts the transport job again"))
    return agrees


def _follows(order: Order, found: KnockOn) -> list[Consequence]:
    """Return what has to be done again, as the steps say it."""
    if not found.collection_later:
        return []
    return [
        Consequence("Treatment center", f"“{s.flow_step.title}” is done again") for s in _done(order, DONE_FOR_THE_DAY)
    ]


def _done(order: Order, kinds: Sequence[str]) -> list[OrderStep]:
    return [
        s for s in attempts.latest_attempts(order).values() if s.flow_step.kind in kinds and s.state == StepState.DONE
    ]


def replan(order: Order, found: KnockOn, fresh: SlotChain, event_id: UUID) -> None:
    """Let the order follow its new slot chain: plan, plant, parties, and what must be done again."""
    plant_before = order.plant_site_id
    bookings.set_plan(order, fresh)
    if plant_before and plant_before != order.plant_site_id:
        _leave_plant(order, plant_before)
    again = set(DONE_FOR_THE_DAY) if found.collection_later else set()
    again |= {JOB} if found.moves(ResourceKind.COURIER_LANE) else set()
    _touch_answer(order)
    attempts.begin_again(order, again, event_id)


def _leave_plant(order: Order, site_id: UUID) -> None:
    """A contracted plant that is not the order's any more takes no part in it from now on."""
    assert order.plant_site_id is not None  # noqa: S101 - a slot chain has a line
    sites = directory.rows(Site, [site_id, order.plant_site_id])
    former = sites[site_id].organization_id
    if former != sites[order.plant_site_id].organization_id:
        parties.leave(order, former, Role.CMO)


def _touch_answer(order: Order) -> None:
    """Who looks at the former dates must not confirm the new ones unseen."""
    for step in attempts.of_kind(order, ANSWER):
        if step.state == StepState.READY:
            step.version += 1
            step.save(update_fields=["version"])
