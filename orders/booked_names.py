"""How an order is named where capacity that it has taken would be withdrawn: by its code, and its chain of identity."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order


def order_names(actor: Actor, stream_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return by stream the orders that the actor sees: code and CoI; a courier's without the CoI."""
    rows = visible(Order, actor).filter(stream_id__in=set(stream_ids)).values_list("stream_id", "code", "identity_code")
    named = actor.organization_role != Role.COURIER
    return {stream: f"{code} ({identity})" if named and identity else code for stream, code, identity in rows}
