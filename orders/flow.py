"""The single door for every step of every kind, on both faces; and the same questions asked without raising."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from custody import identity
from custody.actions.mismatch import stop_the_line
from custody.scans import ANOTHER_BOX
from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.prepared import Prepared
from ledger.recording import Once, OpenEvent, Replayed, acting
from ledger.refusals import FactsMissing, Mismatch, MissingFact, NotFound, Stale, Unauthenticated, WrongState
from ledger.states import Role
from ledger.walls import note_seen, visible
from orders import attempts, departures, late, parties, places, signers
from orders.inputs import inputs_class, parse, read
from orders.late import ASKED
from orders.locks import stream_of
from orders.models import FlowStep, Order, OrderStep
from orders.policies import may_perform, may_see, require_may_perform, why_not
from orders.states import OPEN_STEP_STATES, OrderState, StepState
from orders.step_kinds import Noted, Outcome, StepContext, StepKind, kind_of

EVENT_OF_STATE = {
    StepState.DONE: "orders.step_done",
    StepState.READY: "orders.step_progressed",
    StepState.FAILED: "orders.step_failed",
}
STOP_THIS_BOX, LEAVE_THE_BOX = "STOP: this box must not move.", "Leave it where it is and call the sender."
RECORDED_LATE = "orders.step_recorded_late"


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


class _Rehearsed(Exception):
    """Everything was asked: nothing of it stays."""


def order_named(actor: Actor, code: str) -> Order:
    """Return the order with its relations; raise NotFound when it does not exist for the actor."""
    found = places.fill(_order(actor=actor, code=code.upper()))
    if not found:
        raise NotFound()
    note_seen(actor, found[0].stream_id)
    return found[0]


@Prepared
def _order(actor: Actor, code: str) -> QuerySet[Order]:
    return visible(Order, actor).filter(code=code)


def current_step(order: Order, key: str) -> OrderStep:
    """Return the newest attempt of a step; an unknown key answers like an unknown order (NotFound)."""
    found = places.fill_steps(_attempts(order_id=order.pk, key=key)[:1])
    if not found:
        raise NotFound()
    found[0].order = order
    return found[0]


@Prepared
def _attempts(order_id: UUID, key: str) -> QuerySet[OrderStep]:
    return OrderStep.unwalled.filter(order_id=order_id, key=key).order_by("-attempt")


def context_of(
    actor: Actor, order: Order, step: OrderStep, event: OpenEvent | None = None, *, late: bool = False
) -> StepContext:
    """Return what a kind may look at; ``late``: as it looks when it has happened already."""
    ctx = StepContext(actor, order, step, step.flow_step, dict(step.flow_step.parameters), event)
    ctx.late_reason = ASKED if late else ""
    return ctx


def can_be_recorded_late(kind: StepKind, ctx: StepContext) -> bool:
    return late.possible(kind, ctx)


def perform(
    actor: Actor | None,
    code: str,
    key: str,
    raw: Mapping[str, Any],
    *,
    version: str | None = None,
    once: Once | None = None,
    device_time: dt.datetime | None = None,
    noted: Noted | None = None,
    then: Callable[[Order], None] | None = None,
) -> StepResult:
    """Perform a step: identify, replay, find, parse, allow, time, facts, do, record (DESIGN 1.2, 7).

    An act that moves material may come with a ``late_reason``: then time and facts are noted, not refused (``late``).
    ``raw`` holds the inputs of the step's kind as sent; ``version`` is the ETag ``attempt.version`` that was seen (412
    when it moved on), or ``attempt.version.digest`` where a signature is bound to what was shown (412 when changed);
    ``device_time`` is a device's own clock, kept beside the server's; ``noted`` says that it was noted before. ``then``
    looks at the order as it is left, before the commit; it is not called on replay, nor for who takes part no more.
    Raises a Refusal and leaves nothing behind, or returns what was done.
    """
    if actor is None:
        raise Unauthenticated()
    try:
        with _stopping_the_line(actor, code, key):
            result, leaves = _perform(actor, code, key, raw, version, once, device_time, noted, then)
        if leaves is not None:
            departures.leave_at_once(actor, leaves, result.order)
        return result
    except Replayed as replayed:
        return StepResult(**replayed.result)


@contextmanager
def _stopping_the_line(actor: Actor, code: str, key: str) -> Iterator[None]:
    """Let a mismatch that rolled everything back stop the line in an event of its own."""
    try:
        yield
    except Mismatch as mismatch:
        if mismatch.code == ANOTHER_BOX:
            raise
        with reading(actor):
            order = order_named(actor, code)
            title = FlowStep.unwalled.filter(flow_id=order.flow_id, key=key).values_list("title", flat=True).first()
        beside = list(getattr(mismatch, "container_ids", []))
        stop_the_line(actor, order.stream_id, beside, mismatch.detail, title or key)
        raise


def rehearse(actor: Actor, code: str, key: str, raw: Mapping[str, Any]) -> None:
    """Ask everything of an act but who signs it, and leave nothing behind; raise the Refusal that it would meet.

    What was scanned is compared here too: another patient's code stops the line at once, signed or not.
    """
    with (
        suppress(_Rehearsed),
        _stopping_the_line(actor, code, key),
        acting(actor, "orders.step_done", stream_id=stream_of(code)) as event,
    ):
        ctx, kind = _found(actor, code, key, event)
        inputs = read(inputs_class(kind, 0), raw, _about(ctx))
        require_may_perform(actor, ctx.step)
        with late.offered(kind, ctx):
            _do(kind, ctx, inputs)
        raise _Rehearsed


def _perform(
    actor: Actor,
    code: str,
    key: str,
    raw: Mapping[str, Any],
    version: str | None,
    once: Once | None,
    device_time: dt.datetime | None,
    noted: Noted | None,
    then: Callable[[Order], None] | None,
) -> tuple[StepResult, UUID | None]:
    """Return what was done, and the order's center when the acting organization leaves the order with it."""
    subject = ("step", f"{code.upper()}/{key}")
    clock = noted.device_time if noted else device_time
    with acting(
        actor, "orders.step_done", stream_id=stream_of(code), subject=subject, once=once, device_time=clock
    ) as event:
        ctx, kind = _found(actor, code, key, event)
        order = ctx.order
        inputs = parse(kind, 0 if noted and noted.on_paper else ctx.step.signatures, raw, _about(ctx))
        require_may_perform(actor, ctx.step)
        require_version(ctx.step, version)
        require_same_shown(kind, ctx, version)
        with late.offered(kind, ctx):
            outcome = _do(kind, ctx, inputs)
        if noted:
            at, said = outcome.happened_at or noted.happened_at, f"{outcome.summary} {noted.words}".strip()
            outcome = replace(outcome, happened_at=at, summary=said)
        record(ctx, kind, outcome)
        if noted:
            event.clock_skew = noted.clock_skew
            noted.beside(ctx)
        step = ctx.step
        result = StepResult(
            order.code, step.key, step.attempt, step.state, step.version, outcome.summary, str(event.id)
        )
        event.result = result.as_json()
        stays = any(one.organization_id == actor.organization_id for one in parties.current_parties(order))
        if then is not None and stays and not outcome.leaves:
            then(order)
    return result, order.center_id if outcome.leaves else None


def _found(actor: Actor, code: str, key: str, event: OpenEvent) -> tuple[StepContext, StepKind]:
    """Return what an act is about, inside the open event; raise NotFound for what is not the actor's to see."""
    order = order_named(actor, code)
    order.stream = event.stream
    step = current_step(order, key)
    if not may_see(actor, step):
        raise NotFound()
    event.capability = step.capability
    event.zone = step.site.zone if step.site else actor.zone
    return context_of(actor, order, step, event), kind_of(step.flow_step.kind)


def _about(ctx: StepContext) -> dict[str, Any]:
    assert ctx.event is not None  # noqa: S101 - asked inside the open event
    return {"zone": ZoneInfo(ctx.event.zone), "step_context": ctx}


def _do(kind: StepKind, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
    """Time, facts, signatures, and the act itself; recorded late, time and facts are noted instead of asked."""
    assert ctx.event is not None  # noqa: S101 - the engine opened it
    if reason := late.reason_of(kind, inputs):
        late.begin(kind, ctx, reason, _missing(kind, ctx))
    else:
        require_ready(ctx.actor, ctx.order, ctx.step)
        require_facts(missing_facts(kind, ctx))
    ctx.event.signatures = signers.collect(kind, ctx, inputs)
    lapsed = signers.lapsed_trainings(ctx, ctx.event.signatures)
    if ctx.late:
        ctx.findings += lapsed
    else:
        require_facts(lapsed)
    outcome = kind.do(ctx, {name: value for name, value in inputs.items() if name not in signers.SECRET_FIELDS})
    if ctx.late:
        late.open_case(ctx)
    return outcome


def require_version(step: OrderStep, version: str | None) -> None:
    """Raise Stale when the step moved on since the person saw it."""
    if version is not None and step_version(version) != step.etag.strip('"'):
        raise Stale()


def require_ready(actor: Actor, order: Order, step: OrderStep) -> None:
    """Raise WrongState unless it is the step's time: the order open and not on hold, the step ready."""
    if order.state != OrderState.OPEN:
        raise WrongState(
            f"The order is {order.get_state_display().lower()}.",
            code="order_ended",
            remedy="A closed or cancelled order is read-only. Open a new order if the patient needs one.",
        )
    if order.on_hold and actor.organization_role == Role.COURIER:  # why is not the courier's to know
        raise WrongState(STOP_THIS_BOX, code="order_on_hold", remedy=LEAVE_THE_BOX)
    if order.on_hold:
        raise WrongState(
            f"The order is on hold: {order.hold_reason}",
            code="order_on_hold",
            remedy="Lift the hold first, or ask whoever put it on hold.",
        )
    if step.state != StepState.READY:
        raise WrongState(
            f"“{step.flow_step.title}” is {step.get_state_display().lower()}.",
            code="step_not_ready",
            remedy="The order's page says what is next, and whose turn it is.",
        )


def step_version(version: str) -> str:
    """Return the part of a seen version that is the step's own: ``attempt.version``."""
    return ".".join(version.strip('"').split(".")[:2])


def seen_version(step: OrderStep, shown: list[tuple[str, str]]) -> str:
    """Return the version of a step together with what is shown before it is signed: ``attempt.version.digest``."""
    return f"{step_version(step.etag)}.{signers.shown_digest(shown)}"


def require_same_shown(kind: StepKind, ctx: StepContext, version: str | None) -> None:
    """Raise Stale when what the person saw above the signature is not what would be signed now."""
    if version is None or not kind.binds_shown:
        return
    if version.strip('"') != seen_version(ctx.step, kind.shown(ctx)):
        raise Stale(
            "What you were shown has changed since, so nothing was signed.",
            remedy="The page below is the newest. Read what changed, then sign again.",
        )


def missing_facts(kind: StepKind, ctx: StepContext) -> list[MissingFact]:
    """Return what must be in place first, as the actor may know it: a courier is told to stop the box, not why."""
    found = _missing(kind, ctx)
    if ctx.actor.organization_role != Role.COURIER or not any(fact.code in late.CRITICAL for fact in found):
        return found
    stop = MissingFact("stop_box", STOP_THIS_BOX, LEAVE_THE_BOX)
    return [stop, *(fact for fact in found if fact.code not in late.CRITICAL)]


def _missing(kind: StepKind, ctx: StepContext) -> list[MissingFact]:
    """Return every absent fact; an identity under query stops every step that does not weigh it itself."""
    found = kind.missing(ctx)
    if kind.decides_under_query or any(fact.code == "identity_under_query" for fact in found):
        return found
    return _stops(ctx.order) + found


def _stops(order: Order) -> list[MissingFact]:
    """Return what stops the order's identity, asked once per act: a query opens and ends in acts of their own."""
    if order.query_at_hand is None:
        order.query_at_hand = identity.query_facts(order.stream_id)
    return list(order.query_at_hand)


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
    event.kind = kind_named(RECORDED_LATE if ctx.late else EVENT_OF_STATE[outcome.state])
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
        site=step.site.code if step.site else "",
    )
    step.state = state = late.state_after(ctx, outcome)
    step.summary = outcome.summary
    step.version += 1
    if state not in OPEN_STEP_STATES:
        step.done_at = outcome.happened_at or timezone.now()
        step.done_by = event.signatures[0].person_name if event.signatures else ctx.actor.display_name
        step.done_by_id = ctx.performer_id
    if order.state == OrderState.OPEN and not outcome.reopen:
        attempts.advance(order, event.id, step)
    else:
        # Never the whole row: the database keeps ``party_ids``, and a step may have changed who takes part.
        step.save(update_fields=attempts.DONE)
        if order.state == OrderState.OPEN:  # an order that has ended stays so
            attempts.reopen(order, outcome.reopen, event.id, outcome.summary)
    kind.follow(ctx)


@dataclass(frozen=True)
class NextAction:
    """A ready step: whose turn it is, whether this actor may act, and what is missing."""

    step: OrderStep
    kind: StepKind
    mine: bool
    missing: list[MissingFact]
    refusal: str = ""


@Prepared
def _ready(order_id: UUID) -> QuerySet[OrderStep]:
    return OrderStep.unwalled.filter(order_id=order_id, state=StepState.READY).order_by("position")


def _ready_steps(order: Order) -> list[OrderStep]:
    """Return the order's ready steps; what this act has just moved on is not read again."""
    if order.steps_at_hand is None:
        return _ready(order_id=order.pk)
    return [step for step in attempts.latest_attempts(order).values() if step.state == StepState.READY]


def next_actions(actor: Actor, order: Order) -> list[NextAction]:
    """Return the ready steps of an order with whose turn it is (the code that refuses, asked without raising)."""
    if order.state != OrderState.OPEN:
        return []
    found = []
    for step in places.fill_steps(_ready_steps(order)):
        kind = kind_of(step.flow_step.kind)
        mine = may_perform(actor, step) and not order.on_hold
        missing = missing_facts(kind, context_of(actor, order, step)) if mine else []
        found.append(NextAction(step, kind, mine, missing, why_not(actor, step)))
    return found
