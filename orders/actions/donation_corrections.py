"""A donation number that was recorded wrongly is replaced by the right one, by two people who both scan it (AN3)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rest_framework import serializers

from custody import donations, identity, material
from custody.actions.mismatch import stopping_the_line
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, Signing, acting
from ledger.refusals import InvalidInput, NotFound
from orders import signers
from orders.flow import order_named
from orders.inputs import ScanField, ScanningVerifierInput, SignatureInput, read
from orders.models import Order
from personas import signing
from personas.policies import require
from personas.states import Capability

CORRECTED_BY, SEEN_BY = "donation number corrected", "donation number verified"


class CorrectDonationInputs(serializers.Serializer[Any]):
    """Which number was wrong, which is right, and why."""

    wrong = serializers.CharField(max_length=13, label="Wrong donation number")
    donation = ScanField(label="Right donation number", help_text=donations.HOW)
    reason = serializers.CharField(max_length=300, label="Why (no names)")
    signature = SignatureInput(label="Your signature")
    second = ScanningVerifierInput(label="Second person")


def donations_of(actor: Actor, order: Order) -> list[str]:
    """Return the donation numbers that whoever looks may correct: the center's own staff who collect."""
    if actor.organization_id != order.center_id or not actor.can(Capability.COLLECT):
        return []
    return [row.number for row in donations.of_chain(identity.identity_of_stream(order.stream_id))]


def correct_donation(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> list[str]:
    """Replace a donation number of an order by the right one; return the codes of the containers that carry it now.

    ``raw``: see CorrectDonationInputs. By the center that collected. Raises InvalidInput for a number that this order
    does not have, and for a second scan of another one; another patient's number stops the line.
    """
    with reading(actor):
        order = order_named(actor, code)
        if order.center_id != actor.organization_id:
            raise NotFound()
    with stopping_the_line(actor, order.stream_id, "Correct a donation number"):
        return _correct(actor, order, raw, once)


def _correct(actor: Actor, order: Order, raw: Mapping[str, Any], once: Once | None) -> list[str]:
    with acting(
        actor,
        "orders.donation_corrected",
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=Capability.COLLECT,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        chain = identity.identity_of_stream(order.stream_id)
        given = _read(actor, chain, raw)
        require(actor, Capability.COLLECT)
        _refuse_foreign(chain, given)
        rows = {row.number: row for row in donations.of_chain(chain)}
        wrong = rows.get(given["wrong"].strip().upper())
        if wrong is None:
            text = f"This order has these: {', '.join(rows) or 'none'}."
            raise InvalidInput(fields={"wrong": [text]}, remedy="Choose the number that is wrong.")
        right = donations.read(given["donation"])
        bound = digest(canonical_text({"order": order.code, "wrong": wrong.number, "right": right.number}))
        own = signers.sign_act(actor, given["signature"], Capability.COLLECT, CORRECTED_BY, bound)
        event.signatures = [own, _second(actor, given["second"], own, right.number, bound)]
        event.reason = given["reason"].strip()
        named = [bag.code for bag in donations.correct(wrong, right, event.reason)]
        event.note(order=order.code, wrong=wrong.number, right=right.number, containers=", ".join(named) or "none")
        event.result = {"containers": named}
    return named


def _read(actor: Actor, chain: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sent; another patient's number stops the line before a slip beside it is told."""
    try:
        return read(CorrectDonationInputs, raw)
    except InvalidInput:
        if actor.can(Capability.COLLECT):
            _refuse_foreign(chain, raw)
        raise


def _refuse_foreign(chain: Any, sent: Mapping[str, Any]) -> None:
    """Whoever of the two scanned it, in what was read, sent as JSON or typed into a form: it is another patient's."""
    second = sent.get("second")
    scans = [sent.get("donation"), second.get("scan") if isinstance(second, Mapping) else sent.get("second.scan")]
    wrong = str(sent.get("wrong") or "").strip().upper()
    at_hand = [
        bag for bag in material.of_stream(chain.stream_id) if bag.donation_number == wrong and not bag.is_terminal
    ]
    for scan in scans:
        with suppress(InvalidInput):
            donations.refuse_foreign(chain, donations.read(str(scan or "")), at_hand)


def _second(actor: Actor, sent: Mapping[str, str], own: Signing, number: str, bound: str) -> Signing:
    signer = signers.second_person(actor, sent, own, Capability.COLLECT)
    if donations.read(sent["scan"], "second.scan").number != number:
        text = "This is not the number that the first person scanned."
        raise InvalidInput(text, fields={"second.scan": [text]}, remedy="Both scan the number on the bag.")
    return signing.sign(signer, capability=Capability.COLLECT, meaning=SEEN_BY, content_hash=bound, zone=signer.zone)
