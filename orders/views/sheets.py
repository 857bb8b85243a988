"""What the performer of a step sees before acting: what is shown, what is missing, what is asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from ledger.context import Actor
from ledger.refusals import MissingFact, WrongState
from network.specifications import Rule, rules_of
from orders import queries
from orders.flow import can_be_recorded_late, context_of, kind_of, missing_facts, require_ready, why_not
from orders.step_kinds import StepContext, VerifierRule
from personas.queries import organization_names

EARLY = dt.timedelta(hours=12)


@dataclass(frozen=True)
class StepSheet:
    """One step as its performer sees it; empty but for ``why_not`` when the actor may not perform it.

    ``problem`` says why it is not its time (order ended, on hold, step not ready). ``late``: what is asked for records
    what has happened already, as late; ``may_be_late``: the ordinary form could do that too.
    ``rule`` says who may verify; ``verifier`` names the organization
    whose people may sign as second person. ``tests`` are the rules of the order's specification, for rows of results.
    """

    step: Any
    kind: Any
    zone: str
    why_not: str = ""
    problem: WrongState | None = None
    shown: list[tuple[str, str]] = field(default_factory=list)
    missing: list[MissingFact] = field(default_factory=list)
    initial: dict[str, Any] = field(default_factory=dict)
    inputs: serializers.Serializer[Any] | None = None
    tests: dict[str, Rule] = field(default_factory=dict)
    verifier: str = ""
    rule: VerifierRule | None = None
    late: bool = False
    may_be_late: bool = False

    @property
    def is_early(self) -> bool:
        """Whether the step could be recorded now although it is planned for much later."""
        planned = self.step.planned_at
        return self.inputs is not None and planned is not None and planned - timezone.now() > EARLY


def sheet_of(actor: Actor, order: Any, step: Any) -> StepSheet:
    """Return the sheet of a step. Call inside ``reading(actor)``."""
    kind = kind_of(step.flow_step.kind)
    zone = step.site.zone if step.site else actor.zone
    refusal = why_not(actor, step)
    if refusal:
        return StepSheet(step, kind, zone, why_not=refusal)
    problem = _not_now(actor, order, step)
    ctx = context_of(actor, order, step)
    missing = missing_facts(kind, ctx) if problem is None else []
    stopped = problem is not None or bool(missing)
    may_be_late = can_be_recorded_late(kind, ctx) if stopped else kind.physical
    if stopped:
        if not may_be_late:
            return StepSheet(step, kind, zone, problem=problem, shown=_shown(kind, ctx, problem), missing=missing)
        ctx = context_of(actor, order, step, late=True)
    rule = kind.verifier_rule(ctx) if step.signatures > 1 else None
    return StepSheet(
        step,
        kind,
        zone,
        problem=problem,
        missing=missing,
        late=ctx.late,
        may_be_late=may_be_late,
        shown=kind.shown(ctx),
        initial=kind.initial(ctx),
        inputs=queries.inputs_of(step)(context={"zone": ZoneInfo(zone), "step_context": ctx}),
        tests=rules_of(order.specification),
        verifier=_verifier(actor, rule),
        rule=rule,
    )


def _shown(kind: Any, ctx: StepContext, problem: WrongState | None) -> list[tuple[str, str]]:
    return [] if problem is not None else kind.shown(ctx)


def _not_now(actor: Actor, order: Any, step: Any) -> WrongState | None:
    try:
        require_ready(actor, order, step)
    except WrongState as problem:
        return problem
    return None


def _verifier(actor: Actor, rule: VerifierRule | None) -> str:
    if rule is None:
        return ""
    return ", ".join(sorted(organization_names(actor, rule.organization_ids).values()))
