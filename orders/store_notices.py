"""Who hears of an alarm of the store at once: whoever keeps it, and quality at its organization (CL3)."""

from __future__ import annotations

from ledger.context import Actor
from ledger.models import Event
from notifications import recipients
from notifications.recipients import Recipient
from personas.queries import people_with
from personas.states import Capability as C

ALARMS = ("custody.store_alarm_opened", "orders.store_breached")


@recipients.register
def of_store_alarms(actor: Actor, event: Event) -> list[Recipient]:
    """Return who is told in the organization whose store it is; orders' parties are told on their orders."""
    own = event.organization_id == actor.organization_id and event.subject_type == "store_unit"
    if event.kind not in ALARMS or not own or "deviation" in event.payload:
        return []
    breached = event.kind == "orders.store_breached"
    title = f"{'OUTSIDE ITS LIMITS, items are held' if breached else 'ALARM'}: {event.payload['unit']}"
    path = f"/store/units/{event.subject_id}/"
    people = {
        user.pk: user
        for right in (C.KEEP_STORE, C.MANAGE_DEVIATIONS)
        for user in people_with(actor.organization_id, right)
    }
    return [Recipient(user, title, path, None, critical=True) for user in people.values()]
