"""From the start of manufacture to the infusion: quality release, return lane, bed, second dose (DOMAIN 10.2).

Each part finds its earliest moment that leaves the rest feasible, and remembers it: many ways share an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, instant
from scheduling.drafts import Miss, Stage, Tail, Taken, further
from scheduling.inbound import FAR, Quotas
from scheduling.lead_times import Terms
from scheduling.offers import EVERY_DAY, ChainRequest
from scheduling.runs import Runs, isoweekday
from scheduling.states import LinkKind, ResourceKind


class Home(NamedTuple):
    """The way back: from which plant, in ``transit`` if no lane is needed, by which courier (None: any)."""

    plant_id: UUID | None
    transit: int = 0
    courier_id: UUID | None = None


class Outbound:
    """Answers when a product that is begun at a moment can be infused, at the earliest."""

    def __init__(self, request: ChainRequest, calendar: Calendar, quotas: Quotas) -> None:
        self.request, self.calendar, self.quotas = request, calendar, quotas
        self.center = calendar.places[request.center_site_id]
        self.clock = self.center.clock
        self.beds = calendar.row(ResourceKind.INFUSION_BED, self.center.id)
        self._runs: dict[Home, Runs] = {}
        self._tails: dict[tuple[Home, int, Terms], Tail | Miss] = {}
        self._homes: dict[tuple[Home, int, int], Tail | Miss] = {}
        self._infusions: dict[int, Tail | Miss] = {}
        self._hopeless: dict[tuple[Home, Terms], tuple[int, Miss]] = {}
        # What begins later can take no place that what begins earlier could not have waited for; but a product that
        # keeps for a while only may come too early for a bed.
        self.is_monotone = request.product_hold_days is None

    def _needs(self, kind: LinkKind) -> bool:
        return kind.value in self.request.needs

    def tail(self, home: Home, start: int, terms: Terms) -> Tail | Miss:
        """Return the earliest end of a manufacture that starts at ``start``."""
        key = home, start, terms
        found = self._tails.get(key)
        if found is None:
            since, miss = self._hopeless.get((home, terms), (FAR, None))
            if miss is not None and start >= since:
                return miss
            found = self._tails[key] = self._tail(home, start, terms)
            if isinstance(found, Miss) and self.is_monotone:
                self._hopeless[home, terms] = start, found
        return found

    def _tail(self, home: Home, start: int, terms: Terms) -> Tail | Miss:
        worst: Miss | None = None
        plant_id = home.plant_id
        for begun, taken in self._releases(plant_id, start + terms.manufacture, terms):
            if isinstance(taken, Miss):
                worst = further(worst, taken)
                continue
            back = self._home(home, begun + terms.release, terms.conditioning)
            if isinstance(back, Miss):
                worst = further(worst, back)
                continue
            p90 = None
            if terms.release_p90 is not None:
                late = self._home(home, begun + terms.release_p90, terms.conditioning)
                p90 = None if isinstance(late, Miss) else late.back
            lab = (taken,) if taken else ()
            return Tail((*lab, *back.taken), back.back, p90, back.infusion, back.second)
        return worst or self._no_release(plant_id, start + terms.manufacture)

    def _releases(self, plant_id: UUID | None, made: int, terms: Terms) -> Iterator[tuple[int, Taken | Miss | None]]:
        """When quality release may begin: at the end of manufacture, or in a place that it needs."""
        if plant_id is None or not self._needs(LinkKind.QUALITY_RELEASE):
            yield made, None
            return
        row = self.calendar.row(ResourceKind.QUALITY_RELEASE, plant_id)
        for index in row.after(made):
            begun = max(made, row.starts[index])
            if row.left[index] <= 0:
                yield begun, self._release_full(plant_id, made)
            else:
                kind, end = LinkKind.QUALITY_RELEASE.value, begun + terms.release
                yield begun, Taken(kind, row, index, begun, end, row.ends[index])

    def _release_full(self, plant_id: UUID, made: int) -> Miss:
        plant = self.calendar.places[plant_id]
        return Miss(
            Stage.RELEASE,
            "release_full",
            lambda: f"Every place of quality release at {plant.name} from {plant.words(instant(made))} on is taken.",
        )

    def _no_release(self, plant_id: UUID | None, made: int) -> Miss:
        plant = self.calendar.places[plant_id] if plant_id else self.center
        return Miss(
            Stage.RELEASE,
            "no_release",
            lambda: f"{plant.name} offers no quality release from {plant.words(instant(made))} on.",
        )

    def _home(self, home: Home, released: int, conditioning: int) -> Tail | Miss:
        """Return the way back of a product released at a moment: lane, bed, second bed."""
        key = home, released, conditioning
        found = self._homes.get(key)
        if found is None:
            found = self._homes[key] = self._return(home, released, conditioning)
        return found

    def _return(self, home: Home, released: int, conditioning: int) -> Tail | Miss:
        if home.plant_id is None or not self._needs(LinkKind.RETURN_LANE):
            infusion = self._infusion(released + home.transit + conditioning, conditioning)
            return infusion if isinstance(infusion, Miss) else infusion._replace(back=released + home.transit)
        runs = self._runs_home(home, home.plant_id)
        best, worst = None, None
        for run in runs.catch(released, None, released, None):
            if isinstance(run, Miss):
                worst = further(worst, run)
                continue
            if best is not None and max(released, runs.row.starts[run.nth]) + runs.row.quickest >= best.back:
                break
            if best is not None and run.arrival >= best.back:
                continue
            infusion = self._infusion(run.arrival + conditioning, conditioning)
            if isinstance(infusion, Miss):
                worst = further(worst, infusion)
                continue
            kind = LinkKind.RETURN_LANE.value
            taken = Taken(kind, runs.row, run.nth, run.pickup, run.arrival, run.latest)
            best = Tail((taken, *infusion.taken), run.arrival, None, infusion.infusion, infusion.second)
        return best or worst or self._no_return(runs, released)

    def _runs_home(self, home: Home, plant_id: UUID) -> Runs:
        found = self._runs.get(home)
        if found is None:
            plant, request = self.calendar.places[plant_id], self.request
            if home.courier_id is not None:
                request = replace(request, courier_organization_ids=(home.courier_id,))
            found = self._runs[home] = Runs(request, self.calendar, plant, self.center, Stage.RETURN)
        return found

    def _no_return(self, runs: Runs, released: int) -> Miss:
        def words() -> str:
            way = f"from {runs.origin.name} to {self.center.name}"
            return f"No courier offers a run {way} from {runs.origin.words_with(instant(released), self.center)} on."

        return Miss(Stage.RETURN, "no_return_lane", words)

    def _infusion(self, ready: int, conditioning: int) -> Tail | Miss:
        """Return the earliest infusion of a patient who is ready at a moment."""
        found = self._infusions.get(ready)
        if found is None:
            found = self._infusions[ready] = self._bed(ready, ready - conditioning)
        return found

    def _bed(self, ready: int, arrived: int) -> Tail | Miss:
        hold = self.request.product_hold_days
        last = FAR if hold is None else arrived + round(hold * DAY)
        if not self._needs(LinkKind.INFUSION_BED):
            start = self._allowed(ready)
            if start > last:
                return self._held_too_long(ready)
            return Tail((), ready, None, start, self._second_without_bed(start))
        worst, row = None, self.beds
        for index in row.after(ready):
            start = self._allowed(max(ready, row.starts[index]))
            if start > last:
                worst = further(worst, self._held_too_long(ready))
                break
            if start >= row.ends[index]:
                worst = further(worst, self._wrong_weekday())
                continue
            if row.left[index] <= 0:
                worst = further(worst, self._beds_miss("bed_full", "Every", "is taken", ready))
                continue
            refused = self.quotas.miss(Stage.BED, LinkKind.INFUSION_BED.value, start)
            if refused:
                worst = further(worst, refused)
                continue
            bed = Taken(LinkKind.INFUSION_BED.value, row, index, start, row.ends[index], row.ends[index])
            second = self._second_bed(start, index)
            if isinstance(second, Miss):
                worst = further(worst, second)
                continue
            return Tail((bed, *second), ready, None, start, second[0].start if second else None)
        return worst or self._beds_miss("no_bed", "No", "is offered", ready)

    def _allowed(self, moment: int) -> int:
        """Return the first moment from here on that lies on a weekday of infusions."""
        if self.request.infusion_weekdays == EVERY_DAY:
            return moment
        date = self.clock.date(moment)
        for day in range(date, date + 7):
            if isoweekday(day) in self.request.infusion_weekdays:
                return max(moment, self.clock.day(day)[0])
        return FAR

    def _second_without_bed(self, start: int) -> int | None:
        if not self.request.second_dose_days:
            return None
        return self.clock.day(self.clock.date(start) + self.request.second_dose_days)[0]

    def _second_bed(self, start: int, first: int) -> tuple[Taken, ...] | Miss:
        """Return the bed of the second dose, as near to its day as there is one; an empty tuple when none is needed."""
        days, give = self.request.second_dose_days, self.request.second_dose_tolerance_days
        if not days:
            return ()
        row, wanted = self.beds, self.clock.date(start) + days
        for date in sorted(range(wanted - give, wanted + give + 1), key=lambda day: (abs(day - wanted), day)):
            if isoweekday(date) not in self.request.infusion_weekdays:
                continue
            opens, closes = self.clock.day(date)
            for index in row.after(opens):
                if row.starts[index] >= closes:
                    break
                if index != first and row.left[index] > 0:
                    begins = max(opens, row.starts[index])
                    kind, end = LinkKind.SECOND_BED.value, row.ends[index]
                    return (Taken(kind, row, index, begins, end, min(end, closes)),)
        return Miss(Stage.SECOND_BED, "no_second_bed", lambda: self._second_words(start, days, give))

    def _second_words(self, start: int, days: int, give: int) -> str:
        first = self.center.words(instant(start))
        return f"After a first dose {first} there is no bed for the second, {days} days later ± {give}."

    def _wrong_weekday(self) -> Miss:
        return Miss(Stage.BED, "infusion_weekday", lambda: "No bed is offered on the weekdays of infusions.")

    def _held_too_long(self, ready: int) -> Miss:
        limit = self.request.product_hold_days
        words = f"The product keeps for {limit:g} days after its arrival; no infusion is possible by then."
        return Miss(Stage.BED, "product_too_old", lambda: words)

    def _beds_miss(self, code: str, quantity: str, state: str, ready: int) -> Miss:
        return Miss(
            Stage.BED,
            code,
            lambda: f"{quantity} infusion bed from {self.center.words(instant(ready))} on {state}.",
        )
