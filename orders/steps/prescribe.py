"""A signed treatment order (TP1): refused while consent, site, credential or chain of identity is missing."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity
from custody.states import IdentityState
from ledger.refusals import MissingFact
from network import queries as network
from orders import attempts
from orders.prescribers import credential_missing, require_credential
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class Inputs(serializers.Serializer[Any]):
    """The prescription: indication and, where needed, a remark on the dose."""

    indication = serializers.CharField(max_length=200, label="Indication")
    dose_remark = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", label="Remark on the dose (no names)"
    )


@step_kind
class Prescribe(StepKind):
    key = "prescribe"
    title = "Prescribe"
    capability = Capability.PRESCRIBE
    signatures = 1
    meaning = "prescribed"
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = []
        if not network.site_is_authorized(ctx.order.therapy_id, ctx.order.center_site_id):
            found.append(
                MissingFact(
                    "site_not_authorized",
                    "The site is not authorized for this therapy.",
                    "Ask the manufacturer's site network manager.",
                )
            )
        chain = identity.identity_of_stream(ctx.order.stream_id)
        if chain.state != IdentityState.ACTIVE:
            found.append(
                MissingFact(
                    "identity_not_active", "The chain of identity is not active.", "A second person activates it first."
                )
            )
        if attempts.still_open(ctx.order, "record_consent"):
            text = "The patient's consent is not on file."
            found.append(MissingFact("consent_missing", text, "Record the consent when it is signed."))
        # With a key, who prescribes is known by the signature only.
        return found + (credential_missing(ctx.order, ctx.actor.person_id) if ctx.actor.is_human else [])

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        require_credential(ctx.order, ctx.performer_id)
        facts = {"indication": inputs["indication"], "therapy": ctx.order.therapy.code}
        return Outcome("Prescribed.", facts | {"dose_remark": inputs["dose_remark"]})
