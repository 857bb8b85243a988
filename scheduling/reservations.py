"""Chairs that some have precedence at until a day comes: what a therapy may be offered before it (AU1)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import Exists, Q

from ledger.context import Actor
from scheduling.models import TherapyClass
from scheduling.states import PriorityClass

IN_ORDER = tuple(PriorityClass.values)


def open_to(actor: Actor, therapy_id: UUID, now: dt.datetime) -> Q:
    """Return the condition on slots that the therapy may be offered now, without a query of its own.

    A window is reserved for a class and those before it; a therapy that the acting center put into none comes last.
    """
    found = Q(reserved_for="") | Q(open_from__lte=now)
    mine = TherapyClass.unwalled.filter(organization_id=actor.organization_id, therapy_id=therapy_id)
    for position, name in enumerate(IN_ORDER):
        found |= Q(Exists(mine.filter(priority__in=IN_ORDER[: position + 1])), reserved_for=name)
    return found
