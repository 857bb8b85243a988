"""Readings of a box on its way: taken from a file or a system, judged by the therapy's limits, held when outside (QA7).

Taking them is one act; an excursion puts the bags, and what was made of them, into quarantine within it and opens a
deviation: quality assurance decides, in the ways that it has (``breaches``). What it amounts to is told in an act of
its own, once per finding; a new breach after a decision is a new finding.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.utils import timezone

from custody import logger_files, logger_layouts, readings, shipper_swaps
from custody.logger_files import Recorded
from custody.readings import BoxCondition, ReadingUpload, Shipment
from custody.states import Condition
from ledger.canonical import canonical_text
from ledger.context import Actor, reading
from ledger.recording import MAY_RUN_AHEAD, Once, acting
from ledger.refusals import InvalidInput, NotAllowed, WrongState
from orders import boxes, breaches, conditions
from orders.flow import order_named
from orders.locks import stream_of
from orders.models import ConditionDue, Order
from personas.queries import organization_actor
from personas.states import Capability

MAY_SEND = (
    Capability.TAKE_CUSTODY,
    Capability.PACK_MATERIAL,
    Capability.RECEIVE_MATERIAL,
    Capability.RECEIVE_PRODUCT,
    Capability.KEEP_EQUIPMENT,
    Capability.MANAGE_DEVIATIONS,
)
JOB = "tell-conditions"
LOOK_AGAIN = dt.timedelta(minutes=5)
WATCHED_AFTER = dt.timedelta(days=2)  # after it was opened: readings may still come
LARGEST = 16 * 1024 * 1024  # it is read whole


def may_send(actor: Actor) -> bool:
    """Whether the persona sends readings: who drives, packs, receives, keeps loggers or judges deviations."""
    return any(actor.can(capability) for capability in MAY_SEND)


def send_file(
    actor: Actor, code: str, box: str, content: bytes, serial: str = "", model: str = "", *, once: Once | None = None
) -> ReadingUpload:
    """Take the readings of a logger's file; ``model`` names a saved layout, ``serial`` what stands on the logger.

    Raises InvalidInput ``file`` for one that cannot be read or is of another logger, ``serial`` where the file names
    none and none, or another one, was typed.
    """
    if len(content) > LARGEST:
        raise InvalidInput(fields={"file": [f"At most {LARGEST // 1024 // 1024} MB."]})

    def read(shipment: Shipment) -> tuple[str, Recorded]:
        layout = logger_layouts.chosen(
            actor, model or (shipment.logger.model if shipment.logger else ""), given=bool(model)
        )
        found = logger_files.read_file(content, layout, timezone.now() + MAY_RUN_AHEAD)
        typed = {serial.strip()} if serial.strip() else set()
        if not found.serials | typed:
            raise InvalidInput(fields={"serial": ["The file names no serial number. Enter the one on the logger."]})
        for field, named in (("file", found.serials), ("serial", typed)):
            _refuse_another_logger(shipment, field, named)
        return _logger_named(shipment, found.serials | typed), found

    return _take(actor, code, box, read, hashlib.sha256(content).hexdigest(), once)


def send_readings(
    actor: Actor, code: str, box: str, raw: Mapping[str, Any], *, once: Once | None = None
) -> ReadingUpload:
    """Take readings that a system sends: ``{"logger": serial, "readings": [[time with offset, °C], …]}``."""

    def read(shipment: Shipment) -> tuple[str, Recorded]:
        named = {str(raw.get("logger") or "").strip()}
        _refuse_another_logger(shipment, "logger", named)
        return _logger_named(shipment, named), pairs_in(raw.get("readings"))

    return _take(actor, code, box, read, hashlib.sha256(canonical_text(dict(raw)).encode()).hexdigest(), once)


def _take(actor: Actor, code: str, box: str, read: Any, digest: str, once: Once | None) -> ReadingUpload:
    subject = ("order", code.upper())
    with acting(actor, "orders.readings_recorded", stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        shipment = boxes.shipment_of(actor, order, box)
        if not may_send(actor):
            raise NotAllowed("Who drives, packs, receives or keeps loggers sends their readings.")
        if not _loggers(shipment):
            raise WrongState(f"Box {shipment.code} was closed without a logger.", code="no_logger")
        known = BoxCondition.unwalled.filter(shipment=shipment).first()
        was = known.state if known else None
        # A box is judged all the way by the limits that held when its first reading came.
        limits = conditions.limits_in(known) if known else conditions.limits_for(order, shipment)
        logger, sent = read(shipment)
        upload, condition = readings.take(shipment, logger, sent, digest, limits)
        held: list[str] = []
        if condition.state == Condition.EXCURSION and (
            was != Condition.EXCURSION or breaches.brings_more(shipment, upload, limits)
        ):
            held = breaches.hold(order, shipment, condition, limits)
        event.note(
            order=order.code,
            box=shipment.code,
            logger=logger,
            taken=upload.taken,
            repeated=upload.repeated,
            bad=upload.bad,
            lowest=conditions.degrees(condition.lowest),
            highest=conditions.degrees(condition.highest),
            excursion=bool(condition.state == Condition.EXCURSION),
            held=len(held),
            digest=digest,
        )
        event.result = {"upload": str(upload.pk)}
        _watch(order, shipment)
    with suppress(WrongState):
        tell(actor, order.stream_id, order.code, shipment.pk)
    return upload


def tell(actor: Actor, stream_id: UUID, code: str, shipment_id: UUID) -> None:
    """Tell the parties what a box's readings amount to, once: an excursion at once, in range once it was delivered.

    Raises WrongState while there is nothing new to tell.
    """
    subject = ("order", code)
    waiting = BoxCondition.unwalled.filter(shipment_id=shipment_id).select_related("shipment")
    with reading(actor):
        seen = waiting.first()
        kind = conditions.to_tell(seen) if seen else None
    if kind is None:
        raise WrongState("Nothing is to be told.")
    with acting(actor, kind, stream_id=stream_id, subject=subject) as event:
        row = waiting.select_for_update(of=("self",)).first()
        if row is None or conditions.to_tell(row) != kind:
            raise WrongState("Nothing is to be told.")
        row.told = conditions.TOLD[kind]
        row.state = row.told
        row.told_lowest, row.told_highest, row.told_minutes = row.lowest, row.highest, row.minutes_outside
        row.save(update_fields=["state", "told", "told_lowest", "told_highest", "told_minutes"])
        event.note(
            order=code,
            box=row.shipment.code,
            lowest=conditions.degrees(row.lowest),
            highest=conditions.degrees(row.highest),
            limits=conditions.limits_in(row).words,
            minutes=row.minutes_outside,
            readings=row.readings,
        )


def tell_watched(row: ConditionDue, now: dt.datetime | None = None) -> bool:
    """Tell what was left untold of a box (its delivery came after its readings, or a telling failed); once.

    A box stays watched until it was told and for two days after it was opened. Returns whether anybody is told now.
    """
    now = now or timezone.now()
    actor = organization_actor(row.organization_id, JOB)
    with reading(actor):
        order = Order.unwalled.filter(stream_id=row.stream_id).first()
        box = Shipment.unwalled.filter(pk=row.shipment_id).first()
        found = BoxCondition.unwalled.filter(shipment_id=row.shipment_id).first()
    told = False
    if order is not None:
        with suppress(WrongState):
            tell(actor, row.stream_id, order.code, row.shipment_id)
            told = True
    over = box is None or (box.opened_at is not None and box.opened_at < now - WATCHED_AFTER)
    if told or over or (found is not None and found.told):
        ConditionDue.unwalled.filter(pk=row.pk).delete()
    else:
        ConditionDue.unwalled.filter(pk=row.pk).update(due_at=now + LOOK_AGAIN)
    return told


def due_conditions(now: dt.datetime, limit: int = 500) -> list[ConditionDue]:
    """Return the boxes that are to be looked at, the oldest first. Ids and times only: see ``ConditionDue``."""
    return list(ConditionDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


def _watch(order: Order, shipment: Shipment) -> None:
    row = ConditionDue(
        organization_id=order.center_id,
        stream_id=order.stream_id,
        shipment_id=shipment.pk,
        due_at=timezone.now() + LOOK_AGAIN,
    )
    ConditionDue.objects.bulk_create([row], ignore_conflicts=True, unique_fields=["shipment_id"])


def _loggers(shipment: Shipment) -> list[str]:
    """Return the numbers of the loggers that went with a box, the one of now last."""
    return [one.logger_code for one in shipper_swaps.carried(shipment) if one.logger_code]


def _logger_named(shipment: Shipment, named: set[str]) -> str:
    """Return a logger's number as the box has it. InvalidInput where a file names two loggers of the box."""
    wanted = {one.upper() for one in named}
    found = {one.upper(): one for one in _loggers(shipment) if one.upper() in wanted}
    if len(found) > 1:
        text = f"This names two loggers: {', '.join(sorted(found.values()))}. Send the readings of each by itself."
        raise InvalidInput(text, code="two_loggers", fields={"file": [text]})
    return next(iter(found.values()))


def _refuse_another_logger(shipment: Shipment, field: str, named: set[str]) -> None:
    known = {one.upper() for one in _loggers(shipment)}
    others = sorted(one for one in named if one.upper() not in known)
    if others:
        text = f"These readings are of logger {others[0] or '(none)'}; {shipment.code} was closed with another."
        raise InvalidInput(text, code="wrong_logger", fields={field: [text]}, remedy="Choose the file of this box.")


def pairs_in(rows: Any) -> Recorded:
    """Return pairs of a time and degrees Celsius as they can be read; InvalidInput where none can."""
    if not isinstance(rows, list) or not rows or len(rows) > logger_files.MOST_ROWS:
        raise InvalidInput(fields={"readings": ["Send a list of [time, degrees Celsius]."]})
    found, latest = Recorded(), int((timezone.now() + MAY_RUN_AHEAD).timestamp())
    for line, row in enumerate(rows, 1):
        try:
            at, value = row
            moment = dt.datetime.fromisoformat(at)
            second, degrees = int(moment.timestamp()), round(float(value) * 100)
        except (TypeError, ValueError, OverflowError):
            found.blame(line, "Not a pair of a time and a number.")
            continue
        if moment.tzinfo is None:
            found.blame(line, "The time needs an offset.")
        elif second > latest:
            found.blame(line, "That time has not come yet.")
        elif not logger_files.COLDEST <= degrees <= logger_files.HOTTEST:
            found.blame(line, "No temperature that a logger can mean.")
        else:
            found.times.append(second)
            found.values.append(degrees)
    if not found.times:
        raise InvalidInput(fields={"readings": [f"No reading can be read. First: {found.faults[0].text}"]})
    return found
