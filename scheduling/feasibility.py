"""The feasibility rule (DOMAIN 10.2), computed in UTC with the clock of each place.

chair free ∧ pickup ≤ the lane's cut-off (local) ∧ the shipper holds ∧ arrival within a receiving window ∧
age on arrival ≤ limit − buffer ∧ a manufacturing start with capacity before the material is too old ∧ quality release,
return lane and bed, as far as the request needs them. “No Friday” is nowhere: it follows. A calendar in, drafts and
faults out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import ticks
from scheduling.drafts import Draft, Fault, Miss, Stage, Taken, Way, earliest, further, no_chair
from scheduling.inbound import Chairs, Inbound, Quotas
from scheduling.lead_times import Terms, terms_of
from scheduling.offers import ChainRequest
from scheduling.outbound import Outbound
from scheduling.plant_ways import PlantWays
from scheduling.states import LinkKind


def plan_date(
    request: ChainRequest, calendar: Calendar, date: dt.date, now: dt.datetime
) -> tuple[list[Draft], Fault | None]:
    """Return each plant's best chain of a collection on the center's local ``date`` (earliest infusion, then most
    slack), or the fault of the way that came furthest. A date that has a chain has no fault."""
    ways, fault = Planner(request, calendar, now).plan(date)
    return [way.draft() for way in ways], fault


class Planner:
    """Plans one date after another on one calendar; what dates have in common is worked out once."""

    def __init__(self, request: ChainRequest, calendar: Calendar, now: dt.datetime) -> None:
        self.request, self.calendar = request, calendar
        self.center = calendar.places[request.center_site_id]
        self.clock = self.center.clock
        self.today = self.center.local(now).date()
        quotas = Quotas(calendar.quotas)
        self.inbound = Inbound(request, calendar, ticks(now), quotas)
        self.outbound = Outbound(request, calendar, quotas)
        barred = {plant.site_id for plant in request.barred_plants}
        self.plants = [pk for pk in request.plant_site_ids if pk in calendar.places and pk not in barred]
        at_plant = (LinkKind.COURIER_LANE, LinkKind.RECEIVING, LinkKind.MANUFACTURING_LINE)
        is_bound = self.plants or any(self.inbound.needs(kind) for kind in at_plant)
        self.choices: list[UUID | None] = [*self.plants] if is_bound else [None]
        self._by_plant: dict[tuple[UUID | None, Terms], PlantWays] = {}
        self._always: list[PlantWays] = []
        self._terms: dict[tuple[dt.date, UUID | None], Terms] = {}
        self._plain = None if request.lead_times else terms_of(request, request.earliest, None)

    def plan(self, date: dt.date) -> tuple[list[Way], Fault | None]:
        """Return each plant's best way of a collection that begins on the local date, best first, or the fault."""
        ways = self.ways(date)
        return (ways, None) if ways else ([], self._why_none(date))

    def ways(self, date: dt.date) -> list[Way]:
        """Return each plant's best way of a collection that begins on the local date, best first."""
        days = [] if self._closed(date) else self._chairs(date)
        if not days or not all(chairs.options for chairs in days):
            return []
        before = [chairs.options[0] for chairs in days[:-1]]
        found = [self._way(ways, date, before, days[-1]) for ways in self._by_each(date)]
        return sorted([way for way in found if way], key=earliest)

    def _chairs(self, date: dt.date) -> list[Chairs]:
        """The chairs of each day of a collection."""
        first, collect = date.toordinal(), self._terms_of(date, None).collect
        return [self.inbound.chairs(day, collect) for day in range(first, first + self.request.collection_days)]

    def by(self, plant_id: UUID | None, date: dt.date) -> PlantWays:
        """Return the ways by a plant that a date's durations allow."""
        terms = self._terms_of(date, plant_id)
        key = plant_id, terms
        if key not in self._by_plant:
            self._by_plant[key] = PlantWays(self.inbound, self.outbound, plant_id, terms)
        return self._by_plant[key]

    def _by_each(self, date: dt.date) -> list[PlantWays]:
        """Return the ways by each plant; the same on every date where no lead time is overridden."""
        if self._plain is None:
            return [self.by(plant_id, date) for plant_id in self.choices]
        if not self._always:
            self._always = [self.by(plant_id, date) for plant_id in self.choices]
        return self._always

    def _way(self, ways: PlantWays, date: dt.date, before: list[Taken], last: Chairs) -> Way | None:
        """Return the best way by one plant, its contingency day included."""
        found = ways.best(before, last.options)
        if found is None or not self.request.contingency_days:
            return found
        spare = ways.best([], self._spare_chairs(ways.plant_id, date).options)
        if spare is None or not self.request.reserves_contingency:
            return spare and found
        chairs = len(before) + 1
        return found._replace(taken=(*found.taken[:chairs], spare.taken[0], *found.taken[chairs:]))

    def _spare_chairs(self, plant_id: UUID | None, date: dt.date) -> Chairs:
        """The chairs of the contingency day, from which the plant must be reached in time as well."""
        day = date.toordinal() + self.request.collection_days
        return self.inbound.chairs(day, self._terms_of(date, plant_id).collect, LinkKind.CONTINGENCY_CHAIR)

    def missed(self, date: dt.date) -> Miss | None:
        """Return what a collection on the local date misses, None where there is a way."""
        return None if self.ways(date) else self._closed(date) or self._missed(date)

    def _why_none(self, date: dt.date) -> Fault:
        """Return why a date has no way: what the one that came furthest missed."""
        closed = self._closed(date)
        return closed.fault if closed else self._told(self._missed(date).fault, date)

    def _told(self, fault: Fault, date: dt.date) -> Fault:
        """Return the fault with the overridden lead times that it was reckoned with."""
        if self._plain is not None:
            return fault
        notes = dict.fromkeys(note for plant in (None, *self.plants) for note in self._terms_of(date, plant).notes)
        at_chair = [note for note in notes if note.startswith("Collection")]
        told = at_chair if fault.stage == Stage.CHAIR else [n for n in notes if not n.startswith("Preparation")]
        return replace(fault, text=f"{fault.text} Reckoned with: {'; '.join(told)}.") if told else fault

    def _missed(self, date: dt.date) -> Miss:
        days = self._chairs(date)
        for chairs in days:
            if not chairs.options:
                return chairs.miss or no_chair()
        worst: Miss | None = None
        for plant_id in self.choices:
            worst = further(worst, self._why_not(plant_id, date, [day.options[0] for day in days[:-1]], days[-1]))
        return worst or self._no_plant()

    def _why_not(self, plant_id: UUID | None, date: dt.date, before: list[Taken], last: Chairs) -> Miss:
        ways = self.by(plant_id, date)
        if not self.request.contingency_days or ways.best(before, last.options) is None:
            return ways.why_none(last.options)
        chairs, day = self._spare_chairs(plant_id, date), date + dt.timedelta(days=self.request.collection_days)
        missed = ways.why_none(chairs.options) if chairs.options else chairs.miss or no_chair()
        return Miss(
            Stage.CONTINGENCY,
            "no_contingency",
            lambda: f"The contingency day {day:%a %d %b} is not feasible: {missed.text()}",
        )

    def _terms_of(self, date: dt.date, plant_id: UUID | None) -> Terms:
        if self._plain is not None:
            return self._plain
        key = date, plant_id
        if key not in self._terms:
            self._terms[key] = terms_of(self.request, date, plant_id, self._name)
        return self._terms[key]

    def _name(self, site_id: UUID) -> str:
        place = self.calendar.places.get(site_id)
        return place.name if place else "this site"

    def _closed(self, date: dt.date) -> Miss | None:
        """Return why nothing may be collected on a date, whatever is offered."""
        request, terms = self.request, self._terms_of(date, None)
        if date < request.earliest:
            return _date_miss("before_earliest", "This is before the earliest date asked for.")
        if date < self.today + dt.timedelta(days=terms.lead_days):
            why = "".join(f" {note}." for note in terms.notes if note.startswith("Preparation"))
            return _date_miss("lead_time", f"A collection needs {terms.lead_days:g} days to be prepared.{why}")
        if date.isoweekday() not in request.weekdays:
            return _date_miss("weekday", f"Collections on a {date:%A} are not asked for.")
        washout = max(request.washouts, key=lambda one: one.over, default=None)
        if washout is not None and date < washout.over:
            until = f"{washout.over:%a %d %b %Y}"
            text = f"Washout of {washout.name}: {washout.days} days from {washout.since:%d %b %Y}, until {until}."
            return _date_miss("washout", text)
        if request.authorized_until is not None and self.clock.day(date.toordinal())[0] >= ticks(
            request.authorized_until
        ):
            return _date_miss(
                "not_authorized",
                f"{self.center.name} may give this therapy until {self.center.words(request.authorized_until)}.",
            )
        return None

    def _no_plant(self) -> Miss:
        barred = [
            f"{self.calendar.places[plant.site_id].name} {plant.why}."
            for plant in self.request.barred_plants
            if plant.site_id in self.calendar.places
        ]
        if barred:
            return Miss(Stage.LANE, "not_licensed", lambda: " ".join(barred))
        return Miss(Stage.LANE, "no_plant", lambda: "No plant of this therapy is known to your organization.")


def _date_miss(code: str, text: str) -> Miss:
    return Miss(Stage.DATE, code, lambda: text)
