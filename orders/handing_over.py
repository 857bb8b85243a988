"""A contract manufacturer's repair goes to its sponsors: each gets the part of its own orders, nothing else (ADR 21).

What the plan does to other sponsors' orders, and the sum of its harm over all, stays where it was worked out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import Conflict
from orders import sponsors
from orders.models import Order
from scheduling.repair.runs import RepairMove, RepairRun
from scheduling.states import MoveState, RunState


def hand_over(actor: Actor, run: RepairRun, moved: Sequence[tuple[Order, Mapping[str, Any]]]) -> list[RepairRun]:
    """Write down each sponsor's part of a plan, for its own planner to change and sign. Runs inside the signing action.

    Raises Conflict ``move_offered`` for an order of which a move waits for its center already.
    """
    parts: dict[UUID, list[tuple[Order, Mapping[str, Any]]]] = defaultdict(list)
    for order, row in moved:
        if RepairMove.unwalled.filter(stream_id=order.stream_id, state=MoveState.OFFERED).exists():
            raise Conflict(
                f"A move of {order.code} waits for its center already.",
                code="move_offered",
                remedy="Leave this order out of the plan, or wait for the center's answer.",
            )
        parts[order.manufacturer_id].append((order, row))
    return [_part(actor, run, part) for _, part in sorted(parts.items())]


def _part(actor: Actor, run: RepairRun, part: Sequence[tuple[Order, Mapping[str, Any]]]) -> RepairRun:
    now, order = timezone.now(), part[0][0]
    with sponsors.sight(actor, order):
        found: RepairRun = RepairRun.objects.create(
            organization_id=order.manufacturer_id,
            disruption_id=run.disruption_id,
            handed_over_by_id=actor.organization_id,
            resource_ids=run.resource_ids,
            starts_at=run.starts_at,
            ends_at=run.ends_at,
            horizon_days=run.horizon_days,
            seed=run.seed,
            state=RunState.PROPOSED,
            started_by_name=f"{actor.display_name}, {actor.organization_name}",
            started_at=now,
            ended_at=now,
            plan=[row for _, row in part],
        )
    return found
