"""Proves that the record is what was written: every hash chain, every signature, every history row, every live row.

Run as the auditor role, which reads all and changes nothing. One repeatable-read snapshot, so that a system at work
raises no false alarm; events are read in batches, history rows through a server-side cursor: memory stays constant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Model
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ

from ledger import checkpoints, live_rows
from ledger.auditor import require_auditor
from ledger.canonical import canonical_text, digest
from ledger.faults import Fault
from ledger.history import STAMP_COLUMNS
from ledger.installation import history_model, walled_models
from ledger.models import Checkpoint, Event, Signature, Stream
from ledger.recording import hashed_content

EVENTS_AT_ONCE = 500


@dataclass
class Verification:
    """One run. Iterate ``faults()`` to the end, then read how much was verified."""

    using: str = "default"
    stream_id: UUID | None = None
    kept_outside: Checkpoint | None = None
    events: int = 0
    streams: int = 0
    rows: int = 0
    _heads: dict[UUID, Stream] = field(default_factory=dict)

    def faults(self) -> Iterator[Fault]:
        """Yield every fault; raises CannotVerify for a role behind the walls."""
        require_auditor(self.using)
        with _snapshot(self.using):
            yield from self._chains()
            yield from live_rows.faults(self.using, self.stream_id)
            if self.stream_id is None:
                yield from _streams_without_events(self.using)
                yield from checkpoints.faults(self.using, self.kept_outside)

    def _chains(self) -> Iterator[Fault]:
        events = Event.unwalled.using(self.using).order_by("stream_id", "seq")
        if self.stream_id is not None:
            events = events.filter(stream_id=self.stream_id)
        last: Event | None = None
        for batch in _batches(events.iterator(chunk_size=EVENTS_AT_ONCE), EVENTS_AT_ONCE):
            self.events += len(batch)
            streams = Stream.unwalled.using(self.using).in_bulk({event.stream_id for event in batch})
            signatures = _signatures(self.using, batch)
            digests: dict[UUID, str] = {}
            yield from self._history(batch, digests)
            for event in batch:
                if last is None or last.stream_id != event.stream_id:
                    yield from _head_faults(last, self._heads.get(last.stream_id) if last else None)
                    last, self.streams = None, self.streams + 1
                    self._heads = {event.stream_id: streams[event.stream_id]} if event.stream_id in streams else {}
                yield from _link_faults(event, last)
                yield from _content_faults(event, signatures.get(event.pk, []))
                if event.rows_digest != digests.get(event.pk, ""):
                    yield _fault("history_changed", "History rows of this event were changed, added or removed.", event)
                last = event
        yield from _head_faults(last, self._heads.get(last.stream_id) if last else None)

    def _history(self, batch: list[Event], digests: dict[UUID, str]) -> Iterator[Fault]:
        """Fill ``digests`` with the digest over each event's history rows; compare their columns with their text."""
        by_id = {event.pk: event for event in batch}
        for event_id, table, row_id, operation, text, columns in _history_rows(self.using, list(by_id)):
            self.rows += 1
            running = f"{digests.get(event_id, '')}|{table}|{operation}|{text}"
            digests[event_id] = hashlib.sha256(running.encode()).hexdigest()
            differing = live_rows.differing(text, columns)
            if differing:
                yield _fault(
                    "history_columns",
                    "The columns of a history row are not what was recorded.",
                    by_id[event_id],
                    table=table,
                    row=str(row_id),
                    column=", ".join(differing),
                )


def _fault(kind: str, text: str, event: Event, **where: str) -> Fault:
    return Fault(kind, text, str(event.stream_id), event.seq, event.kind, **where)


def _batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for event in events:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _snapshot(using: str) -> Iterator[None]:
    wrapper = connections[using]
    wrapper.ensure_connection()
    wrapper.connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    try:
        with transaction.atomic(using=using):
            with wrapper.cursor() as cursor:
                cursor.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
            yield
    finally:
        if wrapper.connection is not None:
            wrapper.connection.set_session(isolation_level=ISOLATION_LEVEL_READ_COMMITTED, readonly=False)


def _link_faults(event: Event, before: Event | None) -> Iterator[Fault]:
    expected_seq = before.seq + 1 if before else 1
    if event.seq != expected_seq:
        missing = str(expected_seq) if event.seq == expected_seq + 1 else f"{expected_seq} to {event.seq - 1}"
        yield _fault("event_missing", f"Before this event, {missing} is missing.", event)
    elif event.previous_hash != (before.hash if before else ""):
        yield _fault("link_broken", "This event does not continue the one before it.", event, column="previous_hash")


def _content_faults(event: Event, signatures: list[Signature]) -> Iterator[Fault]:
    if digest(event.canonical) != event.hash:
        yield _fault("hash_wrong", "The hash is not that of the recorded text.", event, column="hash")
    try:
        recorded = json.loads(event.canonical)
        present = canonical_text(hashed_content(event, signatures))
    except (ValueError, TypeError):
        yield _fault("text_unreadable", "The recorded text cannot be read.", event, column="canonical")
        return
    if present != event.canonical:
        shown = json.loads(present)
        names = sorted(name for name in {*shown, *recorded} if shown.get(name) != recorded.get(name))
        if "signatures" in names:
            yield _fault("signature_changed", "The signatures are not those recorded.", event, table="ledger_signature")
            names.remove("signatures")
        if names or recorded == shown:
            yield _fault("event_changed", "Columns differ from the recorded text.", event, column=", ".join(names))
    for signature in signatures:
        if signature.stream_id != event.stream_id:
            yield _fault("signature_changed", "A signature stands on another stream.", event, table="ledger_signature")


def _head_faults(last: Event | None, stream: Stream | None) -> Iterator[Fault]:
    if last is None:
        return
    if stream is None:
        yield _fault("stream_missing", "The stream of these events is gone.", last, table="ledger_stream")
    elif (stream.head_seq, stream.head_hash) != (last.seq, last.hash):
        yield _fault(
            "head_wrong",
            f"The stream says its head is event {stream.head_seq}; its last event is {last.seq}.",
            last,
            table="ledger_stream",
            column="head_seq, head_hash",
        )


def _streams_without_events(using: str) -> Iterator[Fault]:
    query = (
        "select s.id::text, s.head_seq from ledger_stream s"
        " where (s.head_seq <> 0 or s.head_hash <> '')"
        " and not exists (select 1 from ledger_event e where e.stream_id = s.id)"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query)
        for stream_id, head in cursor.fetchall():
            yield Fault("events_missing", f"All {head} events of this stream are gone.", stream_id)


def _signatures(using: str, batch: list[Event]) -> dict[UUID, list[Signature]]:
    rows = Signature.unwalled.using(using).filter(event_id__in=[event.pk for event in batch])
    ordered = rows.order_by("event_id", "position")
    return {event_id: list(group) for event_id, group in groupby(ordered, key=lambda row: row.event_id)}


def _history_rows(using: str, event_ids: list[UUID]) -> Iterator[tuple[UUID, str, Any, str, str, str]]:
    """Yield (event, table, row id, operation, text as hashed, columns as JSON) in the order they were written."""
    stamps = "array[" + ", ".join(f"'{column}'" for column in STAMP_COLUMNS) + "]"
    parts = [
        f"select event_id, history_id, '{model._meta.db_table}', id, history_type, row_text,"  # noqa: S608
        f" (to_jsonb(h) - {stamps})::text from {history._meta.db_table} h where event_id = any(%s::uuid[])"
        for model, history in tracked()
    ]
    query = " union all ".join(parts) + " order by 1, 2"
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(query, [[str(event_id) for event_id in event_ids]] * len(parts))
        for event_id, _, table, row_id, operation, text, columns in cursor:
            yield event_id, table, row_id, operation, text, columns


def tracked() -> list[tuple[type[Model], type[Model]]]:
    """Return every tracked model with the model of its history."""
    pairs = ((model, history_model(model)) for model in walled_models())
    return [(model, history) for model, history in pairs if history is not None]
