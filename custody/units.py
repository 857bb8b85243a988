"""Every unit that one lot, donor, shipper, site or time leads to, with what was made of it (QA4).

A unit is a container that is or was in somebody's hands. It is found by each stay in one organization's hands, latest
first. A lot and a donor pass on: what was made of a container has its lots and its donor. Shipper, site and time are
asked of a unit's own way; what was made of it afterwards is told with it (``descendants``).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL

from custody.models import (
    ChainOfIdentity,
    Container,
    CustodyPeriod,
    Donation,
    Genealogy,
    Shipment,
    ShipmentItem,
    ShipperSwap,
    StockUnit,
    UsedLot,
)
from custody.states import StockState
from custody.used_lots import normalized
from ledger.context import Actor
from ledger.walls import visible

MADE_OF = """
with recursive made(root, unit) as (
  select g.parent_id, g.child_id from custody_genealogy g where g.parent_id = any(%s)
  union
  select made.root, g.child_id from made join custody_genealogy g on g.parent_id = made.unit
)
select root, unit from made"""


@dataclass(frozen=True)
class Sought:
    """What all units have in common; what is left out does not matter. ``since`` and ``until`` bound their stay.

    ``donor``: a donation number or a chain of identity.
    """

    lot: str = ""
    donor: str = ""
    shipper: str = ""
    site_id: UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def __bool__(self) -> bool:
        return any((self.lot, self.donor, self.shipper, self.site_id, self.since, self.until))


class Search:
    """A search as one actor's: lot, donor and shipper, whose units are few, are looked up once, in a few statements."""

    def __init__(self, actor: Actor, sought: Sought) -> None:
        self._actor, self._fits = actor, _stay(sought)
        self.among: set[UUID] | None = None  # the units that lot, donor and shipper leave; None: all
        for ids in _narrowing(actor, sought):
            self.among = ids if self.among is None else self.among & ids

    def stays(self, ids: Collection[UUID] | None = None) -> QuerySet[CustodyPeriod]:
        """Return the units found, each by its latest stay that fits, the latest first; of ``ids`` alone, if given."""
        rows = visible(CustodyPeriod, self._actor).filter(self._fits)
        among = self.among
        if ids is not None:
            among = set(ids) if among is None else among & set(ids)
        if among is not None:
            rows = rows.filter(container_id__in=among)
        later = CustodyPeriod.unwalled.filter(self._fits, container_id=OuterRef("container_id")).filter(
            Q(since__gt=OuterRef("since")) | Q(since=OuterRef("since"), pk__gt=OuterRef("pk"))
        )
        return rows.filter(~Exists(later)).order_by("-since", "-pk")

    def itself(self, ids: set[UUID]) -> set[UUID]:
        """Return those of these units that are found themselves."""
        among = ids if self.among is None else ids & self.among
        return set(self.stays(among).order_by().values_list("container_id", flat=True)) if among else set()

    def everything(self) -> set[UUID]:
        """Return every unit found and everything that was made of it."""
        roots = set(self.stays().order_by().values_list("container_id", flat=True))
        return roots | {unit for made in descendants(roots).values() for unit in made}


def page(found: QuerySet[CustodyPeriod], after: tuple[dt.datetime, UUID] | None, most: int) -> list[CustodyPeriod]:
    """Return ``most`` stays after the one whose time and id are given: as fast on the last page as on the first."""
    if after is not None:
        since, pk = after
        found = found.filter(Q(since__lte=since) & (Q(since__lt=since) | Q(pk__lt=pk)))
    return list(found[:most])


def descendants(roots: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return what was made of each of these containers, however far down; one statement."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    if roots:
        with connection.cursor() as cursor:
            cursor.execute(MADE_OF, [list(roots)])
            for root, unit in cursor.fetchall():
                found[root].append(unit)
    return found


def travelled_and_made(shipment: Shipment) -> list[Container]:
    """Return what was in a box, and what was made of it since the box was packed, however far down.

    What was taken of it before it was packed (a sample that stayed behind) did not travel, and is left out. One
    statement, and one more for each generation.
    """
    found = set(ShipmentItem.unwalled.filter(shipment=shipment).values_list("container_id", flat=True))
    grown = found
    edges = Genealogy.unwalled.filter(stream_id=shipment.stream_id).filter(
        Q(conversion__isnull=True) | Q(conversion__happened_at__gte=shipment.packed_at)
    )
    while grown:
        grown = set(edges.filter(parent_id__in=grown).values_list("child_id", flat=True)) - found
        found |= grown
    return list(Container.unwalled.filter(pk__in=found).order_by("kind", "position"))


def containers(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, Container]:
    """Return these containers by id, as far as the actor sees them."""
    return visible(Container, actor).in_bulk(list(ids))


def lots_of(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, list[UsedLot]]:
    """Return the lots that were used with these very containers."""
    found: dict[UUID, list[UsedLot]] = defaultdict(list)
    for row in visible(UsedLot, actor).filter(container_id__in=list(ids)).order_by("used_at", "pk"):
        found[row.container_id].append(row)
    return found


def in_stock(actor: Actor, lot: str, most: int) -> list[StockUnit]:
    """Return the actor's own units of a lot that are in stock and bound to no order, first to expire first."""
    if not lot:
        return []
    found = visible(StockUnit, actor).filter(state=StockState.AVAILABLE)
    return list(_bearing(found, "lot_compared", lot).order_by("expires_at", "serial")[:most])


def _spelled(text: str) -> set[str]:
    return {text.strip(), normalized(text)}


def _bearing(rows: QuerySet[Any], column: str, number: str) -> QuerySet[Any]:
    """Narrow rows to those with a number, however it was typed. ``column``: the one the database compares by.

    Such a column is no field: see custody migration ``compared_numbers``. Never empty, so that its index serves.
    """
    compared: Any = RawSQL(f'"{rows.model._meta.db_table}"."{column}"', (), output_field=TextField())  # noqa: S611
    return rows.annotate(compared=compared).exclude(compared="").filter(compared=normalized(number))


def _stay(sought: Sought) -> Q:
    """What a stay has to be: at the site, and begun before the end and not ended before the beginning."""
    fits = Q()
    if sought.site_id is not None:
        fits &= Q(site_id=sought.site_id)
    if sought.until is not None:
        fits &= Q(since__lt=sought.until)
    if sought.since is not None:
        fits &= Q(until__isnull=True) | Q(until__gt=sought.since)
    return fits


def _narrowing(actor: Actor, sought: Sought) -> Iterable[set[UUID]]:
    """Return, for each of lot, donor and shipper that is asked for, the units that it leads to."""
    if sought.lot:
        yield _with_what_was_made(_of_lot(actor, sought.lot))
    if sought.donor:
        yield _with_what_was_made(_of_donor(actor, _spelled(sought.donor)))
    if sought.shipper:
        yield _of_shipper(actor, sought)


def _with_what_was_made(roots: set[UUID]) -> set[UUID]:
    return roots | {unit for made in descendants(roots).values() for unit in made}


def _of_lot(actor: Actor, lot: str) -> set[UUID]:
    touched: Any = visible(UsedLot, actor).filter(lot=normalized(lot)).values_list("container_id", flat=True)
    own: Any = _bearing(visible(Container, actor), "lot_compared", lot).values_list("pk", flat=True)
    return {*touched, *own}


def _of_donor(actor: Actor, donors: set[str]) -> set[UUID]:
    bags: Any = visible(Container, actor).filter(~Q(donation_number=""), donation_number__in=donors)
    found = set(bags.values_list("pk", flat=True))
    chains = set(visible(ChainOfIdentity, actor).filter(code__in=donors).values_list("pk", flat=True))
    if not found:  # a number that no bag bears yet: everything of its chain of identity
        given: Any = (
            visible(Donation, actor).filter(number__in=donors, withdrawal__isnull=True).values_list("coi_id", flat=True)
        )
        chains |= set(given)
    if chains:
        of_chain: Any = visible(Container, actor).filter(coi_id__in=chains).values_list("pk", flat=True)
        found |= set(of_chain)
    return found


def _of_shipper(actor: Actor, sought: Sought) -> set[UUID]:
    changed = _bearing(visible(ShipperSwap, actor), "was_shipper_compared", sought.shipper)
    boxes = visible(Shipment, actor)
    if sought.until is not None:
        boxes = boxes.filter(packed_at__lt=sought.until)
    if sought.since is not None:
        boxes = boxes.filter(Q(opened_at__isnull=True) | Q(opened_at__gt=sought.since))
    left = set(changed.values_list("shipment_id", flat=True))  # until it was changed on the way, they were in it too
    used: Any = _bearing(boxes, "shipper_compared", sought.shipper).values_list("pk", flat=True)
    before: Any = boxes.filter(pk__in=left).values_list("pk", flat=True) if left else ()
    items: Any = visible(ShipmentItem, actor).filter(shipment_id__in={*used, *before})
    return set(items.values_list("container_id", flat=True))
