"""Chairs that some have precedence at until a day comes: what a therapy may be offered before it (AU1)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Exists, F, Func, IntegerField, OuterRef, Q, Value
from django.db.models.lookups import LessThanOrEqual

from ledger.context import Actor
from ledger.walls import visible
from scheduling.calendars import Place, day_of
from scheduling.models import Slot, TherapyClass
from scheduling.states import PriorityClass, ResourceKind

IN_ORDER = tuple(PriorityClass.values)


def kept(
    actor: Actor, therapy_id: UUID, center: Place, first: dt.date, last: dt.date, now: dt.datetime
) -> dict[dt.date, str]:
    """Return, by local day of a center, why its free chairs are none for the therapy: they are kept for others."""
    free = visible(Slot, actor).exclude(reserved_for="")
    free = free.filter(
        kind=ResourceKind.APHERESIS_CHAIR,
        site_id=center.id,
        taken__lt=F("capacity"),
        starts_at__gte=max(now, day_of(first, center.zone)[0]),
        starts_at__lt=day_of(last, center.zone)[1],
    )
    found: dict[dt.date, str] = {}
    others = free.exclude(open_to(actor, therapy_id, now)).order_by("open_from", "pk")
    for starts_at, name, open_from in others.values_list("starts_at", "reserved_for", "open_from"):
        opens = f" until {center.local(open_from):%a %d %b %Y %H:%M}" if open_from else ""
        words = PriorityClass(name).label
        text = f"The free apheresis chairs of this day are reserved for another class ({words}){opens}."
        found.setdefault(center.local(starts_at).date(), text)
    return found


def class_of(center_id: UUID, therapy_id: UUID) -> str:
    """Return the class in which the acting center collects for a therapy; empty for none."""
    rows = TherapyClass.unwalled.filter(organization_id=center_id, therapy_id=therapy_id)
    return rows.values_list("priority", flat=True).first() or ""


def open_to(actor: Actor, therapy_id: UUID, now: dt.datetime, priority: str = "") -> Q:
    """Return the condition on slots that the therapy may be offered now, without a query of its own.

    A window is reserved for a class and those before it; a therapy that the acting center put into none comes last.
    ``priority``: the class instead, as the center gave it to who searches on its behalf.
    """
    found = Q(reserved_for="") | Q(open_from__lte=now)
    if priority:
        return found | Q(reserved_for__in=IN_ORDER[IN_ORDER.index(priority) :])
    first = LessThanOrEqual(_position("priority"), _position(OuterRef("reserved_for")))
    mine = TherapyClass.unwalled.filter(first, organization_id=actor.organization_id, therapy_id=therapy_id)
    return found | Q(Exists(mine))


def _position(of: Any) -> Func:
    """Where a class stands among the classes; null for none."""
    return Func(
        Value(list(IN_ORDER), ArrayField(CharField())), of, function="array_position", output_field=IntegerField()
    )
