"""A contract manufacturer's repair goes to its sponsors: each gets the part of its own orders, nothing else (ADR 21).

What the plan does to other sponsors' orders, and the sum of its harm over all, stays where it was worked out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from orders import signing_moves, sponsors
from orders.models import Order
from scheduling.repair.runs import RepairRun
from scheduling.states import RunState


def hand_over(
    actor: Actor, run: RepairRun, moved: Sequence[tuple[Order, Mapping[str, Any]]], given: Mapping[str, Counter[UUID]]
) -> list[RepairRun]:
    """Write down each sponsor's part of a plan, for its own planner to change and sign. Runs inside the signing action.

    ``given``: by order code the places that its move gives up; a part is told of those that its own choices may take.
    """
    parts: dict[UUID, list[tuple[Order, Mapping[str, Any]]]] = defaultdict(list)
    for order, row in moved:
        parts[order.manufacturer_id].append((order, row))
    everything = sum(given.values(), Counter[UUID]())
    own = {maker: sum((given[order.code] for order, _ in part), Counter[UUID]()) for maker, part in parts.items()}
    return [_part(actor, run, part, everything - own[maker]) for maker, part in sorted(parts.items())]


def _part(
    actor: Actor, run: RepairRun, part: Sequence[tuple[Order, Mapping[str, Any]]], elsewhere: Counter[UUID]
) -> RepairRun:
    now, order = timezone.now(), part[0][0]
    wanted = {slot_id for _, row in part for choice in row["choices"] for slot_id in choice["slot_ids"]}
    given = {str(slot_id): places for slot_id, places in elsewhere.items() if str(slot_id) in wanted}
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
            result={signing_moves.GIVEN: given} if given else {},
        )
    return found
