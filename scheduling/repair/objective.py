"""What a repair weighs, and how much: each component outweighs all that follow it together.

unplaced patients ≫ their urgency ≫ expired material ≫ moved appointments ≫ days from vein to vein ≫ cost

Days count from the collection *as first planned* to the infusion: a collection that is put off is waiting too, and
would cost nothing if the count began anew. Cost is in points: one for each booking that changes,
more for another plant or a second collection.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
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


def harm_of(order: Affected, draft: Draft, places: Collection[UUID], held: Collection[UUID]) -> Harm:
    """Return what moving the order from the places that it holds to ``draft``, on ``places``, does."""
    was, again = order.current, is_collected_again(order, draft)
    moves = order.promised and draft.collection_start != was.collection_start
    return Harm(
        expired=int(again),
        moved=int(moves) + (_bed_moves(was, draft) if order.promised else 0),
        days=max(0, math.ceil((draft.earliest_infusion - was.collection_start) / DAY)),
        cost=_cost(was, draft, places, held) + (NEW_COLLECTION if again else 0),
    )


def harm_of_none(order: Affected) -> Harm:
    """Return what leaving the order without a place does."""
    return Harm(unplaced=1, unplaced_urgency=order.urgency, expired=int(order.material is not Material.NOT_COLLECTED))


def is_collected_again(order: Affected, draft: Draft) -> bool:
    """Whether the chain gives collected material up and begins with another collection."""
    return order.material is not Material.NOT_COLLECTED and draft.collection_start != order.current.collection_start


def _bed_moves(was: Draft, draft: Draft) -> int:
    old = [pick.starts_at for pick in was.picks if pick.kind == BED]
    return int(bool(old) and old != [pick.starts_at for pick in draft.picks if pick.kind == BED])


def _cost(was: Draft, draft: Draft, places: Collection[UUID], held: Collection[UUID]) -> int:
    changed = sum(OTHER_BOOKING for slot_id in places if slot_id not in held)
    return changed + (OTHER_PLANT if draft.plant_id != was.plant_id else 0)


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
        return sum(weight * harm[index] for index, weight in zip(self.components, self.weights, strict=True))

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
