"""What a move costs by the manufacturer's price list: as numbers for a repair, and line by line for people.

Amounts of different currencies are never added: a plan weighs the currency in which most prices stand.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from scheduling import costs
from scheduling.changes import Shift
from scheduling.costs import Cost, CostLine
from scheduling.drafts import Draft
from scheduling.models import ChangePrice, RepairMove, SlotChain
from scheduling.repair.fees import FREE, At, Fees, places_of
from scheduling.repair.snapshot import NEVER, USED, Material
from scheduling.states import LinkKind, PriceKind

Costs = dict[UUID, Cost]  # by move


@dataclass(frozen=True)
class Prices:
    """The prices in force by therapy, read once, and the moment from which days ahead are counted."""

    rows: Mapping[UUID, Sequence[ChangePrice]]
    now: dt.datetime = NEVER

    @cached_property
    def _currencies(self) -> list[str]:
        counted = Counter(row.currency for rows in self.rows.values() for row in rows)
        return sorted(counted, key=lambda currency: (-counted[currency], currency))

    @property
    def currency(self) -> str:
        """The currency that is weighed: in which most prices stand; empty without a price."""
        return next(iter(self._currencies), "")

    @property
    def others(self) -> list[str]:
        """Currencies of prices that are told and not weighed."""
        return sorted(self._currencies[1:])

    def fees_of(self, current: Draft, used: Collection[str], therapy_id: UUID) -> Fees:
        """Return what may be charged for an order whose chain is ``current``; kinds of links that are ``used`` stay."""
        weighed = [row for row in self.rows.get(therapy_id, ()) if row.currency == self.currency]
        if not weighed:
            return FREE
        mine = {pick.kind: pick for pick in current.picks if pick.kind not in used}
        given_up = {
            kind: sum(_hundredths(row.amount) for row in costs.given_up(weighed, kind, pick.starts_at, self.now))
            for kind, pick in mine.items()
        }
        new = _sum(weighed, PriceKind.TRANSPORT)
        ways = {str(kind): new for kind in costs.LANES if kind not in used}
        return Fees(_known(given_up), _known(ways), _sum(weighed, PriceKind.RECOLLECTION))

    def lines(
        self, current: Draft, then: Draft | None, used: Collection[str], therapy_id: UUID, *, again: bool
    ) -> list[CostLine]:
        """Return what is charged for a move, and to whom; ``then``: None where the order gets no other places."""
        before = places_of(current)
        return list(self.cost(before, places_of(then) if then else before, used, therapy_id, again=again).lines)

    def cost(
        self,
        before: Mapping[str, At],
        after: Mapping[str, At],
        used: Collection[str],
        therapy_id: UUID,
        *,
        again: bool = False,
    ) -> Cost:
        """Return what is charged for places that take the place of others; kinds of links that are ``used`` stay."""
        rows = self.rows.get(therapy_id, ())
        if not rows:
            return Cost()
        kinds = [kind for kind in LinkKind.values if kind not in used and (kind in before or kind in after)]
        moved = [Shift(kind, _held(before.get(kind)), _held(after.get(kind))) for kind in kinds]  # type: ignore[arg-type]
        return costs.of_shifts((one for one in moved if not one.stays), rows, self.now, again=again)


def prices_of(actor: Actor, therapy_ids: Iterable[UUID]) -> Prices:
    """Return the prices in force that the actor may see: a contract manufacturer none. One query for all therapies."""
    now = timezone.now()
    return Prices(costs.in_force_of(actor, therapy_ids, now.date()), now)


def of_moves(prices: Prices, moves: Iterable[tuple[RepairMove, SlotChain]], therapy_of: Mapping[UUID, UUID]) -> Costs:
    """Return by move what it would cost if it were accepted now; the chain with its links at hand.

    ``therapy_of``: the therapy of each order, by stream.
    """
    found = {}
    for move, chain in moves:
        before = {link.kind: (link.slot_id, link.starts_at) for link in chain.links.all()}
        places = zip(move.slot_ids, move.starts, strict=True)
        after = {kind: (slot_id, dt.datetime.fromisoformat(start)) for slot_id, (kind, start) in places}
        found[move.pk] = prices.cost(before, after, USED[Material(move.material)], therapy_of[move.stream_id])
    return found


@dataclass(frozen=True)
class _Held:
    slot_id: UUID
    starts_at: dt.datetime


def _held(at: At | None) -> _Held | None:
    return None if at is None else _Held(*at)


def _sum(rows: Iterable[ChangePrice], kind: PriceKind) -> int:
    return sum(_hundredths(row.amount) for row in rows if row.kind == kind)


def _known(amounts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((str(kind), amount) for kind, amount in amounts.items() if amount)


def _hundredths(amount: Decimal) -> int:
    return int(amount * 100)
