"""Jobs of couriers as their parties see them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from custody.jobs import OPEN
from custody.models import CourierJob
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.walls import visible

RELATED = ("sender", "sender_site", "receiver", "receiver_site", "courier", "booked_by")


def jobs(actor: Actor, *, closed: bool = False) -> QuerySet[CourierJob]:
    """Return the jobs that the organization sends, receives or carries, by the end of their window."""
    rows = visible(CourierJob, actor)
    rows = rows.exclude(state__in=OPEN) if closed else rows.filter(state__in=OPEN)
    return rows.select_related(*RELATED).order_by("window_until", "pk")


def one(actor: Actor, key: UUID) -> CourierJob:
    """Return one of those jobs; NotFound for any other."""
    found = visible(CourierJob, actor).select_related(*RELATED).filter(pk=key).first()
    if found is None:
        raise NotFound()
    return found


def of_order(actor: Actor, code: str) -> list[CourierJob]:
    """Return the kits that were sent for an order, the newest first."""
    return list(visible(CourierJob, actor).filter(order=code).select_related(*RELATED).order_by("-booked_at", "-pk"))


def of_return(actor: Actor, key: UUID) -> list[CourierJob]:
    """Return the jobs by which an empty shipper was to go back, the newest first."""
    return list(visible(CourierJob, actor).filter(returning=key).select_related(*RELATED).order_by("-booked_at", "-pk"))


def open_of_returns(actor: Actor, keys: Iterable[UUID]) -> dict[UUID, CourierJob]:
    """Return the open job by which each of these empty shippers goes back, by return."""
    found = visible(CourierJob, actor).filter(returning_id__in=list(keys), state__in=OPEN)
    return {job.returning_id: job for job in found if job.returning_id}
