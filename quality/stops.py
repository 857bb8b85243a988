"""Stop-ship: orders on which nothing is shipped, prepared or given, and lots and shippers that may not be used (QA4).

Runs inside an action. A stop and the use of a lot or a shipper meet at one advisory lock per manufacturer: whichever
comes first is seen by the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from ledger.prepared import Prepared
from ledger.recording import Signing, open_event
from ledger.refusals import Conflict, MissingFact
from quality.models import Deviation, Stop, StoppedOrder, StoppedSource
from quality.numbers import new_number
from quality.order_streams import locked_event
from quality.states import SourceKind, StopState

STOP = "Stop"  # how the reason of a quarantine begins that a stop put there


def new_stop_number() -> str:
    return new_number("S")


def open_stop(
    number: str,
    reason: str,
    sought: dict[str, str],
    fingerprint: str,
    person_id: UUID,
    source: tuple[str, str] | None,
) -> Stop:
    """Open the case of a stop of the acting manufacturer. ``source``: what may not be used (see ``SourceKind``).

    ``person_id``: who signs for it. Raises Conflict ``stop_stands`` when the same was stopped at this moment.
    """
    event = open_event()
    organization_id = event.actor.organization_id
    stop = Stop(
        organization_id=organization_id,
        number=number,
        reason=reason.strip(),
        sought=sought,
        fingerprint=fingerprint,
        opened_at=event.occurred_at,
        opened_by_id=person_id,
    )
    try:
        with transaction.atomic():
            stop.save(force_insert=True)
    except IntegrityError:
        raise Conflict("A stop stands on exactly this.", code="stop_stands") from None
    if source is not None:
        StoppedSource.objects.create(
            organization_id=organization_id,
            stop_id=stop.pk,
            number=number,
            kind=source[0],
            value=kept_as(SourceKind(source[0]), organization_id, source[1]),
        )
    return stop


def stop_order(stream_id: UUID, stop: Stop, case: Deviation) -> StoppedOrder:
    """Put an order under a stop, with the deviation that says why."""
    event = locked_event(stream_id)
    if stop.working_since is not None:  # it stands on it since it was signed
        known: StoppedOrder | None = StoppedOrder.unwalled.filter(stream_id=stream_id, stop_id=stop.pk).first()
        if known is not None:
            known.deviation = case
            known.save(update_fields=["deviation"])
            return known
    row: StoppedOrder = StoppedOrder.objects.create(
        stream_id=stream_id,
        stop_id=stop.pk,
        number=stop.number,
        deviation=case,
        stopped_at=event.occurred_at,
    )
    return row


def stand_on(stream_ids: Collection[UUID], stop: Stop) -> None:
    """Let a stop stand on many orders, whose streams the act has locked: from the commit on guards refuse.

    Units and deviations follow (``stop_order``).
    """
    now = open_event().occurred_at
    StoppedOrder.objects.bulk_create(
        StoppedOrder(stream_id=stream_id, stop_id=stop.pk, number=stop.number, stopped_at=now)
        for stream_id in sorted(stream_ids)
    )


def end_on(stop: Stop, stream_ids: Collection[UUID]) -> list[StoppedOrder]:
    """End a stop on these orders; return what ended."""
    ended = list(
        StoppedOrder.unwalled.filter(stop_id=stop.pk, stream_id__in=stream_ids, lifted_at__isnull=True).select_related(
            "deviation"
        )
    )
    now = open_event().occurred_at
    StoppedOrder.unwalled.filter(pk__in=[row.pk for row in ended]).update(lifted_at=now)
    return ended


def lift(stop: Stop, conclusion: str, signatures: Sequence[Signing]) -> Stop:
    """End a stop as a whole: its lot or shipper may be used again."""
    now = open_event().occurred_at
    stop.state, stop.conclusion, stop.lifted_at = StopState.LIFTED, conclusion.strip(), now
    stop.lifted_by_id, stop.lifted_with_id = (signature.person_id for signature in signatures[:2])
    stop.save(update_fields=["state", "conclusion", "lifted_at", "lifted_by_id", "lifted_with_id"])
    StoppedSource.unwalled.filter(stop_id=stop.pk, lifted_at__isnull=True).update(lifted_at=now)
    return stop


def normalized(value: str) -> str:
    """Return a lot or serial number as stops compare it."""
    return "".join(value.split()).upper()


def kept_as(kind: SourceKind, organization_id: UUID, value: str) -> str:
    """Return a number as a stopped source keeps it. Partners read these rows: of a donor's number only a digest, which
    tells nothing to whoever does not know the number already."""
    plain = normalized(value)
    return sha256(f"{organization_id}:{plain}".encode()).hexdigest()[:40] if kind == SourceKind.DONOR else plain


def reason_of(number: str) -> str:
    """Return the reason of the quarantine of a stop's units; why it was stopped stands in the order's deviation."""
    return f"{STOP} {number}"


@Prepared
def _standing(stream_id: UUID) -> QuerySet[StoppedOrder]:
    return StoppedOrder.unwalled.filter(stream_id=stream_id, lifted_at__isnull=True).order_by("stopped_at", "pk")


def standing_on(stream_id: UUID) -> list[StoppedOrder]:
    """Return the stops that stand on an order, the oldest first."""
    return list(_standing(stream_id=stream_id))


def all_on(stream_id: UUID) -> list[StoppedOrder]:
    """Return every stop that stands or stood on an order, the oldest first."""
    return list(StoppedOrder.unwalled.filter(stream_id=stream_id).order_by("stopped_at", "pk"))


def facts(stream_id: UUID) -> list[MissingFact]:
    """Return one blocking fact per stop that stands on the order."""
    return [
        MissingFact(
            "units_stopped",
            f"{STOP} {row.number} stands on this order: nothing of it is shipped, prepared or given.",
            "Put the units aside. Quality of the manufacturer lifts the stop, by two people.",
        )
        for row in standing_on(stream_id)
    ]


def still_stopped(stream_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these streams on which a stop stands."""
    found = StoppedOrder.unwalled.filter(stream_id__in=stream_ids, lifted_at__isnull=True)
    return set(found.values_list("stream_id", flat=True))


def before_a_use(manufacturer_id: UUID) -> None:
    """Wait for a stop that is being recorded, and make the next one wait for what is used now."""
    _lock(manufacturer_id, shared=True)


def before_a_stop(manufacturer_id: UUID) -> None:
    """Wait for whatever uses a lot or shipper at this moment, and make later uses wait for the stop."""
    _lock(manufacturer_id, shared=False)


def _lock(manufacturer_id: UUID, *, shared: bool) -> None:
    word = "_shared" if shared else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select pg_advisory_xact_lock{word}(hashtextextended(%s, 7))",  # noqa: S608 - one of two words
            [f"stop:{manufacturer_id}"],
        )


def stopped_sources(manufacturer_id: UUID, kind: SourceKind, values: Iterable[str]) -> list[StoppedSource]:
    """Return the stops that stand on what has these numbers, once nothing changes them any more."""
    wanted = {kept_as(kind, manufacturer_id, value) for value in values if value.strip()}
    if not wanted:
        return []
    before_a_use(manufacturer_id)
    found = StoppedSource.unwalled.filter(
        organization_id=manufacturer_id, kind=kind, value__in=wanted, lifted_at__isnull=True
    )
    return list(found.order_by("value", "number"))


def source_facts(found: Iterable[StoppedSource]) -> list[MissingFact]:
    """Return one blocking fact per stopped lot, shipper or donor."""
    return [
        MissingFact(
            "source_stopped",
            f"{_said(row)} is stopped ({row.number}): it may not be used.",
            "Take another one, and put this one aside.",
        )
        for row in found
    ]


def _said(row: StoppedSource) -> str:
    return "The donor" if row.kind == SourceKind.DONOR else f"{row.get_kind_display()} {row.value}"


def join(stream_id: UUID, stop_id: UUID, number: str) -> StoppedOrder:
    """Put an order under a stop that it came to afterwards."""
    event = locked_event(stream_id)
    known: StoppedOrder | None = StoppedOrder.unwalled.filter(stream_id=stream_id, stop_id=stop_id).first()
    if known is None:
        known = StoppedOrder.objects.create(
            stream_id=stream_id, stop_id=stop_id, number=number, stopped_at=event.occurred_at
        )
    elif known.lifted_at is not None:
        known.lifted_at = None
        known.save(update_fields=["lifted_at"])
    return known
