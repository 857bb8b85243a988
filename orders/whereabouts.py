"""How far the starting material of orders is, and until when manufacture can begin from it: four queries at most.

What has happened says so (steps that are done, bags that were filled), never what was planned."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from custody import material
from custody.states import GONE, ContainerKind, ContainerState
from orders import places, reserve
from orders.models import FlowStep, Order, OrderStep
from orders.states import StepState
from quality import batches
from scheduling.repair.snapshot import Material
from scheduling.slot_chains import SlotChain

BOOKING = "hold_slot_chain"
INBOUND, OUTBOUND, PICKUP = "inbound", "outbound", "pickup"
MADE, RELEASE = "finish_manufacture", "release_batch"
BEGUN, COLLECTED = ("start_collection", "collect"), ("collect",)
KINDS = (
    *BEGUN,
    "pack",
    "hand_over",
    "receive_material",
    reserve.CONFIRM,
    reserve.START,
    MADE,
    RELEASE,
    "decide_readiness",
    "infuse",
)
UNUSABLE = (*GONE, ContainerState.RETURNED, ContainerState.IN_PROCESS, ContainerState.CONSUMED)


@dataclass(frozen=True)
class Whereabouts:
    """``expires_at``: until when manufacture can begin (None: nothing is collected, or no limit). ``is_packed``: the
    box is closed, and says to which plant and by whom it goes. ``is_lost``: collected, and nothing usable is left.
    ``collected_at``: when the collection ended. ``made_again``: a batch was lost before.
    ``begun_at``: when manufacture began. ``has_reserve``: material of it is kept. ``is_shipped``: the product has left.
    ``cannot_wait``: the patient had the go for lymphodepletion, and no infusion yet (see ``alarms``).
    """

    material: Material
    is_packed: bool = False
    has_started: bool = False
    is_lost: bool = False
    made_again: bool = False
    cannot_wait: bool = False
    collected_at: dt.datetime | None = None
    begun_at: dt.datetime | None = None
    has_reserve: bool = False
    is_shipped: bool = False
    expires_at: dt.datetime | None = None


def of_orders(orders: Iterable[Order], chains: Mapping[UUID, SlotChain]) -> dict[UUID, Whereabouts]:
    """Return where the material of each order is, by order; ``chains`` by stream, for what no bag tells yet."""
    rows = list(orders)
    steps, parameters = _steps(rows), booking_parameters({order.flow_id for order in rows})
    begun = [order.stream_id for order in rows if _has(steps[order.pk], BEGUN)]
    bags = material.of_streams(begun, ContainerKind.STARTING_MATERIAL) if begun else {}
    again = [order.stream_id for order in rows if _is_made_again(steps[order.pk])]
    began = batches.began(again) if again else {}
    return {
        order.pk: _of(
            order,
            steps[order.pk],
            bags.get(order.stream_id, []),
            chains[order.stream_id],
            parameters.get(order.flow_id, {}),
            began.get(order.stream_id),
        )
        for order in rows
    }


def booking_parameters(flow_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the parameters of each flow's booking step: one query."""
    found = FlowStep.unwalled.filter(flow_id__in=set(flow_ids), kind=BOOKING).values_list("flow_id", "parameters")
    return {flow_id: dict(parameters) for flow_id, parameters in found}


def _steps(orders: Sequence[Order]) -> dict[UUID, list[OrderStep]]:
    """The newest attempt of each step that says something of the material."""
    newest: dict[UUID, dict[str, OrderStep]] = defaultdict(dict)
    rows = OrderStep.unwalled.filter(order_id__in=[order.pk for order in orders], flow_step__kind__in=KINDS)
    for step in places.define(rows.order_by("attempt")):
        newest[step.order_id][step.key] = step
    return defaultdict(list, {pk: list(found.values()) for pk, found in newest.items()})


def _of(
    order: Order,
    steps: list[OrderStep],
    bags: list[Any],
    chain: SlotChain,
    parameters: dict[str, Any],
    began: dt.datetime | None,
) -> Whereabouts:
    depleted = _has(steps, ("decide_readiness",), needs_product=True) and not _has(steps, ("infuse",))
    if not _has(steps, BEGUN):
        return Whereabouts(Material.NOT_COLLECTED, cannot_wait=depleted)
    start = next((step for step in steps if step.flow_step.kind == reserve.START), None)
    packed, picked_up = (
        _has(steps, ("pack",), direction=INBOUND),
        _has(steps, ("hand_over",), direction=INBOUND, moment=PICKUP),
    )
    if start is not None and start.state == StepState.DONE:
        return _begun(steps, bags, start, cannot_wait=depleted)
    stage = Material.AT_CENTER
    if _has(steps, ("receive_material",)):
        stage = Material.AT_PLANT
    elif picked_up:
        stage = Material.ON_THE_WAY
    from_reserve = any(step.flow_step.kind == reserve.CONFIRM and step.state in reserve.CHOSEN for step in steps)
    usable = [bag for bag in bags if bag.state not in UNUSABLE and (from_reserve or not reserve.is_older(bag, began))]
    collected = min((bag.ended_at for bag in usable if bag.ended_at is not None), default=None)
    return Whereabouts(
        stage,
        packed,
        is_lost=_has(steps, COLLECTED) and bool(bags) and not usable,
        made_again=_is_made_again(steps),
        cannot_wait=depleted,
        collected_at=collected,
        expires_at=_expires(order, collected or chain.collection_ends_at, parameters, start if from_reserve else None),
    )


def _begun(steps: list[OrderStep], bags: list[Any], start: OrderStep, *, cannot_wait: bool) -> Whereabouts:
    """Where the product of a manufacture that has begun is; a batch that was terminated or rejected is lost."""
    failed = any(step.flow_step.kind in (MADE, RELEASE) and step.state == StepState.FAILED for step in steps)
    return Whereabouts(
        Material.RELEASED if _has(steps, (RELEASE,)) else Material.IN_MANUFACTURE,
        is_packed=True,
        has_started=True,
        is_lost=failed,
        made_again=_is_made_again(steps),
        cannot_wait=cannot_wait,
        begun_at=start.done_at,
        has_reserve=any(reserve.is_kept(bag) for bag in bags),
        is_shipped=_has(steps, ("hand_over",), direction=OUTBOUND, moment=PICKUP),
    )


def _is_made_again(steps: Iterable[OrderStep]) -> bool:
    return any(step.flow_step.kind == reserve.START and step.attempt > 1 for step in steps)


def _expires(
    order: Order, collected: dt.datetime, parameters: dict[str, Any], reserve_start: OrderStep | None
) -> dt.datetime | None:
    """Until when manufacture can begin: by the age limit; frozen material by its storage, a reserve by its own."""
    hours: Any = order.specification.limits.get("max_age_hours")
    if parameters.get("cryopreserved"):
        days = parameters.get("storage_days")
        hours = None if days is None else float(days) * 24
    if reserve_start is not None:
        hours = reserve_start.flow_step.parameters.get("reserve_age_hours") or hours
    return None if hours is None else collected + dt.timedelta(hours=float(hours))


def _has(steps: Iterable[OrderStep], kinds: Sequence[str], **parameters: object) -> bool:
    """Whether a step of these kinds, with these parameters, is done."""
    return any(
        step.flow_step.kind in kinds
        and step.state == StepState.DONE
        and all(step.flow_step.parameters.get(name) == value for name, value in parameters.items())
        for step in steps
    )
