"""Material is destroyed by two people who both scan it: quality answers for it, somebody else saw it (QA1, T33)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from custody import custody_periods, material, pieces, scans
from custody.actions.mismatch import stopping_the_line
from custody.queries import containers_of
from custody.states import MOVES, TERMINAL_STATES, ContainerState
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

DESTROYED_BY, SEEN_BY = "material destroyed", "destruction witnessed"
# Whoever works with material may be the one who saw its end; the first of these that the person has is signed with.
WITNESSES = (Capability.MANAGE_DEVIATIONS, Capability.KEEP_STORE, Capability.CONVERT_MATERIAL)


class DestroyInputs(serializers.Serializer[Any]):
    """What was destroyed, how and why, scanned and signed by two people."""

    scan = ScanField(label="Scan the container that is destroyed")
    how = serializers.CharField(max_length=120, label="How", help_text="For example: incinerated, waste note 4711.")
    reason = serializers.CharField(max_length=300, label="Why (no names)")
    at = PastTime(label="Destroyed at")
    signature = SignatureInput(label="Your signature")
    witness = ScanningVerifierInput(label="Second person")


def destroy_material(
    actor: Actor, code: str, container_code: str, raw: Mapping[str, Any], *, once: Once | None = None
) -> Any:
    """Record that a container was destroyed, and end its custody; return it. ``raw``: see DestroyInputs.

    By quality of whoever has it in hand. Raises NotAllowed ``not_custodian``, FactsMissing ``second_person_needed``
    when both are one human being, WrongState when it has ended; another patient's code stops the line.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with stopping_the_line(actor, order.stream_id, "Record the destruction"):
        return _destroy(actor, order, container_code, raw, once)


def may_destroy(actor: Actor, order: Order, bag: Any) -> bool:
    """Whether a page offers it: the same rules that would refuse it."""
    destroyable = ContainerState.DESTROYED in MOVES[bag.state]
    return destroyable and actor.can(Capability.MANAGE_DEVIATIONS) and _has_it(actor, order, bag)


def _has_it(actor: Actor, order: Order, bag: Any) -> bool:
    return bool(actor.organization_id == (bag.custodian_id or order.manufacturer_id))


def _destroy(actor: Actor, order: Order, container_code: str, raw: Mapping[str, Any], once: Once | None) -> Any:
    with acting(
        actor,
        "orders.material_destroyed",
        stream_id=order.stream_id,
        subject=("container", container_code[:64]),
        capability=Capability.MANAGE_DEVIATIONS,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        bag = containers_of(actor, order.stream_id).filter(code=container_code.strip().upper()).first()
        if bag is None:
            raise NotFound("This order has no such container.")
        if may_destroy(actor, order, bag):
            foreign_scans.among(order, raw, lambda: [bag])
        given = read(DestroyInputs, raw, {"zone": ZoneInfo(actor.zone)})
        require(actor, Capability.MANAGE_DEVIATIONS)
        _require_in_hand(actor, order, bag)
        scans.expect(order.stream_id, given["scan"], [bag], "scan", label_unproven=True)
        event.signatures = _signatures(actor, order, bag, given)
        event.occurred_at, event.reason = _not_before_custody(bag, given["at"]), given["reason"].strip()
        material.move(bag, ContainerState.DESTROYED)
        custody_periods.finish(bag, event.occurred_at)
        pieces.free_emptied(order.stream_id, [bag])
        _note(event, order, bag, given)
        treatment.settle(order)
    return bag


def _require_in_hand(actor: Actor, order: Order, bag: Any) -> None:
    if bag.state in TERMINAL_STATES:
        text = f"{bag.code} is {bag.state_label.lower()}: that is its end."
        raise WrongState(text, code="container_ended", remedy="Check the code of the container.")
    if not _has_it(actor, order, bag):
        raise NotAllowed(
            "Whoever has the material destroys it and records it.",
            code="not_custodian",
            remedy="Reject the container; quality of whoever has it in hand records its destruction.",
        )


def _signatures(actor: Actor, order: Order, bag: Any, given: Mapping[str, Any]) -> list[Signing]:
    told = {"act": DESTROYED_BY, "order": order.code, "container": bag.code, "how": given["how"]}
    bound = digest(canonical_text({**told, "reason": given["reason"], "at": given["at"].isoformat()}))
    own = signers.sign_act(actor, given["signature"], Capability.MANAGE_DEVIATIONS, DESTROYED_BY, bound)
    seen = witnesses.sign(actor, order.stream_id, bag, given["witness"], own, capabilities=WITNESSES, meaning=SEEN_BY)
    return [own, seen]


def _not_before_custody(bag: Any, at: dt.datetime) -> dt.datetime:
    """People type minutes: the minute in which the material came into hand means the moment it did."""
    current = custody_periods.custodian(bag)
    return current.since if current and at <= current.since < at + dt.timedelta(minutes=1) else at


def _note(event: OpenEvent, order: Order, bag: Any, given: Mapping[str, Any]) -> None:
    event.note(order=order.code, container=bag.code, how=given["how"])
    event.result = {"container": bag.code}
