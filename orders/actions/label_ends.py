"""A label's end is recorded when it comes, not only when the order closes: applied, returned or destroyed (T33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from custody import labels, scans
from custody.labels import Label
from custody.states import ContainerState, LabelState
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, Signing, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from orders.flow import order_named
from orders.inputs import ScanField, VerifierInput, read
from orders.policies import may_see_therapy
from personas import signing
from personas.states import Capability

ENDS = [(str(state), state.label) for state in (LabelState.APPLIED, LabelState.RETURNED, LabelState.DESTROYED)]
VERIFIED = "label verified on its bag"
MAY_SETTLE = (Capability.PRINT_LABELS, Capability.COLLECT, Capability.CONVERT_MATERIAL, Capability.CLOSE_ORDER)


class LabelEndInputs(serializers.Serializer[Any]):
    """What became of a print. Applied: its own code is scanned back, on the bag."""

    became = serializers.ChoiceField(choices=ENDS, label="What became of it")
    scan = ScanField(
        required=False,
        allow_blank=True,
        default="",
        label="Scan of the label on its bag",
        help_text="Needed where it was applied.",
    )
    second = VerifierInput(required=False, label="Second person")
    remark = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Remark (no names)"
    )


def may_settle(actor: Actor) -> bool:
    """Whether the persona records ends of labels: who prints, collects, works on material or closes orders."""
    return any(actor.can(capability) for capability in MAY_SETTLE)


def settle_label(actor: Actor, code: str, serial: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Label:
    """Record what became of one print of an order's labels; return it.

    Applied needs the print's own code, scanned back, and a second person who looks at it and signs; what is not filled
    yet is labeled by its own step. A label on its bag ends with the bag; a new print voids it. Raises NotFound for a
    print of another order, WrongState when the end is known already, InvalidInput ``scan`` for another code.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with acting(
        actor,
        "orders.label_settled",
        stream_id=order.stream_id,
        subject=("label", serial),
        capability=next((str(one) for one in MAY_SETTLE if actor.can(one)), ""),
        once=once,
    ) as event:
        rows = Label.unwalled.select_for_update(of=("self",)).select_related("container")
        label = rows.filter(stream_id=order.stream_id, serial=serial.strip().upper()[:48]).first()
        if label is None:
            raise NotFound()
        given = read(LabelEndInputs, raw)
        if not may_settle(actor):
            raise NotAllowed(f"{actor.persona_title or 'This key'} may not record ends of labels.")
        _end(label, given)
        if given["became"] == LabelState.APPLIED:
            event.signatures = [_second(actor, event.capability, label, given)]
        event.reason = given["remark"]
        event.note(label=label.serial, state=str(label.state), container=label.container.code)
        event.result = {"label": label.serial}
    return label


def _end(label: Label, given: Mapping[str, Any]) -> None:
    if given["became"] == LabelState.APPLIED:
        if label.container.state in (ContainerState.PLANNED, ContainerState.LABELLED):
            text = "It is applied and scanned back by the step that asks for it."
            raise WrongState(text, code="applied_by_step", remedy="Open the order: the step says who is next.")
        _scanned_back(label, given["scan"])
        labels.apply(label)
        return
    if label.state == LabelState.APPLIED and not label.container.is_terminal:
        raise WrongState(
            f"Label {label.serial} is on {label.container.code}.",
            code="label_on_bag",
            remedy="Print its label again, with the reason: that voids this one. Then record what became of it.",
        )
    labels.settle(label, given["became"])


def _scanned_back(label: Label, scan: str) -> None:
    if not scan.strip():
        raise InvalidInput(fields={"scan": ["Scan the label on its bag."]})
    if scans.read(scan).label != label.serial:
        raise InvalidInput(
            fields={"scan": [f"That is not label {label.serial}."]}, remedy="Scan the very label, where it is now."
        )


def _second(actor: Actor, capability: str, label: Label, given: Mapping[str, Any]) -> Signing:
    """Return the signature of the second person who looked at the label on its bag."""
    if "second" not in given:
        raise InvalidInput(fields={"second.username": ["A second person looks at the label on its bag, and signs."]})
    user = signing.identify(signing.Credentials(**given["second"]), "second.password")
    if user.person_id == actor.person_id:
        raise NotAllowed(
            "One person is not two.", code="second_person_needed", remedy="Let a colleague look, and sign beside you."
        )
    signer = signing.signer_in(user, {actor.organization_id}, capability, "second.username", set())
    bound_to = digest(canonical_text({"label": label.serial, "state": str(label.state)}))
    return signing.sign(signer, capability=capability, meaning=VERIFIED, content_hash=bound_to, zone=actor.zone)
