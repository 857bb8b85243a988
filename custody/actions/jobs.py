"""A courier's jobs without patient material: an empty shipper's way back is booked; fetched, brought, failed, told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody import jobs
from custody.actions import returns
from custody.actions.returns import read_inputs
from custody.models import CourierJob, ShipperReturn
from custody.states import JobFailure, JobKind, JobState
from ledger.context import Actor
from ledger.present import is_to_come
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.walls import visible
from personas.states import Capability as C


class WindowInputs(serializers.Serializer[Any]):
    """When the courier comes."""

    window_from = serializers.DateTimeField(label="Fetched from")
    window_until = serializers.DateTimeField(label="Fetched until")


class BookInputs(WindowInputs):
    """When and where a courier fetches something, and whom to ask for."""

    deliver_by = serializers.DateTimeField(label="There by")
    contact = serializers.CharField(max_length=120, label="Whom to ask for", help_text="Desk or phone. No patient.")
    door = serializers.CharField(max_length=120, required=False, allow_blank=True, default="", label="Door")
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="", label="Note")


class FetchInputs(serializers.Serializer[Any]):
    """What was fetched."""

    number = serializers.CharField(
        max_length=60, label="Number on it", help_text="Scan or type it.", style={"input_type": "scan_number"}
    )
    at = serializers.DateTimeField(label="Fetched at")


class DeliverInputs(serializers.Serializer[Any]):
    """When it was brought."""

    at = serializers.DateTimeField(label="Delivered at")


class FailInputs(serializers.Serializer[Any]):
    """Why it was not fetched, and when the courier comes again."""

    failure = serializers.ChoiceField(choices=JobFailure.choices, label="Why")
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="", label="Note")
    window_from = serializers.DateTimeField(required=False, allow_null=True, label="Comes again from")
    window_until = serializers.DateTimeField(required=False, allow_null=True, label="Comes again until")


class CancelInputs(serializers.Serializer[Any]):
    """Why a job is not needed."""

    reason = serializers.CharField(max_length=200, label="Why")


def may_book_return(actor: Actor, row: ShipperReturn) -> bool:
    """Whether the actor books the way back of an empty shipper: its keeper, who holds it, or the courier's control."""
    holds = row.holder_id == actor.organization_id and any(actor.can(one) for one in returns.HANDS_OVER)
    keeps = row.owner_id == actor.organization_id and bool(actor.system_job or actor.can(C.KEEP_EQUIPMENT))
    return holds or keeps or (row.courier_id == actor.organization_id and actor.can(C.MANAGE_LANES))


def book_return(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Book the courier that fetches an empty shipper; return the job's id. ``raw``: see ``BookInputs``.

    Raises NotAllowed, WrongState ``handed_over`` for one that left already, Conflict ``job_open`` for one that is
    booked, InvalidInput beside the times.
    """
    with acting(actor, "custody.job_booked", subject=("return", str(key)), once=once) as event:
        row = visible(ShipperReturn, actor).select_for_update(of=("self",)).filter(pk=key).first()
        if row is None:
            raise NotFound()
        given = read_inputs(BookInputs, raw, actor)
        if not may_book_return(actor, row):
            raise NotAllowed("Who keeps, holds or carries the empty shipper books its way back.")
        if row.received_at is not None or row.handed_over_at is not None:
            raise WrongState(f"Shipper {row.serial} left already.", code="handed_over")
        facts = {"returning": row, "sender_id": row.holder_id, "sender_site_id": row.holder_site_id}
        facts |= {"receiver_id": row.owner_id, "courier_id": row.courier_id}
        job = jobs.book(JobKind.EMPTY, row.serial, times_in(given), timezone.now(), **facts, **place_in(given))
        event.note(**said_of(job))
        event.result = {"job": str(job.pk)}
    return job.pk


def fetch(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that the courier has it; what was scanned has to be what was booked."""
    with _changing(actor, "custody.job_fetched", key, once) as (event, job):
        given = read_inputs(FetchInputs, raw, actor)
        _require_courier(actor, job)
        if job.state != JobState.BOOKED:
            raise WrongState(f"It is {job.get_state_display().lower()}.", code="job_state")
        if _plain(given["number"]) != _plain(job.number):
            text = f"That is not what was booked: {JobKind(job.kind).label.lower()} {job.number}."
            raise InvalidInput(text, code="wrong_number", fields={"number": [text]})
        _refuse_time(given["at"], job.booked_at)
        jobs.fetched(job, given["at"], timezone.now())
        row = job.returning
        if row is not None and row.handed_over_at is None:
            row.handed_over_at, row.handed_over_by = max(given["at"], row.empty_since), actor.organization_name
            row.save(update_fields=["handed_over_at", "handed_over_by"])
        event.note(**said_of(job), at=given["at"])


def deliver(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that the courier brought it. An empty shipper is received by its keeper, which is another act."""
    with _changing(actor, "custody.job_delivered", key, once) as (event, job):
        given = read_inputs(DeliverInputs, raw, actor)
        _require_courier(actor, job)
        if job.state != JobState.PICKED_UP or job.picked_up_at is None:
            raise WrongState(f"It is {job.get_state_display().lower()}.", code="job_state")
        _refuse_time(given["at"], job.picked_up_at)
        jobs.brought(job, given["at"], timezone.now())
        event.note(**said_of(job), at=given["at"])


def fail(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that it could not be fetched, and why; the job stays open, with a new window where one is given."""
    with _changing(actor, "custody.job_failed", key, once) as (event, job):
        given = read_inputs(FailInputs, raw, actor)
        _require_courier(actor, job)
        if job.state != JobState.BOOKED:
            raise WrongState(f"It is {job.get_state_display().lower()}.", code="job_state")
        note, now = given["note"].strip(), timezone.now()
        if given["failure"] == JobFailure.OTHER and not note:
            raise InvalidInput(fields={"note": ["Say what it was."]})
        start, end = given.get("window_from"), given.get("window_until")
        if (start is None) != (end is None):
            raise InvalidInput(fields={"window_until": ["Enter both ends of the new window, or none."]})
        if start is not None and end is not None:
            times = jobs.Times(start, end, max(job.deliver_by, end))
            times.refuse(now)
            job.window_from, job.window_until, job.deliver_by = start, end, times.deliver_by
        job.failed_at, job.failure = now, " ".join(filter(None, [JobFailure(given["failure"]).label + ".", note]))
        job.save(update_fields=["failed_at", "failure", "window_from", "window_until", "deliver_by"])
        jobs.tell(job, now, again=True)
        event.reason = note
        event.note(**said_of(job), failure=job.failure)


def cancel(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Take a job back that was not fetched yet; by whoever booked it."""
    with _changing(actor, "custody.job_cancelled", key, once) as (event, job):
        given = read_inputs(CancelInputs, raw, actor)
        if job.booked_by_id != actor.organization_id or not any(actor.can(one) for one in MAY_CANCEL):
            raise NotAllowed("Whoever booked it takes it back.")
        if job.state != JobState.BOOKED:
            raise WrongState(f"It is {job.get_state_display().lower()}.", code="job_state")
        now = timezone.now()
        job.state, job.cancelled_at = JobState.CANCELLED, now
        job.save(update_fields=["state", "cancelled_at"])
        jobs.tell(job, now)
        event.reason = given["reason"].strip()
        event.note(**said_of(job))


MAY_CANCEL = (*returns.HANDS_OVER, C.MANAGE_LANES)


def times_in(given: Mapping[str, Any]) -> jobs.Times:
    return jobs.Times(given["window_from"], given["window_until"], given["deliver_by"])


def place_in(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: given[name].strip() for name in ("contact", "door", "note")}


def said_of(job: CourierJob) -> dict[str, Any]:
    """Return what every event of a job tells."""
    return {"number": job.number, "kind": JobKind(job.kind).label, "order": job.order}


@contextmanager
def _changing(actor: Actor, kind: str, key: UUID, once: Once | None) -> Iterator[tuple[OpenEvent, CourierJob]]:
    with acting(actor, kind, subject=("job", str(key)), once=once) as event:
        rows = visible(CourierJob, actor).select_for_update(of=("self",)).select_related("returning")
        job = rows.filter(pk=key).first()
        if job is None:
            raise NotFound()
        yield event, job


def _require_courier(actor: Actor, job: CourierJob) -> None:
    if job.courier_id != actor.organization_id or not any(actor.can(one) for one in returns.CARRIES):
        raise NotAllowed("The courier that was booked records this.")


def _refuse_time(at: dt.datetime, after: dt.datetime) -> None:
    if is_to_come(at):
        raise InvalidInput(fields={"at": ["That time has not come yet."]})
    if at < after - dt.timedelta(minutes=1):  # a form knows minutes
        raise InvalidInput(fields={"at": ["That is before what was recorded last."]})


def _plain(number: str) -> str:
    return "".join(number.split()).upper()
