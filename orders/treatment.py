"""From issue to infusion, bag by bag: what is still to be thawed, checked or given has an open step (IN2, PH4).

A dose may be given in parts, on several days; a bag may come out of quarantine or back from the ward. Each time the
steps that it needs begin again as new attempts, alone; what was done before happened and stays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from custody import material
from custody.states import GONE, TERMINAL_STATES, ContainerState
from ledger.recording import open_event
from orders import attempts
from orders.bags import PRODUCT, stands_at
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, PASSED_STEP_STATES, OrderState, StepState

ISSUE, THAW, CHECK, INFUSE = "issue_product", "prepare_product", "check_bedside", "infuse"
ON_SHELF = (ContainerState.ACCEPTED, ContainerState.STORED)
ENDED = frozenset({*TERMINAL_STATES, *GONE})
OUT = (ContainerState.ISSUED, ContainerState.THAWED)  # out of the store for the patient


def product_of(order: Order) -> list[Any]:
    return [bag for bag in material.of_stream(order.stream_id) if bag.kind in PRODUCT]


def is_out(bag: Any) -> bool:
    """Whether a bag was issued or thawed and has not ended, in quarantine or not."""
    return bag.state not in ENDED and stands_at(bag) in OUT


def is_matched(bag: Any) -> bool:
    """Whether two people matched it to the patient at the bedside since it was thawed or put aside."""
    return bag.matched_at is not None


def dose_left(order: Order, found: Collection[Any]) -> bool:
    """Whether the dose needs more bags than are out or given already."""
    given = [bag for bag in found if bag.state == ContainerState.INFUSED or is_out(bag)]
    return len(given) < int(order.specification.limits.get("dose_bags", len(given)))


def settle(order: Order) -> None:
    """Open again what bags at hand still need, and end the steps that have none left to wait for.

    Inside the open event of whatever became of a bag.
    """
    if order.state != OrderState.OPEN:
        return
    found = product_of(order)
    again = _needed(order, found)
    if again:
        attempts.open_again(order, again, open_event().id)
    elif any(bag.state == ContainerState.INFUSED for bag in found) and all(bag.state in ENDED for bag in found):
        _end(order)


def _needed(order: Order, found: Collection[Any]) -> list[OrderStep]:
    """Return the steps that have passed and are needed once more, the last of each kind."""
    issues = bool(attempts.of_kind(order, ISSUE))
    issued = [bag for bag in found if bag.state == ContainerState.ISSUED]
    thawed = [bag for bag in found if bag.state == ContainerState.THAWED]
    stored = [bag for bag in found if bag.state in ON_SHELF and bag.custodian_id == order.center_id]
    more = bool(stored) and dose_left(order, found)
    wanted = {
        ISSUE: issues and more,
        THAW: bool(issued) or (not issues and more),
        CHECK: any(not is_matched(bag) for bag in thawed),
        INFUSE: bool(thawed),
    }
    last = [steps[-1] for kind, needed in wanted.items() if needed and (steps := attempts.of_kind(order, kind))]
    return [step for step in last if step.state in PASSED_STEP_STATES]


def _end(order: Order) -> None:
    """Every bag has ended, and not all of them by the infusion: nobody waits for them any more."""
    event = open_event()
    ended = [step for kind in (ISSUE, THAW, CHECK, INFUSE) for step in attempts.of_kind(order, kind)]
    ended = [step for step in ended if step.state in OPEN_STEP_STATES]
    for step in ended:
        begun = step.flow_step.kind == INFUSE and bool(step.summary)
        step.state = StepState.DONE if begun else StepState.SKIPPED
        if begun:
            step.done_at, step.done_by = event.occurred_at, event.actor.display_name
        step.version += 1
        step.save(update_fields=["state", "version", "done_at", "done_by"])
    if ended:
        attempts.advance(order, event.id)
