"""A box's way as planned and as it was: packed, picked up, delivered, opened (T37)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orders import way_points
from orders.models import OrderStep
from orders.states import OPEN_STEP_STATES
from orders.transit import expected_at
from orders.way_legs import Moment
from orders.way_points import ON_TIME

NAMES = (("packed_at", "Packed"), ("picked_up_at", "Picked up"), ("delivered_at", "Delivered"), ("opened_at", "Opened"))


@dataclass(frozen=True)
class Milestone:
    """One point of the way; ``planned`` is the order's plan, or what was last expected since a delay was reported."""

    label: str
    zone: str
    planned: dt.datetime | None
    actual: dt.datetime | None
    now: dt.datetime
    lead: int = 0  # minutes before it that whoever must act is told; 0: nobody is
    steps: frozenset[str] = frozenset()  # keys of the steps that reach it

    @property
    def told_before(self) -> str:
        """How long before it whoever must act is told, in words; empty where nobody is, or it is over."""
        if not self.lead or self.actual is not None or self.planned is None:
            return ""
        hours, minutes = divmod(self.lead, 60)
        return " ".join(filter(None, [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]))

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


def of_box(
    box: Any, steps: Iterable[OrderStep], now: dt.datetime, leads: Mapping[str, Mapping[str, int]]
) -> list[Milestone]:
    """Return a box's milestones in their order; times of the origin until it is picked up, then of the destination.

    ``steps``: the order's, in the flow's order, later attempts last. ``leads``: see ``way_points.leads``.
    """
    newest = list({step.key: step for step in steps}.values())
    expected = way_points.times(newest[0].order, newest) if newest else {}
    planned: dict[str, dt.datetime | None] = {}
    reached: dict[str, set[str]] = {}
    for step in newest:
        milestone = way_points.milestone_of(step)
        if milestone is not None and way_points.direction_of(step) == box.direction:
            planned[milestone] = _planned(step, expected.get(step.pk))
            reached.setdefault(milestone, set()).add(step.key)
    return [
        Milestone(
            label,
            (box.from_site if name in ("packed_at", "picked_up_at") else box.to_site).zone,
            planned.get(name.removesuffix("_at")),
            getattr(box, name),
            now,
            leads.get(box.direction, {}).get(name.removesuffix("_at"), 0),
            frozenset(reached.get(name.removesuffix("_at"), ())),
        )
        for name, label in NAMES
    ]


def of_legs(
    box: Any, moments: Iterable[Moment], now: dt.datetime, leads: Mapping[str, Mapping[str, int]]
) -> list[Milestone]:
    """Return the legs of a box's route as milestones, at the time of the destination."""
    return [
        Milestone(
            one.title,
            box.to_site.zone,
            one.expected if one.actual is None and box.delivered_at is None else one.planned,
            one.actual,
            now,
            0 if box.delivered_at else leads.get(box.direction, {}).get(one.kind, 0),
        )
        for one in moments
    ]


def _planned(step: OrderStep, now_expected: dt.datetime | None) -> dt.datetime | None:
    """Return what a milestone is held against: what is expected while it is open, else what was last expected."""
    if step.state in OPEN_STEP_STATES:
        return now_expected
    return expected_at(step.order, step.key) or step.planned_at or step.due_at
