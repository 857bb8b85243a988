"""Leaving the stop after an identity mismatch: two people, quality of both firms, with the reason (DOMAIN 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from custody import material
from custody.actions.mismatch import lift_query
from custody.states import ContainerState
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput
from orders import treatment
from orders.flow import order_named
from orders.inputs import SignatureInput, VerifierInput, read
from orders.queries import parties_of
from orders.second_person import SecondPersonNeeded
from personas import signing
from personas.policies import require
from personas.queries import username_of
from personas.states import Capability
from quality import stops


class LiftInputs(serializers.Serializer[Any]):
    """How the mismatch was resolved, and the signatures of quality at two firms."""

    reason = serializers.CharField(max_length=500, label="How it was resolved (no names)")
    signature = SignatureInput(label="Your signature")
    other = VerifierInput(label="Quality of the other firm")


def lift_identity_query(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Let the line go on: bags leave the quarantine that the mismatch put them in, the identity is active again.

    What was thawed and put aside is matched to the patient anew: its bedside check is open again.
    """
    with reading(actor):
        order = order_named(actor, code)
        organizations = {party.organization_id for party, _ in parties_of(actor, order)}
    with acting(
        actor,
        "custody.query_lifted",
        stream_id=order.stream_id,
        subject=("order", code),
        capability=Capability.RESOLVE_IDENTITY,
        once=once,
    ) as event:
        given = read(LiftInputs, raw)
        require(actor, Capability.RESOLVE_IDENTITY)
        bound = digest(canonical_text({"order": order.code, "act": "lift identity query", "reason": given["reason"]}))
        own = _signer(actor, given["signature"])
        other = _other_firm(actor, given["other"], organizations)
        event.reason = given["reason"]
        signatures = [
            signing.sign(
                signer,
                capability=Capability.RESOLVE_IDENTITY,
                meaning="identity query resolved",
                content_hash=bound,
                zone=signer.zone,
            )
            for signer in (own, other)
        ]
        held = [
            bag.pk
            for bag in material.of_stream(order.stream_id)
            if bag.state == ContainerState.QUARANTINED and bag.quarantine_reason.startswith("Identity mismatch")
        ]
        if stops.standing_on(order.stream_id):  # the identity is sound again; the stop keeps the bags where they are
            held = []
        lift_query(actor, order.stream_id, given["reason"], signatures, held)
        treatment.settle(order_named(actor, code))


def _signer(actor: Actor, given: Mapping[str, str]) -> Actor:
    username = given.get("username") or username_of(actor)
    user = signing.identify(signing.Credentials(username, given["password"]), "signature.password")
    if actor.is_human and user.person_id != actor.person_id:
        raise InvalidInput(fields={"signature.password": ["Sign as the person who is signed in."]})
    return signing.signer_in(user, {actor.organization_id}, Capability.RESOLVE_IDENTITY, "signature.password", set())


def _other_firm(actor: Actor, given: Mapping[str, str], organizations: set[Any]) -> Actor:
    user = signing.identify(signing.Credentials(given["username"], given["password"]), "other.password")
    others = organizations - {actor.organization_id}
    found = signing.signer_in(user, others, Capability.RESOLVE_IDENTITY, "other.username", set())
    if found.person_id == actor.person_id:
        raise SecondPersonNeeded("Ask the other firm's quality.", "Quality of both firms signs.")
    return found
