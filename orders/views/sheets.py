"""What the performer of a step sees before acting: what is shown, what is missing, what is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from ledger.context import Actor
from ledger.refusals import MissingFact, WrongState
from network.specifications import Rule, rules_of
from orders import queries
from orders.flow import context_of, kind_of, missing_facts, require_ready, why_not
from orders.step_kinds import VerifierRule
from personas.queries import organization_names


@dataclass(frozen=True)
class StepSheet:
    """One step as its performer sees it; empty but for ``why_not`` when the actor may not perform it.

    ``problem`` says why it is not its time (order ended, on hold, step not ready).
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


def sheet_of(actor: Actor, order: Any, step: Any) -> StepSheet:
    """Return the sheet of a step. Call inside ``reading(actor)``."""
    kind = kind_of(step.flow_step.kind)
    zone = step.site.zone if step.site else actor.zone
    refusal = why_not(actor, step)
    if refusal:
        return StepSheet(step, kind, zone, why_not=refusal)
    problem = _not_now(order, step, kind)
    if problem is not None:
        return StepSheet(step, kind, zone, problem=problem)
    ctx = context_of(actor, order, step)
    missing = missing_facts(kind, ctx)
    if missing:
        return StepSheet(step, kind, zone, shown=kind.shown(ctx), missing=missing)
    rule = kind.verifier_rule(ctx) if step.flow_step.signatures > 1 else None
    return StepSheet(
        step,
        kind,
        zone,
        shown=kind.shown(ctx),
        initial=kind.initial(ctx),
        inputs=queries.inputs_of(step)(context={"zone": ZoneInfo(zone), "step_context": ctx}),
        tests=rules_of(order.specification),
        verifier=_verifier(actor, rule),
        rule=rule,
    )


def _not_now(order: Any, step: Any, kind: Any) -> WrongState | None:
    try:
        require_ready(order, step, kind, None)
    except WrongState as problem:
        return problem
    return None


def _verifier(actor: Actor, rule: VerifierRule | None) -> str:
    if rule is None:
        return ""
    return ", ".join(sorted(organization_names(actor, rule.organization_ids).values()))
