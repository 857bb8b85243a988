"""One act on many orders is told to a person once: the orders' codes in one notice, those that the person may see.

A disruption opened or ended, a repair signed: each order has its own event, all with one correlation. The event that
comes first, of those that an organization sees, speaks for all; the others keep silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from ledger.walls import visible
from orders.models import Order

MOST_NAMED = 8  # codes in one title; the page that it leads to shows all


@dataclass(frozen=True)
class Together:
    """The orders of one act, as an organization sees them, by the site of their center."""

    by_site: dict[UUID, list[str]]

    @property
    def count(self) -> int:
        return sum(map(len, self.by_site.values()))


def told_with(actor: Actor, event: Event) -> Together | None:
    """Return the orders that an event speaks for; None for one that another event of the same act speaks for."""
    same = visible(Event, actor).filter(kind=event.kind)
    same = same.filter(correlation_id=event.correlation_id) if event.correlation_id else same.filter(pk=event.pk)
    streams = dict(same.order_by("pk").values_list("pk", "stream_id"))
    rows = Order.unwalled.filter(stream_id__in=set(streams.values())).order_by("code")
    orders = {order_stream: (site_id, code) for order_stream, site_id, code in rows.values_list(*NAMED)}
    first = next((pk for pk, stream_id in streams.items() if stream_id in orders), event.pk)
    if first != event.pk:
        return None
    by_site: dict[UUID, list[str]] = {}
    for site_id, code in orders.values():
        by_site.setdefault(site_id, []).append(code)
    return Together(by_site)


NAMED = ("stream_id", "center_site_id", "code")


def named(codes: Sequence[str]) -> str:
    """Return order codes as a title says them."""
    left = len(codes) - MOST_NAMED
    said = ", ".join(sorted(codes)[:MOST_NAMED])
    return f"{said} and {left} more" if left > 0 else said
