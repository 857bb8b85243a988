"""A release is revoked on new facts, any time before the infusion: its bags are put aside wherever they are (QA9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from custody import material
from custody.states import TERMINAL_STATES, ContainerState
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import WrongState
from orders import attempts, signers
from orders.bags import PRODUCT
from orders.evidence import REVOKED
from orders.flow import order_named
from orders.inputs import SignatureInput, read
from orders.models import Order
from orders.states import OrderState
from personas import signing
from personas.policies import require
from personas.states import Capability
from quality import queries as quality
from quality.actions.releases import revoke_release as revoke_in_quality
from quality.states import BatchState

DECIDED_AGAIN = ("review_batch", "release_batch")


class RevokeInputs(serializers.Serializer[Any]):
    """Why the release ends, and the signature of whoever may release."""

    reason = serializers.CharField(max_length=500, label="Why the release is revoked (no names)")
    signature = SignatureInput(label="Your signature")


def revoke_release(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> int:
    """Revoke the release of the order's batch, signed; return how many bags were put aside. ``raw``: see RevokeInputs.

    Shipment, lymphodepletion, thaw, bedside check and infusion are then blocked; review and release begin again.
    Raises NotAllowed without RELEASE_BATCH, WrongState ``not_released`` or, when every bag has ended, ``all_used``.
    """
    with reading(actor):
        order = order_named(actor, code)
        batch = quality.batch_of(actor, order.stream_id)
    with acting(
        actor,
        "quality.release_revoked",
        stream_id=order.stream_id,
        subject=("batch", batch.number if batch else ""),
        capability=Capability.RELEASE_BATCH,
        once=once,
    ) as event:
        order = order_named(actor, code)
        given = read(RevokeInputs, raw)
        require(actor, Capability.RELEASE_BATCH)
        if batch is None:
            raise WrongState("This order has no batch.", code="not_released")
        stopped = _require_something_left(order)
        signer = signers.signer_of(actor, given["signature"], Capability.RELEASE_BATCH)
        revoke_in_quality(actor, batch.pk, reason=given["reason"], person_id=signer.person_id)
        for bag in stopped:
            material.quarantine(bag, f"{REVOKED}: {given['reason']}")
        _sign(event, order, signer, given["reason"])
        if order.state == OrderState.OPEN:
            attempts.begin_again(order, DECIDED_AGAIN, event.id)
        event.note(stopped=len(stopped))
        event.result = {"stopped": len(stopped)}
    return len(stopped)


def may_revoke(actor: Actor, order: Order) -> bool:
    """Whether a page offers to revoke the release: the same rules that would refuse it."""
    batch = quality.batch_of(actor, order.stream_id)
    allowed = actor.can(Capability.RELEASE_BATCH) and actor.organization_id in order.party_ids
    released = batch is not None and batch.state == BatchState.RELEASED
    return bool(allowed and released and _open_bags(order.stream_id))


def _open_bags(stream_id: UUID) -> list[Any]:
    found = [bag for bag in material.of_stream(stream_id) if bag.kind in PRODUCT]
    return [bag for bag in found if bag.state not in TERMINAL_STATES]


def _require_something_left(order: Order) -> list[Any]:
    """Return the bags to put aside; refuse when the patient has them all."""
    found = _open_bags(order.stream_id)
    given = [bag for bag in material.of_stream(order.stream_id) if bag.state == ContainerState.INFUSED]
    if given and not found:
        raise WrongState(
            "The product was infused: its release cannot be revoked any more.",
            code="all_used",
            remedy="Record the late result, or open a deviation: the physician and the patient's safety need it.",
        )
    return [bag for bag in found if bag.is_quarantined or material.can_be_quarantined(bag)]


def _sign(event: OpenEvent, order: Order, signer: Actor, reason: str) -> None:
    bound = digest(canonical_text({"order": order.code, "act": "revoke the release", "reason": reason}))
    event.signatures.append(
        signing.sign(
            signer,
            capability=Capability.RELEASE_BATCH,
            meaning="release revoked",
            content_hash=bound,
            zone=signer.zone,
        )
    )
