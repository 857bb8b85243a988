"""From the start of manufacture to the infusion: quality release, return lane, bed, second dose (DOMAIN 10.2).

Each part finds its earliest moment that leaves the rest feasible, and remembers it: many ways share an end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from scheduling.beds import Beds
from scheduling.calendars import Calendar
from scheduling.clocks import FAR, instant
from scheduling.drafts import Miss, Stage, Tail, Taken, further
from scheduling.inbound import Quotas
from scheduling.lead_times import Terms
from scheduling.offers import ChainRequest
from scheduling.runs import Runs
from scheduling.states import LinkKind, ResourceKind

_RELEASE = LinkKind.QUALITY_RELEASE.value


class Home(NamedTuple):
    """The way back: from which plant, in ``transit`` if no lane is needed, by which courier (None: any)."""

    plant_id: UUID | None
    transit: int = 0
    courier_id: UUID | None = None


class Outbound:
    """Knows the ends of a request's chains: one ``Ending`` for each way back and its durations."""

    def __init__(self, request: ChainRequest, calendar: Calendar, quotas: Quotas) -> None:
        self.request, self.calendar = request, calendar
        self.beds = Beds(request, calendar, quotas)
        # What begins later can take no place that what begins earlier could not have waited for; but a product that
        # keeps for a while only may come too early for a bed.
        self.is_monotone = request.product_hold_days is None
        self._endings: dict[tuple[Home, Terms], Ending] = {}

    def ending(self, home: Home, terms: Terms) -> Ending:
        key = home, terms
        if key not in self._endings:
            self._endings[key] = Ending(self, home, terms)
        return self._endings[key]


class Ending:
    """Answers when a product that is begun at a moment can be infused, at the earliest."""

    def __init__(self, outbound: Outbound, home: Home, terms: Terms) -> None:
        request, calendar, plant_id = outbound.request, outbound.calendar, home.plant_id
        self.beds, self.terms, self.transit, self.is_monotone = outbound.beds, terms, home.transit, outbound.is_monotone
        self.plant = calendar.places[plant_id] if plant_id else self.beds.center
        self.labs = self.runs = None
        if plant_id is not None and LinkKind.QUALITY_RELEASE.value in request.needs:
            self.labs = calendar.row(ResourceKind.QUALITY_RELEASE, plant_id)
        if plant_id is not None and LinkKind.RETURN_LANE.value in request.needs:
            if home.courier_id is not None:
                request = replace(request, courier_organization_ids=(home.courier_id,))
            self.runs = Runs(request, calendar, self.plant, self.beds.center, Stage.RETURN)
        self._tails: dict[int, Tail | Miss] = {}
        self._returns: dict[int, Tail] = {}
        self._hopeless: tuple[int, Miss] | None = None

    def tail(self, start: int) -> Tail | Miss:
        """Return the earliest end of a manufacture that starts at ``start``."""
        found = self._tails.get(start)
        if found is None:
            if self._hopeless is not None and start >= self._hopeless[0]:
                return self._hopeless[1]
            found = self._tails[start] = self._tail(start)
            if isinstance(found, Miss) and self.is_monotone:
                self._hopeless = start, found
        return found

    def _tail(self, start: int) -> Tail | Miss:
        worst: Miss | None = None
        terms = self.terms
        for begun, taken in self._releases(start + terms.manufacture):
            if isinstance(taken, Miss):
                worst = further(worst, taken)
                continue
            back = self._return(begun + terms.release)
            if isinstance(back, Miss):
                worst = further(worst, back)
                continue
            p90 = None
            if terms.release_p90 is not None:
                late = self._return(begun + terms.release_p90)
                p90 = None if isinstance(late, Miss) else late.back
            return Tail((taken, *back.taken) if taken else back.taken, back.back, p90, back.infusion, back.second)
        return worst or self._no_release(start + terms.manufacture)

    def _releases(self, made: int) -> Iterator[tuple[int, Taken | Miss | None]]:
        """When quality release may begin: at the end of manufacture, or in a place that it needs."""
        row = self.labs
        if row is None:
            yield made, None
            return
        starts, ends, left, release = row.starts, row.ends, row.left, self.terms.release
        for index in range(bisect_left(starts, made - row.longest), len(starts)):
            if ends[index] <= made:
                continue
            begun = starts[index] if starts[index] > made else made
            if left[index] <= 0:
                yield begun, self._release_full(made)
            else:
                yield begun, Taken(_RELEASE, row, index, begun, begun + release, ends[index])

    def _release_full(self, made: int) -> Miss:
        plant = self.plant
        return Miss(
            Stage.RELEASE,
            "release_full",
            lambda: f"Every place of quality release at {plant.name} from {plant.words(instant(made))} on is taken.",
        )

    def _no_release(self, made: int) -> Miss:
        plant = self.plant
        return Miss(
            Stage.RELEASE,
            "no_release",
            lambda: f"{plant.name} offers no quality release from {plant.words(instant(made))} on.",
        )

    def _return(self, released: int) -> Tail | Miss:
        """Return the way back of a product released at a moment: lane, bed, second bed."""
        runs = self.runs
        moment = released if runs is None else runs.row.opens(released)  # until a run is open all moments are alike
        if moment in self._returns:
            return self._returns[moment]
        found = self._carried(released) if runs is None else self._ride(runs, released)
        if isinstance(found, Tail):
            self._returns[moment] = found
        return found

    def _carried(self, released: int) -> Tail | Miss:
        back = released + self.transit
        infusion = self.beds.infusion(back + self.terms.conditioning, back)
        return infusion if isinstance(infusion, Miss) else infusion._replace(back=back)

    def _ride(self, runs: Runs, released: int) -> Tail | Miss:
        """Return the end by the run that is back first, of those after which there is an infusion."""
        best, worst, soonest = None, None, FAR
        conditioning = self.terms.conditioning
        for _, nth, pickup, arrival in runs.leaving(released):
            if pickup + runs.quickest >= soonest:
                break
            if arrival >= soonest:
                continue
            infusion = self.beds.infusion(arrival + conditioning, arrival)
            if isinstance(infusion, Miss):
                worst = further(worst, infusion)
                continue
            best, soonest = (nth, pickup, infusion), arrival
        if best is None:
            for miss in runs.missed(released, None, released, None):
                worst = further(worst, miss)
            return worst or self._no_return(runs, released)
        nth, pickup, infusion = best
        latest = runs.row.last_pickup(nth, runs.clock)
        taken = Taken(LinkKind.RETURN_LANE.value, runs.row, nth, pickup, soonest, latest)
        return Tail((taken, *infusion.taken), soonest, None, infusion.infusion, infusion.second)

    def _no_return(self, runs: Runs, released: int) -> Miss:
        center = self.beds.center

        def words() -> str:
            way = f"from {runs.origin.name} to {center.name}"
            return f"No courier offers a run {way} from {runs.origin.words_with(instant(released), center)} on."

        return Miss(Stage.RETURN, "no_return_lane", words)
