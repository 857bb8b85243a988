"""The dossier: one order's record as the reader may see it, sealed, to be verified anywhere; and a copy compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from ledger import chains, copies, seals
from ledger import queries as record
from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from orders import certificates, dossier_files, dossier_parts, dossier_photos, queries
from orders.flow import order_named
from orders.models import Order
from orders.tampering import Forgery, tampered
from personas.policies import require
from personas.queries import organization_actor, organizations_at_work
from personas.states import Capability

LARGEST_UPLOAD = 8_000_000
ONE_READING = 3600  # seconds


@dataclass(frozen=True)
class Dossier:
    """The files of a dossier, and the same as one zip."""

    code: str
    files: dict[str, bytes]
    content: bytes


@dataclass(frozen=True)
class Check:
    """What a verification of a copy found. ``compared``: whether it was held against the live record too."""

    report: copies.Report
    compared: bool
    known_key: bool


def take_dossier(actor: Actor, code: str) -> Dossier:
    """Return an order's dossier; that it was taken, by whom, is itself recorded on the order (RG5).

    NotFound for couriers, who read no record of what they carry, and for an order that is not the actor's to see.
    """
    with reading(actor):
        order = _order(actor, code)
    with acting(
        actor,
        "orders.dossier_taken",
        stream_id=order.stream_id,
        subject=("order", order.code),
        capability=Capability.VIEW_RECORD,
    ) as event:
        require(actor, Capability.VIEW_RECORD)
        event.note(order=order.code, persona=actor.persona_title)
    with reading(actor):
        return _made(actor, _order(actor, code))


def take_by_operator(code: str) -> Dossier:
    """Return an order's dossier as its own center reads it, for the operator's command; that it was taken is recorded.

    Raises NotFound for an unknown code.
    """
    for organization_id in organizations_at_work():
        actor = organization_actor(organization_id, "dossier")
        with reading(actor):
            order = Order.unwalled.filter(code=code.strip().upper()[:16], center_id=organization_id).first()
        if order is None:
            continue
        with acting(actor, "orders.dossier_taken", stream_id=order.stream_id, subject=("order", order.code)) as event:
            event.note(order=order.code, persona="operator of the installation")
        with reading(actor):
            return _made(actor, order_named(actor, order.code))
    raise NotFound(f"There is no order {code}.")


def note_reading(actor: Actor, code: str) -> None:
    """Record on the reader's own organization that somebody opened an order's record (RG5).

    Once an hour per reader and order: paging to and fro is one reading. NotFound for what is not the actor's to see.
    """
    with reading(actor):
        code = _order(actor, code).code
    who = actor.membership_id or actor.key_id
    if not cache.add(f"record-read:{who}:{code}", 1, timeout=ONE_READING):
        return
    with acting(actor, "orders.record_read", subject=("order", code), capability=Capability.VIEW_RECORD) as event:
        require(actor, Capability.VIEW_RECORD)
        event.note(order=code, persona=actor.persona_title)


def check_copy(actor: Actor, content: bytes) -> Check:
    """Verify a dossier that somebody sent: its seal, its hash chain, and against the live record where the actor may.

    Raises InvalidInput (field ``copy``) for what is no dossier.
    """
    if len(content) > LARGEST_UPLOAD:
        raise InvalidInput(fields={"copy": ["The file is larger than any dossier."]})
    try:
        document, files = copies.unpack(content)
    except copies.Unreadable as error:
        raise InvalidInput(
            str(error), fields={"copy": [str(error)]}, remedy="Choose a dossier's zip or JSON."
        ) from error
    report = copies.verify(document, files if content[:2] == b"PK" else None, seals.public_key())
    with reading(actor):
        order = _known_order(actor, report)
        if order is not None:
            report.findings += _against_the_record(actor, order, document, report)
    _note_check(actor, report)
    return Check(report, order is not None, report.fingerprint == seals.fingerprint())


def _note_check(actor: Actor, report: copies.Report) -> None:
    """Record on the verifier's own organization which copy was verified and what came of it."""
    with acting(actor, "orders.copy_verified", subject=("order", report.order)) as event:
        event.note(order=report.order, result="intact" if report.intact else "altered", findings=len(report.findings))


def take_tampered(actor: Actor, code: str, how: str) -> Dossier:
    """Return a dossier of an order with its record tampered with: in a demonstration only, NotFound elsewhere."""
    if not settings.DEMO:
        raise NotFound()
    if how not in Forgery.values:
        raise InvalidInput(fields={"how": ["Choose what is done to the copy."]})
    dossier = take_dossier(actor, code)
    files = tampered(dossier.files, how)
    return Dossier(dossier.code, files, dossier_files.packed(files, timezone.now()))


def _order(actor: Actor, code: str) -> Order:
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    return order


def _known_order(actor: Actor, report: copies.Report) -> Order | None:
    try:
        order = _order(actor, report.order.replace("\x00", "")[:16])
    except NotFound:
        return None
    return order if str(order.stream_id) == report.stream else None


def _made(actor: Actor, order: Order) -> Dossier:
    made_at = timezone.now()
    events = list(record.events_of(actor, order.stream_id))
    readable = {event.seq: event for event in events}
    document: dict[str, Any] = {
        "format": copies.FORMAT,
        "order": order.code,
        "stream": str(order.stream_id),
        "made_at": made_at.isoformat(timespec="seconds"),
        "made_for": ", ".join(
            part for part in (actor.display_name, actor.persona_title, actor.organization_name) if part
        ),
        "parts": dossier_parts.parts_of(actor, order, queries.steps_of(actor, order), queries.parties_of(actor, order)),
        "events": [_link(link, readable.get(link.seq)) for link in chains.links_of(order.stream_id)],
    }
    certificate = certificates.printed(actor, order)
    signatures = record.signatures_of(actor, order.stream_id)
    more = dict([certificate]) if certificate else {}
    photos = dossier_photos.files_of(dossier_photos.photos_of(actor, order))
    files = dossier_files.sealed(actor, document, events, signatures, more | photos)
    return Dossier(order.code, files, dossier_files.packed(files, made_at))


def _link(link: chains.Link, event: Any) -> dict[str, Any]:
    place: dict[str, Any] = {"seq": link.seq, "hash": link.hash, "previous_hash": link.previous_hash}
    if event is None:
        return place
    return {**place, "recorded": event.canonical, "content": json.loads(event.canonical)}


def _against_the_record(
    actor: Actor, order: Order, document: dict[str, Any], report: copies.Report
) -> list[copies.Finding]:
    """Name each field in which the copy differs from the live record, and each event that the record does not have."""
    live = {link.seq: link for link in chains.links_of(order.stream_id)}
    readable = {event.seq: event.canonical for event in record.events_of(actor, order.stream_id)}
    return list(copies.compare(document, {seq: link.hash for seq, link in live.items()}, readable, report))
