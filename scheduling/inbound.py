"""From the chair to the plant: collection days, quotas, couriers, age (DOMAIN 10.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, FAR, HOUR, instant
from scheduling.drafts import Miss, Stage, Taken, age_limit, further, spell
from scheduling.offers import ChainRequest
from scheduling.quota_rules import QuotaLeft, refusal_of
from scheduling.runs import Runs
from scheduling.states import LinkKind, ResourceKind


@dataclass
class Chairs:
    """The chairs of one local date that a collection may take, or why there is none."""

    options: list[Taken]
    miss: Miss | None


class Quotas:
    """What quotas leave to the center: asked once for each start."""

    def __init__(self, left: Sequence[QuotaLeft]) -> None:
        self._left = left
        self.are_set = bool(left)
        self._found: dict[tuple[str, int], str | None] = {}

    def refuses(self, kind: str, start: int) -> str | None:
        """Return why a start finds no quota, None when there is one, or none is set."""
        if not self._left:
            return None
        if (kind, start) not in self._found:
            self._found[kind, start] = refusal_of(self._left, kind, instant(start))
        return self._found[kind, start]

    def miss(self, stage: Stage, kind: str, start: int) -> Miss | None:
        """Return the miss of a start for which no quota is left."""
        words = self.refuses(kind, start)
        return Miss(stage, "quota_used_up", words.strip) if words else None


class Inbound:
    """Answers what a collection on a date may take, stage by stage."""

    def __init__(self, request: ChainRequest, calendar: Calendar, now: int, quotas: Quotas) -> None:
        self.request, self.calendar, self.now, self.quotas = request, calendar, now, quotas
        self.center = calendar.places[request.center_site_id]
        self.clock = self.center.clock
        self.age_limit = age_limit(request)
        self._pickup_days: dict[int, tuple[int, int]] = {}
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
            start, name = row.starts[index], row.source(index).name
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

    def runs_to(self, plant_id: UUID | None) -> Runs | None:
        """Return the couriers' runs to a plant, None when none is needed."""
        if plant_id is None or not self.needs(LinkKind.COURIER_LANE):
            return None
        return Runs(self.request, self.calendar, self.center, self.calendar.places[plant_id], Stage.LANE)

    def pickup_days(self, ready: int) -> tuple[int, int]:
        """Return from when and until when a run must start that fetches material packed at ``ready``."""
        found = self._pickup_days.get(ready)
        if found is None:
            date = self.clock.date(ready)
            until = self.clock.day(date + self.request.pickup_days)[1]
            found = self._pickup_days[ready] = self.clock.day(date)[0], until
        return found

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


def _chair_miss(code: str, text: str) -> Miss:
    return Miss(Stage.CHAIR, code, lambda: text)
