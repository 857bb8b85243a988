"""Aliases: what parties call a bag, a box or a chain of identity in their own systems (F40, F41).

An alias leads to a thing; it never proves one. Where a step asks for an identity, its own code has to be scanned: see
``custody.scans``. Only a box may be named by an alias at a hand-over, since its outer code proves no identity either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from custody import codes
from custody.decoding import LONGEST, Decoded, decode
from custody.isbt128 import Unreadable
from custody.models import Alias, ChainOfIdentity, Container, Shipment
from custody.states import PERSONAL_SYSTEMS, PLAIN_SYSTEMS, AliasScope, AliasSystem
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Conflict, InvalidInput, WrongState

Target = Container | Shipment | ChainOfIdentity
_TARGETS = {Container: "container", Shipment: "shipment", ChainOfIdentity: "coi"}


def normalized(system: str, text: str) -> str:
    """Return a typed or scanned code as it is kept and compared; InvalidInput when it is none of the system.

    A code of a standard is read by it: an SSCC scanned with its ``(00)`` or typed as 18 digits is the same one.
    """
    decoded = _decoded(text)
    if decoded is not None and decoded.is_identity and not decoded.reading.donation:
        _refuse("That is a code of this product already. Register what your own system calls it.")
    if system in PLAIN_SYSTEMS:
        value = codes.compact(text)
        if not 3 <= len(value) <= 60 or not (value.isascii() and value.isprintable()):
            _refuse("Give 3 to 60 letters, digits and signs.")
        return value
    if decoded is None and system in (AliasSystem.SSCC, AliasSystem.GSRN):
        decoded = _decoded(("(00)" if system == AliasSystem.SSCC else "(8018)") + codes.compact(text))
    value = dict(decoded.names).get(system, "") if decoded else ""
    if not value:
        _refuse(f"That is no {AliasSystem(system).label}. Scan it, or give it whole with its check digit.")
    return value


def register(target: Target, system: str, text: str, scope: str, issuer_id: UUID) -> Alias:
    """Register a code for a thing; Conflict ``alias_taken`` when the issuer uses it for something already.

    What numbers a patient stays with its issuer whatever ``scope`` says.
    """
    event = open_event()
    value = normalized(system, text)
    scope = AliasScope.OWN if system in PERSONAL_SYSTEMS else AliasScope(scope)
    before = Alias.unwalled.filter(issuer_id=issuer_id, system=system, value=value, withdrawn_at__isnull=True).first()
    if before is not None:
        raise _taken(before.target_code)
    row = Alias(
        stream_id=target.stream_id,
        issuer_id=issuer_id,
        system=system,
        value=value,
        scope=scope,
        registered_by_id=event.actor.person_id,
        registered_at=event.occurred_at,
        **{_TARGETS[type(target)]: target},
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as clash:
        if "custody_alias_once" not in str(clash):
            raise
        raise _taken("") from None
    return row


def withdraw(alias: Alias, reason: str) -> Alias:
    """Let a code name nothing any more; it may be registered anew. WrongState when it was withdrawn already."""
    if alias.withdrawn_at is not None:
        raise WrongState("This code was withdrawn already.", code="alias_withdrawn", remedy="Reload the page.")
    alias.withdrawn_at = open_event().occurred_at
    alias.withdrawn_reason = reason
    alias.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    return alias


def named(scanned: str, valued: Callable[[str], list[Alias]]) -> list[Alias]:
    """Return the live aliases that a text may be, with what they name where the reader sees it.

    ``valued`` reads those of a value that the reader may see.
    """
    asked = _asked(scanned)
    found = [row for value in sorted({value for _, value in asked}) for row in valued(value)]
    rows = sorted((row for row in found if (row.system, row.value) in asked), key=lambda row: row.pk)
    for row in rows:
        _read_target(row)
    return rows


def _read_target(row: Alias) -> None:
    for name, numbered in _NUMBERED.items():
        pk = getattr(row, f"{name}_id")
        if pk is not None:
            row._state.fields_cache[name] = next(iter(numbered(pk=pk)), None)  # None: a departed issuer sees it no more


@Prepared
def _containers(pk: UUID) -> QuerySet[Container]:
    return Container.unwalled.filter(pk=pk)


@Prepared
def _shipments(pk: UUID) -> QuerySet[Shipment]:
    return Shipment.unwalled.filter(pk=pk)


@Prepared
def _chains(pk: UUID) -> QuerySet[ChainOfIdentity]:
    return ChainOfIdentity.unwalled.filter(pk=pk)


_NUMBERED: dict[str, Prepared[Any]] = {"container": _containers, "shipment": _shipments, "coi": _chains}


def _asked(scanned: str) -> set[tuple[str, str]]:
    text = str(scanned).strip()
    if not text or len(text) > LONGEST or "\x00" in text:
        return set()
    decoded = _decoded(text)
    asked = set(decoded.names) if decoded else set()
    plain = codes.compact(text)
    if len(plain) == 18 and plain.isdigit():
        asked |= {(AliasSystem.SSCC, plain), (AliasSystem.GSRN, plain)}
    return {(str(s), v) for s, v in asked} | {(str(system), plain) for system in PLAIN_SYSTEMS}


def _decoded(text: str) -> Decoded | None:
    try:
        return decode(text)
    except Unreadable:
        return None


def _refuse(text: str) -> None:
    raise InvalidInput(text, fields={"code": [text]})


def _taken(code: str) -> Conflict:
    return Conflict(
        f"Your organization uses this code for {code or 'something else'} already.",
        code="alias_taken",
        remedy="Withdraw it there first, or register another code.",
    )
