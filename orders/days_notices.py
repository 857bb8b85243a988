"""Who hears of days that are wished where nothing is published: planners of plants that may make the therapy (CM2)."""

from __future__ import annotations

from uuid import UUID

from django.utils.dateparse import parse_datetime

from ledger.context import Actor
from ledger.models import Event
from network import queries as network
from notifications import recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from personas.queries import User, people_with
from personas.states import Capability

KIND = "orders.days_wished"


@recipients.register
def of_days_wished(actor: Actor, event: Event) -> list[Recipient]:
    """Return the planners at the organization's plants that may make it; the title names therapy and client alone."""
    if event.kind != KIND or event.organization_id != actor.organization_id:
        return []
    said = event.payload
    plants = network.plants_of(UUID(event.subject_id), said["country"])
    sites = [plant.site_id for plant in plants if plant.organization_id == actor.organization_id]
    users: dict[UUID, User] = {}
    for site_id in sites:
        users |= {user.pk: user for user in people_with(actor.organization_id, Capability.CONFIRM_SLOTS, site_id)}
    title = f"Days wished where nothing is published · {said['therapy']}, {said['client']}"
    due = parse_datetime(said["due_at"])
    return [Recipient(user, title, "/", due, category=NoticeClass.NEWS) for user in users.values()]
