"""The single door for every step of every kind, on both faces; and the same questions asked without raising."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from custody import identity
from custody.actions.mismatch import stop_the_line
from custody.scans import ANOTHER_BOX
from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.recording import Once, OpenEvent, Replayed, acting
from ledger.refusals import FactsMissing, Mismatch, MissingFact, NotFound, Stale, Unauthenticated, WrongState
from ledger.walls import visible
from orders import attempts, places, signers
from orders.inputs import parse
from orders.models import Order, OrderStep
from orders.policies import may_perform, may_see, require_may_perform, why_not
from orders.states import OrderState, StepState
from orders.step_kinds import Outcome, StepContext, StepKind, kind_of
from quality import deviations

ORDER_RELATIONS = ("therapy", "specification", "flow")  # joined; organizations and sites: see places.fill
EVENT_OF_STATE = {
    StepState.DONE: "orders.step_done",
    StepState.READY: "orders.step_progressed",
    StepState.FAILED: "orders.step_failed",
}


@dataclass(frozen=True)
class StepResult:
    """What a performed step answers, on both faces and again on replay."""

    order: str
    step: str
    attempt: int
    state: str
    version: int
    summary: str
    event: str

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


def order_named(actor: Actor, code: str) -> Order:
    """Return the order with its relations; raise NotFound when it does not exist for the actor."""
    order = visible(Order, actor).select_related(*ORDER_RELATIONS).filter(code=code.upper()).first()
    if order is None or not places.fill([order]):
        raise NotFound()
    return order


def stream_of(code: str) -> QuerySet[Any]:
    """Return an order's stream as a query for ``acting``; it finds none where the row policies show no such order."""
    return Order.unwalled.filter(code=code.upper()).values("stream_id")


def current_step(order: Order, key: str) -> OrderStep:
    """Return the newest attempt of a step; an unknown key answers like an unknown order (NotFound)."""
    step = (
        OrderStep.unwalled.filter(order=order, key=key).select_related("flow_step", "site").order_by("-attempt").first()
    )
    if step is None:
        raise NotFound()
    return step


def context_of(actor: Actor, order: Order, step: OrderStep, event: OpenEvent | None = None) -> StepContext:
    return StepContext(actor, order, step, step.flow_step, dict(step.flow_step.parameters), event)


def perform(
    actor: Actor | None,
    code: str,
    key: str,
    raw: Mapping[str, Any],
    *,
    version: str | None = None,
    once: Once | None = None,
    device_time: dt.datetime | None = None,
) -> StepResult:
    """Perform a step: identify, replay, find, parse, allow, time, facts, do, record (DESIGN 1.2, 7).

    ``raw`` holds the inputs of the step's kind as sent; ``version`` is the ETag ``attempt.version`` that was seen (412
    when it moved on); ``device_time`` is a device's own clock, kept beside the server's. Raises a Refusal and leaves
    nothing behind, or returns what was done.
    """
    if actor is None:
        raise Unauthenticated()
    try:
        return _perform(actor, code, key, raw, version, once, device_time)
    except Replayed as replayed:
        return StepResult(**replayed.result)
    except Mismatch as mismatch:
        if mismatch.code == ANOTHER_BOX:
            raise
        with reading(actor):
            stream_id = order_named(actor, code).stream_id
        stop_the_line(actor, stream_id, list(getattr(mismatch, "container_ids", [])), mismatch.detail)
        raise


def _perform(
    actor: Actor,
    code: str,
    key: str,
    raw: Mapping[str, Any],
    version: str | None,
    once: Once | None,
    device_time: dt.datetime | None,
) -> StepResult:
    subject = ("step", f"{code.upper()}/{key}")
    with acting(
        actor, "orders.step_done", stream_id=stream_of(code), subject=subject, once=once, device_time=device_time
    ) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        step = current_step(order, key)
        if not may_see(actor, step):
            raise NotFound()
        kind = kind_of(step.flow_step.kind)
        event.capability = step.capability
        event.zone = step.site.zone if step.site else actor.zone
        ctx = context_of(actor, order, step, event)
        inputs = parse(kind, step.flow_step, raw, {"zone": ZoneInfo(event.zone), "step_context": ctx})
        require_may_perform(actor, step)
        require_ready(order, step, kind, version)
        require_facts(missing_facts(kind, ctx))
        event.signatures = signers.collect(kind, ctx, inputs)
        require_facts(signers.lapsed_trainings(ctx, event.signatures))
        clean = {name: value for name, value in inputs.items() if name not in signers.SECRET_FIELDS}
        outcome = kind.do(ctx, clean)
        if order.on_hold:  # it happened all the same: recorded, and a case of its own
            text = f"“{step.flow_step.title}” was recorded while the order was on hold."
            deviations.open_deviation(ctx.stream, "on_hold", "major", text, automatic=True)
        record(ctx, kind, outcome)
        result = StepResult(
            order.code, step.key, step.attempt, step.state, step.version, outcome.summary, str(event.id)
        )
        event.result = result.as_json()
    return result


def require_ready(order: Order, step: OrderStep, kind: StepKind, version: str | None) -> None:
    """Raise Stale or WrongState unless the step is ready at the version that the person saw."""
    if version is not None and version.strip('"') != step.etag.strip('"'):
        raise Stale()
    if order.state != OrderState.OPEN:
        raise WrongState(
            f"The order is {order.get_state_display().lower()}.",
            code="order_ended",
            remedy="A closed or cancelled order is read-only. Open a new order if the patient needs one.",
        )
    if order.on_hold and not kind.physical:
        raise WrongState(
            f"The order is on hold: {order.hold_reason}",
            code="order_on_hold",
            remedy="Lift the hold first, or ask whoever put it on hold.",
        )
    if step.state != StepState.READY:
        raise WrongState(f"“{step.flow_step.title}” is {step.get_state_display().lower()}.", code="step_not_ready")


def missing_facts(kind: StepKind, ctx: StepContext) -> list[MissingFact]:
    """Return what must be in place first; an identity under query stops every step but what physically happens."""
    found = kind.missing(ctx)
    if kind.physical or kind.decides_under_query or any(fact.code == "identity_under_query" for fact in found):
        return found
    return identity.query_facts(ctx.order.stream_id) + found


def require_facts(missing: list[MissingFact]) -> None:
    """Raise FactsMissing that lists every absent fact."""
    if missing:
        raise FactsMissing(
            missing[0].text if len(missing) == 1 else f"{len(missing)} things are missing.", facts=missing
        )


def record(ctx: StepContext, kind: StepKind, outcome: Outcome) -> None:
    """Write the step's new state, make successors ready, and fill the open event."""
    event, step, order = ctx.event, ctx.step, ctx.order
    assert event is not None  # noqa: S101 - only the engine calls this, inside the event it opened
    event.kind = kind_named(EVENT_OF_STATE[outcome.state])
    event.audience = tuple(kind.audience)
    event.occurred_at = outcome.happened_at or event.occurred_at
    event.note(
        step=step.key,
        title=step.flow_step.title,
        kind=kind.key,
        attempt=step.attempt,
        summary=outcome.summary,
        facts=dict(outcome.facts),
        flow_version=order.flow.version,
    )
    step.state = outcome.state
    step.summary = outcome.summary
    step.version += 1
    if outcome.state != StepState.READY:
        step.done_at = outcome.happened_at or timezone.now()
        step.done_by = event.signatures[0].person_name if event.signatures else ctx.actor.display_name
        step.done_by_id = ctx.performer_id
    # Never the whole row: the database keeps ``party_ids``, and a step may have changed who takes part.
    step.save(update_fields=["state", "summary", "version", "done_at", "done_by", "done_by_id"])
    if outcome.reopen:
        attempts.reopen(order, outcome.reopen, event.id, outcome.summary)
    else:
        attempts.advance(order, event.id)


@dataclass(frozen=True)
class NextAction:
    """A ready step: whose turn it is, whether this actor may act, and what is missing."""

    step: OrderStep
    kind: StepKind
    mine: bool
    missing: list[MissingFact]
    refusal: str = ""


def next_actions(actor: Actor, order: Order) -> list[NextAction]:
    """Return the ready steps of an order with whose turn it is (the code that refuses, asked without raising)."""
    if order.state != OrderState.OPEN:
        return []
    steps = (
        OrderStep.unwalled.filter(order=order, state=StepState.READY)
        .select_related("flow_step", "responsible", "site")
        .order_by("position")
    )
    found = []
    for step in steps:
        kind = kind_of(step.flow_step.kind)
        mine = may_perform(actor, step) and not (order.on_hold and not kind.physical)
        missing = missing_facts(kind, context_of(actor, order, step)) if mine else []
        found.append(NextAction(step, kind, mine, missing, why_not(actor, step)))
    return found
