"""Quotas over the small network of ``factories``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ledger.context import reading
from scheduling import quota_periods
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota
from scheduling.models import Allotment, Quota
from tests.network.factories import make_therapy
from tests.scheduling.factories import World, first_day, make_world


def quota_world(*, places: int = 5) -> World:
    """The small network, with a real therapy of its manufacturer."""
    world = make_world(places=places)
    world.therapy_id = make_therapy(world.maker).pk
    return world


def month_of(day: dt.date, months: int = 2) -> tuple[dt.date, dt.date]:
    """Return the first day of the day's month, and the last of the month so many later."""
    first = quota_periods.first_of("month", day)
    after = first
    for _ in range(months):
        after = quota_periods.next_first("month", after)
    return first, after - dt.timedelta(days=1)


def rules_for(world: World, **changes: Any) -> QuotaRules:
    """A monthly quota of manufacturing starts over the days on which the small network offers places."""
    from network import queries as network

    with reading(world.planner):
        code = network.therapy(world.planner, world.therapy_id).code
    starts_on, ends_on = month_of(first_day())
    given = {"therapy": code, "stage": "manufacturing_line", "period": "month", "starts_on": starts_on}
    return QuotaRules(**{**given, "ends_on": ends_on, **changes})


def share(world: World, places: int) -> ShareRow:
    return ShareRow(places, center=world.center.code)


def make_quota(world: World, *shares: ShareRow, **changes: Any) -> Quota:
    return add_quota(world.planner, rules_for(world, **changes), list(shares))


def rows(world: World, **narrowed: Any) -> list[Allotment]:
    """The allotments as the manufacturer sees them, in order of share and period."""
    with reading(world.planner):
        found = Allotment.unwalled.filter(organization_id=world.maker.pk, **narrowed)
        return list(found.order_by("share", "starts_at"))


def used(world: World) -> int:
    return sum(row.used + row.remade for row in rows(world))
