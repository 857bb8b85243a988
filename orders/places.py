"""Who and where an order is about: centers, manufacturers and sites of many orders, with one query per table.

Joined into the order's own query they would make it plan for longer than everything else takes: each joined table
brings its row policy along, and the planner weighs every sequence of joins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orders.models import Order
from personas.queries import Organization, Site

ORGANIZATIONS, SITES = ("center", "manufacturer"), ("center_site", "plant_site")


def fill(orders: Iterable[Order]) -> list[Order]:
    """Fill in organizations and sites; leave out an order with a center or manufacturer that the reader does not know.

    A plant's site that the reader does not know is None, as with an outer join.
    """
    rows = list(orders)
    known = {
        **Organization.unwalled.in_bulk({getattr(row, f"{name}_id") for row in rows for name in ORGANIZATIONS}),
        **Site.unwalled.in_bulk({getattr(row, f"{name}_id") for row in rows for name in SITES} - {None}),
    }
    for name in (*ORGANIZATIONS, *SITES):
        field: Any = Order._meta.get_field(name)
        for row in rows:
            field.set_cached_value(row, known.get(getattr(row, f"{name}_id")))
    return [row for row in rows if row.center and row.manufacturer and row.center_site]
