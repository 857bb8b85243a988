"""What a price list charges for an order's move, as plain numbers: what a repair weighs (``move_costs`` reads them)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from scheduling.drafts import Draft

At = tuple[UUID, dt.datetime]  # a place, and when it begins


@dataclass(frozen=True)
class Fees:
    """What may be charged for an order, in hundredths of one currency: for giving up the places that it has, by kind
    of link, for a new transport on each way, and for collecting again."""

    given_up: tuple[tuple[str, int], ...] = ()
    transport: tuple[tuple[str, int], ...] = ()
    recollection: int = 0

    def of(self, before: Mapping[str, At], after: Mapping[str, At], *, again: bool) -> int:
        """Return the sum for a chain with other places; ``again``: with another collection."""
        total = self.recollection if again else 0
        for kind, amount in self.given_up:
            total += amount if before.get(kind) != after.get(kind) else 0
        for kind, amount in self.transport:
            total += amount if kind in after and before.get(kind) != after[kind] else 0
        return total


FREE = Fees()


def places_of(draft: Draft, pool_of: Mapping[UUID, UUID] | None = None) -> dict[str, At]:
    """Return a chain's places by kind of link, each named by its pool; of two lines the last one is in force."""
    pools = pool_of or {}
    return {pick.kind: (pools.get(pick.window.slot_id, pick.window.slot_id), pick.starts_at) for pick in draft.picks}
