"""Who and where orders and steps are about: organizations, sites, therapies, flows, taken from the directory.

Joined into the orders' own query they would make it plan for longer than everything else takes: each joined table
brings its row policy along, and the planner weighs every sequence of joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from ledger import directory
from network.queries import Specification, Therapy
from orders.models import Flow, FlowStep, Order, OrderStep
from personas.queries import Organization, Site

M = TypeVar("M", Order, OrderStep)
OF_ORDER: Mapping[str, Any] = {
    "therapy": Therapy,
    "specification": Specification,
    "flow": Flow,
    "center": Organization,
    "manufacturer": Organization,
    "center_site": Site,
    "plant_site": Site,
}
OF_STEP: Mapping[str, Any] = {"flow_step": FlowStep, "responsible": Organization, "site": Site}


def fill(orders: Iterable[Order]) -> list[Order]:
    """Fill in what orders are about; leave out one whose therapy, center or manufacturer the reader does not know.

    A plant's site that the reader does not know is None, as with an outer join.
    """
    rows = list(orders)
    _fill(rows, OF_ORDER)
    return [row for row in rows if all(_known(row, name) for name in OF_ORDER if name != "plant_site")]


def fill_steps(steps: Iterable[OrderStep]) -> list[OrderStep]:
    """Fill in each step's definition, organization and site, and its order's places where the order came along."""
    rows = list(steps)
    _fill(rows, OF_STEP)
    _fill([row.order for row in rows if OrderStep.order.is_cached(row)], OF_ORDER)
    return [row for row in rows if _known(row, "flow_step")]


def define(steps: Iterable[OrderStep]) -> list[OrderStep]:
    """Fill in each step's definition only."""
    rows = list(steps)
    _fill(rows, {"flow_step": FlowStep})
    return [row for row in rows if _known(row, "flow_step")]


def _known(row: Any, name: str) -> bool:
    return row._state.fields_cache.get(name) is not None


def _fill(rows: list[Any], relations: Mapping[str, Any]) -> None:
    for model in dict.fromkeys(relations.values()):
        names = [name for name, target in relations.items() if target is model]
        known = directory.rows(model, {getattr(row, f"{name}_id") for row in rows for name in names})
        for name in names:
            attribute = f"{name}_id"
            for row in rows:  # as a relation's own descriptor keeps it
                row._state.fields_cache[name] = known.get(getattr(row, attribute))


def name_custodians(bags: Iterable[Any]) -> list[Any]:
    """Fill in the organization and site that hold each bag."""
    rows = list(bags)
    _fill(rows, {"custodian": Organization, "custodian_site": Site})
    return rows


def name_way(shipments: Iterable[Any]) -> list[Any]:
    """Fill in each shipment's courier and the sites at its ends."""
    rows = list(shipments)
    _fill(rows, {"courier": Organization, "from_site": Site, "to_site": Site})
    return rows


class Placed(QuerySet[M]):
    """Orders or steps that come with their places."""

    def _fetch_all(self) -> None:
        fresh = self._result_cache is None
        super()._fetch_all()
        rows: Any = self._result_cache
        if fresh and rows and isinstance(rows[0], Model):
            rows[:] = fill(rows) if self.model is Order else fill_steps(rows)


def placed(found: QuerySet[M]) -> Placed[M]:
    """Return the same rows, which will come with their places when they are read."""
    return Placed(found.model, found.query.chain())
