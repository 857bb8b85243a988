"""What a planner looks at: requests with the load of their line, what runs, and the next date that would fit (MP2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.walls import visible
from orders import bookings, gathering
from orders.attempts import plan_time
from orders.models import FlowStep, Order, OrderStep
from orders.states import PLANT, OrderState, StepState
from quality import queries as quality
from quality.states import BatchState
from scheduling import line_load
from scheduling import queries as scheduling
from scheduling.line_load import LineDay
from scheduling.slot_chains import ChainOffer, RefusedDate
from scheduling.states import ResourceKind

CONFIRM, BOOK = "confirm_slots", "hold_slot_chain"
AT_THE_PLANT = ("inbound", "manufacture", "release", "outbound")
MOST_LATE = 20


@dataclass
class Request:
    """A requested slot chain: what is asked, when the answer is due, how full the line is around the start."""

    step: OrderStep
    order: Order
    chain: Any
    line: Any
    load: list[LineDay] = field(default_factory=list)
    mine: bool = False
    late: bool = False


@dataclass
class Running:
    """A batch in manufacture: planned against actual."""

    batch: Any
    order: Order
    planned_at: dt.datetime | None
    expected_at: dt.datetime
    zone: str
    late: bool

    @property
    def days(self) -> int:
        """The day of manufacture, counting from 1."""
        return (timezone.now() - self.batch.started_at).days + 1


@dataclass(frozen=True)
class NextDate:
    """The next chain that would fit after a requested one, or why the days after it have none."""

    offer: ChainOffer | None
    refused: Sequence[RefusedDate]
    zone: str
    plant_zone: str

    @property
    def collection_date(self) -> dt.date | None:
        """The day at the center, as the center books it."""
        return self.offer.collection_start.astimezone(ZoneInfo(self.zone)).date() if self.offer else None


def asked(actor: Actor) -> QuerySet[OrderStep]:
    """Return the requests for slots that wait for an answer on the actor's orders, answer due first."""
    steps = visible(OrderStep, actor).filter(
        flow_step__kind=CONFIRM, state=StepState.READY, order__state=OrderState.OPEN
    )
    return steps.select_related("flow_step", "site").order_by(F("due_at").asc(nulls_last=True), "pk")


def requests(actor: Actor, steps: Sequence[OrderStep], may: Callable[[OrderStep], bool]) -> list[Request]:
    """Return the steps of one page as requests, with a constant number of queries; ``may``: whose it is to answer."""
    now = timezone.now()
    rows = gathering.with_orders(actor, steps)
    chains = {chain.stream_id: chain for chain in scheduling.live_chains(actor, [step.stream_id for step in rows])}
    found = []
    for step in rows:
        chain = chains.get(step.stream_id)
        links = list(chain.links.all()) if chain else []
        line = next((link for link in links if link.kind == ResourceKind.MANUFACTURING_LINE), None)
        found.append(Request(step, step.order, chain, line, mine=may(step), late=step.is_late(now)))
    loads = line_load.around(actor, [request.line for request in found if request.line])
    for request in found:
        request.load = loads.get(request.line.pk, []) if request.line else []
    return found


def next_date(actor: Actor, order: Order) -> NextDate:
    """Return the next chain after the requested one that the whole search finds feasible (chair to line).

    What the order itself holds counts as taken, as it is until the planner has declined.
    """
    zone = order.center_site.zone
    begin = plan_time(order, "collection_start") or timezone.now()
    day = begin.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=1)
    flow_step = FlowStep.unwalled.filter(flow_id=order.flow_id, kind=BOOK).first()
    parameters = dict(flow_step.parameters) if flow_step else {}
    result = bookings.search(actor, order, parameters, day)
    offer = min(result.offers, key=lambda one: one.collection_start) if result.offers else None
    before = [day for day in result.refused if offer is None or day.date < offer.collection_start.date()]
    return NextDate(offer, before[:5], zone, order.plant_site.zone if order.plant_site else zone)


def running(actor: Actor) -> list[Running]:
    """Return the batches in manufacture on the actor's orders, the first to be finished first."""
    batches = list(quality.batches_in(actor, [BatchState.IN_MANUFACTURE]))
    orders = gathering.orders_by(actor, "stream_id", (batch.stream_id for batch in batches))
    now, found = timezone.now(), []
    for batch in batches:
        order = orders.get(batch.stream_id)
        if order is None:
            continue
        expected = batch.started_at + dt.timedelta(days=float(order.specification.limits["manufacture_days"]))
        zone = order.plant_site.zone if order.plant_site else order.center_site.zone
        started = plan_time(order, "manufacture_start")
        found.append(Running(batch, order, started, expected, zone, expected < now))
    return sorted(found, key=lambda row: row.expected_at)


def late(actor: Actor) -> list[OrderStep]:
    """Return what is overdue at the plants of the actor's orders, whoever may do it, longest overdue first."""
    steps = visible(OrderStep, actor).filter(
        flow_step__actor__in=(PLANT, actor.organization_role),
        flow_step__phase__in=AT_THE_PLANT,
        state=StepState.READY,
        order__state=OrderState.OPEN,
        due_at__lt=timezone.now(),
    )
    rows = steps.select_related("flow_step", "site").prefetch_related(Prefetch("responsible")).order_by("due_at", "pk")
    return gathering.with_orders(actor, rows[:MOST_LATE])
