"""Legs of a box's route as milestones: planned from the pick-up, expected since what was reported, as they were (F51).

A leg that begins with the way departs with the pick-up; the one that ends it arrives with the delivery.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from custody import way_reports
from network import lane_plans
from network import queries as network
from network.states import Milestone
from orders.models import Order

ON_TIME = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class Moment:
    """Departure or arrival of a leg: what was planned, what is expected now, what was."""

    number: int  # of the leg, from 1
    kind: Milestone  # LEG_DEPARTED or LEG_ARRIVED
    words: str
    planned: dt.datetime | None
    expected: dt.datetime | None
    actual: dt.datetime | None

    @property
    def title(self) -> str:
        return f"Leg {self.number} {'begins' if self.kind == Milestone.LEG_DEPARTED else 'ends'}: {self.words}"


@dataclass(frozen=True)
class Known:
    """What is known of a way: when it began (or will), when it is planned to end and expected to, when it ended."""

    begins: dt.datetime | None
    picked_up: dt.datetime | None
    planned_end: dt.datetime | None
    expected_end: dt.datetime | None
    delivered: dt.datetime | None


def routes_between(order: Order, direction: str, box: Any = None) -> list[lane_plans.Route]:
    """Return the routes of a way; of the box's courier where there is a box, else of the fastest lane."""
    if box is not None:
        ends, courier = (box.from_site_id, box.to_site_id), box.courier_id
    else:
        sites = (order.center_site_id, order.plant_site_id)
        ends, courier = (sites if direction == "inbound" else sites[::-1]), None
    if None in ends:
        return []
    lane = network.lane_between(order.manufacturer_id, *ends, courier_id=courier)
    return lane_plans.routes_of(lane) if lane else []


def moments(routes: Sequence[lane_plans.Route], reported: way_reports.Reported, known: Known) -> list[Moment]:
    """Return departure and arrival of each leg of the route that the box goes, in their order.

    What is open is later by as much as the last moment was, or as the delivery is reported to be.
    """
    route = next((one for one in routes if one.name == reported.route), None)
    found: list[Moment] = []
    shift = _reported_shift(route, known)
    for number, leg in enumerate(route.legs if route else (), 1):
        for kind, hours in ((Milestone.LEG_DEPARTED, leg.starts_after), (Milestone.LEG_ARRIVED, leg.ends_after)):
            planned = known.begins + dt.timedelta(hours=hours) if known.begins else None
            actual = _actual(route, number, kind, reported, known)
            if actual is not None and planned is not None:
                late = actual - planned
                shift = max(late if late > ON_TIME else dt.timedelta(), _reported_shift(route, known))
            found.append(Moment(number, kind, leg.words, planned, planned + shift if planned else None, actual))
    return found


def _actual(
    route: lane_plans.Route | None, number: int, kind: Milestone, reported: way_reports.Reported, known: Known
) -> dt.datetime | None:
    departs = kind == Milestone.LEG_DEPARTED
    said = (reported.departed if departs else reported.arrived).get(number)
    if said is not None or route is None:
        return said
    if departs:
        return known.picked_up if number == 1 and not route.legs[0].starts_after else None
    return known.delivered if number == len(route.legs) else None


def _reported_shift(route: lane_plans.Route | None, known: Known) -> dt.timedelta:
    """Return by how much the delivery is expected later than the route and the plan say."""
    if route is None or known.expected_end is None or known.begins is None:
        return dt.timedelta()
    usual = max(filter(None, (known.begins + dt.timedelta(hours=route.hours), known.planned_end)))
    return max(known.expected_end - usual, dt.timedelta())
