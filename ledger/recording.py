"""One transaction: lock, ask, change, record (DESIGN 1.4). ``acting`` is the only way to open an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ledger import directory
from ledger.bulk import update_each
from ledger.canonical import canonical_text, digest, plain
from ledger.context import Acting, Actor, current, entered
from ledger.events import EventKind, kind_named
from ledger.identifiers import new_id
from ledger.models import Event, OutboxMessage, Replay, Signature, Stream
from ledger.parties import parties_of
from ledger.postgresql.statements import Kept
from ledger.prepared import Among, Ids, Prepared
from ledger.present import is_to_come
from ledger.rates import within_rate
from ledger.refusals import Conflict, InvalidInput, Mismatch, NotFound, Refusal

MAY_RUN_AHEAD = dt.timedelta(minutes=5)  # a device clock off by more is kept and flagged (DOMAIN 5, T46)
StreamLock = Callable[[], list[Stream]]  # locks the one stream that it finds, or finds none
REFUSALS_PER_MINUTE = 20  # recorded per actor and code; a flood of refusals must not flood the record


@dataclass(frozen=True)
class Signing:
    """A signature to be bound to the event: who, in which right, with which meaning, on exactly which content."""

    person_id: UUID
    person_name: str
    organization_id: UUID
    organization_name: str
    persona: str
    capability: str
    method: str
    meaning: str
    content_hash: str
    signed_at: dt.datetime
    zone: str


@dataclass(frozen=True)
class Once:
    """An idempotency key with the fingerprint of the request it belongs to."""

    key: str
    fingerprint: str


class Replayed(Exception):
    """The request was done before: ``result`` is what it answered then."""

    def __init__(self, result: Any) -> None:
        self.result = result
        super().__init__("replayed")


@dataclass
class OpenEvent:
    """The event of the open transaction; fill ``payload``, ``signatures`` and ``result`` before the block ends."""

    kind: EventKind
    actor: Actor
    stream: Stream
    id: UUID = field(default_factory=new_id)
    subject_type: str = ""
    subject_id: str = ""
    capability: str = ""
    reason: str = ""
    occurred_at: dt.datetime = field(default_factory=timezone.now)
    zone: str = "UTC"
    device_time: dt.datetime | None = None
    clock_skew: dt.timedelta | None = None  # of the device, as it was measured when it sent what it had kept
    payload: dict[str, Any] = field(default_factory=dict)
    signatures: list[Signing] = field(default_factory=list)
    also: list[Stream] = field(default_factory=list)
    audience: tuple[str, ...] | None = None
    apart: dict[UUID, dict[str, Any]] = field(default_factory=dict)  # facts for one of the streams alone, by its id
    result: Any = None
    once: Once | None = None

    def note(self, **facts: Any) -> None:
        self.payload.update(facts)


@dataclass
class Asked:
    """A request's key that waits for the first event; one key goes with one event, whose id it then has."""

    once: Once
    event_id: UUID | None = None


_open: ContextVar[OpenEvent | None] = ContextVar("cgt_open_event", default=None)
_asked: ContextVar[Asked | None] = ContextVar("cgt_asked_once", default=None)


def open_event() -> OpenEvent:
    """Return the event of the open transaction; concept modules run only inside an action."""
    event = _open.get()
    if event is None:
        raise RuntimeError("no open event: this runs only inside an action")
    return event


def lock_streams(stream_ids: Sequence[UUID]) -> list[Stream]:
    """Lock the streams in id order; one that the actor cannot see does not exist."""
    found = _locked(stream_ids=tuple(sorted(set(stream_ids))))
    if len(found) != len(set(stream_ids)):
        raise NotFound()
    by_id = {stream.pk: stream for stream in found}
    return [by_id[stream_id] for stream_id in stream_ids]


@Prepared
def _locked(stream_ids: Ids) -> QuerySet[Stream]:
    rows = Stream.unwalled.select_for_update().filter(Among("ledger_stream.id", stream_ids))
    return rows.order_by("pk")


@contextmanager
def acting(
    actor: Actor,
    kind: str,
    *,
    stream_id: UUID | StreamLock | None = None,
    new_stream: Stream | None = None,
    also: Sequence[UUID] = (),
    subject: tuple[str, str] = ("", ""),
    capability: str = "",
    reason: str = "",
    occurred_at: dt.datetime | None = None,
    device_time: dt.datetime | None = None,
    zone: str = "",
    once: Once | None = None,
) -> Iterator[OpenEvent]:
    """Open one transaction and one event of a registered kind; a nested call joins the outer one.

    ``stream_id`` defaults to the organization's own stream; a ``StreamLock`` finds and locks it in one statement;
    ``new_stream`` opens one. Raises NotFound for a stream that
    the actor may not see, Replayed when ``once`` was answered before, Conflict when its key went with another request.
    Refusals leave nothing behind but (those worth it) a ``ledger.refused`` event on the organization's stream.
    """
    joined = _open.get()
    if joined is not None:
        yield joined
        return
    asked = _asked.get() if once is None else None
    if asked is not None and asked.event_id is None:
        once = asked.once
    event_kind = kind_named(kind)
    _refuse_the_future(actor, occurred_at)
    event = OpenEvent(
        kind=event_kind,
        actor=actor,
        stream=Stream(),
        subject_type=subject[0],
        subject_id=str(subject[1]),
        capability=capability,
        reason=reason,
        occurred_at=occurred_at or timezone.now(),
        zone=zone or actor.zone,
        device_time=device_time,
        once=once,
    )
    try:
        with entered(Acting(actor, event.id)), transaction.atomic():
            _begin_once(actor, once)
            event.stream, *event.also = _take(actor, stream_id, new_stream, also)
            token = _open.set(event)
            try:
                yield event
            finally:
                _open.reset(token)
            _write(event)
        if asked is not None and asked.event_id is None:
            asked.event_id = event.id
    except Refusal as refusal:
        if refusal.recorded:
            record_refusal(actor, refusal, kind, subject)
        raise
    except IntegrityError as error:
        if once is not None and "ledger_replay_once" in str(error):
            raise _replayed(actor, once) from error
        raise


def _take(
    actor: Actor, stream_id: UUID | StreamLock | None, new_stream: Stream | None, also: Sequence[UUID]
) -> list[Stream]:
    if new_stream is not None:
        new_stream.save(force_insert=True)
        return [new_stream, *lock_streams(list(also))]
    if callable(stream_id):
        if also:
            raise RuntimeError("streams are locked in the order of their ids: name each by its id")
        found = stream_id()
        if not found:
            raise NotFound()
        return found
    return lock_streams([stream_id or actor.organization_id, *also])


def _refuse_the_future(actor: Actor, occurred_at: dt.datetime | None) -> None:
    if occurred_at is not None and is_to_come(occurred_at):
        raise InvalidInput(
            "That time has not come yet.",
            fields={"occurred_at": ["The time lies in the future."]},
            remedy="Enter when it really happened, in the site's local time.",
        )


def clock_is_off(device_time: dt.datetime | None, server_time: dt.datetime) -> bool:
    """Whether a device's clock differs from the server's by more than five minutes."""
    return device_time is not None and abs(device_time - server_time) > MAY_RUN_AHEAD


@contextmanager
def asked_once(actor: Actor, once: Once) -> Iterator[Asked]:
    """Give a request's key to the first event that is written inside, so that it is written at most once (AP2).

    Raises Replayed with the kept answer when the request was answered before, Conflict for another request's key.
    """
    with entered(Acting(actor)), transaction.atomic():
        found = Replay.unwalled.filter(organization_id=actor.organization_id, key=once.key).first()
    if found is not None:
        raise _answer_of(found, once)
    asked = Asked(once)
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)


def keep_answer(actor: Actor, asked: Asked, answer: Any) -> None:
    """Keep what a request was answered beside the event that it wrote; without an event there is nothing to repeat.

    No secret and nothing that identifies a patient belongs in ``answer``.
    """
    if asked.event_id is None:
        return
    with entered(Acting(actor, asked.event_id)), transaction.atomic():
        own = Replay.unwalled.filter(organization_id=actor.organization_id, key=asked.once.key)
        own.update(result=plain(answer))


def _begin_once(actor: Actor, once: Once | None) -> None:
    if once is None:
        return
    found = Replay.unwalled.filter(organization_id=actor.organization_id, key=once.key).first()
    if found is not None:
        raise _answer_of(found, once)
    Replay.objects.create(organization_id=actor.organization_id, key=once.key, fingerprint=once.fingerprint)


def _replayed(actor: Actor, once: Once) -> Exception:
    with entered(Acting(actor)), transaction.atomic():
        found = Replay.unwalled.filter(organization_id=actor.organization_id, key=once.key).first()
    return _answer_of(found, once) if found else Conflict("The same request is under way.")


def _answer_of(found: Replay, once: Once) -> Exception:
    if found.fingerprint != once.fingerprint:
        return Conflict(
            "This idempotency key was used for a different request.",
            code="idempotency_key_reused",
            remedy="Send a fresh key with each new request.",
        )
    return Replayed(found.result)


def _write(event: OpenEvent) -> None:
    for facts in (event.payload, *event.apart.values()):
        event.kind.refuse_unknown(facts)
    now = timezone.now()
    if event.clock_skew is not None:
        off = abs(event.clock_skew) > MAY_RUN_AHEAD
    else:
        off = clock_is_off(event.device_time, now)
    if off:
        event.payload["clock_off"] = True
    rows_digest, directory_version = _rows_digest()
    _publish_what_was_read(directory_version)
    audience = event.audience if event.audience is not None else event.kind.audience
    correlation_id = event.id if event.also else None
    for position, stream in enumerate([event.stream, *event.also]):
        row = _event_row(event, stream, event.id if position == 0 else new_id(), now, correlation_id)
        row.audience = [str(role) for role in audience]
        row.rows_digest = rows_digest if position == 0 else ""
        _chain(row, stream, event.signatures)
        row.save(force_insert=True)
        update_each([stream], ["head_seq", "head_hash"])
        Signature.objects.bulk_create(_signature_rows(row, event.signatures))
        _tell_parties(event, row, stream)
    if event.once is not None:
        Replay.unwalled.filter(organization_id=event.actor.organization_id, key=event.once.key).update(
            result=plain(event.result)
        )


def _rows_digest() -> tuple[str, int | None]:
    """Return the digest of the rows changed so far (and begin anew), and the directory's version as it is now."""
    rows = "coalesce(current_setting('cgt.rows', true), ''), set_config('cgt.rows', '', true)"
    with connection.cursor() as cursor:
        cursor.execute(Kept(f"select {rows}, (select version from ledger_directory)"))  # noqa: S608
        digest_now, _, version = cursor.fetchone()
    return str(digest_now), version


def _publish_what_was_read(directory_version: int | None) -> None:
    acting_now = current()
    if acting_now is not None and acting_now.directory_version == directory_version:
        transaction.on_commit(partial(directory.publish, acting_now), robust=True)


def _event_row(event: OpenEvent, stream: Stream, key: UUID, now: dt.datetime, correlation_id: UUID | None) -> Event:
    actor = event.actor
    return Event(
        id=key,
        stream=stream,
        seq=stream.head_seq + 1,
        kind=event.kind.name,
        schema_version=event.kind.schema_version,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
        organization_id=actor.organization_id,
        organization_name=actor.organization_name,
        person_id=actor.person_id,
        person_name=actor.person_name,
        key_id=actor.key_id,
        key_name=actor.key_name,
        system_job=actor.system_job,
        persona=actor.persona,
        capability=event.capability,
        channel=actor.channel,
        request_id=actor.request_id,
        correlation_id=correlation_id,
        reason=event.reason,
        occurred_at=event.occurred_at,
        zone=event.zone,
        device_time=event.device_time,
        recorded_at=now,
        payload=plain(event.payload | event.apart.get(stream.pk, {})),
        synthetic=actor.synthetic or stream.synthetic,
        previous_hash=stream.head_hash,
    )


HASHED = [
    "id",
    "stream_id",
    "seq",
    "kind",
    "schema_version",
    "audience",
    "subject_type",
    "subject_id",
    "organization_id",
    "organization_name",
    "person_id",
    "person_name",
    "key_id",
    "key_name",
    "system_job",
    "persona",
    "capability",
    "channel",
    "request_id",
    "correlation_id",
    "reason",
    "occurred_at",
    "zone",
    "device_time",
    "recorded_at",
    "payload",
    "synthetic",
    "rows_digest",
    "previous_hash",
]
SIGNED = [
    "person_id",
    "person_name",
    "organization_id",
    "organization_name",
    "persona",
    "capability",
    "method",
    "meaning",
    "content_hash",
    "signed_at",
    "zone",
]


def hashed_content(row: Event, signatures: Sequence[Any]) -> dict[str, Any]:
    """Return what an event's hash covers: its columns and its signatures, in canonical order."""
    content = {name: getattr(row, name) for name in HASHED}
    content["signatures"] = [{name: getattr(signature, name) for name in SIGNED} for signature in signatures]
    return content


def _chain(row: Event, stream: Stream, signatures: Sequence[Signing]) -> None:
    row.canonical = canonical_text(hashed_content(row, signatures))
    row.hash = digest(row.canonical)
    stream.head_seq, stream.head_hash = row.seq, row.hash


def _signature_rows(row: Event, signatures: Sequence[Signing]) -> list[Signature]:
    return [
        Signature(
            event=row, stream_id=row.stream_id, position=position, **{name: getattr(signing, name) for name in SIGNED}
        )
        for position, signing in enumerate(signatures)
    ]


def _tell_parties(event: OpenEvent, row: Event, stream: Stream) -> None:
    if not event.kind.notifies:
        return
    parties = [one for one in parties_of(stream.pk) if not row.audience or one.role in row.audience]
    organizations = {one.organization_id for one in parties}
    OutboxMessage.objects.bulk_create(
        [OutboxMessage(event_id=row.pk, organization_id=organization) for organization in sorted(organizations)]
    )
    if organizations:
        transaction.on_commit(_nudge_relay, robust=True)


def _nudge_relay() -> None:
    from ledger.signals import outbox_filled

    outbox_filled.send(sender=OutboxMessage)


def record_refusal(actor: Actor, refusal: Refusal, attempted: str, subject: tuple[str, Any]) -> None:
    """Write a refused attempt to the organization's own stream, at most a few per minute, actor and code."""
    if _open.get() is not None or not _within_rate(actor, refusal):
        return
    token = _asked.set(None)  # a refused request may be sent again with its key
    try:
        with acting(actor, "ledger.refused", subject=(subject[0], str(subject[1]))) as event:
            event.note(
                code=refusal.code,
                attempted=attempted,
                subject=str(subject[1]),
                facts=[fact.code for fact in refusal.facts],
            )
            if isinstance(refusal, Mismatch) and refusal.read:
                event.note(read=refusal.read)
    finally:
        _asked.reset(token)


def _within_rate(actor: Actor, refusal: Refusal) -> bool:
    who = actor.person_id or actor.key_id or actor.system_job
    return within_rate(f"refused:{actor.organization_id}:{who}:{refusal.code}", REFUSALS_PER_MINUTE)


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return the fingerprint of a request, for ``Once``."""
    return digest(canonical_text(dict(content)))
