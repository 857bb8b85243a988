"""How long fresh starting material can still wait, and what a delay on the way moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from custody import equipment, material, shipments
from custody.states import TERMINAL_STATES, ContainerKind, Direction
from ledger.states import Role
from network import queries as network
from orders import parties
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES

EXPECTED = "expected_"  # names in an order's plan: when a step is expected since somebody reported a delay
LEFT = "left_"  # and the hours that its box has in reserve on arrival then


@dataclass(frozen=True)
class Margin:
    """Hours of the age clock: the limit, how old the material is, how long the way takes, what is left to wait."""

    limit: float
    age: float
    transit: float

    @property
    def left(self) -> float:
        return self.limit - self.age - self.transit

    def __str__(self) -> str:
        if self.left < 0:
            return f"It can no longer arrive within {self.limit:g} h of the end of collection."
        clock = f"limit {self.limit:g} h, {self.age:.1f} h old, {self.transit:g} h on the way"
        return f"It can wait {self.left:.1f} h: {clock}."


def margin(order: Order, at: dt.datetime | None = None) -> Margin | None:
    """Return how long the order's starting material can still wait to be picked up; None when no clock runs.

    The clock runs from the end of the collection until the material is used up.
    """
    limit = order.specification.limits.get("max_age_hours")
    waiting = [
        bag.ended_at
        for bag in material.of_stream(order.stream_id)
        if bag.kind == ContainerKind.STARTING_MATERIAL and bag.ended_at and bag.state not in TERMINAL_STATES
    ]
    if limit is None or not waiting or order.plant_site_id is None:
        return None
    lane = _lane(order, order.plant_site_id, _carrier(order))
    age = ((at or timezone.now()) - min(waiting)).total_seconds() / 3600
    return Margin(float(limit), age, float(lane.transit_hours) if lane else 0.0)


def _carrier(order: Order) -> UUID | None:
    """Return the courier of the box that waits, else the one that takes part in the order; None without one."""
    box = shipments.current(order.stream_id, Direction.INBOUND)
    if box is not None and box.delivered_at is None:
        return box.courier_id
    party = parties.with_role(order, Role.COURIER)
    return party.organization_id if party else None


def _lane(order: Order, plant_site_id: UUID, courier_id: UUID | None) -> Any:
    """Return the courier's own lane to the plant; where it has none, or nobody carries yet, the fastest there is."""
    ends = (order.manufacturer_id, order.center_site_id, plant_site_id)
    own = network.lane_between(*ends, courier_id=courier_id)
    return own or (network.lane_between(*ends) if courier_id else None)


def left_on_arrival(order: Order, box: Any, arrival: dt.datetime) -> float | None:
    """Return the hours that what is in a box still keeps when it arrives; negative when it arrives too late.

    By the age limit where a clock runs, else by the expiry of its containers; None where neither is known.
    """
    return kept_until(order, shipments.containers_in(box), arrival)


def kept_until(order: Order, containers: Iterable[Any], arrival: dt.datetime) -> float | None:
    """Return the hours that containers still keep at a time, those that have ended left out; see above."""
    bags = [one for one in containers if one.state not in TERMINAL_STATES]
    limit = order.specification.limits.get("max_age_hours")
    ends = [bag.expires_at for bag in bags if bag.expires_at]
    if limit is not None:
        fresh = [bag.ended_at for bag in bags if bag.kind == ContainerKind.STARTING_MATERIAL and bag.ended_at]
        ends += [moment + dt.timedelta(hours=float(limit)) for moment in fresh]
    return round((min(ends) - arrival).total_seconds() / 3600, 1) if ends else None


def way(order: Order, origin: Any, destination: Any, courier_id: UUID | None = None) -> equipment.Way:
    """Return the planned way of a box between two sites, by the sponsor's lane, with the therapy's own reserve of hold.

    Without a lane nothing is planned: the reserve alone counts.
    """
    lane = network.lane_between(order.manufacturer_id, origin.pk, destination.pk, courier_id=courier_id)
    reserve = order.specification.limits.get("hold_buffer_hours")
    return equipment.Way(
        dt.timedelta(hours=float(lane.transit_hours)) if lane else dt.timedelta(),
        equipment.BUFFER if reserve is None else dt.timedelta(hours=float(reserve)),
        origin.zone,
        frozenset({order.manufacturer_id, origin.organization_id, destination.organization_id}),
    )


def expected_at(order: Order, key: str) -> dt.datetime | None:
    """Return when a step is expected since the last report of a delay; None without one."""
    text = order.plan.get(f"{EXPECTED}{key}")
    return dt.datetime.fromisoformat(text) if text else None


def expect(order: Order, key: str, at: dt.datetime) -> None:
    """Keep when a step is expected now, beside the plan that was agreed (T37). Runs inside an action."""
    order.plan = {**order.plan, f"{EXPECTED}{key}": at.astimezone(dt.UTC).isoformat()}
    order.plan.pop(f"{LEFT}{key}", None)
    order.version += 1
    order.save(update_fields=["plan", "version"])


def forget_expected(order: Order, keys: Iterable[str]) -> None:
    """Forget what was reported of steps that are begun again. Runs inside an action."""
    gone = {f"{word}{key}" for key in keys for word in (EXPECTED, LEFT)}
    order.plan = {name: value for name, value in order.plan.items() if name not in gone}
    order.save(update_fields=["plan"])


def left_when_expected(order: Order, key: str) -> float | None:
    """Return the hours in reserve on arrival, as reckoned when the last delay of a step was reported; None: unknown."""
    found = order.plan.get(f"{LEFT}{key}")
    return None if found is None else float(found)


def keep_left(order: Order, key: str, left: float | None) -> None:
    """Keep what a box has in reserve on arrival since a delay was reported. Runs inside an action."""
    if left is not None:
        order.plan = {**order.plan, f"{LEFT}{key}": left}
        order.save(update_fields=["plan"])


def moved(order: Order, steps: list[OrderStep]) -> list[dict[str, Any]]:
    """Return what a reported delay moves: the delayed step, and each planned step after it by as much."""
    found: list[dict[str, Any]] = []
    shift = dt.timedelta()
    for step in steps:
        if step.state not in OPEN_STEP_STATES or step.planned_at is None:
            continue
        expected = expected_at(order, step.key)
        reported = expected is not None
        if expected is not None:
            shift = max(dt.timedelta(), expected - step.planned_at)
        if shift:
            now = expected or step.planned_at + shift
            left = left_when_expected(order, step.key) if reported else None
            found.append(
                {"step": step, "planned": step.planned_at, "expected": now, "reported": reported, "left": left}
            )
    return found
