"""Empty shippers: handed over where they stand, received back by their keeper, told when late (LM2, DE4, DE5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody import jobs, returns
from custody.models import Equipment, ReturnDue, ShipperReturn
from custody.states import ReturnOutcome
from ledger.context import Actor, reading
from ledger.present import is_to_come
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.walls import visible
from personas.queries import organization_actor
from personas.states import Capability as C

JOB = "tell-returns"
HANDS_OVER = (C.PACK_MATERIAL, C.GIVE_CUSTODY, C.RECEIVE_MATERIAL, C.RECEIVE_PRODUCT, C.KEEP_EQUIPMENT)
CARRIES = (C.TAKE_CUSTODY, C.MANAGE_LANES)
FARTHEST = dt.timedelta(days=180)


class HandOverEmptyInputs(serializers.Serializer[Any]):
    """When an empty shipper was given to the courier."""

    handed_over_at = serializers.DateTimeField(label="Handed over at")


class ReceiveEmptyInputs(serializers.Serializer[Any]):
    """What came back."""

    outcome = serializers.ChoiceField(choices=ReturnOutcome.choices, label="What came back")
    received_at = serializers.DateTimeField(label="Received, or found lost, at")
    note = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Note", help_text="Needed unless it is fit."
    )


class ExpectEmptyInputs(serializers.Serializer[Any]):
    """Another date by which an empty shipper is expected."""

    expected_at = serializers.DateTimeField(label="Expected back until")
    reason = serializers.CharField(max_length=300, label="Why")


def hand_over_empty(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that an empty shipper left, by whoever holds it or the courier that fetched it."""
    with _changing(actor, "custody.empty_handed_over", key, once) as (event, row):
        given = read_inputs(HandOverEmptyInputs, raw, actor)
        holds = row.holder_id == actor.organization_id and any(actor.can(one) for one in HANDS_OVER)
        carries = row.courier_id == actor.organization_id and any(actor.can(one) for one in CARRIES)
        if not (holds or carries):
            raise NotAllowed("Who holds the empty shipper, or the courier that fetches it, records that it left.")
        if row.handed_over_at is not None:
            raise WrongState("It left already.", code="handed_over")
        _refuse_time(row, given["handed_over_at"], "handed_over_at")
        row.handed_over_at, row.handed_over_by = given["handed_over_at"], actor.organization_name
        row.save(update_fields=["handed_over_at", "handed_over_by"])
        job = jobs.open_of_return(row.pk)
        if job is not None and job.picked_up_at is None:
            jobs.fetched(job, row.handed_over_at, timezone.now())
        event.note(at=row.handed_over_at)


def receive_empty(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that an empty shipper is back, or lost: damaged and lost ones go out of service. Its keeper's act."""
    with _changing(actor, "custody.empty_received", key, once) as (event, row):
        given = read_inputs(ReceiveEmptyInputs, raw, actor)
        _require_keeper(actor, row)
        outcome = given["outcome"]
        if outcome != ReturnOutcome.FIT and not given["note"].strip():
            raise InvalidInput(fields={"note": ["Say what happened to it."]})
        _refuse_time(row, given["received_at"], "received_at")
        row.received_at, row.outcome, row.note = given["received_at"], outcome, given["note"].strip()
        row.save(update_fields=["received_at", "outcome", "note"])
        piece = Equipment.unwalled.select_for_update().get(pk=row.shipper_id)
        returns.came_back(piece, row.received_at)
        if outcome != ReturnOutcome.FIT and piece.retired_at is None:
            piece.retired_at = timezone.now()
            piece.save(update_fields=["retired_at"])
        ReturnDue.unwalled.filter(return_id=row.pk).delete()
        job = jobs.open_of_return(row.pk)
        if job is not None:
            jobs.brought(job, row.received_at, timezone.now())
        event.reason = row.note
        event.note(at=row.received_at, outcome=row.get_outcome_display())


def expect_empty(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Set another date by which an empty shipper is expected. Its keeper's act."""
    with _changing(actor, "custody.return_postponed", key, once) as (event, row):
        given = read_inputs(ExpectEmptyInputs, raw, actor)
        _require_keeper(actor, row)
        now = timezone.now()
        if not now < given["expected_at"] <= now + FARTHEST:
            raise InvalidInput(fields={"expected_at": ["Enter a time to come, within half a year."]})
        row.expected_at = given["expected_at"]
        row.save(update_fields=["expected_at"])
        known = {"organization_id": row.owner_id, "return_id": row.pk, "shipper_id": row.shipper_id}
        ReturnDue.objects.bulk_create(
            [ReturnDue(**known, due_at=row.expected_at)],
            update_conflicts=True,
            unique_fields=["return_id"],
            update_fields=["due_at", "shipper_id"],
        )
        event.reason = given["reason"].strip()
        event.note(at=row.expected_at)


def tell_overdue_return(due: ReturnDue, now: dt.datetime | None = None) -> bool:
    """Tell the keeper that an empty shipper is late, once per date; return whether anybody is told now."""
    now = now or timezone.now()
    actor = organization_actor(due.organization_id, JOB)
    with reading(actor):
        row = ShipperReturn.unwalled.filter(pk=due.return_id).first()
    if row is None or row.received_at is not None:
        ReturnDue.unwalled.filter(pk=due.pk).delete()
        return False
    if row.expected_at > now:
        ReturnDue.unwalled.filter(pk=due.pk).update(due_at=row.expected_at)
        return False
    try:
        with acting(actor, "custody.return_overdue", subject=("return", str(row.pk))) as event:
            fresh = ReturnDue.unwalled.select_for_update().filter(pk=due.pk, due_at__lte=now).first()
            if fresh is None:
                raise WrongState("Somebody was faster.")
            fresh.due_at = None
            fresh.save(update_fields=["due_at"])
            event.note(serial=row.serial, box=row.box_code, at=row.expected_at)
    except WrongState:
        return False
    return True


def due_returns(now: dt.datetime, limit: int = 500) -> list[ReturnDue]:
    """Return the rows that somebody has to look at, the oldest first. Ids and times only: see ``ReturnDue``."""
    return list(ReturnDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


@contextmanager
def _changing(actor: Actor, kind: str, key: UUID, once: Once | None) -> Iterator[tuple[OpenEvent, ShipperReturn]]:
    with acting(actor, kind, subject=("return", str(key)), once=once) as event:
        row = visible(ShipperReturn, actor).select_for_update(of=("self",)).filter(pk=key).first()
        if row is None:
            raise NotFound()
        if row.received_at is not None:
            raise WrongState(f"Shipper {row.serial} is back already.", code="return_closed")
        event.note(serial=row.serial, box=row.box_code)
        yield event, row


def _require_keeper(actor: Actor, row: ShipperReturn) -> None:
    if row.owner_id != actor.organization_id:
        raise NotAllowed("Whoever keeps the shipper in its register receives it back.")
    if not actor.system_job and not actor.can(C.KEEP_EQUIPMENT):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not keep the register of shippers.")


def _refuse_time(row: ShipperReturn, at: dt.datetime, field: str) -> None:
    if is_to_come(at):
        raise InvalidInput(fields={field: ["That time has not come yet."]})
    if at < max(filter(None, (row.empty_since, row.handed_over_at))):
        raise InvalidInput(fields={field: ["That is before it was empty, or before it left."]})


def read_inputs(inputs: type[serializers.Serializer[Any]], raw: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Return what was given, times without an offset read as the reader's own; InvalidInput beside the fields."""
    asked = inputs(data=raw)
    with timezone.override(ZoneInfo(actor.zone)):  # a time without an offset is the reader's own
        if not asked.is_valid():
            raise InvalidInput(fields=asked.errors)
    return dict(asked.validated_data)
