"""Batches on their way to release: what is missing of each, and until when it must ship (QA8, QC2).

The open items are those that the release itself would refuse with, asked for many batches at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import MissingFact
from ledger.walls import visible
from network.specifications import Rule, rules_of
from orders import evidence, gathering, owners, plant_work, reserve
from orders.evidence_sections import SECTION_OF
from orders.models import Order, OrderStep
from orders.states import OrderState, StepState
from personas.queries import organization_names
from quality import open_items
from quality import queries as quality
from quality.states import BatchState, Verdict

QC = "record_qc"
May = Callable[[OrderStep], bool]  # whether the reader's persona may perform a step
LATELY = dt.timedelta(days=30)


@dataclass(frozen=True)
class OpenItem:
    """One thing that stands against a release, and the anchor of its evidence."""

    fact: MissingFact
    anchor: str


@dataclass
class Pending:
    """A batch that is not decided yet."""

    batch: Any
    order: Order
    zone: str
    step: OrderStep | None = None
    again: OrderStep | None = None
    owner: str = ""
    mine: bool = False
    items: list[OpenItem] = field(default_factory=list)
    cutoff_at: dt.datetime | None = None
    late: bool = False
    tests: list[Test] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        return self.step is not None and not self.items

    @property
    def to_enter(self) -> list[Test]:
        """The tests that can be entered: never done, or to be repeated because the last one was invalid."""
        return [test for test in self.tests if test.result is None or test.is_invalid]


@dataclass(frozen=True)
class Test:
    """A test of the order's specification with its standing result."""

    rule: Rule
    result: Any = None

    @property
    def is_invalid(self) -> bool:
        return self.result is not None and self.result.verdict == Verdict.INVALID

    @property
    def status(self) -> str:
        if self.result is None:
            return "waiting"
        return {Verdict.PASS: "passed", Verdict.FAIL: "failed"}.get(self.result.verdict, "open")


@dataclass(frozen=True)
class Decided:
    """A batch that was released lately."""

    decision: Any
    batch: Any
    order: Order
    zone: str
    box: Any = None


def to_decide(actor: Actor, kinds: Sequence[str], states: Sequence[str], may: May) -> list[Pending]:
    """Return undecided batches with everything open, exceptions and ready ones alike, first to ship first.

    ``kinds``: the step kinds of which the newest attempt is the batch's next act (review, release).
    """
    found = _pending(actor, quality.batches_in(actor, states), kinds, may)
    items = evidence.open_items([row.batch for row in found])
    cutoffs = plant_work.cutoffs_of(actor, [row.order for row in found])
    now = timezone.now()
    for row in found:
        row.items = with_anchors(items[row.batch.pk])
        row.cutoff_at = cutoffs.get(row.order.pk)
        row.late = row.cutoff_at is not None and row.cutoff_at < now
    return sorted(found, key=_by_cutoff)


@dataclass(frozen=True)
class ReserveAsked:
    """A reserve that the planner gave a place and quality has not decided about (MO7)."""

    step: OrderStep
    order: Order
    zone: str
    mine: bool
    owner: str
    late: bool


def reserves(actor: Actor, may: May) -> list[ReserveAsked]:
    """Return the reserves whose use waits for a signature, due first: a constant number of queries."""
    steps = visible(OrderStep, actor).filter(
        flow_step__kind=reserve.RELEASE, state=StepState.READY, order__state=OrderState.OPEN
    )
    ordered = steps.select_related("flow_step", "site").order_by(F("due_at").asc(nulls_last=True), "pk")
    rows = gathering.with_orders(actor, ordered)
    names = organization_names(actor, {step.responsible_id for step in rows if step.responsible_id})
    now = timezone.now()
    return [
        ReserveAsked(
            step,
            step.order,
            step.order.plant_site.zone if step.order.plant_site else step.order.center_site.zone,
            may(step),
            names.get(step.responsible_id, "") if step.responsible_id else "",
            step.is_late(now),
        )
        for step in rows
    ]


def with_anchors(facts: Iterable[MissingFact]) -> list[OpenItem]:
    """Return facts each with the anchor of its evidence."""
    return [OpenItem(fact, SECTION_OF.get(fact.code, "batch")) for fact in facts]


def _by_cutoff(row: Pending) -> tuple[bool, dt.datetime, str]:
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return row.cutoff_at is None, row.cutoff_at or never, row.batch.number


def in_quality_control(actor: Actor, may: May) -> list[Pending]:
    """Return the batches of the actor's own plant in quality control with every test, overdue first.

    Complete ones whose results wait for the review are left out.
    """
    batches = quality.batches_in(actor, [BatchState.IN_QC]).filter(plant_id=actor.organization_id)
    found = _pending(actor, batches, [QC], may)
    standing: dict[UUID, dict[str, Any]] = {}
    for result in open_items.standing_results([row.batch.pk for row in found]):
        standing.setdefault(result.batch_id, {})[result.test_key] = result
    now = timezone.now()
    for row in found:
        results = standing.get(row.batch.pk, {})
        row.tests = [Test(rule, results.get(rule.key)) for rule in rules_of(row.batch.specification).values()]
        row.late = row.step is not None and row.step.is_late(now)
    rows = [row for row in found if any(t.is_invalid or (t.result is None and t.rule.required) for t in row.tests)]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(rows, key=lambda row: ((row.step and row.step.due_at) or never, row.batch.number))


def _pending(actor: Actor, batches: Any, kinds: Sequence[str], may: May) -> list[Pending]:
    rows = list(batches)
    orders = gathering.orders_by(actor, "stream_id", (batch.stream_id for batch in rows))
    steps = visible(OrderStep, actor).filter(
        order_id__in=[order.pk for order in orders.values()],
        flow_step__kind__in=kinds,
        state__in=(StepState.READY, StepState.DONE),
    )
    ready: dict[UUID, OrderStep] = {}
    done: dict[UUID, OrderStep] = {}
    for step in steps.select_related("flow_step", "site").order_by("position", "attempt"):
        (ready if step.state == StepState.READY else done)[step.order_id] = step
    owners.name_on(actor, ready.values())
    names = organization_names(actor, {step.responsible_id for step in ready.values() if step.responsible_id})
    found = []
    for batch in rows:
        order = orders.get(batch.stream_id)
        if order is None:
            continue
        now = ready.get(order.pk)
        zone = order.plant_site.zone if order.plant_site else order.center_site.zone
        owner = names.get(now.responsible_id, "") if now and now.responsible_id else ""
        mine = now is not None and may(now)
        again = done.get(order.pk)
        may_repeat = now is None and again is not None and again.flow_step.may_repeat and may(again)
        found.append(Pending(batch, order, zone, now, again if may_repeat else None, owner, mine))
    return found


def released_lately(actor: Actor, most: int = 25) -> list[Decided]:
    """Return the releases of the last month with what became of the product, newest first; revoked ones say so."""
    decisions = list(quality.releases_since(actor, timezone.now() - LATELY)[:most])
    batches = quality.batches_named(actor, [decision.batch_id for decision in decisions])
    orders = gathering.orders_by(actor, "stream_id", (decision.stream_id for decision in decisions))
    boxes = plant_work.outbound_boxes(actor, orders)
    return [
        Decided(
            decision,
            batches[decision.batch_id],
            order,
            order.plant_site.zone if order.plant_site else order.center_site.zone,
            boxes.get(decision.stream_id),
        )
        for decision in decisions
        if (order := orders.get(decision.stream_id)) is not None and decision.batch_id in batches
    ]
