"""What a repair weighs, and how much: each component outweighs all that follow it together.

unplaced patients ≫ their urgency ≫ expired material ≫ moved appointments ≫ days from vein to vein ≫ cost

Days count from the collection *as first planned* to the infusion: a collection that is put off is waiting too, and
would cost nothing if the count began anew. Cost is in points: one for each booking that changes,
more for another plant or a second collection.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence, Set
from dataclasses import dataclass
from operator import itemgetter, mul
from uuid import UUID

from scheduling.drafts import Draft
from scheduling.repair.snapshot import Affected, Harm, Material
from scheduling.states import LinkKind

COMPONENTS = ("unplaced", "unplaced_urgency", "expired", "moved", "days", "cost")
LABELS = {
    "unplaced": "patients without a place",
    "unplaced_urgency": "urgency of the patients without a place",
    "expired": "material that expires",
    "moved": "moved appointments",
    "days": "days from vein to vein",
    "cost": "points of cost",
}
OTHER_BOOKING, OTHER_PLANT, NEW_COLLECTION = 1, 5, 10
DAY = dt.timedelta(days=1)
BED = LinkKind.INFUSION_BED


class Scale:
    """Weighs what one order's chains do to it; ``held``: the places that it has now."""

    def __init__(self, order: Affected, held: Set[UUID]) -> None:
        self.order, self.was, self.held = order, order.current, held
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
        cost = OTHER_BOOKING * len(places - self.held)
        cost += OTHER_PLANT if draft.plant_id != self.was.plant_id else 0
        return 0, 0, int(again), moved, max(0, days), cost + (NEW_COLLECTION if again else 0)


def harm_of_none(order: Affected) -> Harm:
    """Return what leaving the order without a place does."""
    expires = order.material is not Material.NOT_COLLECTED and not order.is_begun
    return Harm(unplaced=1, unplaced_urgency=order.urgency, expired=int(expires))


def is_collected_again(order: Affected, draft: Draft) -> bool:
    """Whether the chain gives collected material up and begins with another collection."""
    return order.material is not Material.NOT_COLLECTED and draft.collection_start != order.current.collection_start


# What must not happen is settled first, then what is a pity: two sums whose numbers stay exact.
GROUPS = ((0, 1, 2), (3, 4, 5))


@dataclass(frozen=True)
class Group:
    """Components that are weighed in one sum: ``weights`` make each outweigh all that follow within the group."""

    components: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def words(self) -> str:
        return ", ".join(LABELS[COMPONENTS[index]] for index in self.components)

    def weigh(self, harm: Sequence[int]) -> int:
        return sum(map(mul, self.weights, itemgetter(*self.components)(harm)))

    def unweigh(self, weight: int) -> dict[int, int]:
        """Return the components that a sum of exactly this weight has."""
        found = {}
        for index, one in zip(self.components, self.weights, strict=True):
            found[index], weight = divmod(weight, one)
        return found


def grouped(most: Sequence[int], together: bool = False) -> list[Group]:
    """Return the groups with their weights, or one of all; ``most`` is the largest sum of each component."""
    found = []
    for components in ((*GROUPS[0], *GROUPS[1]),) if together else GROUPS:
        weights, weight = [], 1
        for index in reversed(components):
            weights.append(weight)
            weight *= most[index] + 1
        found.append(Group(components, tuple(reversed(weights))))
    return found
