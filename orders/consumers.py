"""What orders does when a lower floor says that something happened: always through its own action."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from orders.actions.bookings import reopen_booking
from scheduling.signals import hold_expired


@receiver(hold_expired, dispatch_uid="orders.hold_expired")
def book_again(sender: Any, stream_id: UUID, organization_id: UUID, **_: Any) -> None:
    """A slot hold expired: the booking step becomes ready again."""
    reopen_booking(stream_id, organization_id)
