"""Entries of devices without network: what they may say, what they lack, and their way into the record (ADR 32)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ledger.context import Actor
from ledger.refusals import Conflict, InvalidInput, NotFound
from ledger.walls import visible
from orders.inputs import PastTime, inputs_class
from orders.models import OfflineEntry
from orders.signers import SECRET_FIELDS
from orders.states import OfflineState
from orders.step_kinds import Noted, StepKind

MOST_CHARACTERS = 16_000
SHOWN_AFTER = dt.timedelta(days=2)
SECRET_WORDS = ("password", "secret", "token")
NO_SECRETS = "Passwords and signatures are never kept on a device. Sign when the network is back."


def seal_key(actor: Actor) -> bytes:
    """Return the 32 bytes under which a device seals what this membership keeps on it; nobody else is ever told."""
    assert actor.membership_id is not None  # noqa: S101 - only people have devices
    return hmac.new(settings.MASTER_KEY, b"offline entries" + actor.membership_id.bytes, hashlib.sha256).digest()


def entries(actor: Actor) -> QuerySet[OfflineEntry]:
    """Return what was received of this very membership; nobody else's, of the same organization either."""
    found = visible(OfflineEntry, actor)
    return found.filter(membership_id=actor.membership_id) if actor.membership_id else found.none()


def to_show(actor: Actor) -> QuerySet[OfflineEntry]:
    """Return the entries that wait, and those that were settled within two days, the newest first."""
    recent = entries(actor).filter(settled_at__gt=timezone.now() - SHOWN_AFTER)
    return (entries(actor).filter(settled_at__isnull=True) | recent).order_by("-pk")


def open_entry(actor: Actor, key: UUID, code: str, step: str, act: str = "") -> OfflineEntry:
    """Return an entry that still waits, for this step of this order (``act``: for what is reported of it).

    Raises NotFound for no such entry, Conflict once it is settled.
    """
    found = entries(actor).filter(key=key, order_code=code.upper(), step=step, act=act).first()
    if found is None:
        raise NotFound()
    if not found.is_open:
        raise settled(found)
    return found


def settled(entry: OfflineEntry) -> Conflict:
    word = entry.get_state_display().lower()
    return Conflict(
        f"This entry is {word} already; nothing was entered twice.",
        code="entry_settled",
        remedy="The order's record shows what stands.",
    )


def noted(entry: OfflineEntry) -> Noted:
    """Return how an act is recorded that an entry noted before; the entry is settled with it."""

    def settle(ctx: Any) -> None:
        now = timezone.now()
        row = OfflineEntry.unwalled.select_for_update().filter(pk=entry.pk).first() or entry
        if not row.is_open:
            raise settled(row)
        assert ctx.event is not None  # noqa: S101 - runs inside the open event
        row.state, row.words, row.settled_at = OfflineState.RECORDED, "", now
        row.recorded_as = ctx.event.id
        row.save(force_insert=row._state.adding)
        ctx.event.note(
            offline_entry=str(row.key), clock_skew_s=round(row.skew_s), received_at=row.received_at.isoformat()
        )

    return Noted(entry.happened_at, settle, entry.device_time, dt.timedelta(seconds=entry.skew_s))


def readable(kind: StepKind, sent: Any) -> dict[str, Any]:
    """Return what a device may say of a step; raise InvalidInput for secrets, unknown names and too much."""
    return known_names(sent, inputs_class(kind, 0)().fields)


def known_names(sent: Any, names: Collection[str]) -> dict[str, Any]:
    """Return what a device sent; raise InvalidInput for secrets, names that are not asked for and too much."""
    if not isinstance(sent, Mapping) or len(json.dumps(sent)) > MOST_CHARACTERS:
        raise InvalidInput(fields={"inputs": [f"Send an object of at most {MOST_CHARACTERS} characters."]})
    _refuse_secrets(sent)
    unknown = sorted(set(sent) - set(names))
    if unknown:
        raise InvalidInput(fields={f"inputs.{name}": ["This step does not ask for it."] for name in unknown})
    return dict(sent)


def _refuse_secrets(sent: Any) -> None:
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            if name in SECRET_FIELDS or any(word in str(name).lower() for word in SECRET_WORDS):
                raise InvalidInput(NO_SECRETS, fields={"inputs": [NO_SECRETS]}, code="secret_on_device")
            _refuse_secrets(value)
    elif isinstance(sent, list):
        for value in sent:
            _refuse_secrets(value)


def completed(kind: StepKind, entry: OfflineEntry) -> dict[str, Any]:
    """Return the entry's inputs with its own time where the step asks when it happened.

    A time that is the device's clock to the minute is corrected as the clock is; one that somebody typed stays.
    """
    found = dict(entry.inputs)
    for name, field in inputs_class(kind, 0)().fields.items():
        if not isinstance(field, PastTime):
            continue
        given = found.get(name)
        if (not given and field.required) or (given and _is_clock(given, entry)):
            found[name] = entry.happened_at.isoformat()
    return found


def _is_clock(given: Any, entry: OfflineEntry) -> bool:
    try:
        moment = parse_datetime(str(given))
    except ValueError:
        return False
    return bool(moment and moment.tzinfo and abs(moment - entry.device_time) < dt.timedelta(minutes=1))


def as_form(kind: StepKind, entry: OfflineEntry, zone: str) -> dict[str, str]:
    """Return the entry as the form of its step would have posted it, times in the step's zone."""
    found: dict[str, str] = {}
    for name, value in completed(kind, entry).items():
        if isinstance(value, list):
            for position, row in enumerate(value):
                found |= {f"{name}[{position}]{column}": str(text) for column, text in dict(row).items()}
        else:
            found[name] = _local(str(value), zone) if isinstance(value, str) else str(value)
    return found


def exact(kind: StepKind, entry: OfflineEntry, zone: str, name: str, posted: str) -> str:
    """Return a field of the entry's form to the second, where the form says the same minute; else as it was posted."""
    shown, known = as_form(kind, entry, zone).get(name), completed(kind, entry).get(name)
    return known if isinstance(known, str) and shown == posted else posted


def _local(text: str, zone: str) -> str:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return text
    if moment is None or moment.tzinfo is None:
        return text
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
