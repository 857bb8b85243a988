"""What a repair is asked, as plain values: orders that are hit, what they may have instead, how many places there are.

Times are UTC; places are windows of a ``Calendar``; an order is a key that the caller understands, never a patient.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from uuid import UUID

from scheduling.calendars import Calendar, Window
from scheduling.drafts import Draft
from scheduling.offers import ChainRequest
from scheduling.quota_rules import QuotaLeft
from scheduling.repair.fees import FREE, Fees
from scheduling.repair.pools import Pools

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class Material(IntEnum):
    """How far the starting material is: what can still be chosen follows from it."""

    NOT_COLLECTED = 0  # every link may move
    AT_CENTER = 1  # collected: the collection stands, the way to the plant may change
    ON_THE_WAY = 2  # picked up: the delivery may be put off, and the start of manufacture with it
    AT_PLANT = 3  # received: only the start of manufacture may move
    IN_MANUFACTURE = 4  # begun: quality release, the way back and the bed may move
    RELEASED = 5  # made and released: the way back and the bed may move


BEGUN = ("apheresis_chair", "contingency_chair", "courier_lane", "receiving", "manufacturing_line", "critical_stock")
# The places that were used by then.
USED = {
    Material.NOT_COLLECTED: (),
    Material.AT_CENTER: ("apheresis_chair",),
    Material.ON_THE_WAY: ("apheresis_chair", "courier_lane"),
    Material.AT_PLANT: ("apheresis_chair", "courier_lane", "receiving"),
    Material.IN_MANUFACTURE: BEGUN,
    Material.RELEASED: (*BEGUN, "quality_release"),
}


@dataclass(frozen=True)
class Affected:
    """One order that a disruption hits.

    ``current`` is its chain as booked, closed windows included. ``expires_at``: when collected material is too old to
    start (None: no limit, or nothing is collected). ``urgency`` 1 (elective) to 3 (cannot wait). ``latest``: no
    collection may start later (None: any day of the horizon). ``promised``: the patient was told the dates, so that a
    new collection is a moved appointment. ``collected_at``: when the collection really ended (None: as booked).
    ``begun_at``: when manufacture really began (None: as booked, or not yet). ``may_recollect``: whether material may
    be given up for another collection. ``quota_ids``: rows of quotas of which the chain as booked has a place.
    ``fees``: what the price list charges for a move.
    """

    key: str
    request: ChainRequest
    current: Draft
    material: Material = Material.NOT_COLLECTED
    expires_at: dt.datetime | None = None
    urgency: int = 1
    latest: dt.datetime | None = None
    promised: bool = True
    collected_at: dt.datetime | None = None
    begun_at: dt.datetime | None = None
    may_recollect: bool = True
    quota_ids: frozenset[UUID] = frozenset()
    fees: Fees = FREE

    @property
    def is_begun(self) -> bool:
        """Whether manufacture has begun: only what comes after it can move."""
        return self.material >= Material.IN_MANUFACTURE


def rank(order: Affected) -> tuple[bool, dt.datetime, int, str]:
    """Whose turn it is first: whose material expires first, then who is more urgent."""
    return order.expires_at is None, order.expires_at or NEVER, -order.urgency, order.key


@dataclass(frozen=True, slots=True)
class Harm:
    """What one choice does to one order, in the order of weight (see ``objective``)."""

    unplaced: int = 0
    unplaced_urgency: int = 0
    expired: int = 0
    moved: int = 0
    days: int = 0
    fees: int = 0
    changes: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        found = (self.unplaced, self.unplaced_urgency, self.expired, self.moved, self.days, self.fees, self.changes)
        return found


@dataclass(frozen=True)
class Candidate:
    """A feasible chain that the order may have instead, and the harm that it does.

    ``needs``: what it takes of that which is short, windows and rows of quotas (None: each of its windows).
    """

    draft: Draft
    harm: Harm
    needs: frozenset[UUID] | None = None

    @property
    def takes(self) -> tuple[UUID, ...]:
        return self.slot_ids if self.needs is None else tuple(sorted(self.needs))

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        return self.draft.slot_ids


@dataclass(frozen=True)
class Offered:
    """What the orders of one therapy choose from: ``calendar``, and by the center's site what quotas leave to it.

    Closed windows are gone from both, what the orders themselves have is free again.
    """

    calendar: Calendar
    quotas: Mapping[UUID, Sequence[QuotaLeft]] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Orders, their candidates (best first), and how many places of short windows and quotas are there to be given.

    What is not in ``left`` has places for all. ``kept``: what each order has of it now, and keeps when it is left
    without a place: nobody takes it away. ``pools``: what the windows of the candidates stand for. ``alike``: of each
    order the best chains on other dates, for which a candidate with the same short places stands.
    """

    affected: tuple[Affected, ...]
    candidates: dict[str, tuple[Candidate, ...]]
    left: dict[UUID, int]
    pools: Pools | None = None
    kept: Mapping[str, frozenset[UUID]] = field(default_factory=dict)
    alike: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)

    def choices(self, key: str, most: int) -> tuple[Candidate, ...]:
        """Return what an order may have, the least harmful first: candidates, and chains for which they stand."""
        found = {one.slot_ids: one for one in (*self.candidates[key][:most], *self.alike.get(key, ()))}
        return tuple(sorted(found.values(), key=lambda one: one.harm.as_tuple())[:most])


def without(calendar: Calendar, closed: Collection[UUID], given_back: Iterable[Affected] = ()) -> Calendar:
    """Return the calendar without the closed windows, with the places that the affected orders hold counted as free."""
    back: dict[UUID, int] = {}
    for order in given_back:
        for slot_id in movable(order):
            back[slot_id] = back.get(slot_id, 0) + 1
    windows = [
        replace(window, left=window.left + back[window.slot_id]) if window.slot_id in back else window
        for window in calendar.windows
        if window.slot_id not in closed
    ]
    return Calendar(calendar.places.values(), windows, calendar.quotas)


def is_used(order: Affected, kind: str) -> bool:
    """Whether the order has used its place of this kind already."""
    return kind in USED[order.material]


def movable(order: Affected) -> tuple[UUID, ...]:
    """The places that the order may still give back: what has been used is used."""
    return tuple(pick.window.slot_id for pick in order.current.picks if not is_used(order, pick.kind))


def free_places(windows: Iterable[Window]) -> dict[UUID, int]:
    """Return the free places of each window."""
    return {window.slot_id: max(0, window.left) for window in windows}
