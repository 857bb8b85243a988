"""What the planner finds: a way through the calendar in ticks, the draft that it becomes, or what it missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from scheduling.calendars import Row, Window
from scheduling.clocks import DAY, HOUR, instant
from scheduling.states import LinkKind

if TYPE_CHECKING:
    from scheduling.offers import ChainRequest


class Stage(IntEnum):
    """How far a way came: the one that came furthest explains a date."""

    DATE = 0
    CHAIR = 1
    LANE = 2
    SHIPPER = 3
    RECEIVING = 4
    AGE = 5
    LINE = 6
    STOCK = 7
    RELEASE = 8
    RETURN = 9
    BED = 10
    SECOND_BED = 11
    CONTINGENCY = 12


@dataclass(frozen=True)
class Fault:
    """Why one way to a chain ends: at which stage, by which constraint (stable code), in words."""

    stage: Stage
    code: str
    text: str


class Miss(NamedTuple):
    """A fault whose words are found only if it is told: thousands are noted, one a date is told."""

    stage: Stage
    code: str
    text: Callable[[], str]

    @property
    def fault(self) -> Fault:
        return Fault(self.stage, self.code, self.text())


def no_chair() -> Miss:
    return Miss(Stage.CHAIR, "no_chair", lambda: "No apheresis chair is offered on this day.")


def further(one: Miss | None, other: Miss | None) -> Miss | None:
    """Return the miss that came further; of two that came as far the first."""
    if one is None or other is None:
        return one or other
    return other if other.stage > one.stage else one


class Taken(NamedTuple):
    """A window taken into a way: what for, which one, when (ticks), and until when it could begin at the latest."""

    kind: str
    row: Row
    nth: int
    start: int
    end: int
    latest: int


@dataclass(frozen=True)
class Pick:
    """A window taken into a chain: what for (``LinkKind``), the time in it that the chain uses, what it may slip."""

    window: Window
    starts_at: dt.datetime
    ends_at: dt.datetime
    kind: str
    slack: dt.timedelta


@dataclass(frozen=True)
class Draft:
    """A feasible chain: its places in the order of the journey, and its times."""

    picks: tuple[Pick, ...]
    plant_id: UUID | None
    collection_start: dt.datetime
    collection_end: dt.datetime
    pickup_at: dt.datetime
    arrival_at: dt.datetime
    manufacture_start: dt.datetime
    tentative_return: dt.datetime
    earliest_infusion: dt.datetime
    tentative_return_p90: dt.datetime | None = None
    second_dose: dt.datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        return tuple(pick.window.slot_id for pick in self.picks)

    @property
    def vein_to_vein(self) -> dt.timedelta:
        return self.earliest_infusion - self.collection_start

    def slack(self, request: ChainRequest) -> dt.timedelta | None:
        """What is left of the age limit on arrival, beyond the buffer."""
        limit = age_limit(request)
        return None if limit is None else dt.timedelta(microseconds=limit) - (self.arrival_at - self.collection_end)


def age_limit(request: ChainRequest) -> int | None:
    """Return the age in ticks that the material may have on arrival; None for material that does not age."""
    if request.cryopreserved or request.max_age_hours is None:
        return None
    return round((request.max_age_hours - request.age_buffer_hours) * HOUR)


class Tail(NamedTuple):
    """From quality release to the infusion, in ticks."""

    taken: tuple[Taken, ...]
    back: int
    back_p90: int | None
    infusion: int
    second: int | None


class Way(NamedTuple):
    """A way from the first chair to the infusion, in ticks: what a draft is made of once somebody looks."""

    plant_id: UUID | None
    taken: tuple[Taken, ...]  # up to the start of manufacture
    collection_start: int
    collection_end: int
    pickup: int
    arrival: int
    start: int
    tail: Tail
    slack: int  # of the age limit on arrival; 0 without a limit
    notes: tuple[str, ...]

    @property
    def links(self) -> tuple[Taken, ...]:
        return self.taken + self.tail.taken

    @property
    def courier_id(self) -> UUID | None:
        lanes = (one for one in self.taken if one.kind == LinkKind.COURIER_LANE)
        return next((lane.row.source(lane.nth).organization_id for lane in lanes), None)

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        return tuple(taken.row.slot_id(taken.nth) for taken in self.links)

    @property
    def ids(self) -> tuple[str, ...]:
        """The slots as the calendar names them: enough to compare ways of one calendar."""
        return tuple([row.ids[nth] for _, row, nth, _, _, _ in self.taken + self.tail.taken])

    @property
    def days(self) -> float:
        """Days from vein to vein."""
        return (self.tail.infusion - self.collection_start) / DAY

    def draft(self) -> Draft:
        """Return the way as a value with moments in UTC."""
        tail = self.tail
        return Draft(
            picks=tuple(_pick(taken) for taken in self.links),
            plant_id=self.plant_id,
            collection_start=instant(self.collection_start),
            collection_end=instant(self.collection_end),
            pickup_at=instant(self.pickup),
            arrival_at=instant(self.arrival),
            manufacture_start=instant(self.start),
            tentative_return=instant(tail.back),
            earliest_infusion=instant(tail.infusion),
            tentative_return_p90=None if tail.back_p90 is None else instant(tail.back_p90),
            second_dose=None if tail.second is None else instant(tail.second),
            notes=self.notes,
        )


def earliest(way: Way) -> tuple[object, ...]:
    """The rank of a way: earliest infusion, most slack, fewest days; then its slots, so that nobody's luck decides."""
    return way.tail.infusion, -way.slack, way.days, way.ids


def fewest_days(way: Way) -> tuple[object, ...]:
    return way.days, way.tail.infusion, -way.slack, way.ids


def most_slack(way: Way) -> tuple[object, ...]:
    return -way.slack, way.tail.infusion, way.days, way.ids


def _pick(taken: Taken) -> Pick:
    return Pick(
        window=taken.row.window(taken.nth),
        starts_at=instant(taken.start),
        ends_at=instant(taken.end),
        kind=taken.kind,
        slack=dt.timedelta(microseconds=max(0, taken.latest - taken.start)),
    )


def spell(length: int) -> str:
    """Return a length of time in words: ``47 h``, ``24 h 30 min``."""
    minutes = round(length / HOUR * 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
