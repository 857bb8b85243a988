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
from scheduling.drafts import Draft, Fault, Miss, Pick, Stage, Taken, Way, further
from scheduling.inbound import Chairs, Inbound, Quotas, Trip
from scheduling.lead_times import Terms, terms_of
from scheduling.offers import ChainRequest
from scheduling.outbound import Home, Outbound
from scheduling.states import LinkKind

__all__ = ["Draft", "Fault", "Pick", "Planner", "Stage", "Way", "plan_date"]


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
        self._terms: dict[tuple[dt.date, UUID | None], Terms] = {}
        self._plain = None if request.lead_times else terms_of(request, request.earliest, None)

    def plan(self, date: dt.date) -> tuple[list[Way], Fault | None]:
        """Return each plant's best way of a collection that begins on the local date, best first, or the fault."""
        closed = self._closed(date)
        if closed:
            return [], closed.fault
        ways, worst = self._ways(date)
        return (sorted(ways, key=earliest), None) if ways else ([], self._told(worst.fault, date))

    def _told(self, fault: Fault, date: dt.date) -> Fault:
        """Return the fault with the overridden lead times that it was reckoned with."""
        if self._plain is not None:
            return fault
        notes = dict.fromkeys(note for plant in (None, *self.plants) for note in self._terms_of(date, plant).notes)
        at_chair = [note for note in notes if note.startswith("Collection")]
        told = at_chair if fault.stage == Stage.CHAIR else [n for n in notes if not n.startswith("Preparation")]
        return replace(fault, text=f"{fault.text} Reckoned with: {'; '.join(told)}.") if told else fault

    def _ways(self, date: dt.date) -> tuple[list[Way], Miss]:
        terms, ordinal = self._terms_of(date, None), date.toordinal()
        worst: Miss | None = None
        before: list[Taken] = []
        for day in range(ordinal, ordinal + self.request.collection_days - 1):
            chairs = self.inbound.chairs(day, terms.collect)
            if not chairs.options:
                return [], chairs.miss or _nothing()
            before.append(chairs.options[0])
        last = self.inbound.chairs(ordinal + self.request.collection_days - 1, terms.collect)
        if not last.options:
            return [], last.miss or _nothing()
        ways = []
        for plant_id in self._choices():
            found = self._way(plant_id, date, before, last)
            if isinstance(found, Way):
                ways.append(found)
            else:
                worst = further(worst, found)
        return ways, worst or self._no_plant()

    def _choices(self) -> list[UUID | None]:
        at_plant = (LinkKind.COURIER_LANE, LinkKind.RECEIVING, LinkKind.MANUFACTURING_LINE)
        if self.plants or any(self.inbound.needs(kind) for kind in at_plant):
            return list(self.plants)
        return [None]

    def _way(self, plant_id: UUID | None, date: dt.date, before: list[Taken], last: Chairs) -> Way | Miss:
        """Return the best way by one plant, its contingency day included."""
        found = self._best(plant_id, date, before, last)
        if isinstance(found, Miss) or not self.request.contingency_days:
            return found
        day = date.toordinal() + self.request.collection_days
        spare = self._contingency(plant_id, date, day)
        if isinstance(spare, Miss):
            return spare
        if not self.request.reserves_contingency:
            return found
        chairs = len(before) + 1
        return found._replace(taken=(*found.taken[:chairs], spare, *found.taken[chairs:]))

    def _contingency(self, plant_id: UUID | None, date: dt.date, day: int) -> Taken | Miss:
        """Return the chair of the contingency day, from which the plant is reached in time as well."""
        kind, terms = LinkKind.CONTINGENCY_CHAIR, self._terms_of(date, plant_id)
        chairs = self.inbound.chairs(day, terms.collect, kind)
        found = self._best(plant_id, date, [], chairs) if chairs.options else chairs.miss or _nothing()
        if isinstance(found, Way):
            return found.taken[0]

        def words() -> str:
            return f"The contingency day {dt.date.fromordinal(day):%a %d %b} is not feasible: {found.text()}"

        return Miss(Stage.CONTINGENCY, "no_contingency", words)

    def _best(self, plant_id: UUID | None, date: dt.date, before: list[Taken], last: Chairs) -> Way | Miss:
        terms = self._terms_of(date, plant_id)
        best, worst = None, None
        for chair in last.options:
            collected = chair.end
            oldest = self.inbound.oldest_start(collected)
            for trip in self.inbound.trips(plant_id, collected + terms.pack):
                if isinstance(trip, Miss):
                    worst = further(worst, trip)
                    continue
                if best is not None and self._is_later(trip, best):
                    continue
                found = self._finish(plant_id, (*before, chair), trip, oldest, terms)
                if isinstance(found, Miss):
                    worst = further(worst, found)
                elif best is None or earliest(found) < earliest(best):
                    best = found
        return best or worst or _nothing()

    def _finish(
        self, plant_id: UUID | None, chairs: tuple[Taken, ...], trip: Trip, oldest: int, terms: Terms
    ) -> Way | Miss:
        """Return the earliest way from a caught run on."""
        bay = self.inbound.reception(plant_id, trip.arrival)
        if isinstance(bay, Miss):
            return bay
        collected = chairs[-1].end
        worst = self.inbound.too_old(collected, trip.arrival)
        if worst:
            return worst
        for found in self.inbound.starts(plant_id, trip.arrival, oldest, terms):
            if isinstance(found, Miss):
                worst = further(worst, found)
                continue
            start, taken = found
            tail = self.outbound.tail(self._home(plant_id, trip), start, terms)
            if isinstance(tail, Miss):
                worst = further(worst, tail)
                if self.outbound.is_monotone:
                    break
                continue
            limit = self.inbound.age_limit
            return Way(
                plant_id=plant_id,
                taken=(*chairs, *(one for one in (trip.taken, bay) if one), *taken),
                collection_start=chairs[0].start,
                collection_end=collected,
                pickup=trip.pickup,
                arrival=trip.arrival,
                start=start,
                transit=trip.transit,
                tail=tail,
                slack=0 if limit is None else limit - (trip.arrival - collected),
                notes=terms.notes,
            )
        return worst or _nothing()

    def _is_later(self, trip: Trip, best: Way) -> bool:
        """Whether a trip cannot lead to an earlier infusion: what starts later ends later, but for the way back."""
        if self.inbound.needs(LinkKind.RETURN_LANE):
            if self.request.same_courier and trip.courier_id != best.courier_id:
                return False
            return trip.arrival > best.start
        return trip.arrival + trip.transit > best.start + best.transit

    def _home(self, plant_id: UUID | None, trip: Trip) -> Home:
        if not self.inbound.needs(LinkKind.RETURN_LANE):
            return Home(plant_id, trip.transit)
        return Home(plant_id, courier_id=trip.courier_id if self.request.same_courier else None)

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


def earliest(way: Way) -> tuple[object, ...]:
    """The rank of a way: earliest infusion, most slack, fewest days; then its slots, so that nobody's luck decides."""
    return way.tail.infusion, -way.slack, way.days, way.ids


def fewest_days(way: Way) -> tuple[object, ...]:
    return way.days, way.tail.infusion, -way.slack, way.ids


def most_slack(way: Way) -> tuple[object, ...]:
    return -way.slack, way.tail.infusion, way.days, way.ids


def _date_miss(code: str, text: str) -> Miss:
    return Miss(Stage.DATE, code, lambda: text)


def _nothing() -> Miss:
    return Miss(Stage.CHAIR, "no_chair", lambda: "No apheresis chair is offered on this day.")
