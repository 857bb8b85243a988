"""A batch from its start to quality control. Runs inside an action that has locked the order's stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from ledger.refusals import InvalidInput, NotAllowed, WrongState
from network.specifications import Specification
from personas.queries import Site
from quality.models import Batch
from quality.numbers import new_number
from quality.order_streams import HasKey, locked_event, stream_id_of
from quality.states import BatchState

ENDED = (BatchState.REJECTED, BatchState.FAILED, BatchState.REVOKED)


def open_batch(
    stream: HasKey | UUID,
    plant_site: Site,
    specification: Specification,
    record_reference: str,
    started_at: dt.datetime,
    person_id: UUID | None,
) -> Batch:
    """Start the order's batch against the specification version that the order keeps.

    A second batch (remanufacture) needs the one before to have failed or been rejected or revoked: WrongState
    ``batch_exists``. ``started_at``: aware.
    """
    stream_id = stream_id_of(stream)
    locked_event(stream_id)
    performer = require_person(person_id)
    if not isinstance(record_reference, str) or not 0 < len(record_reference.strip()) <= 200:
        raise InvalidInput(fields={"record_reference": ["Give the number or link of the batch record."]})
    if Batch.unwalled.filter(stream_id=stream_id).exclude(state__in=ENDED).exists():
        raise WrongState("This order already has a batch.", code="batch_exists")
    return Batch.objects.create(
        stream_id=stream_id,
        number=new_number("B"),
        plant_id=plant_site.organization_id,
        plant_site=plant_site,
        specification=specification,
        record_reference=record_reference.strip(),
        state=BatchState.IN_MANUFACTURE,
        started_at=started_at,
        performers=[performer],
    )


def newest(stream_id: UUID) -> Batch | None:
    """Return the order's newest batch, None when there was none yet."""
    return Batch.unwalled.filter(stream_id=stream_id).order_by("-started_at", "-pk").first()


def began(stream_ids: Iterable[UUID]) -> dict[UUID, dt.datetime]:
    """Return when the newest batch of each order began, by stream: one query."""
    rows = Batch.unwalled.filter(stream_id__in=set(stream_ids)).order_by("started_at")
    return dict(rows.values_list("stream_id", "started_at"))


def add_performers(batch: Batch, person_ids: Iterable[UUID | None]) -> Batch:
    """Note further persons who took part in making the batch (co-signers): none of them will decide on it."""
    fresh(batch)
    batch.performers = sorted({*batch.performers, *filter(None, person_ids)}, key=str)
    batch.save(update_fields=["performers"])
    return batch


def finish_batch(batch: Batch, finished_at: dt.datetime, person_id: UUID | None) -> Batch:
    """End manufacture; the batch goes to quality control. ``finished_at``: aware, not before the start."""
    fresh(batch, BatchState.IN_MANUFACTURE)
    performer = require_person(person_id)
    if finished_at < batch.started_at:
        raise InvalidInput(fields={"finished_at": ["Manufacture cannot end before it began."]})
    batch.finished_at, batch.state = finished_at, BatchState.IN_QC
    batch.performers = sorted({*batch.performers, performer}, key=str)
    batch.save(update_fields=["finished_at", "state", "performers"])
    return batch


def fail_batch(batch: Batch, failed_at: dt.datetime, person_id: UUID | None) -> Batch:
    """End manufacture without a product (contamination, termination; MO4). Terminal."""
    fresh(batch, BatchState.PENDING, BatchState.IN_MANUFACTURE, BatchState.IN_QC)
    performer = require_person(person_id)
    if failed_at < batch.started_at:
        raise InvalidInput(fields={"failed_at": ["Manufacture cannot end before it began."]})
    batch.state = BatchState.FAILED
    batch.finished_at = batch.finished_at or failed_at
    batch.performers = sorted({*batch.performers, performer}, key=str)
    batch.save(update_fields=["state", "finished_at", "performers"])
    return batch


def fresh(batch: Batch, *states: BatchState) -> Batch:
    """Read the batch again under the stream's lock; raise WrongState ``batch_state`` unless in one of ``states``."""
    locked_event(batch.stream_id)
    batch.refresh_from_db()
    if states and batch.state not in states:
        now = BatchState(batch.state).label.lower()
        raise WrongState(f"Batch {batch.number} is {now}.", code="batch_state")
    return batch


def require_person(person_id: UUID | None) -> UUID:
    """Return the person; raise NotAllowed ``person_required`` when no human answers for the act."""
    if person_id is None:
        raise NotAllowed(
            "A person must answer for this.",
            code="person_required",
            remedy="Send the credentials of the person who does it; a key alone never does.",
        )
    return person_id
