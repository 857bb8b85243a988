"""Guards stop acts not yet done. What physically happened can always be recorded, as late, with its reason.

Recorded late, the refusals of time and of facts become findings: the order ended or on hold, a step before it not
recorded, an identity under query, material put aside, a release revoked, a clock that ran out. The fact is written, one
deviation opened by the software lists the findings, quality and the physician are told. Never relaxed: who acts,
whether it is theirs to see, readable input, persona, signatures, and identity: another patient's code stays a stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ledger.refusals import FactsMissing, InvalidInput, Mismatch, MissingFact, Refusal, WrongState
from orders import attempts
from orders.inputs import LATE
from orders.models import Order, OrderStep
from orders.states import PASSED_STEP_STATES, OrderState, StepState
from orders.step_kinds import Outcome, StepContext, StepKind
from quality import deviations
from quality.states import Severity

ASKED = "asked"  # in place of a reason: how the act would look if it were recorded late
OFFER = "If it has happened already, record it as late with the reason."
CHECKS_OF_IDENTITY = ("check_bedside", "identify_patient")
CRITICAL = frozenset(
    {
        "not_released",
        "release_revoked",
        "units_stopped",
        "source_stopped",
        "material_quarantined",
        "material_rejected",
        "identity_under_query",
        "identity_not_checked",
        "patient_not_identified",
    }
)


def reason_of(kind: StepKind, inputs: Mapping[str, Any]) -> str:
    """Return why an act is recorded late; empty when it is done now, or moves nothing."""
    return str(inputs.get(LATE, "")).strip() if kind.physical else ""


def standing_against(ctx: StepContext) -> list[MissingFact]:
    """Return what of order and step would refuse the act now."""
    order, step, found = ctx.order, ctx.step, []
    if order.state != OrderState.OPEN:
        found.append(MissingFact("order_ended", f"The order was {order.get_state_display().lower()}."))
    if order.on_hold:
        found.append(MissingFact("order_on_hold", f"The order was on hold: {order.hold_reason}"))
    if step.state != StepState.READY:
        word = step.get_state_display().lower()
        found.append(MissingFact("step_not_ready", f"“{step.flow_step.title}” was {word}{_before(order, step)}."))
        found += _identity_checks(order, step)
    return found


def _open_before(order: Order, step: OrderStep) -> list[OrderStep]:
    """Return the steps before this one, near and far, that have not passed."""
    steps = attempts.latest_attempts(order)
    far, wave = set(), set(step.flow_step.after)
    while wave:
        far |= wave
        wave = {key for known in wave if known in steps for key in steps[known].flow_step.after} - far
    return [steps[key] for key in steps if key in far and steps[key].state not in PASSED_STEP_STATES]


def _before(order: Order, step: OrderStep) -> str:
    titles = [f"“{before.flow_step.title}”" for before in _open_before(order, step)]
    return f"; not recorded before it: {', '.join(titles)}" if titles else ""


def _identity_checks(order: Order, step: OrderStep) -> list[MissingFact]:
    return [
        MissingFact("identity_not_checked", f"“{before.flow_step.title}” was not done before it.")
        for before in _open_before(order, step)
        if before.flow_step.kind in CHECKS_OF_IDENTITY
    ]


def possible(kind: StepKind, ctx: StepContext) -> bool:
    """Whether the act could be recorded late: it moves material, and there is something to record it on."""
    return kind.physical and not what_is_needed(kind, ctx)


def what_is_needed(kind: StepKind, ctx: StepContext) -> list[MissingFact]:
    """Return what even a late record of this act cannot do without."""
    given, ctx.late_reason = ctx.late_reason, ctx.late_reason or ASKED
    try:
        return kind.indispensable(ctx)
    finally:
        ctx.late_reason = given


@contextmanager
def offered(kind: StepKind, ctx: StepContext) -> Iterator[None]:
    """Let a refusal of an act that can be recorded late say so in its remedy."""
    try:
        yield
    except Refusal as refusal:
        if not ctx.late and _relaxable(refusal) and possible(kind, ctx):
            refusal.remedy = f"{refusal.remedy} {OFFER}"
        raise


def _relaxable(refusal: Refusal) -> bool:
    if isinstance(refusal, InvalidInput):
        return refusal.code == "wrong_bag"
    by_person = refusal.code in ("second_person_needed",)
    return isinstance(refusal, WrongState | FactsMissing) and not isinstance(refusal, Mismatch) and not by_person


def begin(kind: StepKind, ctx: StepContext, reason: str, missing: list[MissingFact]) -> None:
    """Note what stands against the act, and open the attempt that it is recorded on."""
    ctx.findings += standing_against(ctx) + missing
    ctx.late_reason = reason
    if needed := kind.indispensable(ctx):
        raise FactsMissing(needed[0].text, facts=needed)
    if ctx.step.state in (StepState.DONE, StepState.FAILED, StepState.SKIPPED):
        _again(ctx)
    assert ctx.event is not None  # noqa: S101 - the engine opened it
    ctx.event.reason = reason


def _again(ctx: StepContext) -> None:
    """Take a new attempt: what was recorded before is never overwritten; later steps of an open order begin again."""
    assert ctx.event is not None  # noqa: S101 - the engine opened it
    if ctx.order.state == OrderState.OPEN:
        attempts.reopen(ctx.order, ctx.step.key, ctx.event.id, "Recorded late once more")
    else:
        attempts.append(ctx.order, ctx.step)
    fresh = OrderStep.unwalled.filter(order=ctx.order, key=ctx.step.key).select_related("flow_step", "site")
    ctx.step = fresh.latest("attempt")


def state_after(ctx: StepContext, outcome: Outcome) -> StepState:
    """Return the step's new state. A late act that is not the last of its step leaves an open step as it was."""
    if not ctx.late or outcome.state != StepState.READY:
        return outcome.state
    return StepState.DONE if ctx.order.state != OrderState.OPEN else StepState(ctx.step.state)


def open_case(ctx: StepContext) -> None:
    """Open the one deviation that lists what stood against the act, and note it on the event."""
    assert ctx.event is not None  # noqa: S101 - the engine opened it
    found = list({fact.text: fact for fact in ctx.findings}.values())
    severity = Severity.CRITICAL if {fact.code for fact in found} & CRITICAL else Severity.MAJOR
    lines = [f"“{ctx.flow_step.title}” was recorded late: {ctx.late_reason}", *(fact.text for fact in found)]
    text = "\n".join(lines)[: deviations.MAX_TEXT]
    deviation = deviations.open_deviation(ctx.stream, "recorded_late", severity, text, automatic=True)
    ctx.event.note(late=sorted({fact.code for fact in found}), deviation=deviation.number, severity=str(severity))
