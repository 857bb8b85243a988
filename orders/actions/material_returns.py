"""What was issued and not thawed comes back to the store, scanned and signed by two people (PH4).

Whether it was kept cold all the time is said with it; quality decides whether it may be used again (``dispositions``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from custody import material, scans, store
from custody.actions.mismatch import stopping_the_line
from custody.queries import containers_of
from custody.states import ContainerState
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, Signing, acting
from ledger.refusals import NotAllowed, NotFound, WrongState
from orders import foreign_scans, signers, treatment, witnesses
from orders.flow import order_named
from orders.inputs import PastTime, ScanField, ScanningVerifierInput, SignatureInput, read
from orders.models import Order
from orders.policies import may_see_therapy
from personas.policies import require
from personas.states import Capability
from quality import deviations
from quality.states import Severity

RETURNED_BY, SEEN_BY = "product returned to the store", "return witnessed"
KEPT, NOT_KEPT = "kept", "not_kept"
LONGEST_TEXT = 500  # of a deviation's
# Whoever issues takes back; whoever works with product beside them may be the one who saw it.
WITNESSES = (Capability.ISSUE_PRODUCT, Capability.KEEP_STORE, Capability.PREPARE_PRODUCT)


class ReturnInputs(serializers.Serializer[Any]):
    """What came back, in which condition, and where it lies now; scanned and signed by two people."""

    scan = ScanField(label="Scan the bag that comes back")
    condition = serializers.ChoiceField(
        choices=[
            (KEPT, "Kept as it is stored all the time, packaging and label whole"),
            (NOT_KEPT, "Not kept, damaged, or nobody knows"),
        ],
        label="Condition on the way",
    )
    place = serializers.CharField(max_length=80, label="Place in storage")
    reason = serializers.CharField(max_length=300, label="Why it was not used (no names)")
    at = PastTime(label="Returned at")
    signature = SignatureInput(label="Your signature")
    witness = ScanningVerifierInput(label="Second person")


def return_material(
    actor: Actor, code: str, container_code: str, raw: Mapping[str, Any], *, once: Once | None = None
) -> Any:
    """Take an issued, not thawed container back into the store; return it. ``raw``: see ReturnInputs.

    By whoever issues at the organization that has it in hand. It waits as returned until quality decides; a condition
    that was not kept opens a major deviation first. Raises WrongState ``not_issued`` (thawed material never comes
    back), NotAllowed ``not_custodian``, FactsMissing ``second_person_needed``; another patient's code stops the line.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with stopping_the_line(actor, order.stream_id, "Return to the store"):
        return _return(actor, order, container_code, raw, once)


def may_return(actor: Actor, order: Order, bag: Any) -> bool:
    """Whether a page offers it: the same rules that would refuse it."""
    return bag.state == ContainerState.ISSUED and actor.can(Capability.ISSUE_PRODUCT) and _has_it(actor, bag)


def _has_it(actor: Actor, bag: Any) -> bool:
    return bool(actor.organization_id == bag.custodian_id)


def _return(actor: Actor, order: Order, container_code: str, raw: Mapping[str, Any], once: Once | None) -> Any:
    with acting(
        actor,
        "orders.material_returned",
        stream_id=order.stream_id,
        subject=("container", container_code[:64]),
        capability=Capability.ISSUE_PRODUCT,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        bag = containers_of(actor, order.stream_id).filter(code=container_code.strip().upper()).first()
        if bag is None:
            raise NotFound("This order has no such container.")
        if may_return(actor, order, bag):
            foreign_scans.among(order, raw, lambda: [bag])
        given = read(ReturnInputs, raw, {"zone": ZoneInfo(actor.zone)})
        require(actor, Capability.ISSUE_PRODUCT)
        _require_issued(actor, bag)
        scans.expect(order.stream_id, given["scan"], [bag], "scan", label_unproven=True)
        event.signatures = _signatures(actor, order, bag, given)
        event.occurred_at, event.reason = given["at"], given["reason"].strip()
        _put_back(bag, given)
        event.note(order=order.code, container=bag.code, condition=given["condition"], place=bag.storage_location)
        if given["condition"] == NOT_KEPT:
            _open_deviation(event, order, bag)
        event.result = {"container": bag.code}
        treatment.settle(order)
    return bag


def _require_issued(actor: Actor, bag: Any) -> None:
    if not _has_it(actor, bag):
        raise NotAllowed(
            "Whoever has the product takes it back into their store.",
            code="not_custodian",
            remedy="Let the organization that has it in hand record its return.",
        )
    if bag.state != ContainerState.ISSUED:
        thawed = bag.thawed_at is not None
        raise WrongState(
            f"{bag.code} is {bag.state_label.lower()}: only what was issued and not thawed comes back.",
            code="not_issued",
            remedy="What was thawed is infused or destroyed." if thawed else "Check the code of the bag.",
        )


def _put_back(bag: Any, given: Mapping[str, Any]) -> None:
    words = "kept on the way" if given["condition"] == KEPT else "not kept on the way"
    place = store.read_path(bag.custodian_site_id, given["place"], "place")
    material.take_back(bag, f"Returned, {words}: {given['reason'].strip()}", given["place"])
    if place is not None:
        store.put(bag, *place)


def _open_deviation(event: OpenEvent, order: Order, bag: Any) -> None:
    text = f"{bag.code} was returned to the store and had not been kept: {event.reason}"[:LONGEST_TEXT]
    deviation = deviations.open_deviation(order.stream_id, "return", Severity.MAJOR, text, automatic=True)
    event.note(deviation=deviation.number)


def _signatures(actor: Actor, order: Order, bag: Any, given: Mapping[str, Any]) -> list[Signing]:
    told = {"act": RETURNED_BY, "order": order.code, "container": bag.code, "condition": given["condition"]}
    told |= {"place": given["place"], "reason": given["reason"], "at": given["at"].isoformat()}
    bound = digest(canonical_text(told))
    own = signers.sign_act(actor, given["signature"], Capability.ISSUE_PRODUCT, RETURNED_BY, bound)
    seen = witnesses.sign(actor, order.stream_id, bag, given["witness"], own, capabilities=WITNESSES, meaning=SEEN_BY)
    return [own, seen]
