"""Enrol: done by opening the order (orders.actions.enrolment); as a step it only stands in the flow."""

from __future__ import annotations

from typing import Any

from ledger.refusals import WrongState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


@step_kind
class Enrol(StepKind):
    key = "enrol"
    title = "Enrol"
    capability = Capability.ENROL_PATIENT

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        raise WrongState("The patient was enrolled when the order was opened.")
