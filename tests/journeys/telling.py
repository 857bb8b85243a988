"""Whom an order's event tells, asked as the relay asks: inside one organization, of every finder."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from ledger.queries import events_of
from notifications.recipients import Recipient, recipients_of
from personas.queries import organization_actor
from tests.journeys.watching import order_of


def events(player: Player, journey: Journey, kind: str) -> list[Any]:
    with reading(player.actor):
        return list(events_of(player.actor, order_of(player, journey).stream_id).filter(kind=kind).order_by("seq"))


def told(organization_id: UUID, event: Any) -> dict[str, Recipient]:
    """Return who of an organization is told of an event, by user name."""
    actor = organization_actor(organization_id, "tests")
    with reading(actor):
        return {one.user.username: one for one in recipients_of(actor, event)}
