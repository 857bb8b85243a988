"""A label's end is recorded when it comes, not only when the order closes: returned or destroyed (T33).

What is on its bag is scanned back instead: see ``scan_back``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from custody import labels
from custody.labels import Label
from custody.states import LabelState
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import NotAllowed, NotFound, WrongState
from orders.flow import order_named
from orders.inputs import read
from orders.policies import may_see_therapy
from personas.states import Capability

ENDS = [(str(state), state.label) for state in (LabelState.RETURNED, LabelState.DESTROYED)]
MAY_SETTLE = (Capability.PRINT_LABELS, Capability.COLLECT, Capability.CONVERT_MATERIAL, Capability.CLOSE_ORDER)


class LabelEndInputs(serializers.Serializer[Any]):
    """What became of a print that is on no bag."""

    became = serializers.ChoiceField(choices=ENDS, label="What became of it")
    remark = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Remark (no names)"
    )


def may_settle(actor: Actor) -> bool:
    """Whether the persona records ends of labels: who prints, collects, works on material or closes orders."""
    return any(actor.can(capability) for capability in MAY_SETTLE)


def settle_label(actor: Actor, code: str, serial: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Label:
    """Record what became of one print of an order's labels; return it.

    A label on its bag ends with the bag; a new print voids it. Raises NotFound for a print of another order, WrongState
    when the end is known already.
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
        event.reason = given["remark"]
        event.note(label=label.serial, state=str(label.state), container=label.container.code)
        event.result = {"label": label.serial}
    return label


def _end(label: Label, given: Mapping[str, Any]) -> None:
    if label.state == LabelState.APPLIED and not label.container.is_terminal:
        raise WrongState(
            f"Label {label.serial} is on {label.container.code}.",
            code="label_on_bag",
            remedy="Print its label again, with the reason: that voids this one. Then record what became of it.",
        )
    labels.settle(label, given["became"])
