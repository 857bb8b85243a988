"""Bags that stayed at the center as reserve when the others were packed, and their own way to the plant later (CL1)."""

from __future__ import annotations

from typing import Any

from custody import material
from custody.states import ContainerKind, ContainerState
from orders import attempts, transit, way_points
from orders.models import Order, OrderStep
from orders.states import StepState

PACK, INBOUND = "pack", "inbound"
WAITING = (ContainerState.COLLECTED, ContainerState.STORED)


def bags_of(order: Order) -> list[Any]:
    """Return the bags of starting material that the center has, once others of the order were packed."""
    if not any(_is_first(step) and step.state == StepState.DONE for step in attempts.of_kind(order, PACK)):
        return []
    found = material.of_stream(order.stream_id, ContainerKind.STARTING_MATERIAL)
    return [bag for bag in found if bag.custodian_id == order.center_id and bag.state in WAITING]


def way_again(order: Order, step: OrderStep) -> list[str]:
    """Return the keys of the steps by which what stayed behind is shipped after ``step``, the packing that was done.

    Empty for any other step, where nothing stayed behind, and while the box before is still on its way.
    """
    if not _is_first(step) or not bags_of(order):
        return []
    way = [one for one in attempts.latest_attempts(order).values() if way_points.milestone_of(one) is not None]
    way = [one for one in way if way_points.direction_of(one) == INBOUND]
    return [one.key for one in way] if all(one.state == StepState.DONE for one in way) else []


def begin(order: Order, keys: list[str], event_id: Any) -> None:
    """Open the way again: new attempts of these steps alone; what was made of the other bags meanwhile stays."""
    transit.forget_expected(order, keys)
    attempts.begin_again_at(order, keys, event_id)


def _is_first(step: OrderStep) -> bool:
    given = step.flow_step.parameters
    return step.flow_step.kind == PACK and given.get("direction") == INBOUND and bool(given.get("stay_at_center"))
