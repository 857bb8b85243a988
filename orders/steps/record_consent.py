"""Consent by purpose (PT1); without consent to the therapy nothing goes on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from ledger.refusals import FactsMissing, MissingFact
from ledger.states import Role
from orders import consents
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Inputs(serializers.Serializer[Any]):
    """What the patient consented to, and where the signed form is kept."""

    therapy = serializers.BooleanField(label="Consents to the therapy")
    data_sharing = serializers.BooleanField(required=False, default=False, label="Consents to data sharing")
    registry = serializers.BooleanField(required=False, default=False, label="Consents to registry reporting")
    signed_on = serializers.DateField(label="Date on the signed form")
    form_reference = serializers.CharField(max_length=80, label="Reference of the signed form")

    def validate_signed_on(self, value: dt.date) -> dt.date:
        if value > timezone.now().date() + dt.timedelta(days=1):
            raise serializers.ValidationError("That date has not come yet.")
        return value


@step_kind
class RecordConsent(StepKind):
    key = "record_consent"
    title = "Record consent"
    capability = Capability.RECORD_CONSENT
    audience = (Role.TREATMENT_CENTER,)
    Inputs = Inputs

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        """Offer the consent that the patient gave to the same therapy at this center before: asked once, kept."""
        given = consents.given_before(ctx.order)
        if given is None:
            return {}
        purposes = {name: name in given.purposes for name in ("therapy", "data_sharing", "registry")}
        return {**purposes, "signed_on": given.signed_on, "form_reference": given.form_reference}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        given = consents.given_before(ctx.order)
        if given is None:
            return []
        said = f"Signed on {given.signed_on}, form {given.form_reference} (order {given.order})"
        return [
            ("Consent on file for this therapy", f"{said}. It is filled in below: record it again only if it holds.")
        ]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        if not inputs["therapy"]:
            raise FactsMissing(
                "Without consent to the therapy the order cannot go on.",
                remedy="Record consent when it is signed, or cancel the order.",
                facts=[MissingFact("consent_missing", "The patient has not consented to the therapy.")],
            )
        purposes = [name for name in ("therapy", "data_sharing", "registry") if inputs[name]]
        return Outcome(
            "Consent is on file.",
            {"purposes": purposes, "signed_on": inputs["signed_on"], "form_reference": inputs["form_reference"]},
        )
