"""From the chair to the start of manufacture: collection days, courier, receiving, age, line, stock (DOMAIN 10.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, HOUR, instant
from scheduling.drafts import Miss, Stage, Taken, age_limit, further, spell
from scheduling.lead_times import Terms
from scheduling.offers import ChainRequest
from scheduling.quota_rules import QuotaLeft, refusal_of
from scheduling.runs import Runs
from scheduling.states import LinkKind, ResourceKind

FAR = 1 << 62


class Trip(NamedTuple):
    """From the packed material to the plant's door, in ticks. ``earliest``: no later trip arrives before."""

    pickup: int
    arrival: int
    transit: int
    taken: Taken | None
    earliest: int

    @property
    def courier_id(self) -> UUID | None:
        return self.taken.row.sources[self.taken.nth].organization_id if self.taken else None


@dataclass
class Chairs:
    """The chairs of one local date that a collection may take, or why there is none."""

    options: list[Taken]
    miss: Miss | None


class Quotas:
    """What quotas leave to the center: asked once for each start."""

    def __init__(self, left: Sequence[QuotaLeft]) -> None:
        self._left = left
        self._found: dict[tuple[str, int], str | None] = {}

    def miss(self, stage: Stage, kind: str, start: int) -> Miss | None:
        """Return the miss of a start for which no quota is left."""
        if not self._left:
            return None
        if (kind, start) not in self._found:
            self._found[kind, start] = refusal_of(self._left, kind, instant(start))
        words = self._found[kind, start]
        return Miss(stage, "quota_used_up", words.strip) if words else None


class Inbound:
    """Answers what a collection on a date may take, stage by stage."""

    def __init__(self, request: ChainRequest, calendar: Calendar, now: int, quotas: Quotas) -> None:
        self.request, self.calendar, self.now, self.quotas = request, calendar, now, quotas
        self.center = calendar.places[request.center_site_id]
        self.clock = self.center.clock
        self.age_limit = age_limit(request)
        self._runs: dict[UUID, Runs] = {}
        self._bays: dict[tuple[UUID, int], Taken | Miss] = {}
        self._chairs: dict[tuple[int, str, int], Chairs] = {}

    def needs(self, kind: LinkKind) -> bool:
        return kind.value in self.request.needs

    def oldest_start(self, collected: int) -> int:
        """Return until when manufacture must have begun."""
        if self.request.cryopreserved:
            days = self.request.storage_days
            return FAR if days is None else collected + round(days * DAY)
        age = self.request.max_age_hours
        return FAR if age is None else collected + round(age * HOUR)

    def chairs(self, date: int, collect: int, kind: LinkKind = LinkKind.APHERESIS_CHAIR) -> Chairs:
        """Return the free chairs of a local date, one of each time of beginning."""
        key = date, kind.value, collect
        if key not in self._chairs:
            self._chairs[key] = self._find_chairs(date, collect, kind)
        return self._chairs[key]

    def _find_chairs(self, date: int, collect: int, kind: LinkKind) -> Chairs:
        row = self.calendar.row(ResourceKind.APHERESIS_CHAIR, self.center.id)
        found: dict[int, Taken] = {}
        worst: Miss | None = None
        for index in row.between(*self.clock.day(date)):
            start, name = row.starts[index], row.sources[index].name
            if start <= self.now:
                worst = further(worst, _chair_miss("chair_past", f"{name} has already begun."))
            elif start + collect > row.ends[index]:
                text = f"{name} is offered for less than {spell(collect)}."
                worst = further(worst, _chair_miss("chair_too_short", text))
            elif row.left[index] <= 0:
                worst = further(worst, _chair_miss("chair_full", "Every apheresis chair of this day is taken."))
            elif start not in found:
                refused = self.quotas.miss(Stage.CHAIR, kind.value, start)
                if refused:
                    worst = further(worst, refused)
                    continue
                found[start] = Taken(kind.value, row, index, start, start + collect, row.ends[index] - collect)
        if not found and worst is None:
            worst = _chair_miss("no_chair", f"{self.center.name} offers no apheresis chair on this day.")
        return Chairs(list(found.values()), worst)

    def trips(self, plant_id: UUID | None, ready: int) -> Iterator[Trip | Miss]:
        """Yield the ways of material packed at ``ready`` to a plant; without a courier it is there at once."""
        if plant_id is None or not self.needs(LinkKind.COURIER_LANE):
            yield Trip(ready, ready, 0, None, FAR)
            return
        runs, date = self._runs_to(plant_id), self.clock.date(ready)
        first, last = self.clock.day(date)[0], self.clock.day(date + self.request.pickup_days)[1]
        none = True
        for run in runs.catch(ready, ready, first, last):
            none = False
            if isinstance(run, Miss):
                yield run
                continue
            kind, transit = LinkKind.COURIER_LANE.value, runs.row.transits[run.nth]
            taken = Taken(kind, runs.row, run.nth, run.pickup, run.arrival, run.latest)
            earliest = max(ready, runs.row.starts[run.nth]) + runs.row.quickest
            yield Trip(run.pickup, run.arrival, transit, taken, earliest)
        if none:
            yield runs.none_on(ready, "no_lane")

    def _runs_to(self, plant_id: UUID) -> Runs:
        found = self._runs.get(plant_id)
        if found is None:
            plant = self.calendar.places[plant_id]
            found = self._runs[plant_id] = Runs(self.request, self.calendar, self.center, plant, Stage.LANE)
        return found

    def reception(self, plant_id: UUID | None, arrival: int) -> Taken | Miss | None:
        """Return the bay that receives an arrival, None when none is needed."""
        if plant_id is None or not self.needs(LinkKind.RECEIVING):
            return None
        key = plant_id, arrival
        found = self._bays.get(key)
        if found is None:
            found = self._bays[key] = self._find_bay(plant_id, arrival)
        return found

    def _find_bay(self, plant_id: UUID, arrival: int) -> Taken | Miss:
        row, plant, full = self.calendar.row(ResourceKind.RECEIVING, plant_id), self.calendar.places[plant_id], False
        refused = None
        for index in row.covering(arrival):
            if row.left[index] > 0:
                kind, start, end = LinkKind.RECEIVING.value, row.starts[index], row.ends[index]
                refused = self.quotas.miss(Stage.RECEIVING, kind, start)
                if not refused:
                    return Taken(kind, row, index, start, end, end)  # as a whole: a dock expects the box within it
                continue
            full = True
        if refused:
            return refused

        def words() -> str:
            when = plant.words_with(instant(arrival), self.center)
            if full:
                return f"{plant.name} can receive no more on arrival {when}."
            return f"Arrival {when} is outside the receiving hours of {plant.name}."

        return Miss(Stage.RECEIVING, "receiving_full" if full else "outside_receiving", words)

    def too_old(self, collected: int, arrival: int) -> Miss | None:
        """Return the miss of material that is too old on arrival."""
        if self.age_limit is None or arrival - collected <= self.age_limit:
            return None

        def words() -> str:
            limit, buffer = (round((hours or 0) * HOUR) for hours in (self.request.max_age_hours, self._buffer))
            return (
                f"The material would be {spell(arrival - collected)} old on arrival; {spell(limit)} "
                f"less a buffer of {spell(buffer)} is the limit."
            )

        return Miss(Stage.AGE, "too_old", words)

    @property
    def _buffer(self) -> float:
        return self.request.age_buffer_hours

    def starts(
        self, plant_id: UUID | None, arrival: int, oldest: int, terms: Terms
    ) -> Iterator[tuple[int, tuple[Taken, ...]] | Miss]:
        """Yield when manufacture may start, earliest first, with line and stock; a start that may not as a miss."""
        if plant_id is None or not self.needs(LinkKind.MANUFACTURING_LINE):
            yield from self._with_stock(plant_id, arrival, ())
            return
        row, full, offered = self.calendar.row(ResourceKind.MANUFACTURING_LINE, plant_id), False, False
        for index in row.after(arrival):
            start = max(arrival, row.starts[index])
            if start > oldest:
                break
            if row.left[index] <= 0:
                full = True
                continue
            offered = True
            kind, latest = LinkKind.MANUFACTURING_LINE.value, min(row.ends[index], oldest)
            line = Taken(kind, row, index, start, start + terms.manufacture, latest)
            yield self.quotas.miss(Stage.LINE, kind, start) or next(self._with_stock(plant_id, start, (line,)))
        if not offered:
            yield self._no_line(plant_id, arrival, full)

    def _with_stock(
        self, plant_id: UUID | None, start: int, line: tuple[Taken, ...]
    ) -> Iterator[tuple[int, tuple[Taken, ...]] | Miss]:
        if plant_id is None or not self.needs(LinkKind.CRITICAL_STOCK):
            yield start, line
            return
        row, plant, known = self.calendar.row(ResourceKind.CRITICAL_STOCK, plant_id), self.calendar.places[plant_id], ""
        for index in row.covering(start):
            known = row.sources[index].name
            if row.left[index] > 0:
                kind, end = LinkKind.CRITICAL_STOCK.value, row.ends[index]
                yield start, (*line, Taken(kind, row, index, start, end, end))
                return

        def words() -> str:
            when = plant.words(instant(start))
            if known:
                return f"Nothing is left of {known} at {plant.name} for a start {when}."
            return f"{plant.name} offers no critical stock for a start {when}."

        yield Miss(Stage.STOCK, "stock_used" if known else "no_stock", words)

    def _no_line(self, plant_id: UUID, arrival: int, full: bool) -> Miss:
        plant = self.calendar.places[plant_id]

        def words() -> str:
            limit = "its storage ends" if self.request.cryopreserved else "the material is too old"
            when = plant.words_with(instant(arrival), self.center)
            quantity, state = ("Every", "is taken") if full else ("No", "is offered")
            return f"{quantity} manufacturing start at {plant.name} after arrival {when} and before {limit} {state}."

        return Miss(Stage.LINE, "line_full" if full else "no_line", words)


def _chair_miss(code: str, text: str) -> Miss:
    return Miss(Stage.CHAIR, code, lambda: text)
