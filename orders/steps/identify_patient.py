"""Two people identify the patient before anything is collected: wristband, name, date of birth (AN1). A mismatch is a
hard stop."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, scans, vault
from custody.states import IdentityState
from ledger.refusals import Mismatch, MissingFact
from orders.inputs import ScanField
from orders.models import Order
from orders.states import OrderState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

MATCHES, DIFFERS = "matches", "differs"


class Inputs(serializers.Serializer[Any]):
    """What is scanned at the patient, and what the patient says."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    patient_said = serializers.ChoiceField(
        choices=[
            (MATCHES, "Name and date of birth match the wristband"),
            (DIFFERS, "Something differs: stop the line"),
        ],
        label="The patient was asked",
    )


SAME_NAME = "Same name"


@step_kind
class IdentifyPatient(StepKind):
    key = "identify_patient"
    title = "Identify the patient"
    capability = Capability.IDENTIFY_PATIENT
    signatures = 2
    meaning = "identity verified"
    second_scan = "Scan the wristband yourself"
    warnings = (SAME_NAME,)
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        chain = identity.identity_of_stream(ctx.order.stream_id)
        if chain.state != IdentityState.ISSUED:
            return []
        return [
            MissingFact(
                "identity_not_active", "The chain of identity is not active.", "A second person activates it first."
            )
        ]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        rows = [("Chain of identity", ctx.order.identity_code)]
        alike = _open_orders_of_namesakes(ctx)
        if alike:
            others = "Another order is" if len(alike) == 1 else "Other orders are"
            text = f"{others} open for a patient with this family name: {', '.join(alike)}. Compare every digit."
            rows.append((SAME_NAME, text))
        return rows

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scans.expect_identity(identity.identity_of_stream(ctx.order.stream_id), scan)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        scans.expect_identity(identity.identity_of_stream(ctx.order.stream_id), inputs["wristband"], "wristband")
        if inputs["patient_said"] == DIFFERS:
            raise Mismatch("What the patient said differs from the wristband.", code="identity_mismatch")
        return Outcome("Two people identified the patient.", {"patient_said": MATCHES})


def _open_orders_of_namesakes(ctx: StepContext) -> list[str]:
    """Return the codes of the center's other open orders whose patient has the same family name; nobody else's."""
    if ctx.actor.organization_id != ctx.order.center_id:
        return []
    patients = vault.namesakes(ctx.actor, ctx.order.patient_id)
    if not patients:
        return []
    others = Order.unwalled.filter(patient_id__in=patients, center_id=ctx.order.center_id, state=OrderState.OPEN)
    return list(others.order_by("code").values_list("code", flat=True)[:5])
