"""Keep the register of shippers and loggers: entered, charged, qualified or calibrated again, taken out of service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody.equipment_inputs import ChargeInputs, CleanInputs, EquipmentInputs, RenewInputs, RetireEquipmentInputs
from custody.models import Equipment
from custody.policies import require
from custody.states import EquipmentKind
from ledger.context import Actor
from ledger.present import is_to_come
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import Conflict, InvalidInput, NotFound, WrongState
from ledger.states import Role
from personas.states import Capability

KEEPERS = (Role.COURIER, Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO)
LONGEST_AHEAD = dt.timedelta(days=3653)


def add_equipment(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Enter a shipper or a logger; return its id. Raises Conflict ``serial_taken`` for one that is entered already."""
    with acting(actor, "custody.equipment_added", subject=("equipment", ""), once=once) as event:
        _require_keeper(actor)
        given = _read(EquipmentInputs, raw, actor)
        _require_capability(actor)
        serial = given["serial"].strip()
        _refuse_past(given["valid_until"])
        _refuse_wrong_hold(given["kind"], given.get("hold_hours"))
        same = Equipment.unwalled.filter(organization_id=actor.organization_id, kind=given["kind"])
        if same.filter(serial__iexact=serial).exists():
            text = "This serial number is in your register already."
            raise Conflict(text, code="serial_taken", fields={"serial": [text]})
        row: Equipment = Equipment.objects.create(
            organization_id=actor.organization_id,
            kind=given["kind"],
            serial=serial,
            model=given["model"].strip(),
            valid_until=given["valid_until"],
            hold_hours=given.get("hold_hours"),
            each_trip=given["each_trip"],
            return_days=given["return_days"],
        )
        _note(event, row)
        event.note(model=row.model, valid_until=row.valid_until, hold_hours=row.hold_hours)
        event.result = {"equipment": str(row.pk)}
    return row.pk


def charge_shipper(actor: Actor, piece: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record a charge: the hold of a shipper begins again. WrongState for a logger, or one out of service."""
    with _changing(actor, "custody.shipper_charged", piece, once) as (event, row):
        given = _read(ChargeInputs, raw, actor)
        _require_capability(actor)
        if not row.is_shipper:
            raise WrongState("A logger is not charged; its calibration is renewed.", code="no_shipper")
        if is_to_come(given["charged_at"]):
            raise InvalidInput(fields={"charged_at": ["That time has not come yet. Enter when it was really charged."]})
        row.charged_at = given["charged_at"]
        row.save(update_fields=["charged_at"])
        event.note(charged_at=row.charged_at, holds_until=row.holds_until)


def clean_shipper(actor: Actor, piece: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record that a shipper was cleaned and decontaminated between two journeys (DE4). WrongState for a logger."""
    with _changing(actor, "custody.shipper_cleaned", piece, once) as (event, row):
        given = _read(CleanInputs, raw, actor)
        _require_capability(actor)
        if not row.is_shipper:
            raise WrongState("A logger is not cleaned here.", code="no_shipper")
        if is_to_come(given["cleaned_at"]):
            raise InvalidInput(fields={"cleaned_at": ["That time has not come yet. Enter when it was really cleaned."]})
        row.cleaned_at = given["cleaned_at"]
        row.save(update_fields=["cleaned_at"])
        event.note(cleaned_at=row.cleaned_at)


def renew_equipment(actor: Actor, piece: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Record a new qualification (with the hold that it measured) or calibration."""
    with _changing(actor, "custody.equipment_renewed", piece, once) as (event, row):
        given = _read(RenewInputs, raw, actor)
        _require_capability(actor)
        _refuse_past(given["valid_until"])
        hold = given.get("hold_hours")
        if row.is_shipper and hold is None:
            hold = row.hold_hours
        _refuse_wrong_hold(row.kind, hold)
        row.valid_until, row.hold_hours, row.qualified_at = given["valid_until"], hold, timezone.now()
        row.save(update_fields=["valid_until", "hold_hours", "qualified_at"])
        event.note(valid_until=row.valid_until, hold_hours=row.hold_hours)


def retire_equipment(actor: Actor, piece: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Take a piece out of service; where it has been stays on the record."""
    with _changing(actor, "custody.equipment_retired", piece, once) as (event, row):
        given = _read(RetireEquipmentInputs, raw, actor)
        _require_capability(actor)
        row.retired_at = timezone.now()
        row.save(update_fields=["retired_at"])
        event.reason = given["reason"]


@contextmanager
def _changing(actor: Actor, kind: str, piece: UUID, once: Once | None) -> Iterator[tuple[OpenEvent, Equipment]]:
    """Open the event, lock the acting organization's own piece; NotFound for a partner's, WrongState once retired."""
    with acting(actor, kind, subject=("equipment", str(piece)), once=once) as event:
        own = Equipment.unwalled.select_for_update().filter(organization_id=actor.organization_id)
        row = own.filter(pk=piece).first()
        if row is None:
            raise NotFound()
        if row.retired_at is not None:
            raise WrongState(f"{row} is out of service.", code="equipment_retired")
        _note(event, row)
        yield event, row


def _note(event: OpenEvent, row: Equipment) -> None:
    event.subject_id = str(row.pk)
    event.note(kind=row.get_kind_display(), serial=row.serial)


def _require_keeper(actor: Actor) -> None:
    if actor.organization_role not in KEEPERS:
        raise NotFound()


def _require_capability(actor: Actor) -> None:
    if not actor.system_job:
        require(actor, Capability.KEEP_EQUIPMENT)


def _read(inputs: type[serializers.Serializer[Any]], raw: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    asked = inputs(data=raw)
    with timezone.override(ZoneInfo(actor.zone)):  # a time without an offset is the reader's own
        if not asked.is_valid():
            raise InvalidInput(fields=asked.errors)
    return dict(asked.validated_data)


def _refuse_past(valid_until: dt.datetime) -> None:
    if not timezone.now() < valid_until < timezone.now() + LONGEST_AHEAD:
        raise InvalidInput(fields={"valid_until": ["Enter a time to come, within ten years."]})


def _refuse_wrong_hold(kind: str, hold: Decimal | None) -> None:
    if kind == EquipmentKind.SHIPPER and hold is None:
        raise InvalidInput(fields={"hold_hours": ["Enter how many hours a charge of this shipper holds."]})
    if kind == EquipmentKind.LOGGER and hold is not None:
        raise InvalidInput(fields={"hold_hours": ["A logger holds nothing: leave this empty."]})
