"""What it takes to move an order's booked dates, what follows from it, and who must agree (CO5; DOMAIN 10.3)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from custody import identity
from ledger import directory
from ledger.context import Actor
from ledger.refusals import MissingFact
from ledger.states import Role
from ledger.walls import visible
from orders import attempts, bookings, parties, sponsors
from orders.models import FlowStep, Order, OrderStep
from orders.states import OrderState, StepState
from personas.queries import Site, organization_names
from scheduling import changes, costs, line_load, slot_chains
from scheduling import queries as scheduling
from scheduling.availability import MOST_DAYS
from scheduling.changes import KnockOn
from scheduling.costs import Cost
from scheduling.offers import ChainOffer, ChainRequest, SearchResult
from scheduling.slot_chains import SlotChain
from scheduling.states import ChainState, ChangeWindow, Ranking, ResourceKind
from scheduling.wishes import Wishes

FREE_DAYS, FROZEN_DAYS = 14, 3  # where a specification says nothing
BOOKING, ANSWER = "hold_slot_chain", "confirm_slots"
BEGUN = ("start_collection", "collect")
# What was done for the former day and does not hold for another one.
DONE_FOR_THE_DAY = ("check_kit", "decide_readiness", "identify_patient", "print_labels", "apply_labels")
JOB = "accept_job"
CALL_PLANNER = "Call the planner, or put the order on hold or cancel it with a reason."
CALL_CENTER = "Call the treatment center; where the plant cannot keep the date, open a disruption and repair it."


@dataclass(frozen=True)
class Consequence:
    """One thing that follows from a change: what, and whose it is to do or to agree."""

    who: str
    what: str


@dataclass(frozen=True)
class Preview:
    """A change before it is made: the dates, the knock-on, what it takes, and what follows.

    ``side``: who would make it: the center, or the manufacturer or its contract manufacturer, whose planners only
    ever propose.
    """

    offer: ChainOffer
    knock_on: KnockOn
    window: ChangeWindow
    agrees: list[Consequence]
    follows: list[Consequence]
    stops: list[MissingFact]
    side: Role = Role.TREATMENT_CENTER
    cost: Cost = Cost()

    @property
    def at_once(self) -> bool:
        return self.side == Role.TREATMENT_CENTER and self.window in (ChangeWindow.OPEN, ChangeWindow.FREE)


def window(order: Order, chain: SlotChain, now: dt.datetime | None = None) -> ChangeWindow:
    """Return what a change of the order's dates takes now, by the limits of its own specification version."""
    limits = order.specification.limits
    free = float(limits.get("change_free_days", FREE_DAYS))
    frozen = float(limits.get("change_frozen_days", min(FROZEN_DAYS, free)))
    return changes.window_of(chain, now or timezone.now(), free, frozen)


def stops(order: Order, chain: SlotChain | None, side: Role = Role.TREATMENT_CENTER) -> list[MissingFact]:
    """Return why the booked dates cannot move now; empty when they can. The same code offers and refuses.

    ``side``: who would move them. A planner proposes other dates instead of confirmed ones only.
    """
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
    by_planner = side != Role.TREATMENT_CENTER
    if window(order, chain) == ChangeWindow.FROZEN:
        text = "The collection is so near that its dates are frozen."
        remedy = CALL_CENTER if by_planner else CALL_PLANNER
        found.append(MissingFact("dates_frozen", text, remedy))
    if by_planner and chain.state != ChainState.CONFIRMED:
        text = "These dates are not confirmed: there is nothing to change yet."
        remedy = "Answer the request; who declines it can propose a day."
        found.append(MissingFact("not_confirmed", text, remedy))
    return found


def collection_begun(order: Order) -> bool:
    return any(step.state == StepState.DONE for kind in BEGUN for step in attempts.of_kind(order, kind))


def begun_among(actor: Actor, orders: Iterable[Order]) -> set[UUID]:
    """Return those of the orders (their keys) of which the collection has begun: their dates do not move any more."""
    ids = [order.pk for order in orders]
    done = visible(OrderStep, actor).filter(order_id__in=ids, flow_step__kind__in=BEGUN, state=StepState.DONE)
    return set(done.values_list("order_id", flat=True)) if ids else set()


def request_of(actor: Actor, order: Order, earliest: dt.date, wishes: Wishes | None = None) -> ChainRequest:
    """Return what the order's booking step would ask of a search, with what is wished: as its record says, unless said
    now. Of a contract manufacturer, on its own lines."""
    return sponsors.on_own_lines(actor, bookings.wished_request(order, _parameters(order), earliest, wishes))


def usual_washout(order: Order) -> int | None:
    """Return the days of washout that the order's flow asks for, if it does."""
    return _parameters(order).get("washout_days")


def _parameters(order: Order) -> dict[str, Any]:
    step = FlowStep.unwalled.filter(flow_id=order.flow_id, kind=BOOKING).first()
    return dict(step.parameters) if step else {}


def search(
    actor: Actor, order: Order, chain: SlotChain, earliest: dt.date, wishes: Wishes | None = None
) -> SearchResult:
    """Return the dates to which the order could move, as if it had no places yet; the booked dates are left out."""
    with sponsors.sight(actor, order) as seen:
        request = changes.staying(chain, request_of(actor, order, earliest, wishes))
        result = slot_chains.search(seen, request, wishes.ranking if wishes else Ranking.EARLIEST)
    booked = changes.places_in(chain)
    return SearchResult([o for o in result.offers if changes.places_of(o) != booked], result.refused)


def lines_of(actor: Actor, order: Order) -> list[tuple[UUID, str]]:
    """Return the manufacturing lines on which the order could be made, as far as the actor knows them, with names."""
    serves = Q(therapy_ids=[]) | Q(therapy_ids__contains=[order.therapy_id])
    with sponsors.sight(actor, order):
        plants = bookings.plant_sites(order)
    own = actor.organization_role == Role.CMO
    lines = scheduling.resources(actor, kind=ResourceKind.MANUFACTURING_LINE, own=own)
    found = lines.filter(serves, site_id__in=plants)
    names = {site.pk: site.name for site in directory.rows(Site, plants).values()}
    return [(line.pk, f"{line.name}, {names[line.site_id]}") for line in found if line.site_id in names]


def search_start(
    actor: Actor, order: Order, chain: SlotChain, line_id: UUID, date: dt.date, wishes: Wishes | None = None
) -> SearchResult:
    """Return the dates with which manufacture would start on a line on a day of its plant, and why others do not.

    Collections are looked for as long before that day as the material may travel and wait.
    """
    request = request_for_start(actor, order, line_id, date, wishes)
    if request is None:
        return SearchResult()
    with sponsors.sight(actor, order) as seen:
        ranking = wishes.ranking if wishes else Ranking.EARLIEST
        result = slot_chains.search(seen, changes.staying(chain, request), ranking)
    booked = changes.places_in(chain)
    return SearchResult([o for o in result.offers if changes.places_of(o) != booked], result.refused)


def request_for_start(
    actor: Actor, order: Order, line_id: UUID, date: dt.date, wishes: Wishes | None = None
) -> ChainRequest | None:
    """Return what is asked of a search where manufacture is to start on a line on a day of its plant; None where the
    line offers no start on that day."""
    slots = frozenset(slot.pk for slot in line_load.starts_on(actor, line_id, date))
    today = order.center_site.today
    if not slots or date < today:
        return None
    with sponsors.sight(actor, order):
        request = request_of(actor, order, today, wishes)
    if not request.cryopreserved and request.max_age_hours is not None:
        days = math.ceil(request.max_age_hours / 24) + request.collection_days + request.contingency_days
        request = replace(request, earliest=max(request.earliest, date - dt.timedelta(days=days)))
    span = (date - request.earliest).days + 1
    return replace(request, line_slot_ids=slots, horizon_days=max(1, min(span, MOST_DAYS)))


def preview(
    actor: Actor, order: Order, chain: SlotChain, offer: ChainOffer, side: Role = Role.TREATMENT_CENTER
) -> Preview:
    """Return what the change would do and take, made by the center or proposed by the manufacturer. Changes nothing."""
    found, now = changes.knock_on(chain, offer), timezone.now()
    takes = window(order, chain)
    agrees = _agreements(actor, order, found, takes, side)
    cost = costs.of_change(found, costs.in_force(actor, order.therapy_id, now.date()), now)
    return Preview(offer, found, takes, agrees, _follows(order, found), stops(order, chain, side), side, cost)


def _agreements(actor: Actor, order: Order, found: KnockOn, takes: ChangeWindow, side: Role) -> list[Consequence]:
    agrees = []
    asked = order.manufacturer_id if side == Role.TREATMENT_CENTER else order.center_id
    if takes == ChangeWindow.APPROVAL or side != Role.TREATMENT_CENTER:
        who = organization_names(actor, [asked]).get(asked, "The other side")
        agrees.append(Consequence(who, "agrees before the dates move; until then both are kept"))
    if side == Role.CMO:
        sponsor = organization_names(actor, [order.manufacturer_id]).get(order.manufacturer_id, "The sponsor")
        agrees.append(Consequence(sponsor, "is told, and may withdraw it until the treatment center has answered"))
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
