"""A repair at work: who claims it, how it gets on, whether its worker lives. Ids and times, outside the wall."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils import timezone

from scheduling.models import Disruption, RepairDue, RepairMove, RepairRun, WhatIfDue

__all__ = [
    "Disruption",
    "RepairDue",
    "RepairMove",
    "RepairRun",
    "WhatIfDue",
    "claim",
    "due_what_ifs",
    "is_wanted",
    "kept_until",
    "progress_of",
    "put_off",
]

ALIVE = dt.timedelta(seconds=60)  # a worker that was not heard of for so long is dead
PATIENCE = dt.timedelta(seconds=20)  # after which a run that nobody claimed is asked for again

KEPT = dt.timedelta(days=7)  # for so long a what-if is kept


def claim(run_id: UUID) -> RepairDue | None:
    """Take a waiting run for this worker; None when another has it, or it is over."""
    waiting = RepairDue.unwalled.filter(run_id=run_id, claimed=False, cancelled=False)
    if not waiting.update(claimed=True, due_at=timezone.now() + ALIVE, progress="Reading bookings and calendars"):
        return None
    return RepairDue.unwalled.get(run_id=run_id)


def is_wanted(run_id: UUID, words: str) -> bool:
    """Say that the worker lives and what it does; return whether the run is still wanted."""
    mine = RepairDue.unwalled.filter(run_id=run_id, claimed=True, cancelled=False)
    return bool(mine.update(due_at=timezone.now() + ALIVE, progress=words[:200]))


def put_off(run_id: UUID) -> None:
    """Look after a waiting run again in a while."""
    RepairDue.unwalled.filter(run_id=run_id, claimed=False).update(due_at=timezone.now() + PATIENCE)


def progress_of(run_id: UUID) -> str:
    """Return what the worker does, in words; empty when the run is over."""
    return RepairDue.unwalled.filter(run_id=run_id).values_list("progress", flat=True).first() or ""


def kept_until(run_id: UUID) -> dt.datetime | None:
    """Return when a what-if is forgotten; None for a repair, which is kept."""
    return WhatIfDue.unwalled.filter(run_id=run_id).values_list("due_at", flat=True).first()


def due_what_ifs(now: dt.datetime) -> list[WhatIfDue]:
    """Return the what-ifs whose days are over (ids and times only: outside the wall)."""
    return list(WhatIfDue.unwalled.filter(due_at__lte=now).order_by("due_at"))
