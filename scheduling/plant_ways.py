"""The ways of a collection by one plant: the best, every one, or why there is none.

Thousands of ways are tried for each that is offered, so a way that cannot be is passed over without a word, what many
share is looked up once (the run of a day, the start that follows an arrival, how a start ends), and a way is put
together only when it may be the best. Only where nothing is left is it asked why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from scheduling.at_plant import LINE, AtPlant
from scheduling.clocks import FAR
from scheduling.drafts import Miss, Tail, Taken, Way, further, no_chair
from scheduling.inbound import Inbound
from scheduling.lead_times import Terms
from scheduling.outbound import Ending, Home, Outbound
from scheduling.runs import Run, Runs
from scheduling.states import LinkKind

_ARRIVAL = itemgetter(3)  # of a run


class Begun(NamedTuple):
    """A start of manufacture that has an end."""

    start: int
    taken: tuple[Taken, ...]
    tail: Tail


class Found(NamedTuple):
    """What a way is put together from. ``rank``: the least is best; of equals the slots decide."""

    rank: tuple[int, ...]
    chairs: tuple[Taken, ...]
    run: Run
    bay: Taken | None
    begun: Begun
    oldest: int  # until when manufacture must begin


class PlantWays:
    """Finds ways by one plant (None: by none) under the durations that hold there."""

    def __init__(self, inbound: Inbound, outbound: Outbound, plant_id: UUID | None, terms: Terms) -> None:
        self.inbound, self.outbound, self.plant_id, self.terms = inbound, outbound, plant_id, terms
        self._has_return = inbound.needs(LinkKind.RETURN_LANE)
        self._one_courier = self._has_return and inbound.request.same_courier
        self.at_plant = AtPlant(inbound.request, outbound.calendar, inbound.quotas, plant_id)
        self.runs = inbound.runs_to(plant_id)
        homes = [self._home(None, 0)]
        if self.runs is not None:
            homes = [self._home(source.organization_id, source.transit) for source in self.runs.row.resources]
        self._endings = [outbound.ending(home, terms) for home in homes]  # by whose run it is
        shared: dict[int, dict[int, Begun | int]] = {}
        self._ends = [id(ending) for ending in self._endings]
        self._begun = [shared.setdefault(ending, {}) for ending in self._ends]

    def _home(self, courier_id: UUID | None, transit: int) -> Home:
        if not self._has_return:
            return Home(self.plant_id, transit)
        return Home(self.plant_id, courier_id=courier_id if self._one_courier else None)

    def best(self, before: Sequence[Taken], chairs: Iterable[Taken]) -> Way | None:
        """Return the best way from one of the chairs (after those of the days ``before``)."""
        at_plant, limit = self.at_plant, self.inbound.age_limit
        best: Found | None = None
        for chair in chairs:
            collected = chair.end
            oldest = self._oldest_start(collected)
            first: dict[int, int] = {}  # the earliest arrival that can be infused, by the way that it ends
            for run in sorted(self._caught(collected + self.terms.pack), key=_ARRIVAL):
                owner, _, _, arrival = run
                if arrival > first.get(self._ends[owner], FAR):
                    continue
                if best is not None and self._is_later(owner, arrival, best):
                    continue
                if limit is not None and arrival - collected > limit:
                    break
                bay = at_plant.bay(arrival)
                if not at_plant.receives(bay):
                    continue
                begun = self._first_start(owner, arrival, oldest)
                if begun is None:
                    continue
                if limit is not None and self.outbound.is_monotone:
                    first[self._ends[owner]] = arrival  # what comes later is infused no earlier, and older
                age = 0 if limit is None else arrival - collected
                rank = begun.tail.infusion, age, -(before[0] if before else chair).start
                if best is None or rank <= best.rank:
                    found = Found(rank, (*before, chair), run, bay, begun, oldest)
                    if best is None or rank < best.rank or self._way(found).ids < self._way(best).ids:
                        best = found
        return best and self._way(best)

    def _oldest_start(self, collected: int) -> int:
        """Until when manufacture must have begun; nobody asks where it needs no line."""
        return FAR if self.at_plant.lines is None else self.inbound.oldest_start(collected)

    def _caught(self, ready: int) -> Iterable[Run]:
        """The runs that fetch material packed at ``ready``; without a courier it is there at once."""
        if self.runs is None:
            return ((0, -1, ready, ready),)
        return self.runs.caught(ready, *self.inbound.pickup_days(ready))

    def _is_later(self, owner: int, arrival: int, best: Found) -> bool:
        """Whether a run cannot lead to an earlier infusion: what starts later ends later, but for the way back."""
        ending, other = self._endings[owner], self._endings[best.run[0]]
        if self._has_return:
            return arrival > best.begun.start and ending is other
        return arrival + ending.transit > best.begun.start + other.transit

    def _first_start(self, owner: int, arrival: int, oldest: int) -> Begun | None:
        """Return the first start after an arrival that has an end, of those until ``oldest``."""
        if self.at_plant.lines is not None:
            arrival = self.at_plant.lines.opens(arrival)  # until a line is open all arrivals are alike
        known = self._begun[owner]
        found = known.get(arrival, 0)
        if isinstance(found, int) and found < oldest:
            found = known[arrival] = self._search_start(self._endings[owner], arrival, oldest)
        return found if isinstance(found, Begun) and found.start <= oldest else None

    def _search_start(self, ending: Ending, arrival: int, oldest: int) -> Begun | int:
        """Return the first start after an arrival that has an end, or until when there is none."""
        for found in self.at_plant.starts(arrival, oldest, self.terms.manufacture):
            if isinstance(found, Miss):
                continue
            tail = ending.tail(found[0])
            if not isinstance(tail, Miss):
                return Begun(*found, tail)
            if self.outbound.is_monotone:
                return FAR
        return oldest

    def _way(self, found: Found) -> Way:
        """Put a way together."""
        chairs, run, bay, begun, oldest = found[1:]
        _, _, pickup, arrival = run
        collected, limit = chairs[-1].end, self.inbound.age_limit
        links = list(chairs)
        if self.runs is not None:
            links.append(_lane(self.runs, run))
        if bay is not None:
            links.append(bay)
        for kind, row, nth, start, end, latest in begun.taken:
            links.append(Taken(kind, row, nth, start, end, min(row.ends[nth], oldest) if kind == LINE else latest))
        return Way(
            plant_id=self.plant_id,
            taken=tuple(links),
            collection_start=chairs[0].start,
            collection_end=collected,
            pickup=pickup,
            arrival=arrival,
            start=begun.start,
            tail=begun.tail,
            slack=0 if limit is None else limit - (arrival - collected),
            notes=self.terms.notes,
        )

    def every(self, before: Sequence[Taken], chairs: Iterable[Taken]) -> Iterator[Way]:
        """Yield every way: by each run to each start, with its earliest end."""
        at_plant, limit = self.at_plant, self.inbound.age_limit
        for chair in chairs:
            collected = chair.end
            oldest = self._oldest_start(collected)
            for run in self._caught(collected + self.terms.pack):
                owner, _, _, arrival = run
                bay = at_plant.bay(arrival)
                if not at_plant.receives(bay) or (limit is not None and arrival - collected > limit):
                    continue
                for begun in self._each_start(self._endings[owner], arrival, oldest):
                    yield self._way(Found((), (*before, chair), run, bay, begun, oldest))

    def caught(self, ready: int, packed: int, last: int) -> Iterator[tuple[Taken, Ending]]:
        """Yield the runs before ``last`` that fetch material packed before, and how what they bring ends."""
        if self.runs is not None:
            for run in self.runs.caught(ready, self.inbound.pickup_days(ready)[0], last, packed):
                yield _lane(self.runs, run), self._endings[run[0]]

    def started(
        self, first: tuple[Taken, ...], pickup: int, arrival: int, oldest: int, ending: Ending
    ) -> Iterator[Way]:
        """Yield a way for each start of material that is collected already; ``first``: the places from there on."""
        for begun in self._each_start(ending, arrival, oldest):
            taken = (*first, *begun.taken)
            yield Way(self.plant_id, taken, 0, 0, pickup, arrival, begun.start, begun.tail, 0, self.terms.notes)

    def ending(self, courier_id: UUID | None, transit: int) -> Ending:
        """Return how material ends that a courier brought."""
        return self.outbound.ending(self._home(courier_id, transit), self.terms)

    def _each_start(self, ending: Ending, arrival: int, oldest: int) -> Iterator[Begun]:
        """Yield the starts of manufacture after an arrival that have an end."""
        for found in self.at_plant.starts(arrival, oldest, self.terms.manufacture):
            if not isinstance(found, Miss):
                tail = ending.tail(found[0])
                if not isinstance(tail, Miss):
                    yield Begun(*found, tail)

    def missed(self, ready: int, packed: int, collected: int, last: int, since: int) -> Iterator[Miss]:
        """Yield why material that is packed already is not fetched before ``last``, received, begun or brought back.

        Starts after ``since`` only (ticks); whose shipper does not hold is asked as well.
        """
        if self.runs is None:
            return
        first = self.inbound.pickup_days(ready)[0]
        if not self.runs.offers(ready, first, last):
            yield self.runs.none_on(ready, "no_lane")
        yield from self.runs.missed(ready, packed, first, last)
        for owner, _, _, arrival in self.runs.caught(ready, first, last, packed):
            if not self.at_plant.receives(self.at_plant.bay(arrival)):
                yield self.at_plant.no_bay(arrival)
            elif old := self.inbound.too_old(collected, arrival):
                yield old
            else:
                yield from self.not_started(arrival, last, since, self._endings[owner])

    def not_started(self, arrival: int, oldest: int, since: int, ending: Ending) -> Iterator[Miss]:
        """Yield why manufacture does not begin, or does not end, after ``since`` with material that arrived before."""
        later = max(arrival, since)
        said = "after arrival" if later == arrival else "after"
        for found in self.at_plant.starts(later, oldest, self.terms.manufacture, said):
            missed = found if isinstance(found, Miss) else ending.tail(found[0])
            if isinstance(missed, Miss):
                yield missed

    def why_none(self, chairs: Iterable[Taken]) -> Miss:
        """Return what the way that came furthest missed, where there is none."""
        worst: Miss | None = None
        for chair in chairs:
            ready = chair.end + self.terms.pack
            if self.runs is not None:
                days = self.inbound.pickup_days(ready)
                if not self.runs.offers(ready, *days):
                    worst = further(worst, self.runs.none_on(ready, "no_lane"))
                for miss in self.runs.missed(ready, ready, *days):
                    worst = further(worst, miss)
            for run in self._caught(ready):
                worst = further(worst, self._why_not(chair.end, run))
        return worst or no_chair()

    def _why_not(self, collected: int, run: Run) -> Miss:
        inbound, at_plant, (owner, _, _, arrival) = self.inbound, self.at_plant, run
        if not at_plant.receives(at_plant.bay(arrival)):
            return at_plant.no_bay(arrival)
        worst = inbound.too_old(collected, arrival)
        if worst is not None:
            return worst
        for found in at_plant.starts(arrival, self._oldest_start(collected), self.terms.manufacture):
            missed = found if isinstance(found, Miss) else self._endings[owner].tail(found[0])
            if isinstance(missed, Miss):
                worst = further(worst, missed)
                if missed is not found and self.outbound.is_monotone:
                    break
        return worst or no_chair()


def _lane(runs: Runs, run: Run) -> Taken:
    _, nth, pickup, arrival = run
    return Taken(LinkKind.COURIER_LANE.value, runs.row, nth, pickup, arrival, runs.row.last_pickup(nth, runs.clock))
