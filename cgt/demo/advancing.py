"""Advancing the demonstration's clock: an act like any other, on the record of whoever did it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from cgt.celery import SWEEPS, app
from cgt.demo import chores, fictional_time
from cgt.demo.events import CLOCK_ADVANCED
from ledger import queries as record
from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import Conflict, InvalidInput
from personas.queries import system_actor

FARTHEST = dt.timedelta(days=60)
MOVING = "demo-clock-is-moving"


def advance(actor: Actor, until: dt.datetime, why: str = "") -> dt.datetime:
    """Let it be ``until`` (aware, still to come) for everybody; return it. Recorded with from, to and who.

    What would have happened meanwhile happens now: shippers are charged, the sweeps run at once.
    """
    if not cache.add(MOVING, 1, timeout=10):
        raise Conflict("Somebody is advancing the clock at this moment.", code="clock_is_moving")
    try:
        fictional_time.go_ahead(_recorded(actor, until, why))
    finally:
        cache.delete(MOVING)
    chores.charge_shippers()
    sweep()
    return until


def _recorded(actor: Actor, until: dt.datetime, why: str) -> int:
    """Record the move; return it in seconds."""
    with acting(actor, CLOCK_ADVANCED, reason=why) as event:
        before = timezone.now()
        seconds = round((until - before).total_seconds())
        if seconds <= 0:
            raise InvalidInput(
                "The clock never goes back.", code="clock_not_ahead", remedy="Choose a time that is still to come."
            )
        if until - before > FARTHEST:
            raise InvalidInput(f"The clock goes {FARTHEST.days} days at most at a time.", code="clock_too_far")
        event.note(
            came_from=before.isoformat(timespec="seconds"),
            went_to=until.isoformat(timespec="seconds"),
            seconds=seconds,
            seconds_ahead=fictional_time.seconds_ahead() + seconds,
        )
    return seconds


def sweep() -> None:
    """Ask for every periodic task now: holds expire, overdue answers escalate, messages go out."""
    for task in SWEEPS:
        app.send_task(task, expires=60)


def seconds_recorded(organization_ids: Iterable[Any]) -> int:
    """Return how far ahead the record says that the clock is: what a restarted demonstration goes on from."""
    farthest = 0
    for organization_id in organization_ids:
        job = system_actor(organization_id, "demo")
        with reading(job):
            moves = record.events_of(job, organization_id).filter(kind=CLOCK_ADVANCED)
            farthest = max([farthest, *(int(move.payload["seconds_ahead"]) for move in moves)])
    return farthest
