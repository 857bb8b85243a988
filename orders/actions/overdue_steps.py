"""The door by which the clock tells people of a step that is overdue: once per step attempt and level."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import WrongState
from ledger.states import Role
from orders import overdue
from orders.events import CLINICAL_AND_PLANT
from orders.models import OrderStep, StepDue
from orders.policies import LOGISTIC_KINDS
from personas.queries import organization_actor

JOB = "escalate-overdue-steps"


def tell_overdue(row: StepDue, now: dt.datetime | None = None) -> bool:
    """Record that a step is overdue and tell whose turn it is to know; return whether anybody is told now.

    Nothing happens when the step was done, or its time moved, or another worker was faster.
    """
    now = now or timezone.now()
    actor = organization_actor(row.organization_id, JOB)
    with reading(actor):
        verdict = overdue.judge(row, _step(row), now)
    if not verdict.level:
        _look_again(row, verdict)
        return False
    try:
        with acting(actor, "orders.step_overdue", stream_id=row.stream_id) as event:
            fresh = StepDue.unwalled.select_for_update().filter(pk=row.pk).first()
            step = _step(row)
            if fresh is None or step is None or overdue.judge(fresh, step, now) != verdict:
                raise WrongState("Somebody was faster.")
            event.subject_type, event.subject_id = "step", f"{step.order.code}/{step.key}"
            courier = (Role.COURIER,) if step.flow_step.kind in LOGISTIC_KINDS else ()
            event.audience = (*CLINICAL_AND_PLANT, *courier)
            event.note(
                step=step.key,
                title=step.flow_step.title,
                kind=step.flow_step.kind,
                attempt=step.attempt,
                level=verdict.level,
                due_at=step.due_at,
            )
            _note_level(fresh, step, verdict.level)
    except WrongState:
        return False
    return True


def _step(row: StepDue) -> OrderStep | None:
    return OrderStep.unwalled.select_related("order", "flow_step").filter(pk=row.step_id).first()


def _look_again(row: StepDue, verdict: overdue.Verdict) -> None:
    """Put the row off, or end it: nobody is told, so nothing is recorded."""
    same = StepDue.unwalled.filter(pk=row.pk, due_at=row.due_at, level=row.level)
    if verdict.at is None:
        same.delete()
    else:
        same.update(due_at=verdict.at)


def _note_level(row: StepDue, step: OrderStep, level: int) -> None:
    if level >= overdue.ESCALATED or step.due_at is None:
        row.delete()
        return
    row.level, row.due_at = level, overdue.time_of(step.due_at, level + 1, step.flow_step)
    row.save(update_fields=["level", "due_at"])
