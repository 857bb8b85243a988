"""The feasibility rule for fresh material (DOMAIN 10.2), computed in UTC with the clock of each place.

chair free ∧ pickup ≤ the lane's cut-off (local) ∧ arrival within a receiving window ∧ age on arrival ≤ limit − buffer ∧
a manufacturing start with capacity before the material is too old. “No Friday” is nowhere: it follows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from scheduling.calendars import Calendar, Window
from scheduling.offers import ChainRequest
from scheduling.quota_rules import refusal_of
from scheduling.states import ResourceKind as Kind

STAGES = (Kind.APHERESIS_CHAIR, Kind.COURIER_LANE, Kind.RECEIVING, "age", Kind.MANUFACTURING_LINE, Kind.INFUSION_BED)


@dataclass(frozen=True)
class Fault:
    """Why one way to a chain ends: at which stage, by which constraint (stable code), in words."""

    stage: str
    code: str
    text: str


@dataclass(frozen=True)
class Pick:
    """A window taken into a chain, and the time in it that the chain uses."""

    window: Window
    starts_at: dt.datetime
    ends_at: dt.datetime


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

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        return tuple(pick.window.slot_id for pick in self.picks)

    def slack(self, request: ChainRequest) -> dt.timedelta | None:
        """What is left of the age limit on arrival, beyond the buffer."""
        limit = _age_limit(request)
        return None if limit is None else limit - (self.arrival_at - self.collection_end)


@dataclass(frozen=True)
class Trip:
    """From the chair to the plant's door."""

    pickup_at: dt.datetime
    arrival_at: dt.datetime
    transit: dt.timedelta
    plant_id: UUID | None
    pick: Pick | None


def plan_date(
    request: ChainRequest, calendar: Calendar, date: dt.date, now: dt.datetime
) -> tuple[list[Draft], Fault | None]:
    """Return every feasible chain of a collection on the center's local ``date``, or the fault of the way that came
    furthest. A date that has a chain has no fault."""
    planner = Planner(request, calendar, now)
    drafts = list(planner.drafts(date))
    return drafts, None if drafts else planner.fault


def _hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def _age_limit(request: ChainRequest) -> dt.timedelta | None:
    """The age that the material may have on arrival."""
    return None if request.max_age_hours is None else _hours(request.max_age_hours - request.age_buffer_hours)


def _spell(length: dt.timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


class Planner:
    """Walks chair, lane, receiving, age, line and bed in this order; each stage yields ways on, or notes its fault."""

    def __init__(self, request: ChainRequest, calendar: Calendar, now: dt.datetime) -> None:
        self.request, self.calendar, self.now = request, calendar, now
        self.center = calendar.places[request.center_site_id]
        self.fault: Fault | None = None

    def _fault(self, stage: str, code: str, text: str) -> None:
        """Keep the first fault of the stage that was reached furthest: it says what nearly worked."""
        if self.fault is None or STAGES.index(stage) > STAGES.index(self.fault.stage):
            self.fault = Fault(stage, code, text)

    def _needs(self, kind: str) -> bool:
        return str(kind) in self.request.needs

    def _has_quota(self, stage: str, instant: dt.datetime) -> bool:
        """Whether the quotas leave the center a start of the stage at this instant; notes the fault otherwise."""
        why = refusal_of(self.calendar.quotas, stage, instant) if self.calendar.quotas else None
        if why:
            self._fault(stage, "quota_used_up", why)
        return why is None

    def drafts(self, date: dt.date) -> Iterator[Draft]:
        for chair in self._collections(date):
            for trip in self._trips(chair.ends_at):
                for bay in self._receptions(trip):
                    if self._is_young_enough(chair.ends_at, trip):
                        yield from self._starts(chair, trip, bay)

    def _collections(self, date: dt.date) -> Iterator[Pick]:
        chairs = self.calendar.on(Kind.APHERESIS_CHAIR, self.center.id, date)
        if not chairs:
            self._fault(Kind.APHERESIS_CHAIR, "no_chair", f"{self.center.name} offers no apheresis chair on this day.")
        for window in chairs:
            start, end = window.starts_at, window.starts_at + _hours(self.request.collection_hours)
            if start <= self.now:
                self._fault(Kind.APHERESIS_CHAIR, "chair_past", f"{window.resource_name} has already begun.")
            elif end > window.ends_at:
                need = _spell(end - start)
                self._fault(
                    Kind.APHERESIS_CHAIR, "chair_too_short", f"{window.resource_name} is offered for less than {need}."
                )
            elif window.is_full:
                self._fault(Kind.APHERESIS_CHAIR, "chair_full", "Every apheresis chair of this day is taken.")
            elif self._has_quota(Kind.APHERESIS_CHAIR, start):
                yield Pick(window, start, end)

    def _trips(self, collected: dt.datetime) -> Iterator[Trip]:
        ready = collected + dt.timedelta(minutes=self.request.pack_minutes)
        if not self._needs(Kind.COURIER_LANE):
            yield from self._on_site(ready)
            return
        runs = [w for w in self.calendar.runs(self.center.id, ready) if self._serves(w)]
        if not runs:
            day = f"{self.center.local(ready):%a %d %b}"
            self._fault(Kind.COURIER_LANE, "no_lane", f"No courier offers a run to the plant on {day}.")
        for window in runs:
            trip = self._trip(window, ready)
            if trip:
                yield trip

    def _on_site(self, ready: dt.datetime) -> Iterator[Trip]:
        """Without a courier: the material is at the plant as soon as it is packed."""
        plants: list[UUID | None] = [
            plant_id for plant_id in self.request.plant_site_ids if plant_id in self.calendar.places
        ]
        if not plants and (self._needs(Kind.RECEIVING) or self._needs(Kind.MANUFACTURING_LINE)):
            self._fault(Kind.COURIER_LANE, "no_plant", "No plant of this therapy is known to your organization.")
            return
        for plant_id in plants or [None]:
            yield Trip(ready, ready, dt.timedelta(), plant_id, None)

    def _serves(self, window: Window) -> bool:
        wanted = self.request.courier_organization_ids
        lane = window.lane
        return (
            lane is not None
            and lane.destination_id in self.request.plant_site_ids
            and lane.destination_id in self.calendar.places
            and (wanted is None or window.organization_id in wanted)
        )

    def _trip(self, window: Window, ready: dt.datetime) -> Trip | None:
        lane = window.lane
        assert lane is not None  # noqa: S101  (only lanes come here)
        pickup, latest = max(ready, window.starts_at), self._latest_pickup(window)
        run_day = self.center.local(window.starts_at)
        if run_day.isoweekday() not in lane.weekdays:
            day = f"{run_day:%A}"
            self._fault(Kind.COURIER_LANE, "lane_closed", f"{window.resource_name} does not run on a {day}.")
        elif pickup > latest:
            self._fault(
                Kind.COURIER_LANE,
                "after_cutoff",
                f"Ready for pickup {self.center.words(ready)}, after the cut-off {self.center.local(latest):%H:%M} "
                f"of {window.resource_name}.",
            )
        elif window.is_full:
            self._fault(Kind.COURIER_LANE, "lane_full", f"Every place of {window.resource_name} is taken.")
        else:
            arrival = pickup + lane.transit
            return Trip(pickup, arrival, lane.transit, lane.destination_id, Pick(window, pickup, arrival))
        return None

    def _latest_pickup(self, window: Window) -> dt.datetime:
        """The earlier of the window's end and the lane's cut-off within the run (a night run's is after midnight).

        A cut-off that the clock strikes twice counts the first time: the courier may go by the earlier one.
        """
        if window.lane is None or window.lane.cutoff is None:
            return window.ends_at
        day = self.center.local(window.starts_at).date()
        today, tomorrow = (
            dt.datetime.combine(d, window.lane.cutoff, self.center.zone).astimezone(dt.UTC)
            for d in (day, day + dt.timedelta(days=1))
        )
        is_night_run = today < window.starts_at and tomorrow <= window.ends_at
        return min(tomorrow if is_night_run else today, window.ends_at)

    def _receptions(self, trip: Trip) -> Iterator[Pick | None]:
        if not self._needs(Kind.RECEIVING) or trip.plant_id is None:
            yield None
            return
        plant = self.calendar.places[trip.plant_id]
        bays = self.calendar.covering(Kind.RECEIVING, plant.id, trip.arrival_at)
        when = plant.words(trip.arrival_at)
        if not bays:
            self._fault(
                Kind.RECEIVING,
                "outside_receiving",
                f"Arrival {when} is outside the receiving hours of {plant.name}.",
            )
        for window in bays:
            if window.is_full:
                self._fault(Kind.RECEIVING, "receiving_full", f"{plant.name} can receive no more on arrival {when}.")
            elif self._has_quota(Kind.RECEIVING, window.starts_at):
                yield Pick(window, window.starts_at, window.ends_at)

    def _is_young_enough(self, collected: dt.datetime, trip: Trip) -> bool:
        limit, age = _age_limit(self.request), trip.arrival_at - collected
        if limit is None or age <= limit:
            return True
        self._fault(
            "age",
            "too_old",
            f"The material would be {_spell(age)} old on arrival; {_spell(_hours(self.request.max_age_hours or 0))} "
            f"less a buffer of {_spell(_hours(self.request.age_buffer_hours))} is the limit.",
        )
        return False

    def _starts(self, chair: Pick, trip: Trip, bay: Pick | None) -> Iterator[Draft]:
        line = self._line(chair.ends_at, trip) if self._needs(Kind.MANUFACTURING_LINE) else None
        if line is None and self._needs(Kind.MANUFACTURING_LINE):
            return
        start = line.starts_at if line else trip.arrival_at
        days = self.request.manufacture_days + self.request.release_days
        back = start + dt.timedelta(days=days) + trip.transit
        infusion = back + dt.timedelta(days=self.request.conditioning_days)
        bed = self._bed(infusion) if self._needs(Kind.INFUSION_BED) else None
        if bed is None and self._needs(Kind.INFUSION_BED):
            return
        picks = tuple(pick for pick in (chair, trip.pick, bay, line, bed) if pick)
        yield Draft(
            picks=picks,
            plant_id=trip.plant_id,
            collection_start=chair.starts_at,
            collection_end=chair.ends_at,
            pickup_at=trip.pickup_at,
            arrival_at=trip.arrival_at,
            manufacture_start=start,
            tentative_return=back,
            earliest_infusion=bed.starts_at if bed else infusion,
        )

    def _line(self, collected: dt.datetime, trip: Trip) -> Pick | None:
        """The first start with capacity at the plant after arrival, while the material is not too old."""
        if trip.plant_id is None:
            return None
        plant, full = self.calendar.places[trip.plant_id], False
        oldest = None if self.request.max_age_hours is None else collected + _hours(self.request.max_age_hours)
        for window in self.calendar.after(Kind.MANUFACTURING_LINE, plant.id, trip.arrival_at):
            start = max(trip.arrival_at, window.starts_at)
            if oldest is not None and start > oldest:
                break
            if window.is_full:
                full = True
            elif self._has_quota(Kind.MANUFACTURING_LINE, start):
                return Pick(window, start, start + dt.timedelta(days=self.request.manufacture_days))
        after = f"after arrival {plant.words(trip.arrival_at)} and before the material is too old"
        code, text = ("line_full", "is taken") if full else ("no_line", "is offered")
        quantity = "Every" if full else "No"
        self._fault(Kind.MANUFACTURING_LINE, code, f"{quantity} manufacturing start at {plant.name} {after} {text}.")
        return None

    def _bed(self, infusion: dt.datetime) -> Pick | None:
        full = False
        for window in self.calendar.after(Kind.INFUSION_BED, self.center.id, infusion):
            start = max(infusion, window.starts_at)
            if window.is_full:
                full = True
            elif self._has_quota(Kind.INFUSION_BED, start):
                return Pick(window, start, window.ends_at)
        code, text = ("bed_full", "is taken") if full else ("no_bed", "is offered")
        quantity = "Every" if full else "No"
        self._fault(Kind.INFUSION_BED, code, f"{quantity} infusion bed from {self.center.words(infusion)} on {text}.")
        return None
