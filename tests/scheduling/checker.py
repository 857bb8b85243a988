"""An independent judge of slot chains, written from the rule (DOMAIN 10.2) and sharing no code with the planner.

It takes windows that somebody chose, works out by itself when each thing would happen (as soon as it can), and names
every constraint that is violated. ``every_chain`` tries all combinations: for small instances only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from uuid import UUID

from scheduling.calendars import Place, Window
from scheduling.offers import ChainRequest
from scheduling.quota_rules import QuotaLeft

Chosen = Mapping[str, Window]  # by kind of link; of several chairs the last


@dataclass
class Verdict:
    """What a choice of windows comes to."""

    faults: list[str] = field(default_factory=list)
    times: dict[str, dt.datetime] = field(default_factory=dict)

    @property
    def is_feasible(self) -> bool:
        return not self.faults


@dataclass(frozen=True)
class Judge:
    """Judges by one request, on one set of places, windows and quotas, at one moment."""

    request: ChainRequest
    places: Mapping[UUID, Place]
    windows: Sequence[Window]
    now: dt.datetime
    quotas: Sequence[QuotaLeft] = ()

    def verdict(self, chosen: Chosen, plant_id: UUID) -> Verdict:
        """Return what a chain through the chosen windows would be, and what it violates."""
        found = Verdict()
        for kind in self.request.needs:
            if kind not in chosen:
                found.faults.append(f"{kind}: missing")
        if found.faults:
            return found
        self._collect(found, chosen)
        self._travel(found, chosen, plant_id)
        self._make(found, chosen, plant_id)
        self._give(found, chosen, plant_id)
        for kind, window in chosen.items():
            if window.left < 1:
                found.faults.append(f"{kind}: full")
        return found

    def every_chain(self, date: dt.date, plant_id: UUID) -> Iterator[Verdict]:
        """Yield the verdict on every combination of windows for a collection on the center's local date."""
        kinds = [*self.request.needs]
        if self.request.second_dose_days:
            kinds.append("second_bed")
        options = [self._options(kind, date, plant_id) for kind in kinds]
        for windows in product(*options):
            yield self.verdict(dict(zip(kinds, windows, strict=True)), plant_id)

    def has_chain(self, date: dt.date, plant_id: UUID) -> bool:
        return any(verdict.is_feasible for verdict in self.every_chain(date, plant_id))

    def _options(self, kind: str, date: dt.date, plant_id: UUID) -> list[Window]:
        resource = {"return_lane": "courier_lane", "second_bed": "infusion_bed"}.get(kind, kind)
        found = [window for window in self.windows if window.kind == resource]
        center = self.request.center_site_id
        if kind == "apheresis_chair":
            return [w for w in found if w.place_id == center and self._date(w.starts_at, center) == date]
        if resource == "courier_lane":
            ends = (center, plant_id) if kind == "courier_lane" else (plant_id, center)
            return [w for w in found if w.lane and (w.lane.origin_id, w.lane.destination_id) == ends]
        return [w for w in found if w.place_id == (center if resource == "infusion_bed" else plant_id)]

    def _date(self, moment: dt.datetime, place_id: UUID) -> dt.date:
        return moment.astimezone(self.places[place_id].zone).date()

    def _collect(self, found: Verdict, chosen: Chosen) -> None:
        request, center, chair = self.request, self.request.center_site_id, chosen["apheresis_chair"]
        date = self._date(chair.starts_at, center)
        ends = chair.starts_at + dt.timedelta(hours=request.collection_hours)
        found.times |= {"collection_start": chair.starts_at, "collection_end": ends}
        if ends > chair.ends_at:
            found.faults.append("chair too short")
        if chair.starts_at <= self.now:
            found.faults.append("chair in the past")
        if date < request.earliest or date.isoweekday() not in request.weekdays:
            found.faults.append("not a day asked for")
        if (date - self._date(self.now, center)).days < request.lead_days:
            found.faults.append("within the lead time")
        if any((date - washout.since).days < washout.days for washout in request.washouts):
            found.faults.append("within a washout")
        if request.authorized_until and self._midnight(date, center) >= request.authorized_until:
            found.faults.append("not authorized any more")
        self._ask_quota(found, "apheresis_chair", chair.starts_at)

    def _midnight(self, date: dt.date, place_id: UUID) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(), self.places[place_id].zone).astimezone(dt.UTC)

    def _ask_quota(self, found: Verdict, stage: str, moment: dt.datetime) -> None:
        mine = [q for q in self.quotas if q.stage == stage and q.starts_at <= moment < q.ends_at]
        if mine and sum(max(0, q.left) for q in mine) == 0:
            found.faults.append(f"{stage}: no quota")

    def _travel(self, found: Verdict, chosen: Chosen, plant_id: UUID) -> None:
        request, collected = self.request, found.times["collection_end"]
        packed = collected + dt.timedelta(minutes=request.pack_minutes)
        lane = chosen["courier_lane"]
        pickup = max(packed, lane.starts_at)
        days_later = (
            self._date(lane.starts_at, request.center_site_id) - self._date(packed, request.center_site_id)
        ).days
        if days_later > request.pickup_days or (days_later < 0 and lane.ends_at <= packed):
            found.faults.append("not a run of these days")
        arrival = self._ride(found, lane, pickup, packed)
        found.times |= {"pickup": pickup, "arrival": arrival}
        if plant_id not in request.plant_site_ids or plant_id in {barred.site_id for barred in request.barred_plants}:
            found.faults.append("plant not licensed")
        bay = chosen["receiving"]
        if not bay.starts_at <= arrival < bay.ends_at:
            found.faults.append("outside the receiving hours")
        self._ask_quota(found, "receiving", bay.starts_at)
        if not request.cryopreserved and request.max_age_hours is not None:
            age = (arrival - collected).total_seconds() / 3600
            if age > request.max_age_hours - request.age_buffer_hours:
                found.faults.append("too old on arrival")

    def _ride(self, found: Verdict, window: Window, pickup: dt.datetime, packed: dt.datetime) -> dt.datetime:
        """Return when a run that is caught at ``pickup`` arrives; note what forbids it, by the clock of its origin."""
        lane = window.lane
        assert lane is not None
        zone = self.places[lane.origin_id].zone
        begins = window.starts_at.astimezone(zone)
        if begins.isoweekday() not in lane.weekdays:
            found.faults.append("lane does not run on this day")
        if lane.cutoff is not None:
            days = (begins.date(), begins.date() + dt.timedelta(days=1))
            today, tomorrow = (dt.datetime.combine(d, lane.cutoff, zone).timestamp() for d in days)
            overnight = today < window.starts_at.timestamp() and tomorrow <= window.ends_at.timestamp()
            if pickup.timestamp() > (tomorrow if overnight else today):
                found.faults.append("after the cut-off")
        if pickup > window.ends_at:
            found.faults.append("after the run")
        wanted = self.request.courier_organization_ids
        if wanted is not None and window.organization_id not in wanted:
            found.faults.append("another courier's")
        arrival = pickup + lane.transit
        holds = {
            hold.courier_id: hold.hours
            for hold in self.request.shipper_holds
            if (hold.origin_id, hold.destination_id) == (lane.origin_id, lane.destination_id)
        }
        hold = holds.get(window.organization_id, holds.get(None))
        planned = (arrival - packed).total_seconds() / 3600 + self.request.shipper_buffer_hours
        if hold is not None and planned > hold:
            found.faults.append("shipper does not hold")
        return arrival

    def _make(self, found: Verdict, chosen: Chosen, plant_id: UUID) -> None:
        request, line = self.request, chosen["manufacturing_line"]
        start = max(found.times["arrival"], line.starts_at)
        if start >= line.ends_at:
            found.faults.append("line closed before arrival")
        limit = request.storage_days if request.cryopreserved else request.max_age_hours
        if limit is not None:
            age = (start - found.times["collection_end"]).total_seconds() / (86400 if request.cryopreserved else 3600)
            if age > limit:
                found.faults.append("too old at the start")
        self._ask_quota(found, "manufacturing_line", start)
        stock = chosen.get("critical_stock")
        if stock is not None and not stock.starts_at <= start < stock.ends_at:
            found.faults.append("no stock at the start")
        done = start + dt.timedelta(days=request.manufacture_days)
        lab = chosen.get("quality_release")
        if lab is not None:
            if done >= lab.ends_at:
                found.faults.append("release closed")
            done = max(done, lab.starts_at)
        found.times |= {"start": start, "released": done + dt.timedelta(days=request.release_days)}

    def _give(self, found: Verdict, chosen: Chosen, plant_id: UUID) -> None:
        request, released = self.request, found.times["released"]
        ride = chosen.get("return_lane")
        if ride is not None:
            pickup = max(released, ride.starts_at)
            if released >= ride.ends_at:
                found.faults.append("return run is gone")
            back = self._ride(found, ride, pickup, pickup)
            if request.same_courier and ride.organization_id != chosen["courier_lane"].organization_id:
                found.faults.append("another courier brings it back")
        else:
            lane = chosen["courier_lane"].lane
            assert lane is not None
            back = released + lane.transit
        ready = back + dt.timedelta(days=request.conditioning_days)
        bed = chosen.get("infusion_bed")
        opens, closes = (bed.starts_at, bed.ends_at) if bed else (ready, ready + dt.timedelta(days=8))
        infusion = self._first_allowed(max(ready, opens), closes)
        found.times |= {"back": back, "infusion": infusion or ready}
        if infusion is None:
            found.faults.append("no infusion in this bed")
            return
        if bed:
            self._ask_quota(found, "infusion_bed", infusion)
        if request.product_hold_days is not None and infusion > back + dt.timedelta(days=request.product_hold_days):
            found.faults.append("product does not keep until then")
        second = chosen.get("second_bed")
        if second is not None and bed and (second.slot_id == bed.slot_id or not self._has_second(infusion, second)):
            found.faults.append("no second dose in time")

    def _first_allowed(self, moment: dt.datetime, end: dt.datetime) -> dt.datetime | None:
        center = self.request.center_site_id
        while moment < end:
            date = self._date(moment, center)
            if date.isoweekday() in self.request.infusion_weekdays:
                return moment
            moment = self._midnight(date + dt.timedelta(days=1), center)
        return None

    def _has_second(self, infusion: dt.datetime, bed: Window) -> bool:
        request, center = self.request, self.request.center_site_id
        first = self._date(infusion, center)
        give = request.second_dose_tolerance_days
        for days in range(request.second_dose_days - give, request.second_dose_days + give + 1):
            date = first + dt.timedelta(days=days)
            opens, closes = self._midnight(date, center), self._midnight(date + dt.timedelta(days=1), center)
            if date.isoweekday() in request.infusion_weekdays and bed.starts_at < closes and bed.ends_at > opens:
                return True
        return False
