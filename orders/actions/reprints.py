"""The label of a filled bag is printed again: the former is void at once, the new one is scanned back (T33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from custody import labels
from custody.labels import Label
from custody.queries import containers_of
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import NotAllowed, NotFound, WrongState
from orders.actions.scan_back import MAY_SCAN_BACK, capability_of
from orders.flow import order_named
from orders.inputs import read
from orders.label_texts import printing_for
from orders.models import Order
from orders.policies import may_see_therapy
from personas.policies import require


class ReprintInputs(serializers.Serializer[Any]):
    """Which container gets a new label, and why."""

    container = serializers.CharField(max_length=64, label="Container")
    reason = serializers.CharField(
        max_length=200, label="Why its label is printed again", help_text="For example: smeared, torn, data added."
    )


def reprintable(actor: Actor, order: Order) -> list[Any]:
    """Return the filled containers in the hands of whoever acts whose label they may print again."""
    if capability_of(actor) is None or not may_see_therapy(actor):
        return []
    held = containers_of(actor, order.stream_id).filter(custodian_id=actor.organization_id)
    return [bag for bag in held if bag.state not in labels.UNFILLED and not bag.is_terminal]


def reprint_label(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Label:
    """Print a container's label again and return the print; the former label is void. ``raw``: see ReprintInputs.

    By whoever has the container in hand. Raises NotFound for a container of another order, NotAllowed
    ``not_custodian``, WrongState for one that has ended or is labeled by a step of its own.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    capability = capability_of(actor) or MAY_SCAN_BACK[0]
    with acting(
        actor,
        "orders.label_reprinted",
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=capability,
        once=once,
    ) as event:
        order = order_named(actor, order.code)
        given = read(ReprintInputs, raw)
        require(actor, capability)
        bag = containers_of(actor, order.stream_id).filter(code=given["container"].strip().upper()).first()
        if bag is None:
            raise NotFound("This order has no such container.")
        _refuse(actor, bag)
        template = labels.template_of(bag)
        (label,) = labels.print_labels(order.stream, [bag], template, given["reason"], printing=printing_for(order))
        event.reason = given["reason"].strip()
        event.note(label=label.serial, container=bag.code)
        event.result = {"label": label.serial}
    return label


def _refuse(actor: Actor, bag: Any) -> None:
    if bag.custodian_id != actor.organization_id:
        text = f"Your organization does not have {bag.code} in hand."
        raise NotAllowed(text, code="not_custodian", remedy="Whoever has it in hand prints its label again.")
    if bag.state in labels.UNFILLED:
        text = f"{bag.code} is not filled yet: its label is printed by a step of the order."
        raise WrongState(text, code="labeled_by_step", remedy="Open the order, and print the labels there again.")
