"""A box's route in words: each leg planned and as it was, customs, what is left on arrival (F51, F60, F62)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from custody import way_reports
from network import lane_plans
from network import queries as network
from orders import arrivals
from orders.models import Order

DELIVERY = "delivered"


@dataclass(frozen=True)
class LegShown:
    """One leg: number from 1, words, planned and actual times; planned ones count from the (expected) pick-up."""

    number: int
    words: str
    departs: dt.datetime | None
    arrives: dt.datetime | None
    departed: dt.datetime | None
    arrived: dt.datetime | None


@dataclass(frozen=True)
class Way:
    """The way of a box; ``arrival``: what it has in reserve when it arrives, None once it has or no time is known."""

    route: str
    legs: list[LegShown]
    others: list[str]
    papers: list[str]
    reported: way_reports.Reported
    expected_at: dt.datetime | None = None
    arrival: arrivals.Arrival | None = None
    routes: list[lane_plans.Route] = field(default_factory=list)

    @property
    def left(self) -> float | None:
        """The hours that its load keeps on arrival: for those who may know what is inside."""
        return self.arrival.load if self.arrival else None


def of_box(order: Order, box: Any, starts_at: dt.datetime | None, expected_at: dt.datetime | None) -> Way:
    """Return the way of a box that is (to be) picked up at ``starts_at`` and expected at ``expected_at``."""
    lane = network.lane_between(order.manufacturer_id, box.from_site_id, box.to_site_id, courier_id=box.courier_id)
    routes = lane_plans.routes_of(lane) if lane else []
    found = way_reports.reported(box.pk)
    route = next((one for one in routes if one.name == found.route), None)
    return Way(
        route=found.route,
        legs=[_leg(number, leg, starts_at, found) for number, leg in enumerate(route.legs if route else (), 1)],
        others=[one.name for one in routes if one.name != found.route],
        papers=list(lane.papers) if lane else [],
        reported=found,
        expected_at=None if box.delivered_at else expected_at,
        arrival=arrivals.of(order, box.direction, box, expected_at) if expected_at and not box.delivered_at else None,
        routes=routes,
    )


def _leg(number: int, leg: lane_plans.Leg, starts_at: dt.datetime | None, found: way_reports.Reported) -> LegShown:
    def planned(hours: float) -> dt.datetime | None:
        return starts_at + dt.timedelta(hours=hours) if starts_at else None

    return LegShown(
        number,
        leg.words,
        planned(leg.starts_after),
        planned(leg.ends_after),
        found.departed.get(number),
        found.arrived.get(number),
    )
