"""Who hears of the waiting list: whoever answers its offers, and the committee when a rank is appealed."""

from __future__ import annotations

from django.utils.dateparse import parse_datetime

from ledger.context import Actor
from ledger.models import Event
from notifications import recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from personas.queries import people_with
from personas.states import Capability

TOLD = {
    "scheduling.place_offered": (Capability.MANAGE_WAITING, "Place offered", "/waiting/"),
    "scheduling.offer_expired": (Capability.MANAGE_WAITING, "Offer expired", "/waiting/"),
    "scheduling.offer_taken_back": (Capability.MANAGE_WAITING, "Offer taken back after a disruption", "/waiting/"),
    "scheduling.rank_appealed": (Capability.DECIDE_RANK, "A rank is appealed", "/waiting/committee/"),
}


@recipients.register
def of_the_waiting_list(actor: Actor, event: Event) -> list[Recipient]:
    """Return the people of the center who are told of an offer or an appeal, by order code; titles name no patient."""
    if event.kind not in TOLD or event.organization_id != actor.organization_id:
        return []
    capability, words, path = TOLD[event.kind]
    codes = event.payload.get("orders") or [event.payload.get("order", "")]
    until = event.payload.get("until")
    due = parse_datetime(until) if until else None
    title = f"{words} · {', '.join(codes)}"
    return [
        Recipient(user, title, path, due, category=NoticeClass.NEWS)
        for user in people_with(actor.organization_id, capability)
    ]
