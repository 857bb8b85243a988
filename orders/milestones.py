"""A box's way as planned and as it was: packed, picked up, delivered, opened (T37)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orders.models import OrderStep
from orders.transit import expected_at

ON_TIME = dt.timedelta(minutes=15)
NAMES = (("packed_at", "Packed"), ("picked_up_at", "Picked up"), ("delivered_at", "Delivered"), ("opened_at", "Opened"))


@dataclass(frozen=True)
class Milestone:
    """One point of the way; ``planned`` is the order's plan, or what was last expected since a delay was reported."""

    label: str
    zone: str
    planned: dt.datetime | None
    actual: dt.datetime | None
    now: dt.datetime

    @property
    def state(self) -> str:
        """``done``, ``done_late``, ``overdue``, ``next`` (planned) or ``open`` (no time is planned)."""
        if self.actual is not None:
            return "done_late" if self.planned and self.actual > self.planned + ON_TIME else "done"
        if self.planned is None:
            return "open"
        return "overdue" if self.planned < self.now else "next"

    @property
    def difference(self) -> str:
        """How much later or earlier than planned; empty where one of the two is not known."""
        if self.actual is None or self.planned is None:
            return ""
        minutes = round((self.actual - self.planned).total_seconds() / 60)
        if abs(minutes) <= ON_TIME.total_seconds() / 60:
            return "on time"
        size = f"{abs(minutes) // 60} h {abs(minutes) % 60} min"
        return f"{size} {'later' if minutes > 0 else 'earlier'}"


def of_box(box: Any, steps: Iterable[OrderStep], now: dt.datetime) -> list[Milestone]:
    """Return a box's milestones in their order; times of the origin until it is picked up, then of the destination."""
    planned: dict[str, dt.datetime | None] = {}
    for step in steps:
        parameters = step.flow_step.parameters
        if parameters.get("direction") != box.direction:
            continue
        name = {"pack": "packed_at", "pickup": "picked_up_at", "delivery": "delivered_at"}.get(
            parameters.get("moment", "pack" if step.flow_step.kind == "pack" else "")
        )
        if name:
            planned[name] = expected_at(step.order, step.key) or step.planned_at or step.due_at
    return [
        Milestone(
            label,
            (box.from_site if name in ("packed_at", "picked_up_at") else box.to_site).zone,
            planned.get(name),
            getattr(box, name),
            now,
        )
        for name, label in NAMES
    ]
