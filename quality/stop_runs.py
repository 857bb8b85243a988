"""A stop of many orders at work: who claims it, how it gets on, whether its worker lives. Outside the wall."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ledger.recording import open_event
from quality.models import Stop, StopDue

ALIVE = dt.timedelta(seconds=60)  # a worker that was not heard of for so long is dead
PATIENCE = dt.timedelta(seconds=20)  # after which a stop that nobody claimed is asked for again
BEAT = 1.0  # seconds between two words of how far it is
WAITING = "Waiting for a worker; if the queue does not answer, it is asked again every 20 seconds."


def begin(stop: Stop) -> None:
    """Write down that a worker has to put the units aside. Runs in the act that signs the stop."""
    event = open_event()
    stop.working_since = event.occurred_at
    stop.save(update_fields=["working_since"])
    StopDue.objects.create(
        organization_id=stop.organization_id,
        stop_id=stop.pk,
        signed_as=event.id,
        due_at=timezone.now() + PATIENCE,
        progress=WAITING,
    )


def end(stop: Stop) -> None:
    """Say that the stop is recorded on all of its orders. Runs in the act that does so."""
    stop.working_since = None
    stop.save(update_fields=["working_since"])
    StopDue.unwalled.filter(stop_id=stop.pk).delete()


def claim(stop_id: UUID) -> StopDue | None:
    """Take a waiting stop for this worker; None when another has it, or it is done."""
    waiting = StopDue.unwalled.filter(stop_id=stop_id, claimed=False)
    if not waiting.update(claimed=True, due_at=timezone.now() + ALIVE, progress="Looking for the units"):
        return None
    return StopDue.unwalled.get(stop_id=stop_id)


def ask_again(stop_id: UUID, words: str = "") -> None:
    """Let another worker take it in a while: nothing was changed. ``words``: why, where that is known."""
    due = StopDue.unwalled.filter(stop_id=stop_id).first()
    if due is None:
        return
    StopDue.unwalled.filter(pk=due.pk).update(
        claimed=False,
        attempts=due.attempts + bool(words),
        due_at=timezone.now() + PATIENCE,
        progress=(words or WAITING)[:200],
    )


def progress_of(stop_id: UUID) -> str:
    """Return what the worker does, in words; empty when it is done."""
    return StopDue.unwalled.filter(stop_id=stop_id).values_list("progress", flat=True).first() or ""


def due_stops(now: dt.datetime) -> list[StopDue]:
    """Return the stops that the sweep looks after (ids and times only: outside the wall)."""
    return list(StopDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


@contextmanager
def reported(stop_id: UUID) -> Iterator[Callable[[str], None]]:
    """Yield what takes words of how far the work is; a second thread tells them, as the work is one transaction."""
    said, over = ["Looking for the units"], threading.Event()

    def tell() -> None:
        try:
            while not over.wait(BEAT):
                mine = StopDue.unwalled.filter(stop_id=stop_id, claimed=True)
                mine.update(due_at=timezone.now() + ALIVE, progress=said[-1][:200])
        finally:
            connection.close()

    teller = threading.Thread(target=tell, name=f"stop-{stop_id}", daemon=True)
    teller.start()
    try:
        yield said.append
    finally:
        over.set()
        teller.join(5)
