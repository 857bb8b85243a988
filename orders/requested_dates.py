"""How a request for dates that are not published stands: what may be asked, what would meet it, whose turn it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from ledger.context import Actor
from ledger.walls import visible
from network import queries as network
from orders import attempts, bookings, gathering
from orders.models import FlowStep, Order, OrderStep
from orders.overdue import ESCALATED, escalate_after
from orders.states import OrderState, StepState
from personas.queries import organization_names
from personas.states import Capability
from scheduling import date_requests, wishes
from scheduling.date_requests import DateRequest, DateRequestDue, RequestedDays
from scheduling.offers import SearchResult
from scheduling.slot_chains import SlotChain
from scheduling.states import LIVE, DateRequestState
from scheduling.wishes import DateWishes

BOOKING, REQUEST, ANSWER = "hold_slot_chain", "request_slots", "confirm_slots"
MOST_AHEAD = 50
ANSWER_HOURS = 24  # where the flow's answering step does not say


@dataclass(frozen=True)
class Standing:
    """An order's newest request, if it has one, and what the reader may do. ``found``: what would meet it now."""

    order: Order
    row: DateRequest | None
    may_ask: bool
    may_withdraw: bool
    may_answer: bool
    found: SearchResult = field(default_factory=SearchResult)

    @property
    def is_open(self) -> bool:
        return self.row is not None and self.row.state == DateRequestState.OPEN

    @property
    def is_late(self) -> bool:
        return self.is_open and self.row is not None and self.row.due_at < timezone.now()


@dataclass(frozen=True)
class Waiting:
    """A request on a planner's desk."""

    row: DateRequest
    order: Order
    late: bool


@dataclass(frozen=True)
class ForPlants:
    """Days that a client's center wishes of a therapy which the reader's plants may make: no order, no center."""

    row: RequestedDays
    therapy: str
    therapy_code: str
    client: str
    late: bool


@dataclass(frozen=True)
class Ahead:
    """What is wished of an order's dates before any are booked."""

    order: Order
    words: list[str]
    stated_at: dt.datetime


def standing(actor: Actor, order: Order, may: Callable[[OrderStep], bool]) -> Standing:
    """Return how the order's request stands; for whoever may answer, with the chains that would meet it.

    ``may``: whose it is to perform a step.
    """
    row = date_requests.latest_of(actor, order.stream_id)
    step = next(iter(attempts.of_kind(order, BOOKING)), None)
    is_open = row is not None and row.state == DateRequestState.OPEN
    mine = step is not None and may(step)
    ready = step is not None and step.state == StepState.READY and order.state == OrderState.OPEN and not order.on_hold
    answers = actor.organization_id == order.manufacturer_id and actor.can(Capability.CONFIRM_SLOTS)
    found = SearchResult()
    if row is not None and step is not None and is_open and answers and ready:
        request = bookings.wished_request(order, dict(step.flow_step.parameters), row.first_date)
        found = date_requests.found(actor, row, request)
    return Standing(order, row, mine and ready and not is_open, mine and is_open, answers and is_open, found)


def wished_dates(actor: Actor) -> list[Waiting]:
    """Return the requests that the actor's organization answers, answer due first, with their orders."""
    rows = list(date_requests.waiting(actor))
    orders = gathering.orders_by(actor, "stream_id", (row.stream_id for row in rows))
    now = timezone.now()
    return [Waiting(row, orders[row.stream_id], row.due_at < now) for row in rows if row.stream_id in orders]


def days_for_plants(actor: Actor) -> list[ForPlants]:
    """Return the days wished of therapies that the actor's plants may make for clients, answer due first."""
    rows, now = list(date_requests.for_plants(actor)), timezone.now()
    therapies = network.therapies_by_id(actor, {row.therapy_id for row in rows})
    clients = organization_names(actor, {row.manufacturer_id for row in rows})
    return [
        ForPlants(row, found.name, found.code, clients.get(row.manufacturer_id, ""), row.due_at < now)
        for row in rows
        if (found := therapies.get(row.therapy_id)) is not None
    ]


def own_plants(order: Order) -> list[UUID]:
    """Return the sites of the manufacturer's own plants that may make the order's therapy for its center's country."""
    plants = network.plants_of(order.therapy_id, order.center_site.country)
    return [plant.site_id for plant in plants if plant.organization_id == order.manufacturer_id]


def contracted_plants(order: Order) -> set[UUID]:
    """Return the contract manufacturers whose plants may make the order's therapy for its center's country."""
    plants = network.plants_of(order.therapy_id, order.center_site.country)
    return {plant.organization_id for plant in plants} - {order.manufacturer_id, order.center_id}


def told_to_plants(actor: Actor, row: RequestedDays) -> dict[str, object]:
    """Return what a contract manufacturer is told of requested days: therapy, client, country, days."""
    therapy = network.therapies_by_id(actor, {row.therapy_id}).get(row.therapy_id)
    return {
        "therapy": therapy.name if therapy else "",
        "client": organization_names(actor, {row.manufacturer_id}).get(row.manufacturer_id, ""),
        "country": row.country,
        "wished_on": row.wished_on,
        "first_date": row.first_date,
        "last_date": row.last_date,
        "due_at": row.due_at,
    }


def wished_ahead(actor: Actor) -> list[Ahead]:
    """Return what is wished of the dates of the manufacturer's orders that have none yet, newest first."""
    booked = SlotChain.unwalled.filter(stream_id=OuterRef("stream_id"), state__in=LIVE)
    rows = list(visible(DateWishes, actor).filter(~Exists(booked)).order_by("-stated_at", "pk")[:MOST_AHEAD])
    orders = gathering.orders_by(actor, "stream_id", (row.stream_id for row in rows))
    found = [(orders[row.stream_id], row) for row in rows if row.stream_id in orders]
    return [
        Ahead(order, words, row.stated_at)
        for order, row in found
        if order.state == OrderState.OPEN
        and order.manufacturer_id == actor.organization_id
        and (words := wishes.kept(row).in_words())
    ]


def answer_hours(order: Order) -> float:
    """Return within how many hours the manufacturer answers: as the flow says of its answering step."""
    step = _answering(order)
    return float(step.due.get("hours", ANSWER_HOURS)) if step is not None and "step" in step.due else ANSWER_HOURS


def look_again(due: DateRequestDue, row: DateRequest, level: int, order: Order) -> None:
    """Note who was told, and when the next level is."""
    step = _answering(order)
    if level >= ESCALATED:
        due.delete()
        return
    due.level = level
    due.due_at = row.due_at + (escalate_after(step) if step is not None else dt.timedelta(hours=4)) * level
    due.save(update_fields=["level", "due_at"])


def _answering(order: Order) -> FlowStep | None:
    return FlowStep.unwalled.filter(flow_id=order.flow_id, kind=ANSWER).first()
