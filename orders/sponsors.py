"""A contract manufacturer plans for its sponsors: with the sight of an order's sponsor, on its own lines only (CM2).

Which chairs, lanes and shares of a quota an order may have is between its center and its sponsor. So a contract
manufacturer's planner looks for them with the sponsor's eyes, one sponsor at a time, and is told places and times only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from ledger import directory
from ledger.context import Actor, current, entered
from ledger.states import Role
from orders.models import Order
from personas.queries import Site
from scheduling.offers import ChainRequest


@contextmanager
def sight(actor: Actor, order: Order) -> Iterator[Actor]:
    """See what the order's sponsor sees, and yield the actor as which to read; anybody else sees as itself.

    Only the contract manufacturer in whose plant the order is to be made. Event and author stay as they are. Reference
    rows that are read meanwhile are kept apart: they are the sponsor's.
    """
    acting = current()
    if acting is None or not is_made_by(actor, order):
        yield actor
        return
    seen = replace(actor, organization_id=order.manufacturer_id)
    with entered(replace(acting, actor=seen, kept={}, answers={}, streams_seen=set())):
        yield seen


def is_made_by(actor: Actor, order: Order) -> bool:
    """Whether the order is to be made in a plant of the actor, a contract manufacturer, and at the actor's own site."""
    if actor.organization_role != Role.CMO or order.plant_site is None:
        return False
    mine: bool = order.plant_site.organization_id == actor.organization_id
    return mine and actor.site_id in (None, order.plant_site_id)


def on_own_lines(actor: Actor, request: ChainRequest) -> ChainRequest:
    """Return the request narrowed to the plants of a contract manufacturer; anybody else's as it is.

    It learns of no other plant that its sponsor has, not even as one that is refused.
    """
    if actor.organization_role != Role.CMO:
        return request
    return replace(request, plant_site_ids=tuple(_own(actor, request.plant_site_ids)), barred_plants=())


def _own(actor: Actor, site_ids: Iterable[UUID]) -> list[UUID]:
    found = directory.rows(Site, site_ids)
    own = [pk for pk in site_ids if pk in found and found[pk].organization_id == actor.organization_id]
    return [pk for pk in own if actor.site_id in (None, pk)]
