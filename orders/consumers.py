"""What orders does when a lower floor says that something happened: always through its own action."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from orders.actions.bookings import reopen_booking
from orders.tasks import offer_freed_places, work_repair, work_stop
from quality.signals import stop_signed
from scheduling.signals import hold_expired, places_freed, repair_wanted

logger = logging.getLogger(__name__)


@receiver(hold_expired, dispatch_uid="orders.hold_expired")
def book_again(sender: Any, stream_id: UUID, organization_id: UUID, **_: Any) -> None:
    """A slot hold expired: the booking step becomes ready again."""
    reopen_booking(stream_id, organization_id)


@receiver(places_freed, dispatch_uid="orders.places_freed")
def look_at_waiting_lists(sender: Any, **_: Any) -> None:
    """Places may be free: waiting lists are looked at now; without a broker the next sweep does it."""
    try:
        offer_freed_places.apply_async(retry=False)
    except Exception as error:  # what was done must not fail because of the broker
        logger.warning("waiting lists could not be nudged (%s); the next sweep looks", type(error).__name__)


@receiver(repair_wanted, dispatch_uid="orders.repair_wanted")
def hand_to_a_worker(sender: Any, run_id: UUID, **_: Any) -> None:
    """A repair was asked for: a worker takes it up. When the queue does not answer, the sweep asks again."""
    work_repair.apply_async((str(run_id),), retry=False)


@receiver(stop_signed, dispatch_uid="orders.stop_signed")
def put_units_aside(sender: Any, stop_id: UUID, **_: Any) -> None:
    """A stop of many orders was signed: a worker puts the units aside. Without a broker the sweep asks again."""
    work_stop.apply_async((str(stop_id),), retry=False)
