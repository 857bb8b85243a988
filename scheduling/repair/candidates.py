"""Which chains an order may have instead: the search's own rule over the snapshot, every day of the horizon.

Orders with the same request share one walk over the calendar. Of chains that differ only in places of which there are
enough, the least harmful stands for all: that loses nothing, and leaves the solver a tenth of the choices.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from scheduling.calendars import Calendar, day_of
from scheduling.drafts import Draft
from scheduling.offers import ChainRequest
from scheduling.repair.collected import moving, onward
from scheduling.repair.objective import Scale
from scheduling.repair.pools import Pools, pooled
from scheduling.repair.rations import Rations, choices
from scheduling.repair.snapshot import Affected, Candidate, Harm, Material, Offered, Problem, free_places, movable
from scheduling.repair.walks import Crowd, every_draft

ALIKE = 4  # chains of an order that a candidate stands for, to be told as other choices


def problem(
    affected: Sequence[Affected], offered: Calendar | Mapping[UUID, Offered], now: dt.datetime, horizon_days: int
) -> Problem:
    """Return the problem of finding each order a chain within ``horizon_days`` of ``now``, all of them together.

    ``offered``: by therapy, or one calendar for all (``snapshot.without``). What several therapies may use is shared.
    """
    if isinstance(offered, Calendar):
        offered = {order.request.therapy_id: Offered(offered) for order in affected}
    pools = pooled({therapy: one.calendar for therapy, one in offered.items()})
    rations = Rations(affected, offered)
    walks: dict[ChainRequest, _Walk] = {}
    at_center = Counter(order.request.center_site_id for order in affected)
    held = frozenset(pools.named(slot_id for order in affected for slot_id in order.current.slot_ids))
    found: dict[str, tuple[list[_Way], _Walk, ChainRequest]] = {}
    for order in affected:
        calendar = _calendar(order, pools, rations)
        walked, walk = _walked(order, calendar, now, horizon_days), _Walk([])
        if _may_collect(order):
            if walked not in walks:
                crowd = Crowd(at_center[walked.center_site_id], len(affected), held, rations.kinds(order))
                walks[walked] = _Walk(every_draft(walked, calendar, now, crowd))
            walk = walks[walked]
        own = [_Way.onward(order, draft, pools) for draft in onward(order, calendar, now)]
        found[order.key] = (own, walk, walked)
    left = free_places(pools.windows.values())
    now_held = {order.key: pools.named(movable(order)) for order in affected}
    short = _short(found, now_held, left)
    offers, alike = {}, {}
    for order, (own, walk, walked) in zip(affected, found.values(), strict=True):
        walk.settle(short, partial(rations.periods, order))
        ways = [*(way.among(short) for way in own), *_in_time(order, walk, walked, pools)]
        offers[order.key], alike[order.key] = _distinct(order, ways, pools, rations)
    given = {slot_id: left[slot_id] for slot_id in short} | rations.left
    kept = {order.key: frozenset((now_held[order.key] | order.quota_ids) & given.keys()) for order in affected}
    keepers = Counter(place for places in kept.values() for place in places)
    given = {place: max(count, keepers[place]) for place, count in given.items()}  # to stay as it is is always a plan
    return Problem(tuple(affected), offers, given, pools, kept, alike)


def _calendar(order: Affected, pools: Pools, rations: Rations) -> Calendar:
    """The therapy's pooled calendar as the order's center sees it: with its quotas."""
    calendar = pools.calendars[order.request.therapy_id]
    if calendar.quotas != rations.of(order):
        calendar = copy(calendar)
        calendar.quotas = rations.of(order)
    return calendar


@dataclass(frozen=True)
class _Way:
    """A chain with its places at hand: ``needs`` are the short ones."""

    draft: Draft
    slot_ids: frozenset[UUID]
    needs: frozenset[UUID] = frozenset()

    @classmethod
    def of(cls, draft: Draft, short: set[UUID]) -> _Way:
        return cls(draft, frozenset(draft.slot_ids)).among(short)

    @classmethod
    def onward(cls, order: Affected, draft: Draft, pools: Pools) -> _Way:
        """A chain of collected material: what it used it does not take."""
        return cls(draft, frozenset(pools.named(moving(order, draft))))

    def among(self, short: set[UUID]) -> _Way:
        return replace(self, needs=self.slot_ids & short)


class _Walk:
    """The chains of one request over the horizon; ``few`` are those that stand for the others."""

    def __init__(self, drafts: list[Draft]) -> None:
        self.drafts = drafts
        self.slot_ids = {slot_id for draft in drafts for slot_id in draft.slot_ids}
        self.few: list[_Way] = []
        self.using: dict[UUID, list[_Way]] = {}
        self.is_settled = False

    def settle(self, short: set[UUID], periods: Callable[[Draft], object]) -> None:
        """Of the chains with the same short places and quotas, day and plant, let the first to infuse stand for all."""
        if self.is_settled:
            return
        self.is_settled = True
        best: dict[tuple[object, ...], _Way] = {}
        for draft in sorted(self.drafts, key=lambda d: (d.earliest_infusion, len(d.picks))):
            way = _Way.of(draft, short)
            best.setdefault((way.needs, draft.collection_start, draft.plant_id, periods(draft)), way)
            for slot_id in way.slot_ids:
                self.using.setdefault(slot_id, []).append(way)
        self.few = list(best.values())


def _walked(order: Affected, calendar: Calendar, now: dt.datetime, days: int) -> ChainRequest:
    return replace(order.request, earliest=today(order.request, calendar, now), horizon_days=days)


def _in_time(order: Affected, walk: _Walk, walked: ChainRequest, pools: Pools) -> Iterator[_Way]:
    """The walk's chains that the order may have: those that stand for all, and those that keep a place it has.

    A collection can be prepared by then and is wanted then; one that stands is prepared already.
    """
    place = pools.calendars[order.request.therapy_id].places[order.request.center_site_id]
    ready = max(walked.earliest + dt.timedelta(days=walked.lead_days), order.request.earliest)
    since = day_of(ready, place.zone)[0]
    stands, may_stay = order.current.collection_start, order.material is Material.NOT_COLLECTED
    same = (way for slot_id in sorted(pools.named(order.current.slot_ids)) for way in walk.using.get(slot_id, ()))
    for way in (*walk.few, *same):
        start = way.draft.collection_start
        if order.latest is not None and start > order.latest:
            continue
        if may_stay if start == stands else start >= since:
            yield way


def today(request: ChainRequest, calendar: Calendar, now: dt.datetime) -> dt.date:
    """The local date at the center."""
    return calendar.places[request.center_site_id].local(now).date()


def _may_collect(order: Affected) -> bool:
    return order.material is Material.NOT_COLLECTED or order.may_recollect


def _short(
    found: Mapping[str, tuple[Sequence[_Way], _Walk, ChainRequest]],
    held: Mapping[str, set[UUID]],
    left: dict[UUID, int],
) -> set[UUID]:
    """The windows that more orders could use, or keep, than there are places."""
    wanted: Counter[UUID] = Counter()
    alike: Counter[_Walk] = Counter()  # orders of one walk want the same: counted together
    for key, (own, walk, _) in found.items():
        wanted.update(held[key].union(*(way.slot_ids for way in own)) - walk.slot_ids)
        alike[walk] += 1
    for walk, orders in alike.items():
        for slot_id in walk.slot_ids:
            wanted[slot_id] += orders
    return {slot_id for slot_id, orders in wanted.items() if slot_id in left and orders > left[slot_id]}


def _distinct(
    order: Affected, ways: Sequence[_Way], pools: Pools, rations: Rations
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """Of chains with the same short places and quotas the least harmful, the least harmful of all first; and a few on
    other dates that they stand for."""
    scale = Scale(order, pools.named(order.current.slot_ids), pools.pool_of)
    kept: dict[frozenset[UUID], Candidate] = {}
    alike: dict[dt.datetime, Candidate] = {}
    dates: set[dt.datetime] = set()
    for harm, _, number in sorted(
        (scale.harm(way.draft, way.slot_ids), way.draft.earliest_infusion, number) for number, way in enumerate(ways)
    ):
        way = ways[number]
        claims = rations.claims(order, way.draft)
        for taken in choices(claims) if claims is not None else ():
            needs = way.needs | taken if taken else way.needs
            date = way.draft.earliest_infusion if order.is_begun else way.draft.manufacture_start
            if needs not in kept:
                kept[needs] = Candidate(way.draft, Harm(*harm), needs)
                dates.add(date)
            elif len(alike) < ALIKE and date not in dates:
                alike[date] = Candidate(way.draft, Harm(*harm), needs)
                dates.add(date)
    return tuple(kept.values()), tuple(alike.values())
