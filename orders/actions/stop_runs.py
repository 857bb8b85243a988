"""A stop of many orders, carried out by a worker: all of its orders in one transaction, or none yet (QA4).

Since it was signed the stop stands on its orders: nothing of them is shipped, prepared or given. A worker that dies
leaves nothing behind but that, and the next one begins anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from ledger.context import Actor, reading
from ledger.queries import signatures_of
from ledger.recording import SIGNED, Signing, acting
from ledger.refusals import Conflict
from orders.actions.stops import MOST_TRIES, MoreOrders, affected, hold
from orders.actions.unit_searches import sought_of
from personas.states import Capability
from quality import queries as quality
from quality import stop_runs as runs
from quality import stops
from quality.queries import Stop
from scheduling.jobs import job_in

JOB = "stop-ship"
AGAIN = "It could not be finished and is tried again. Nothing of these orders is shipped, prepared or given meanwhile."
logger = logging.getLogger(__name__)


class _DoneMeanwhile(Exception):
    """Another worker was faster, while this one waited for the streams."""


def work(stop_id: UUID) -> bool:
    """Put the units of a signed stop aside, as a system job inside its organization; return whether it waited.

    Asked twice, it works once. After a failure nothing is changed, and it is asked for again.
    """
    due = runs.claim(stop_id)
    if due is None:
        return False
    try:
        with runs.reported(stop_id) as tell:
            _work(job_in(due.organization_id, JOB), stop_id, due.signed_as, tell)
    except Exception:
        logger.exception("stop %s could not be recorded on its orders", stop_id)
        runs.ask_again(stop_id, AGAIN)
    return True


def progress_of(stop: Stop) -> str:
    """Return in words how far a stop is; empty when it is recorded on all of its orders."""
    return (runs.progress_of(stop.pk) or runs.WAITING) if stop.working_since is not None else ""


def _work(actor: Actor, stop_id: UUID, signed_as: UUID, tell: Callable[[str], object]) -> None:
    for _ in range(MOST_TRIES):
        with reading(actor):
            stop = quality.stops_of(actor).get(pk=stop_id)
            if stop.working_since is None:
                return
            standing = set(quality.stopped_orders(actor, stop).values_list("stream_id", flat=True))
            streams = standing | affected(actor, sought_of(actor, stop.sought)).orders
        try:
            return _record(actor, stop, standing, streams, signed_as, tell)
        except MoreOrders:
            continue
        except _DoneMeanwhile:
            return
    raise Conflict("Units keep coming to what is searched for.", code="still_growing")


def _record(
    actor: Actor,
    stop: Stop,
    standing: set[UUID],
    streams: set[UUID],
    signed_as: UUID,
    tell: Callable[[str], object],
) -> None:
    tell(f"Waiting for what is under way on {len(streams)} orders")
    with acting(
        actor,
        "quality.units_stopped",
        also=sorted(streams),
        subject=("stop", stop.number),
        capability=Capability.STOP_UNITS,
    ) as event:
        stops.before_a_stop(actor.organization_id)
        stop = quality.stop(actor, stop.number)
        if stop.working_since is None:
            raise _DoneMeanwhile
        found = affected(actor, sought_of(actor, stop.sought))
        if not found.orders <= streams:
            raise MoreOrders
        signed = signatures_of(actor, actor.organization_id).filter(event_id=signed_as)
        event.signatures += [Signing(**{name: getattr(row, name) for name in SIGNED}) for row in signed]
        hold(event, stop, found, standing, tell)
        runs.end(stop)
