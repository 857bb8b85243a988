"""What a simulation counts, and the figures that it tells."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scheduling.clocks import DAY
from scheduling.simulation.journey import HIGH, Final

if TYPE_CHECKING:
    from scheduling.simulation.journey import Order


@dataclass
class Figures:
    """Counts of the orders asked within the measured days; lines are counted on every measured day."""

    lines: dict[str, int]
    first_day: int
    last_day: int
    asked: int = 0
    ends: Counter[Final] = field(default_factory=Counter)
    vein_to_vein: array[float] = field(default_factory=lambda: array("d"))
    slots: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    urgent: array[float] = field(default_factory=lambda: array("d"))  # slots of orders of high urgency
    remakes: array[float] = field(default_factory=lambda: array("d"))  # from asking anew to the next collection
    busy: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    busy_days: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    busiest: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)  # slips, restarts and other moves
    unplaced: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # whose, and why
    shares_used: dict[str, dict[str, float]] = field(default_factory=dict)  # of chairs, beds, lanes, by place
    quotas: dict[str, Any] = field(default_factory=dict)  # by stage and share

    def infused(self, order: Order, length: int) -> None:
        if order.counts:
            self.vein_to_vein.append(length / DAY)

    def ended(self, order: Order) -> None:
        if order.final is None or not order.counts:
            return
        self.ends[order.final] += 1
        if order.slot_after is not None:
            self.slots[order.center].append(order.slot_after / DAY)
            if order.urgency == HIGH:
                self.urgent.append(order.slot_after / DAY)

    def collected_again(self, order: Order, length: int) -> None:
        if order.counts:
            self.remakes.append(length / DAY)

    def begun(self, plant: str, day: int, length: int) -> None:
        """A batch is in manufacture for so many local days."""
        self.batches[plant] += 1
        busy = self.busy[plant]
        for used in range(day, day + length):
            busy[used] += 1
            if busy[used] > self.busiest[plant]:
                self.busiest[plant] = busy[used]
            if self.first_day <= used < self.last_day:
                self.busy_days[plant] += 1

    def forget(self, before: int) -> None:
        """Drop days that nothing can begin on any more, so that memory stays flat."""
        for plant, busy in self.busy.items():
            self.busy[plant] = Counter({day: n for day, n in busy.items() if day >= before})

    def summary(self) -> dict[str, Any]:
        """Return the figures in JSON types; days as numbers with one decimal."""
        days = self.last_day - self.first_day
        every = sorted(value for values in self.slots.values() for value in values)
        infused = self.ends[Final.INFUSED] + self.ends[Final.INFUSED_OOS]
        return {
            "orders": self.asked,
            "ends": {final.value: self.ends[final] for final in Final},
            "infused_share": _share(infused, self.asked),
            "unplaced_share": _share(self.ends[Final.UNPLACED], self.asked),
            "vein_to_vein_days": _quantiles(sorted(self.vein_to_vein)),
            "time_to_slot_days": _quantiles(every),
            "urgent_slot_days": _quantiles(sorted(self.urgent)),
            "remake_slot_days": _quantiles(sorted(self.remakes)),
            "unplaced_by_reason": dict(sorted(self.unplaced["first"].items())),
            "remakes_unplaced_by_reason": dict(sorted(self.unplaced["made again"].items())),
            "used": {kind: dict(used) for kind, used in self.shares_used.items()},
            "quotas": self.quotas,
            "utilization": {plant: _share(self.busy_days[plant], lines * days) for plant, lines in self.lines.items()},
            "busiest_day": {plant: self.busiest[plant] for plant in self.lines},
            "fairness": self._fairness(),
            "moves": dict(sorted(self.told.items())),
        }

    def _fairness(self) -> dict[str, Any]:
        """How unevenly centers wait for a slot: Gini of their means (0: all alike), slowest P90 by the middle one."""
        means = sorted(sum(values) / len(values) for values in self.slots.values() if values)
        worst = sorted(quantile(sorted(values), 0.9) for values in self.slots.values() if values)
        if not means or not sum(means):
            return {"centers": len(means), "gini": 0.0, "p90_ratio": 1.0}
        weighted = sum((2 * rank - len(means) - 1) * mean for rank, mean in enumerate(means, start=1))
        middle = quantile(worst, 0.5)
        return {
            "centers": len(means),
            "gini": round(weighted / (len(means) * sum(means)), 4),
            "p90_ratio": round(worst[-1] / middle, 2) if middle else 1.0,
        }


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the value below which a part of the ordered values lies (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _quantiles(ordered: Sequence[float]) -> dict[str, float]:
    return {f"p{part}": round(quantile(ordered, part / 100), 1) for part in (50, 90)}


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0
