"""A second person compares patient and chain of identity, then activates it (CO3: before the first collection)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, scans, vault
from custody.patient_matching import normal_mrn
from custody.schemes import printed
from ledger.refusals import FactsMissing, MissingFact
from ledger.states import Role
from orders.inputs import ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability

ENROLLED_IT = MissingFact(
    "second_person_needed",
    "Whoever enrolled the patient cannot activate the identity.",
    "Ask a colleague to sign in and compare the patient's document.",
)


class DocumentDiffers(FactsMissing):
    """The patient before the second person may be another one than was enrolled: nothing is to be completed here."""

    title = "Stop: the document does not match the enrolment"
    remedy = "Do not activate. Compare again, or cancel this order and enrol the right patient."

    def __init__(self) -> None:
        fact = MissingFact("identity_differs", "Date of birth or record number differ from what was enrolled.")
        super().__init__(code=fact.code, facts=[fact])


class Inputs(serializers.Serializer[Any]):
    """What the second person reads from the patient's own document, and the chain-of-identity code."""

    scan = ScanField(
        label="Chain-of-identity code",
        help_text="Scan the order's code, or type it with its check character.",
    )
    birth_date = serializers.DateField(label="Date of birth on the patient's document")
    mrn = serializers.CharField(max_length=40, label="Medical record number on the patient's document")


@step_kind
class ActivateIdentity(StepKind):
    key = "activate_identity"
    title = "Activate the chain of identity"
    capability = Capability.ACTIVATE_COI
    signatures = 1
    meaning = "identity verified"
    audience = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO)
    scans_identity = True
    Inputs = Inputs

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [("Chain of identity", printed(ctx.order.identity_code))]

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        """Say it before anything is typed; a key's signer is only known when they have signed."""
        return [ENROLLED_IT] if ctx.actor.is_human and ctx.actor.person_id == ctx.order.enrolled_by_id else []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["scan"])
        person = ctx.performer_id
        if person is None or person == ctx.order.enrolled_by_id:
            raise FactsMissing(
                "The chain of identity needs a second person.", code=ENROLLED_IT.code, facts=[ENROLLED_IT]
            )
        sealed = vault.open_identity(ctx.actor, ctx.order.patient_id)
        if sealed.birth_date != inputs["birth_date"] or normal_mrn(sealed.mrn) != normal_mrn(inputs["mrn"]):
            raise DocumentDiffers
        identity.activate(chain, person)
        return Outcome("The chain of identity is active.", {"identity_code": ctx.order.identity_code})
