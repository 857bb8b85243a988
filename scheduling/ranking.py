"""The order of those who wait, computed and explained. Plain values: the committee decides, this only proposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from scheduling.states import CriterionKind


@dataclass(frozen=True)
class Standing:
    """One entry as it is ranked: what it has by each criterion (weighted), in sum, and how long it waited."""

    entry_id: UUID
    order_code: str
    waited_days: int
    components: Mapping[str, float] = field(default_factory=dict)
    scored: bool = True

    @property
    def total(self) -> float:
        return round(sum(self.components.values()), 2)


def computed_order(standings: Sequence[Standing]) -> list[Standing]:
    """Return the entries by total, then by time waited, then by id (the earlier added); those without score last."""
    return sorted(standings, key=lambda one: (not one.scored, -one.total, -one.waited_days, one.entry_id))


def is_aged(standing: Standing, ageing_days: int) -> bool:
    return standing.waited_days >= ageing_days


def reasons_needed(order: Sequence[Standing], ageing_days: int) -> dict[UUID, str]:
    """Return why an entry may stand where it does only with a stated reason; empty where none is needed.

    Ageing guard: who waited as long as ``ageing_days`` is not passed over by one who did not, without a reason. And who
    stands elsewhere than computed does so for a reason.
    """
    computed = {one.entry_id: position for position, one in enumerate(computed_order(order))}
    found: dict[UUID, str] = {}
    for position, one in enumerate(order):
        ahead = [other for other in order[:position] if not is_aged(other, ageing_days)]
        if is_aged(one, ageing_days) and ahead:
            found[one.entry_id] = (
                f"{one.order_code} has waited {one.waited_days} days and is passed over by {ahead[0].order_code} "
                f"({ahead[0].waited_days} days). Say why."
            )
        elif computed[one.entry_id] != position:
            found[one.entry_id] = f"{one.order_code} would be number {computed[one.entry_id] + 1} by score. Say why."
    return found


def ahead_by(one: Standing, other: Standing, titles: Mapping[str, str]) -> str:
    """Return in words by which criterion ``other`` stands ahead of ``one``; by the committee where by none."""
    leads = {key: other.components.get(key, 0) - one.components.get(key, 0) for key in titles}
    key = max(leads, key=lambda name: leads[name], default=None)
    if key is not None and other.total > one.total and leads[key] > 0:
        return f"{titles[key]} (+{leads[key]:g})"
    if other.total == one.total and other.waited_days > one.waited_days:
        return f"Waited longer (+{other.waited_days - one.waited_days} days)"
    if other.total == one.total and leads.get(key or "", 0) <= 0:
        return "Added earlier"
    return "Decision of the committee"


def waiting_keys(criteria: Sequence[Mapping[str, str]]) -> set[str]:
    """Return the criteria that count by themselves."""
    return {one["key"] for one in criteria if one["kind"] == CriterionKind.WAITING_TIME}
