"""The sweeps: holds and offered places end, quotas are released, windows made from rules. All are idempotent."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from ledger import sweeps
from scheduling.actions import openings
from scheduling.actions.holds import expire_hold, expire_move
from scheduling.actions.quotas import due_releases, release_unused
from scheduling.actions.waiting import expire_place
from scheduling.queries import due_calendars, due_holds, due_moves, due_places


@shared_task
def expire_slot_holds() -> int:
    """End every overdue hold, each in its own transaction; return how many ended. One failure stops no other."""
    return sweeps.each(due_holds(timezone.now()), expire_hold, "slot hold %s could not be ended", name="chain_id")


@shared_task
def make_due_openings() -> int:
    """Publish what opening rules make up to the horizon, organization by organization; return for how many."""

    def make(due: Any) -> int:
        openings.make_due_openings(due)
        return 1

    failure = "windows of organization %s could not be made"
    return sweeps.each(due_calendars(timezone.now()), make, failure, name="organization_id")


@shared_task
def release_unused_quotas() -> int:
    """Move every due share's unused places into the pool, each in its own transaction; return how many places."""
    failure = "unused places of allotment %s could not be released"
    return sweeps.each(due_releases(timezone.now()), release_unused, failure, name="allotment_id")


@shared_task
def expire_offered_places() -> int:
    """End every offered place whose time is over, each in its own transaction; return how many ended."""
    return sweeps.each(due_places(timezone.now()), expire_place, "offered place %s could not be ended", name="place_id")


@shared_task
def expire_moves() -> int:
    """End every signed move that its center did not answer in time, each in its own transaction; return how many."""
    return sweeps.each(due_moves(timezone.now()), expire_move, "move %s could not be ended", name="move_id")
