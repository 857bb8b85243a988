"""Bags that were thawed and must be used in time: the clocks that run at a center."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone

from custody import queries as custody
from custody.states import ContainerState
from ledger.context import Actor
from orders import queries
from orders.views import frame

MOST = 20


def running(actor: Actor) -> list[dict[str, Any]]:
    """Return the thawed bags in the organization's hands, the first to run out first."""
    return bags_in(actor, ContainerState.THAWED)


def bags_in(actor: Actor, *states: ContainerState) -> list[dict[str, Any]]:
    """Return bags in the organization's hands with their order, patient (own center only) and place; few queries."""
    bags = list(custody.in_hand(actor, *states)[:MOST])
    orders = queries.orders_by_stream(actor, [bag.stream_id for bag in bags])
    names = frame.names_of(actor, orders.values())
    now = timezone.now()
    return [
        {
            "bag": bag,
            "order": orders[bag.stream_id],
            "patient": names.get(orders[bag.stream_id].patient_id),
            "zone": orders[bag.stream_id].center_site.zone,
            "over": bag.expires_at is not None and bag.expires_at < now,
            "url": reverse("orders:station", args=[orders[bag.stream_id].code]),
        }
        for bag in bags
        if bag.stream_id in orders
    ]
