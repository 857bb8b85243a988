"""Noting that places may have become free, so that waiting lists are looked at: in the transaction that frees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from scheduling.models import FreedPlace, OpenList, Resource
from scheduling.signals import places_freed, tell_after_commit


def note(therapy_ids: Iterable[UUID | None]) -> None:
    """Note freed places of these therapies (None: of any). An insert, so that nobody waits for anybody.

    The row outlives a broker that is down; the signal after the commit only makes it sooner.
    """
    FreedPlace.objects.bulk_create(FreedPlace(therapy_id=therapy_id) for therapy_id in set(therapy_ids))
    tell_after_commit(places_freed)


def lists_to_look_at() -> tuple[list[FreedPlace], list[OpenList]]:
    """Return what was freed, and the lists that it may serve: the one first that was offered nothing the longest."""
    freed = list(FreedPlace.unwalled.order_by("pk")[:1000])
    therapies = {row.therapy_id for row in freed}
    lists = OpenList.unwalled.order_by("offered_at", "pk")
    found = list(lists if None in therapies else lists.filter(therapy_id__in=therapies))
    return freed, sorted(found, key=lambda one: (one.offered_at is not None, one.offered_at or one.pk))


def forget_freed(freed: Sequence[FreedPlace]) -> None:
    """Take away the notes that every list was looked at for."""
    FreedPlace.unwalled.filter(pk__in=[row.pk for row in freed]).delete()


def note_offered(known: OpenList, now: dt.datetime) -> None:
    """Note that a list was offered something: the others come first the next time."""
    OpenList.unwalled.filter(pk=known.pk).update(offered_at=now)


def served(resources: Iterable[Resource]) -> set[UUID | None]:
    """Return the therapies that the resources serve; None among them: any."""
    found: set[UUID | None] = set()
    for resource in resources:
        found |= set(resource.therapy_ids) or {None}
    return found
