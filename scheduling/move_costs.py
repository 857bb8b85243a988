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
from scheduling.costs import CostLine
from scheduling.drafts import Draft
from scheduling.models import ChangePrice
from scheduling.repair.fees import FREE, Fees, places_of
from scheduling.repair.snapshot import NEVER
from scheduling.states import LinkKind, PriceKind


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
        rows = self.rows.get(therapy_id, ())
        if not rows:
            return []
        before = {kind: _Held(*at) for kind, at in places_of(current).items() if kind not in used}
        after = {kind: _Held(*at) for kind, at in places_of(then).items() if kind not in used} if then else before
        kinds = [kind for kind in LinkKind.values if kind in before or kind in after]
        shifts = [Shift(kind, before.get(kind), after.get(kind)) for kind in kinds]  # type: ignore[arg-type]
        moved = [one for one in shifts if not one.stays]
        return list(costs.of_shifts(moved, rows, self.now, again=again).lines)


def prices_of(actor: Actor, therapy_ids: Iterable[UUID]) -> Prices:
    """Return the prices in force that the actor may see: a contract manufacturer none. One query for each therapy."""
    now = timezone.now()
    return Prices({pk: costs.in_force(actor, pk, now.date()) for pk in therapy_ids}, now)


@dataclass(frozen=True)
class _Held:
    slot_id: UUID
    starts_at: dt.datetime


def _sum(rows: Iterable[ChangePrice], kind: PriceKind) -> int:
    return sum(_hundredths(row.amount) for row in rows if row.kind == kind)


def _known(amounts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((str(kind), amount) for kind, amount in amounts.items() if amount)


def _hundredths(amount: Decimal) -> int:
    return int(amount * 100)
