"""EPCIS error declarations: a partner says that an event which it sent before was wrong (EPCIS 2.0, AP2, RG6).

What is on the record stays: it may have been acted upon, and people signed it. The declaration is recorded beside it,
opens a deviation, and quality is told; whoever may put the act right does so by the acts that there are for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event
from ledger.present import is_to_come
from ledger.recording import OpenEvent, acting, fingerprint, open_event
from ledger.refusals import Conflict, InvalidInput, NotAllowed
from ledger.walls import visible
from orders.epcis.capturing import Captured, DeclaredWrong
from orders.epcis.events import epcis_events
from orders.epcis.writing import utc
from orders.models import EpcisAct, EpcisEventId, Order
from orders.open_cases import DECLARED
from orders.states import CapturedAct, ErrorReason
from personas.policies import require
from personas.states import Capability
from quality import deviations
from quality.states import Severity


@dataclass(frozen=True)
class Wrong:
    """A declaration with what it is about: the act on the record, and its order."""

    declared: DeclaredWrong
    act: EpcisAct
    order: Order


def keep_act(actor: Actor, event: Captured) -> Callable[[Order], None]:
    """Return what keeps, in the act's own transaction, which partner's event it is."""

    def keep(order: Order) -> None:
        EpcisAct.objects.create(
            organization_id=actor.organization_id,
            name=event.name,
            content=event.content,
            act=event.act,
            stream_id=order.stream_id,
            source_id=open_event().id,
            captured_at=timezone.now(),
        )

    return keep


def what_is_wrong(actor: Actor, declared: DeclaredWrong, expected: Collection[str] = ()) -> Wrong:
    """Find what a declaration is about. ``expected``: eventIDs that come before it in the same document.

    Raises InvalidInput ``unknown_event`` for what these credentials' organization never sent (or what corrects it and
    is not known), and for an event that says something else than the one sent before. Call inside ``reading(actor)``.
    """
    own = visible(EpcisAct, actor)
    act = own.filter(name=declared.name).first()
    if act is None:
        given_out = EpcisEventId.unwalled.filter(event_id=declared.name).values("source_id")
        act, same = own.filter(source_id__in=given_out).first(), declared.proves_itself
    else:
        same = declared.content == act.content
    order = visible(Order, actor).filter(stream_id=act.stream_id).first() if act else None
    if act is None or order is None:
        text = "No event that your organization sent is known here by this eventID."
        raise InvalidInput(text, code="unknown_event", fields={"eventID": [text]}, remedy="Compare the eventID.")
    if not same:
        text = "This is not what the event says that has this eventID."
        raise InvalidInput(text, fields={"eventID": [text]}, remedy="Send it as it was, with its errorDeclaration.")
    _corrections(actor, act, [one for one in declared.corrected_by if one not in expected])
    return Wrong(declared, act, order)


def _corrections(actor: Actor, act: EpcisAct, names: Collection[str]) -> list[UUID]:
    """Return the events of the record, on the same order, that correct an act; raise InvalidInput for unknown ones."""
    own = visible(EpcisAct, actor).filter(name__in=names, stream_id=act.stream_id).exclude(pk=act.pk)
    found: dict[str, UUID] = dict(own.values_list("name", "source_id"))
    given_out = EpcisEventId.unwalled.filter(event_id__in=set(names) - set(found)).exclude(source_id=act.source_id)
    ids = list(given_out.values_list("event_id", "source_id"))
    mine = visible(Event, actor).filter(pk__in=[source for _, source in ids], stream_id=act.stream_id)
    readable = set(mine.exclude(kind="orders.error_declared").values_list("pk", flat=True))
    found |= {name: source for name, source in ids if source in readable}
    if unknown := [name for name in names if name not in found]:
        text = f"Not known here as an event of this order: {', '.join(unknown)}."
        remedy = "Send what corrects an event before the declaration that names it."
        raise InvalidInput(text, code="unknown_event", fields={"errorDeclaration": [text]}, remedy=remedy)
    return sorted(set(found.values()))


def declare_wrong(actor: Actor, wrong: Wrong) -> Order:
    """Record that an act was declared wrong by who sent it: a deviation is opened, quality is told, the record stays.

    By the organization that sent it, with the capability of the act itself; no signature, as nothing is decided. The
    same declaration again is done once. Raises NotAllowed, InvalidInput, or Conflict ``declared_wrong_already``.
    """
    declared = wrong.declared
    with reading(actor):
        corrected_by = _corrections(actor, wrong.act, declared.corrected_by)
    said = _said(declared, corrected_by)
    with reading(actor):
        known = visible(EpcisAct, actor).filter(pk=wrong.act.pk, declaration=said).exists()
    if known:
        return wrong.order
    subject = ("order", wrong.order.code)
    with acting(actor, "orders.error_declared", stream_id=wrong.act.stream_id, subject=subject) as event:
        act: EpcisAct = EpcisAct.unwalled.get(pk=wrong.act.pk)
        source = Event.unwalled.defer("canonical").get(pk=act.source_id)
        event.capability = source.capability or Capability.VIEW_RECORD
        require(actor, event.capability)
        if actor.organization_id not in event.stream.party_ids:
            raise NotAllowed("Your organization may read this order, but is not a party of it.", code="not_a_party")
        _refuse_bad_time(declared, source)
        if act.declared_wrong_as is not None:
            raise Conflict(
                "This event was declared wrong already, with another reason or other corrections.",
                code="declared_wrong_already",
                remedy="Tell quality what you know now: the deviation that was opened is theirs.",
            )
        _record(event, wrong.order, act, source, declared, corrected_by)
        act.declared_wrong_as, act.declaration = event.id, said
        act.save(update_fields=["declared_wrong_as", "declaration"])
        _give_out(actor, event, source, corrected_by)
    return wrong.order


def _said(declared: DeclaredWrong, corrected_by: Collection[UUID]) -> str:
    """Return the hash of what a declaration amounts to, by whichever ids it names what corrects the event."""
    return fingerprint({"reason": declared.reason, "at": utc(declared.at), "by": [str(one) for one in corrected_by]})


def _refuse_bad_time(declared: DeclaredWrong, source: Event) -> None:
    if declared.at < source.occurred_at or is_to_come(declared.at):
        text = "declarationTime lies after the event itself, and not in the future."
        raise InvalidInput(fields={"errorDeclaration": [text]})


def _record(
    event: OpenEvent, order: Order, act: EpcisAct, source: Event, declared: DeclaredWrong, corrected_by: list[UUID]
) -> None:
    event.occurred_at, event.zone, event.reason = min(declared.at, timezone.now()), source.zone, declared.note
    event.audience = tuple(source.audience)
    label, reason = CapturedAct(act.act).label, ErrorReason(declared.reason)
    happened = f"{source.occurred_at:%Y-%m-%d %H:%M} UTC"
    text = " ".join(
        filter(
            None,
            [
                f"“{label}” of {happened} (event {source.seq} of the record) was declared wrong",
                f"by {event.actor.organization_name}, whose system sent it: {reason.label}.",
                f"{declared.note}" if declared.note else "",
                f"It names {len(corrected_by)} of the record's events that correct it." if corrected_by else "",
                "What is on the record stays until it is put right.",
            ],
        )
    )
    severity = Severity.CRITICAL if reason == ErrorReason.DID_NOT_OCCUR else Severity.MAJOR
    deviation = deviations.open_deviation(order.stream_id, DECLARED, severity, text, automatic=True)
    event.note(
        order=order.code,
        act=label,
        happened=happened,
        sender=event.actor.organization_name,
        reason=str(reason),
        words=reason.label,
        declared=str(source.pk),
        declared_at=declared.at.astimezone(dt.UTC).isoformat(),
        corrected_by=[str(one) for one in corrected_by],
        deviation=deviation.number,
        severity=str(severity),
    )


def _give_out(actor: Actor, event: OpenEvent, source: Event, corrected_by: Collection[UUID]) -> None:
    """Let the ids of the event that is wrong lead to its declaration, too; the ids it names lead somewhere as well."""
    known: set[Any] = set(EpcisEventId.unwalled.filter(source_id=source.pk).values_list("event_id", flat=True))
    named = [source, *visible(Event, actor).filter(pk__in=corrected_by).defer("canonical")]
    ids = {(written["eventID"], row.pk) for row, written in epcis_events(actor, named)}
    known |= {one for one, of in ids if of == source.pk}
    rows = [EpcisEventId(event_id=one, source_id=of) for one, of in sorted({*ids, *((one, event.id) for one in known)})]
    EpcisEventId.objects.bulk_create(rows, ignore_conflicts=True)
