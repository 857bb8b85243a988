"""Every unit of a search as a reader sees it: which order, where it is now, who has it, for whom it is (QA4).

For whom: the chain of identity and the treatment center. Names stay with the center, whose own pages show them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from custody import units
from custody.states import ContainerState
from custody.units import Search, Sought
from ledger import directory
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order
from orders.places import name_custodians, placed
from personas.queries import Organization, Site
from personas.states import Capability

IN_STOCK = 100  # units of a lot that are shown beside the list
ON_THE_WAY = "On the way"


@dataclass(frozen=True)
class Unit:
    """A unit with its order. ``made_of``: code of the found unit that it was made of; empty where it was found itself.

    ``stay``: the stay in somebody's hands by which it was found (none for what was made of it).
    """

    bag: Any
    order: Order
    made_of: str = ""
    stay: Any = None
    lots: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether the patient has it."""
        return bool(self.bag.state == ContainerState.INFUSED)

    @property
    def is_held(self) -> bool:
        """Whether it is in somebody's hands."""
        return self.bag.custodian is not None and not self.bag.is_terminal

    @property
    def holder(self) -> str:
        """Who has it now; empty when nobody does any more, or not yet."""
        return str(self.bag.custodian.name) if self.is_held else ""

    @property
    def place(self) -> str:
        """Where it is now: site and place in the store."""
        if not self.is_held:
            return ""
        site = self.bag.custodian_site.name if self.bag.custodian_site else ON_THE_WAY
        return " · ".join(part for part in (site, self.bag.storage_location) if part)


@dataclass(frozen=True)
class Page:
    """One page of units, and where the next one begins."""

    rows: list[Unit]
    after: tuple[dt.datetime, UUID] | None = None
    stock: list[Any] = field(default_factory=list)


def may_find(actor: Actor) -> bool:
    """Whether the actor may search at all; a courier carries boxes and knows no unit (T39)."""
    return actor.can(Capability.FIND_UNITS) and actor.organization_role != Role.COURIER


def require_finder(actor: Actor) -> None:
    """Raise NotFound for whoever may not search: the page does not exist for them."""
    if not may_find(actor):
        raise NotFound()


def find(actor: Actor, sought: Sought, after: tuple[dt.datetime, UUID] | None, most: int) -> Page:
    """Return one page of the units found, each followed by what was made of it; the statements do not grow with rows.

    Call inside ``reading(actor)``.
    """
    search = units.Search(actor, sought)
    found = units.page(search.stays(), after, most + 1)
    rows, more = found[:most], len(found) > most
    last = (rows[-1].since, rows[-1].pk) if more else None
    stock = [] if after else units.in_stock(actor, sought.lot, IN_STOCK)
    return Page(rows_of(actor, search, rows), last, stock)


def rows_of(actor: Actor, search: Search, stays: Sequence[Any]) -> list[Unit]:
    """Return the units of these stays, each followed by what was made of it and was not found itself."""
    roots = [stay.container_id for stay in stays]
    made = units.descendants(roots)
    further = {unit for found in made.values() for unit in found} - set(roots)
    further -= search.itself(further)  # those have a place of their own in the list
    bags = units.containers(actor, {*roots, *further})
    name_custodians(bags.values())
    name_stays(stays)
    orders = _orders(actor, {bag.stream_id for bag in bags.values()})
    lots: Mapping[UUID, list[Any]] = units.lots_of(actor, bags)
    shown: set[UUID] = set()
    rows: list[Unit] = []

    def show(key: UUID, made_of: str, stay: Any) -> None:
        bag = bags.get(key)
        order = orders.get(bag.stream_id) if bag else None
        if bag is None or order is None or key in shown:
            return
        shown.add(key)
        rows.append(Unit(bag, order, made_of, stay, tuple(dict.fromkeys(str(row) for row in lots.get(key, ())))))

    for stay in stays:
        show(stay.container_id, "", stay)
        for key in sorted(made.get(stay.container_id, ()), key=str):
            if key in further:
                show(key, bags[stay.container_id].code if stay.container_id in bags else "", None)
    return rows


def name_stays(stays: Sequence[Any]) -> None:
    """Fill in who had a unit, and where, during these stays."""
    firms = directory.rows(Organization, {stay.organization_id for stay in stays})
    sites = directory.rows(Site, {stay.site_id for stay in stays})
    for stay in stays:
        stay.holder = firms[stay.organization_id].name if stay.organization_id in firms else "Another organization"
        stay.place = sites[stay.site_id].name if stay.site_id in sites else ON_THE_WAY
        stay.zone = sites[stay.site_id].zone if stay.site_id in sites else "UTC"


def by_order(rows: Sequence[Unit]) -> dict[UUID, list[Unit]]:
    """Return units by the stream of their order."""
    found: dict[UUID, list[Unit]] = defaultdict(list)
    for row in rows:
        found[row.order.stream_id].append(row)
    return found


def _orders(actor: Actor, stream_ids: set[UUID]) -> dict[UUID, Order]:
    return {order.stream_id: order for order in placed(visible(Order, actor).filter(stream_id__in=stream_ids))}
