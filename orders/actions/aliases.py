"""Codes of other systems for what an order moves: registered and withdrawn by whoever is a party of it (F40)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from rest_framework import serializers

from custody import aliases
from custody import queries as custody
from custody.states import AliasScope, AliasSystem
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotFound
from ledger.states import Role
from orders.code_meanings import aliases_of as aliases_of
from orders.code_meanings import meaning_of as meaning_of
from orders.flow import order_named
from orders.inputs import read
from orders.models import Order
from personas.policies import require
from personas.queries import Organization
from personas.states import Capability


class AliasInputs(serializers.Serializer[Any]):
    """What your system calls a bag, a box or the order's chain of identity."""

    names = serializers.CharField(
        max_length=60, label="What it names", help_text="Code of a bag or box of the order, or its chain of identity."
    )
    system = serializers.ChoiceField(choices=AliasSystem.choices, label="Kind of code")
    code = serializers.CharField(
        max_length=200,
        trim_whitespace=True,
        label="Code in your system",
        help_text="As scanned or typed. No name, record number or insurance number of a patient.",
        style={"input_type": "scan"},
    )
    scope = serializers.ChoiceField(
        choices=AliasScope.choices,
        default=AliasScope.ORDER,
        label="Who may look it up",
        help_text="Hospital numbers and patients' service numbers stay with you in any case.",
    )


class WithdrawInputs(serializers.Serializer[Any]):
    """Why the code names the thing no more."""

    reason = serializers.CharField(max_length=300, label="Why (no names)")


def register_alias(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Register a code of the acting organization's system for a bag, a box or the chain of identity; return its id.

    A courier names boxes only. Raises Conflict ``alias_taken`` when its organization uses the code for another thing.
    """
    with _on_order(actor, "custody.alias_registered", code, once) as (order, event):
        given = read(AliasInputs, raw)
        require(actor, Capability.REGISTER_CODES)
        target = _target(actor, order, given["names"])
        row = aliases.register(target, given["system"], given["code"], given["scope"], actor.organization_id)
        _note(event, actor, row)
        event.note(value=row.value if row.scope == AliasScope.ORDER else "")
        event.result = {"alias": str(row.pk)}
    return row.pk


def withdraw_alias(actor: Actor, code: str, alias: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Let a code that the acting organization registered name nothing any more."""
    with _on_order(actor, "custody.alias_withdrawn", code, once) as (order, event):
        row = custody.aliases_of(actor, order.stream_id).filter(pk=alias, issuer_id=actor.organization_id).first()
        if row is None:
            raise NotFound()
        given = read(WithdrawInputs, raw)
        require(actor, Capability.REGISTER_CODES)
        event.reason = given["reason"]
        _note(event, actor, aliases.withdraw(row, given["reason"]))


@contextmanager
def _on_order(actor: Actor, kind: str, code: str, once: Once | None) -> Iterator[tuple[Order, OpenEvent]]:
    with reading(actor):
        order = order_named(actor, code)
    with acting(
        actor,
        kind,
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=Capability.REGISTER_CODES,
        once=once,
    ) as event:
        yield order, event


def _target(actor: Actor, order: Order, text: str) -> aliases.Target:
    """Find the bag, box or chain of identity of this order; InvalidInput for anything else, and for a courier's bag."""
    outside = actor.organization_role == Role.COURIER
    try:
        found = custody.lookup(actor, text)
    except InvalidInput:
        found = None
    if found is None or found.stream_id != order.stream_id or (outside and found.shipment is None):
        what = "a box" if outside else "a bag, a box or the chain of identity"
        raise InvalidInput(fields={"names": [f"Give the code of {what} of this order."]})
    target = found.container or found.shipment or found.coi
    assert target is not None  # noqa: S101 - a lookup that finds names one of them
    return target


def _note(event: OpenEvent, actor: Actor, row: Any) -> None:
    issuer = Organization.unwalled.get(pk=actor.organization_id)
    event.note(issuer=issuer.name, system=row.get_system_display(), names=row.target_code)
