"""Who hears that an empty shipper did not come back: whoever keeps the register (DE5)."""

from __future__ import annotations

from ledger.context import Actor
from ledger.models import Event
from notifications import recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from personas.queries import people_with
from personas.states import Capability

OVERDUE = "custody.return_overdue"


@recipients.register
def of_late_returns(actor: Actor, event: Event) -> list[Recipient]:
    """Return the keepers of the shipper's register, in its own organization."""
    if event.kind != OVERDUE or event.organization_id != actor.organization_id:
        return []
    title = f"Not back: shipper {event.payload['serial']}"
    path = f"/equipment/returns/{event.subject_id}/"
    people = people_with(actor.organization_id, Capability.KEEP_EQUIPMENT)
    return [Recipient(user, title, path, None, category=NoticeClass.NEWS) for user in people]
