"""A box's route in words: each leg planned and as it was, customs, what is left on arrival (F51, F60, F62)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from custody import way_reports
from network import lane_plans
from network import queries as network
from orders import arrivals, way_legs
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
    expected_departure: dt.datetime | None = None  # now; None once it is known
    expected_arrival: dt.datetime | None = None


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
    moments: list[way_legs.Moment] = field(default_factory=list)

    @property
    def left(self) -> float | None:
        """The hours that its load keeps on arrival: for those who may know what is inside."""
        return self.arrival.load if self.arrival else None


def of_box(order: Order, box: Any, known: way_legs.Known, expected_at: dt.datetime | None) -> Way:
    """Return the way of a box of which this is ``known``, and that is expected at ``expected_at``.

    A box on its way comes no sooner than its route's last leg ends, unless its courier said when it comes.
    """
    lane = network.lane_between(order.manufacturer_id, box.from_site_id, box.to_site_id, courier_id=box.courier_id)
    routes = lane_plans.routes_of(lane) if lane else []
    found = way_reports.reported(box.pk)
    moments = way_legs.moments(routes, found, known)
    if expected_at and known.expected_end is None and known.picked_up and moments and moments[-1].expected:
        expected_at = max(expected_at, moments[-1].expected)
    return Way(
        route=found.route,
        moments=moments,
        legs=[_leg(*pair) for pair in zip(moments[::2], moments[1::2], strict=True)],
        others=[one.name for one in routes if one.name != found.route],
        papers=list(lane.papers) if lane else [],
        reported=found,
        expected_at=None if box.delivered_at else expected_at,
        arrival=arrivals.of(order, box.direction, box, expected_at) if expected_at and not box.delivered_at else None,
        routes=routes,
    )


def _leg(departure: way_legs.Moment, arrival: way_legs.Moment) -> LegShown:
    expected = (None if one.actual else one.expected for one in (departure, arrival))
    plans, actuals = (departure.planned, arrival.planned), (departure.actual, arrival.actual)
    return LegShown(departure.number, departure.words, *plans, *actuals, *expected)
