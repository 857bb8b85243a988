"""Many codes of other systems at once, for any of the organization's orders: all of a list, or none of it (F40)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rest_framework import serializers

from custody import aliases
from custody import queries as custody
from custody.states import AliasScope, AliasSystem
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, Refusal
from ledger.states import Role
from orders.actions.aliases import AliasInputs
from orders.code_files import COLUMNS as COLUMNS
from orders.code_files import LARGEST as LARGEST
from orders.code_files import MOST_ROWS
from orders.code_files import NEEDED as NEEDED
from orders.code_files import CodeList as CodeList
from orders.code_files import read_file as read_file
from orders.code_files import read_text as read_text
from orders.flow import order_named
from orders.inputs import read
from orders.models import Order
from personas.policies import require
from personas.queries import Organization
from personas.states import Capability

NAMED = 40  # in the text of an event; each code has a row of its own


class CodeRow(AliasInputs):
    """A code of the list, and what it names."""

    order = serializers.CharField(
        max_length=16,
        required=False,
        allow_blank=True,
        default="",
        label="Order",
        help_text="Its code: the thing has to be of this order. Empty: whichever it is of.",
    )
    names = serializers.CharField(
        max_length=60,
        label="What it names",
        help_text="Code of a bag or box, chain of identity, or code of an order for its chain of identity.",
    )
    issuer = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        default="",
        label="Whose system",
        help_text="Code or name of your own organization; nobody registers for another.",
    )


class ImportCodesInputs(serializers.Serializer[Any]):
    """Codes, each with what it names; all are registered, or none."""

    rows: Any = serializers.ListSerializer(child=CodeRow(), allow_empty=False, max_length=MOST_ROWS)


@dataclass(frozen=True)
class Imported:
    """How many codes are new, and how many were registered for just this before."""

    registered: int
    known: int

    def as_json(self) -> dict[str, int]:
        return {"registered": self.registered, "known": self.known}


Faults = dict[int, dict[str, list[str]]]


def import_codes(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> Imported:
    """Register the codes of a list for bags, boxes and chains of identity of any orders. ``raw``: ImportCodesInputs.

    A code that names this very thing already is left as it is, so that a list may be sent again when it has grown.
    Raises InvalidInput ``rows_refused`` with ``rows``: all that is wrong, by the number of the row from 0; NotAllowed.
    """
    given = read(ImportCodesInputs, raw)["rows"]
    with reading(actor):
        own = Organization.unwalled.get(pk=actor.organization_id)
        faults: Faults = {}
        orders: dict[str, Order | None] = {}
        found = [_target(actor, own, orders, row, faults.setdefault(number, {})) for number, row in enumerate(given)]
        allowed = actor.can(Capability.REGISTER_CODES)
    streams = {target.stream_id for target in found if target is not None} if allowed else set()
    with acting(
        actor,
        "custody.aliases_imported",
        also=sorted(streams),
        subject=("organization", own.code),
        capability=Capability.REGISTER_CODES,
        once=once,
    ) as event:
        require(actor, Capability.REGISTER_CODES)
        done: dict[UUID, list[Any]] = {stream_id: [] for stream_id in streams}
        for number, (row, target) in enumerate(zip(given, found, strict=True)):
            if target is not None and not faults[number]:
                new = _register(actor, target, row, faults[number])
                done[target.stream_id] += [new] if new else []
        _refuse(faults, len(given))
        registered = sum(map(len, done.values()))
        result = Imported(registered, len(given) - registered)
        event.note(issuer=own.name)
        for stream_id, rows in done.items():
            event.apart[stream_id] = {"count": len(rows), "names": _named(rows)}
        of = sum(bool(rows) for rows in done.values())
        event.apart[event.stream.pk] = {"count": registered, "names": f"things of {of} orders"}
        event.result = result.as_json()
    return result


def _target(
    actor: Actor,
    own: Organization,
    orders: dict[str, Order | None],
    row: Mapping[str, Any],
    faults: dict[str, list[str]],
) -> aliases.Target | None:
    """Return what a row names; None where it names nothing, with the reason in ``faults``."""
    if row["issuer"] and row["issuer"].strip().lower() not in (own.code.lower(), own.name.lower()):
        faults["issuer"] = [f"Codes are registered for your own organization: {own.code}, or nothing."]
    order = _order(actor, orders, row["order"]) if row["order"] else None
    if row["order"] and order is None:
        faults["order"] = ["There is no such order for you."]
        return None
    outside = actor.organization_role == Role.COURIER
    named = None if outside else _order(actor, orders, row["names"])
    if named is not None and (order is None or order.pk == named.pk):
        coi = custody.identity_of(actor, named.stream_id)
        if coi is not None:
            return coi
    try:
        found = custody.lookup(actor, row["names"])
    except InvalidInput:
        found = None
    target = (found.container or found.shipment or found.coi) if found else None
    elsewhere = found is not None and order is not None and found.stream_id != order.stream_id
    if found is None or target is None or elsewhere or (outside and found.shipment is None):
        what = "a box" if outside else "a bag, a box, a chain of identity or an order"
        faults["names"] = [f"Give the code of {what} of {'this order' if order else 'an order of yours'}."]
        return None
    return target


def _order(actor: Actor, known: dict[str, Order | None], text: str) -> Order | None:
    """Return the order of this code, asked once however many rows name it; None for any other text."""
    code = text.strip().upper()
    if code not in known:
        try:
            known[code] = order_named(actor, code)
        except NotFound:
            known[code] = None
    return known[code]


def _register(actor: Actor, target: aliases.Target, row: Mapping[str, Any], faults: dict[str, list[str]]) -> Any | None:
    """Register a row's code; None where it names the thing already, or cannot be registered (``faults`` say why)."""
    try:
        before = _before(actor, target, row)
        if before is None:
            return aliases.register(target, row["system"], row["code"], row["scope"], actor.organization_id)
        if before.scope != row["scope"] and before.scope == AliasScope.ORDER:
            faults["scope"] = ["It is registered for every party already. Withdraw it first."]
        elif before.scope != row["scope"] and row["system"] not in aliases.PERSONAL_SYSTEMS:
            faults["scope"] = ["It is registered for your organization alone already. Withdraw it first."]
    except Refusal as refusal:
        faults["code"] = [f"{refusal.detail} {refusal.remedy if not refusal.fields else ''}".strip()]
    return None


def _before(actor: Actor, target: aliases.Target, row: Mapping[str, Any]) -> Any | None:
    """Return the live code of this kind that the organization registered for the very thing."""
    value = aliases.normalized(row["system"], row["code"])
    found = custody.aliases_of(actor, target.stream_id).filter(
        issuer_id=actor.organization_id, system=row["system"], value=value
    )
    return next((one for one in found if one.target_code == target.code), None)


def _refuse(faults: Faults, count: int) -> None:
    bad = [number for number, wrong in faults.items() if wrong]
    if bad:
        raise InvalidInput(
            f"{len(bad)} of {count} rows need attention. Nothing is registered.",
            code="rows_refused",
            fields={"rows": {number: faults[number] for number in bad}},
            remedy="Correct the rows and send the whole list again.",
        )


def _named(rows: list[Any]) -> str:
    names = [f"{row.target_code} ({AliasSystem(row.system).label})" for row in rows[:NAMED]]
    more = len(rows) - len(names)
    return ", ".join(names or ["nothing new"]) + (f" and {more} more" if more > 0 else "")
