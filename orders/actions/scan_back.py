"""Prints are scanned back on filled containers by two people: after a split, after filling, after a reprint (T33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from custody import labels, material, scans
from custody.actions.mismatch import stopping_the_line
from custody.labels import Label
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, Signing, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from orders import foreign_scans, signers
from orders.flow import order_named
from orders.inputs import ScanField, ScanningVerifierInput, SignatureInput, read
from orders.models import Order
from orders.policies import may_see_therapy
from orders.scanning_back import codes_in
from personas import signing
from personas.policies import require
from personas.states import Capability

APPLIED_BY, VERIFIED_BY = "labels applied", "labels verified on their bags"
# The first of these that a person has is what they act and sign with.
MAY_SCAN_BACK = (Capability.PRINT_LABELS, Capability.COLLECT, Capability.CONVERT_MATERIAL, Capability.MANUFACTURE)


class PrintOnBag(serializers.Serializer[Any]):
    """One print, where it is now."""

    scan = ScanField(label="Label on its bag")


class ScanBackInputs(serializers.Serializer[Any]):
    """Every print that is on its bag, scanned and signed by two people. What is not scanned stays open."""

    bags = serializers.ListSerializer[Any](child=PrintOnBag(), label="Labels", min_length=1, max_length=24)
    signature = SignatureInput(label="Your signature")
    second = ScanningVerifierInput(label="Second person")


def waiting(actor: Actor, order: Order) -> list[Label]:
    """Return the prints that whoever acts may scan back: on filled containers that their organization has in hand."""
    if capability_of(actor) is None:
        return []
    bags = [bag for bag in material.of_stream(order.stream_id) if bag.custodian_id == actor.organization_id]
    return labels.awaiting_scan(bags)


def scan_back(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> list[str]:
    """Record that prints are on their containers; return the serials. ``raw``: see ScanBackInputs.

    Both people scan the same prints. Raises WrongState ``no_label_waits``, InvalidInput beside a scan that names no
    open print, FactsMissing ``second_person_needed`` for one human being; another patient's code stops the line.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with stopping_the_line(actor, order.stream_id, "Scan back a label"):
        return _scan_back(actor, order, raw, once)


def _scan_back(actor: Actor, order: Order, raw: Mapping[str, Any], once: Once | None) -> list[str]:
    capability = capability_of(actor) or MAY_SCAN_BACK[0]
    with acting(
        actor,
        "orders.labels_scanned_back",
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=capability,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        if actor.can(capability):
            foreign_scans.among(order, raw, lambda: [label.container for label in waiting(actor, order)])
        given = read(ScanBackInputs, raw)
        require(actor, capability)
        prints = waiting(actor, order)
        if not prints:
            text = "No label waits to be scanned back here."
            raise WrongState(
                text, code="no_label_waits", remedy="Look at the list of prints: somebody may have done it."
            )
        own = _named(order, prints, [row["scan"] for row in given["bags"]], "bags[{}].scan")
        bound = digest(canonical_text({"order": order.code, "labels": [label.serial for label in own]}))
        signature = signers.sign_act(actor, given["signature"], capability, APPLIED_BY, bound)
        event.signatures = [signature, _second(actor, order, prints, own, given["second"], signature, bound)]
        for label in own:
            labels.apply(label)
        serials = [label.serial for label in own]
        event.note(labels=", ".join(serials), containers=", ".join(label.container.code for label in own))
        event.result = {"labels": serials}
    return serials


def capability_of(actor: Actor) -> Capability | None:
    """Return what somebody may print and scan labels with; None where they may not."""
    return next((one for one in MAY_SCAN_BACK if actor.can(one)), None)


def _named(order: Order, prints: Sequence[Label], scanned: Sequence[str], field: str) -> list[Label]:
    """Return the prints that were scanned, by serial: each once."""
    by_serial = {label.serial: label for label in prints}
    found: dict[str, Label] = {}
    for position, code in enumerate(scanned):
        place = field.format(position)
        scans.expect(order.stream_id, code, [label.container for label in prints], place, label_unproven=True)
        serial = scans.read(code, place).label
        if serial not in by_serial or serial in found:
            text = "This label was scanned already." if serial in found else "That is no label that waits here."
            remedy = "Scan the code of the new label itself, where it is now."
            raise InvalidInput(text, fields={place: [text]}, remedy=remedy)
        found[serial] = by_serial[serial]
    return sorted(found.values(), key=lambda label: label.serial)


def _second(
    actor: Actor,
    order: Order,
    prints: Sequence[Label],
    own: Sequence[Label],
    sent: Mapping[str, str],
    signature: Signing,
    bound: str,
) -> Signing:
    """Return the signature of the second person, who has scanned the same prints."""
    capability = capability_of(actor) or MAY_SCAN_BACK[0]
    signer = signers.second_person(actor, sent, signature, capability)
    if _named(order, prints, codes_in(sent["scan"]), "second.scan") != list(own):
        text = "Scan the same labels as the first person, each once."
        raise InvalidInput(text, fields={"second.scan": [text]})
    return signing.sign(signer, capability=capability, meaning=VERIFIED_BY, content_hash=bound, zone=signer.zone)
