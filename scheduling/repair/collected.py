"""Chains for material that is collected already: what was used stands, what comes later may move while it lasts.

At the center the courier, the plant and all that follows may be others; on the way the delivery may be put off; at the
plant only the start of manufacture moves; once it has begun, quality release, the way back and the bed. What a shipper
holds and a receiving window admits is asked as by the search.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, HOUR, ticks
from scheduling.drafts import Draft, Miss, Pick, Taken, Way, further
from scheduling.inbound import FAR
from scheduling.plant_ways import PlantWays
from scheduling.repair import pools
from scheduling.repair.pools import Pools
from scheduling.repair.snapshot import Affected, Material, is_used
from scheduling.repair.walks import EveryWay
from scheduling.runs import too_short
from scheduling.states import LinkKind, ResourceKind

REACH = 14 * DAY  # how long a way of collected material is looked for
MOST_BAYS = 5
AFTER = (LinkKind.QUALITY_RELEASE,)  # what a request does not ask for any more once it was used
CHAIR, LANE, RETURN = LinkKind.APHERESIS_CHAIR, LinkKind.COURIER_LANE, LinkKind.RETURN_LANE
LINE = LinkKind.MANUFACTURING_LINE


def onward(order: Affected, calendar: Calendar, now: dt.datetime) -> Iterator[Draft]:
    """Yield the chains that use what was collected; none for an order whose material is not collected yet."""
    if order.material is not Material.NOT_COLLECTED:
        yield from _Onward(order, calendar, now).drafts()


def not_held(order: Affected, calendar: Calendar, now: dt.datetime, beside: Draft | None = None) -> str:
    """Say whose shipper does not hold for the best of the chains that ``onward`` would yield if it did, how long it
    holds and how long it would have to; nothing where another reason leaves none, or some are left (``beside``: other
    than this one)."""
    if order.material is Material.NOT_COLLECTED or not order.request.shipper_holds:
        return ""
    start = beside.manufacture_start if beside else None
    if any(draft.manufacture_start != start for draft in onward(order, calendar, now)):
        return ""
    lasting, planner = replace(order, request=replace(order.request, shipper_holds=())), _Onward(order, calendar, now)
    drafts = sorted(onward(lasting, calendar, now), key=lambda d: (d.earliest_infusion, d.arrival_at))
    return next(filter(None, map(planner.not_held, drafts)), "")


def furthest(order: Affected, calendar: Calendar, now: dt.datetime, beside: Draft | None = None) -> Miss | None:
    """Return what the chain that came furthest missed, of those that collected material does not have; None where
    nothing is missed. ``beside``: of those that begin after this one."""
    worst: Miss | None = None
    for miss in _Onward(order, calendar, now).stopped(beside):
        worst = further(worst, miss)
    return worst


def dealt(found: Pools, wanted: Sequence[tuple[Draft, Affected]]) -> list[Draft]:
    """Return the drafts with windows of their own, as ``pools.dealt``; places that were used are not dealt again."""
    used = [tuple(pick for pick in draft.picks if is_used(order, pick.kind)) for draft, order in wanted]
    rest = [
        (replace(draft, picks=draft.picks[len(gone) :]), order.current)
        for (draft, order), gone in zip(wanted, used, strict=True)
    ]
    drafts = pools.dealt(found, rest)
    return [replace(draft, picks=(*gone, *draft.picks)) for draft, gone in zip(drafts, used, strict=True)]


def moving(order: Affected, draft: Draft) -> tuple[UUID, ...]:
    """The places of a chain that are still to be used."""
    return tuple(pick.window.slot_id for pick in draft.picks if not is_used(order, pick.kind))


class _Onward(EveryWay):
    """A planner that goes on from where the material is."""

    def __init__(self, order: Affected, calendar: Calendar, now: dt.datetime) -> None:
        needs = tuple(need for need in order.request.needs if not is_used(order, need) or need not in AFTER)
        super().__init__(replace(order.request, lead_days=0, needs=needs), calendar, now)
        self.order, self.current, self.moment = order, order.current, ticks(now)
        self.used = tuple(pick for pick in order.current.picks if is_used(order, pick.kind))
        self.collected = ticks(order.collected_at or order.current.collection_end)
        expires = order.expires_at
        oldest = self.inbound.oldest_start(self.collected) if expires is None else ticks(expires)
        self.oldest = min(oldest, max(self.moment, self.collected) + REACH)

    def drafts(self) -> Iterator[Draft]:
        """Yield every way, the used places in front."""
        stays = self.order.material is not Material.AT_CENTER
        if stays and self.current.plant_id is not None and self.current.plant_id not in self.calendar.places:
            return  # nothing is offered there any more
        if stays and not self._is_held_back():
            return
        ways = {
            Material.AT_CENTER: self._by_other_ways,
            Material.ON_THE_WAY: self._delivered,
            Material.AT_PLANT: self._started,
            Material.IN_MANUFACTURE: self._finished,
            Material.RELEASED: self._finished,
        }[self.order.material]()
        for way in ways:
            draft = way.draft()
            yield replace(
                draft,
                picks=(*self.used, *draft.picks),
                collection_start=self.current.collection_start,
                collection_end=self.current.collection_end,
                pickup_at=draft.pickup_at if self.order.material is Material.AT_CENTER else self.current.pickup_at,
                arrival_at=self.current.arrival_at if self.order.material >= Material.AT_PLANT else draft.arrival_at,
                manufacture_start=self.current.manufacture_start if self.order.is_begun else draft.manufacture_start,
            )

    def stopped(self, beside: Draft | None) -> Iterator[Miss]:
        """Yield why each chain that is none cannot be; ``beside``: of those that begin after this one."""
        lines = [pick for pick in (beside.picks if beside else ()) if pick.kind == LINE]
        since = max((ticks(pick.window.ends_at) for pick in lines), default=0)
        plant_id = self.current.plant_id
        if self.order.material is Material.AT_CENTER:
            for choice in self.choices:
                ways = self._by(choice)
                packed = self.collected + ways.terms.pack
                yield from ways.missed(max(packed, self.moment), packed, self.collected, self.oldest, since)
        elif plant_id is None or plant_id not in self.calendar.places or not self._is_held_back():
            return
        elif self.order.is_begun:
            yield from self._not_finished()
        elif self.order.material is Material.AT_PLANT:
            ending = self._by(plant_id).ending(*self._brought())
            yield from self._by(plant_id).not_started(0, self.oldest, max(since, self.moment), ending)
        else:
            yield from self._not_delivered(plant_id, since)

    def _not_delivered(self, plant_id: UUID, since: int) -> Iterator[Miss]:
        ways, bays = self._by(plant_id), list(self._bays(plant_id))
        if not bays:
            yield ways.at_plant.no_bay(max(ticks(self.current.arrival_at), self.moment))
        for arrival, _ in bays:
            if old := self.inbound.too_old(self.collected, arrival):
                yield old
            elif arrival <= self._held_until(plant_id):
                yield from ways.not_started(arrival, self.oldest, since, ways.ending(*self._brought()))

    def _not_finished(self) -> Iterator[Miss]:
        """Release, way back and bed, from each day on; the first that is missed explains the others."""
        ways, due = self._by(self.current.plant_id), self._due()
        ending = ways.ending(*self._brought())
        yield from (tail for later in range(0, REACH, DAY) if isinstance(tail := ending.tail(due + later), Miss))

    def _due(self) -> int:
        """From when on quality release, or the way back, is looked for, told as a start of manufacture."""
        terms = self._by(self.current.plant_id).terms
        begun = ticks(self.order.begun_at or self.current.manufacture_start)
        done = terms.manufacture + (terms.release if self.order.material is Material.RELEASED else 0)
        return max(begun, self.moment - done)

    def _by(self, plant_id: UUID | None) -> PlantWays:
        return self.by(plant_id, self.center.local(self.current.collection_start).date())

    def _by_other_ways(self) -> Iterator[Way]:
        for plant_id in self.choices:
            ways = self._by(plant_id)
            packed = self.collected + ways.terms.pack
            for lane, ending in ways.caught(max(packed, self.moment), packed, self.oldest):
                bay = ways.at_plant.bay(lane.end)
                if not ways.at_plant.receives(bay) or self.inbound.too_old(self.collected, lane.end):
                    continue
                first = (lane, bay) if bay else (lane,)
                yield from ways.started(first, lane.start, lane.end, self.oldest, ending)

    def _delivered(self) -> Iterator[Way]:
        """The box goes where it goes; when its bay is closed, it is delivered to one that opens later."""
        plant_id = self.current.plant_id
        for arrival, first in self._bays(plant_id):
            if not self.inbound.too_old(self.collected, arrival) and arrival <= self._held_until(plant_id):
                yield from self._from(plant_id, arrival, first)

    def _bays(self, plant_id: UUID | None) -> Iterator[tuple[int, tuple[Taken, ...]]]:
        due = max(ticks(self.current.arrival_at), self.moment)
        if plant_id is None or not self.inbound.needs(LinkKind.RECEIVING):
            yield due, ()
            return
        row, count = self.calendar.row(ResourceKind.RECEIVING, plant_id), 0
        for index in row.after(due):
            if row.left[index] > 0 and count < MOST_BAYS:
                count += 1
                start, end = row.starts[index], row.ends[index]
                yield max(due, start), (Taken(LinkKind.RECEIVING.value, row, index, start, end, end),)

    def _is_held_back(self) -> bool:
        """Whether the shipper holds for the way back, where no lane is booked for it (a run's own is asked with it)."""
        if self.inbound.needs(LinkKind.RETURN_LANE):
            return True
        courier, transit = self._brought()
        return transit <= self._hold(courier, self.current.plant_id, self.request.center_site_id)

    def not_held(self, draft: Draft) -> str:
        """Say whose shipper does not hold for a chain, on the way in or back."""
        buffer = round(self.request.shipper_buffer_hours * HOUR)
        for pick, way, planned in self._carried(draft):
            hold = self._hold(pick.window.organization_id, *way)
            if planned > hold:
                return too_short(pick.window.resource_name, hold + buffer, planned, buffer)
        return ""

    def _carried(self, draft: Draft) -> Iterator[tuple[Pick, tuple[UUID | None, UUID | None], int]]:
        """The ways of a chain that a shipper has to hold for: whose run, from where to where, how long."""
        lanes = {pick.kind: pick for pick in draft.picks if pick.kind in (LANE, RETURN)}
        ends = self.request.center_site_id, draft.plant_id
        if LANE in lanes and self.order.material in (Material.AT_CENTER, Material.ON_THE_WAY):
            packed = self.collected + self._by(draft.plant_id).terms.pack
            yield lanes[LANE], ends, ticks(draft.arrival_at) - packed
        back = lanes.get(RETURN)
        if back is not None:
            yield back, ends[::-1], ticks(back.ends_at) - ticks(back.starts_at)
        elif LANE in lanes and self.order.material is not Material.AT_CENTER:
            yield lanes[LANE], ends[::-1], self._brought()[1]

    def _held_until(self, plant_id: UUID | None) -> int:
        """Until when the shipper holds, counted from the planned packing."""
        courier = next((pick.window.organization_id for pick in self.used if pick.kind == LANE), None)
        packed = self.collected + self._by(plant_id).terms.pack
        return min(FAR, packed + self._hold(courier, self.request.center_site_id, plant_id))

    def _hold(self, courier: UUID | None, origin_id: UUID | None, destination_id: UUID | None) -> int:
        """How long a courier's shipper holds on a way, less the buffer; FAR where nothing is known of it."""
        holds = {
            hold.courier_id: hold.hours
            for hold in self.request.shipper_holds
            if (hold.origin_id, hold.destination_id) == (origin_id, destination_id)
        }
        hours = holds.get(courier, holds.get(None))
        return FAR if hours is None else round((hours - self.request.shipper_buffer_hours) * HOUR)

    def _started(self) -> Iterator[Way]:
        yield from self._from(self.current.plant_id, self.moment, ())

    def _finished(self) -> Iterator[Way]:
        """What is made stays where it is; release, way back and bed are looked for anew, each day's earliest."""
        ways = self._by(self.current.plant_id)
        ending = ways.ending(*self._brought())
        begun = ticks(self.order.begun_at or self.current.manufacture_start)
        due, seen = self._due(), set()
        pickup, arrival = ticks(self.current.pickup_at), ticks(self.current.arrival_at)
        for later in range(0, REACH, DAY):
            tail = ending.tail(due + later)
            if isinstance(tail, Miss):
                continue
            places = tuple(taken.row.ids[taken.nth] for taken in tail.taken)
            if places not in seen:
                seen.add(places)
                yield Way(self.current.plant_id, (), 0, 0, pickup, arrival, begun, tail, 0, ways.terms.notes)

    def _brought(self) -> tuple[UUID | None, int]:
        """Who brought the material, and how long that took: as it was booked."""
        courier = next((pick.window.organization_id for pick in self.used if pick.kind == LANE), None)
        return courier, ticks(self.current.arrival_at) - ticks(self.current.pickup_at)

    def _from(self, plant_id: UUID | None, arrival: int, first: tuple[Taken, ...]) -> Iterator[Way]:
        ways = self._by(plant_id)
        ending = ways.ending(*self._brought())
        yield from ways.started(first, ticks(self.current.pickup_at), arrival, self.oldest, ending)
