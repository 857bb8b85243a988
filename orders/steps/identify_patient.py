"""Two people identify the patient before anything is collected: wristband, name, date of birth (AN1). A mismatch is a
hard stop."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, scans
from custody.schemes import printed
from custody.states import IdentityState
from ledger.refusals import MissingFact
from orders import namesakes
from orders.inputs import ScanField
from orders.step_kinds import DIFFERS, Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

MATCHES = "matches"


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


@step_kind
class IdentifyPatient(StepKind):
    key = "identify_patient"
    title = "Identify the patient"
    capability = Capability.IDENTIFY_PATIENT
    signatures = 2
    meaning = "identity verified"
    second_scan = "Scan the wristband yourself"
    warnings = (namesakes.SAME_NAME,)
    scans_identity = True
    differs = ("patient_said", "What the patient said differs from the wristband.")
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
        return [("Chain of identity", printed(ctx.order.identity_code)), *namesakes.warning(ctx)]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        scans.expect_identity(identity.identity_of_stream(ctx.order.stream_id), scan)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        scans.expect_identity(identity.identity_of_stream(ctx.order.stream_id), inputs["wristband"], "wristband")
        return Outcome("Two people identified the patient.", {"patient_said": MATCHES})
