"""What a repair weighs, and how much: each component outweighs all that follow it together.

unplaced patients ≫ their urgency ≫ expired material ≫ moved appointments ≫ days from vein to vein ≫ cost ≫ changes

Days count from the collection *as first planned* to the infusion: a collection that is put off is waiting too, and
would cost nothing if the count began anew. Cost is what the price list charges, whoever pays (``fees``). Changes are
points, where prices decide nothing: one for each booking that changes, more for another plant or a second collection.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from scheduling.drafts import Draft
from scheduling.repair.fees import FREE, places_of
from scheduling.repair.snapshot import Affected, Harm, Material
from scheduling.states import LinkKind

COMPONENTS = ("unplaced", "unplaced_urgency", "expired", "moved", "days", "fees", "changes")
LABELS = {
    "unplaced": "patients without a place",
    "unplaced_urgency": "urgency of the patients without a place",
    "expired": "material that expires",
    "moved": "appointments of patients that move (collection, bed)",
    "days": "days from vein to vein",
    "fees": "cost by the price list",
    "changes": "points of changes",
}
OTHER_BOOKING, OTHER_PLANT, NEW_COLLECTION = 1, 5, 10
DAY = dt.timedelta(days=1)
BED = LinkKind.INFUSION_BED


class Scale:
    """Weighs what one order's chains do to it; ``held``: the places that it has now, named by ``pool_of``."""

    def __init__(self, order: Affected, held: Set[UUID], pool_of: Mapping[UUID, UUID] | None = None) -> None:
        self.order, self.was, self.held = order, order.current, held
        self.places = places_of(order.current, pool_of)
        self.is_collected = order.material is not Material.NOT_COLLECTED
        self.beds = [pick.starts_at for pick in self.was.picks if pick.kind == BED]

    def harm(self, draft: Draft, places: Set[UUID]) -> tuple[int, ...]:
        """Return what moving to ``draft``, on ``places``, does: the columns of ``Harm``."""
        moves = draft.collection_start != self.was.collection_start
        again = self.is_collected and moves
        moved = 0
        if self.order.promised:
            beds_move = self.beds and self.beds != [pick.starts_at for pick in draft.picks if pick.kind == BED]
            moved = int(moves) + int(bool(beds_move))
        days = -((self.was.collection_start - draft.earliest_infusion) // DAY)  # begun days count
        changes = OTHER_BOOKING * len(places - self.held)
        changes += OTHER_PLANT if draft.plant_id != self.was.plant_id else 0
        changes += NEW_COLLECTION if again else 0
        fees = 0
        if self.order.fees is not FREE:
            fees = self.order.fees.of(self.places, places_of(draft), again=bool(again))
        return 0, 0, int(again), moved, max(0, days), fees, changes


def harm_of_none(order: Affected) -> Harm:
    """Return what leaving the order without a place does."""
    expires = order.material is not Material.NOT_COLLECTED and not order.is_begun
    fees = order.fees.recollection if expires else 0
    return Harm(unplaced=1, unplaced_urgency=order.urgency, expired=int(expires), fees=fees)


def is_collected_again(order: Affected, draft: Draft) -> bool:
    """Whether the chain gives collected material up and begins with another collection."""
    return order.material is not Material.NOT_COLLECTED and draft.collection_start != order.current.collection_start


# What must not happen is settled first, then what is a pity; in finer sums where one would not stay exact.
GROUPS = (((0, 1, 2),), ((3, 4, 5, 6), (3, 4), (5, 6)))
EXACT = 2**55  # the largest sum: 64 times as much is still a whole number of 64 bits


@dataclass(frozen=True)
class Group:
    """Components that are weighed in one sum: ``weights`` make each outweigh all that follow within the group.

    ``units``: every value of a component is a multiple of its unit, and counted in it.
    """

    components: tuple[int, ...]
    weights: tuple[int, ...]
    units: tuple[int, ...]
    largest: int

    @property
    def words(self) -> str:
        return ", ".join(LABELS[COMPONENTS[index]] for index in self.components)

    @property
    def is_exact(self) -> bool:
        return self.largest <= EXACT

    def weigh(self, harm: Sequence[int]) -> int:
        return sum(
            weight * (harm[index] // unit)
            for index, weight, unit in zip(self.components, self.weights, self.units, strict=True)
        )

    def unweigh(self, weight: int) -> dict[int, int]:
        """Return the components that a sum of exactly this weight has."""
        found = {}
        for index, one, unit in zip(self.components, self.weights, self.units, strict=True):
            found[index], weight = divmod(weight, one)
            found[index] *= unit
        return found


def group_of(components: Sequence[int], most: Sequence[int], units: Sequence[int]) -> Group:
    """Return these components in one sum; ``most`` is the largest sum of each, ``units`` as in ``Group``."""
    weights, weight = [], 1
    for index in reversed(components):
        weights.append(weight)
        weight *= most[index] // units[index] + 1
    own = tuple(units[index] for index in components)
    return Group(tuple(components), tuple(reversed(weights)), own, weight)


def grouped(most: Sequence[int], units: Sequence[int]) -> list[Group]:
    """Return the groups in which the components are settled, one after the other."""
    found = []
    for whole, *parts in GROUPS:
        one = group_of(whole, most, units)
        found += [one] if one.is_exact or not parts else [group_of(part, most, units) for part in parts]
    return found
