"""What a change of dates costs, by the manufacturer's price list: pure, but for reading the prices in force.

Whoever looks sees the lines that its wall shows: a center what is charged to it, a contract manufacturer none.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from scheduling.changes import KnockOn, Shift
from scheduling.models import ChangePrice
from scheduling.states import LinkKind, PriceKind

DAY = dt.timedelta(days=1)
GIVEN_UP = {
    LinkKind.MANUFACTURING_LINE: PriceKind.LINE_CANCELLED,
    LinkKind.COURIER_LANE: PriceKind.LANE_CANCELLED,
    LinkKind.RETURN_LANE: PriceKind.LANE_CANCELLED,
}
LANES = (LinkKind.COURIER_LANE, LinkKind.RETURN_LANE)


@dataclass(frozen=True)
class CostLine:
    """One thing that is charged, and to whom."""

    what: str
    amount: Decimal
    currency: str
    charged_to: str

    @property
    def payer(self) -> str:
        return str(Role(self.charged_to).label)


@dataclass(frozen=True)
class Cost:
    """The lines, and their sums by who is charged and currency; both empty where no price is set."""

    lines: tuple[CostLine, ...] = ()

    @property
    def sums(self) -> list[CostLine]:
        found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for line in self.lines:
            found[line.charged_to, line.currency] += line.amount
        return [CostLine("Sum", amount, currency, payer) for (payer, currency), amount in sorted(found.items())]


def change_prices(actor: Actor, therapy_id: UUID | None = None) -> QuerySet[ChangePrice]:
    """Return the prices that the actor may see, of one therapy or of all, by thing and the latest first."""
    rows = visible(ChangePrice, actor).order_by("therapy_id", "kind", "charged_to", "days_before", "-starts_on", "pk")
    return rows.filter(therapy_id=therapy_id) if therapy_id else rows


def in_force(actor: Actor, therapy_id: UUID, today: dt.date) -> list[ChangePrice]:
    """Return of each thing the price that counts today: one query."""
    return in_force_of(actor, [therapy_id], today)[therapy_id]


def in_force_of(actor: Actor, therapy_ids: Iterable[UUID], today: dt.date) -> dict[UUID, list[ChangePrice]]:
    """As ``in_force``, of each of several therapies; one query for all."""
    asked = list(therapy_ids)
    found: dict[tuple[UUID, str, int | None, str], ChangePrice] = {}
    for row in change_prices(actor).filter(therapy_id__in=asked, starts_on__lte=today):
        found.setdefault((row.therapy_id, row.kind, row.days_before, row.charged_to), row)
    return {pk: [row for row in found.values() if row.therapy_id == pk and row.amount] for pk in asked}


def of_change(moves: KnockOn, rows: Iterable[ChangePrice], now: dt.datetime) -> Cost:
    """Return what the moved links cost: giving up the former place, by how near it is, and each new transport."""
    return of_shifts(moves.moved, rows, now)


def of_shifts(shifts: Iterable[Shift], rows: Iterable[ChangePrice], now: dt.datetime, *, again: bool = False) -> Cost:
    """As ``of_change``, of the links that move alone; ``again``: the material is collected a second time."""
    known, lines = list(rows), []
    for shift in shifts:
        kind = LinkKind(shift.kind)
        if shift.before is not None:
            for price in given_up(known, kind, shift.before.starts_at, now):
                lines.append(_line(f"{shift.label} given up, {_when(price)}", price))
        if shift.after is not None and kind in LANES:
            lines += [_line(f"{shift.label} anew", row) for row in known if row.kind == PriceKind.TRANSPORT]
    return Cost((*lines, *(of_recollection(known).lines if again else ())))


def of_recollection(rows: Iterable[ChangePrice]) -> Cost:
    """Return what collecting a second time costs."""
    return Cost(tuple(_line(str(PriceKind(row.kind).label), row) for row in rows if row.kind == PriceKind.RECOLLECTION))


def given_up(rows: Iterable[ChangePrice], kind: str, starts_at: dt.datetime, now: dt.datetime) -> list[ChangePrice]:
    """Return the prices of giving a place of this kind up that begins then, one for each who is charged."""
    priced = GIVEN_UP.get(LinkKind(kind))
    return _nearest(rows, priced, (starts_at - now) / DAY) if priced else []


def _nearest(rows: Iterable[ChangePrice], kind: PriceKind, ahead: float) -> list[ChangePrice]:
    """Return for each payer the price of the narrowest span that the days ahead lie in."""
    found: dict[str, ChangePrice] = {}
    for row in sorted(rows, key=lambda row: row.days_before or MOST, reverse=True):
        if row.kind == kind and (row.days_before is None or ahead < row.days_before):
            found[row.charged_to] = row
    return [found[payer] for payer in sorted(found)]


MOST = 10**6  # days: a price that holds whenever


def _when(price: ChangePrice) -> str:
    return "whenever" if price.days_before is None else f"less than {price.days_before} days ahead"


def _line(what: str, price: ChangePrice) -> CostLine:
    return CostLine(what, price.amount, price.currency, price.charged_to)
