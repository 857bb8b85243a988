"""One manufacturer's network as its planner sees it, as the file of ``simulate_network``: no order, no patient.

Run inside ``reading``. Only what the walls let the planner see goes in: its own lines and those of its CMOs, chairs,
beds and couriers that partners publish, its own lead times and quotas. Demand is counted, per center.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Min
from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import InvalidInput
from network import queries as network
from orders import queries as orders
from personas.queries import Site, sites
from scheduling import lead_time_register, queries, quota_register
from scheduling.conditions import LeadTime
from scheduling.queries import Slot
from scheduling.simulation.network import (
    Center,
    LaneRun,
    Network,
    Override,
    Plant,
    Process,
    QuotaRule,
    ShareOf,
)
from scheduling.states import LinkKind, ResourceKind, Share
from scheduling.windows import Lane

WEEKS = 8  # of openings that are looked at
YEAR = 365
STEPS = {field.name for field in fields(Process)}  # overrides of other durations say nothing to a simulation
BOOKING = "hold_slot_chain"
PROCESS = ("collection_hours", "pack_minutes", "max_age_hours", "age_buffer_hours", "release_days", "conditioning_days")


def network_of(actor: Actor, therapy_code: str) -> Network:
    """Return the network of a therapy of the actor's organization, from its openings of the coming weeks.

    Raises NotFound for a therapy that is not the actor's to see, InvalidInput for one of another organization, and
    where nothing that could be simulated is known.
    """
    therapy = network.therapy(actor, therapy_code)
    if therapy.manufacturer_id != actor.organization_id:
        raise InvalidInput(f"{therapy.code} is another organization's therapy.", remedy="Name one of your own.")
    parameters = _parameters(actor, therapy.pk)
    limits = network.specification_in_force(therapy.pk).limits
    known = {site.pk: site for site in sites(actor)}
    authorized = {row.site_id for row in network.authorizations(actor, therapy.pk)}
    may_give = (pk for pk in authorized if network.site_is_authorized(therapy.pk, pk))
    centers = sorted((known[pk] for pk in may_give if pk in known), key=lambda site: site.code)
    countries = {center.country for center in centers}
    licensed = {(plant.site_id, country) for country in countries for plant in network.plants_of(therapy.pk, country)}
    plants = sorted((known[pk] for pk in {pk for pk, _ in licensed} if pk in known), key=lambda site: site.code)
    if not centers or not plants:
        raise InvalidInput(
            f"No {'center may give' if not centers else 'plant makes'} {therapy.code} yet.",
            remedy="Authorize sites and add plants first.",
        )
    ways = {(center.pk, plant.pk) for center in centers for plant in plants if (plant.pk, center.country) in licensed}
    openings = _Openings(actor, therapy.pk)
    manufacture = max(1, round(limits["manufacture_days"]))
    codes = {site.pk: site.code for site in (*plants, *centers)}
    needs = parameters.get("also_needs") or ()
    homes = set()
    if LinkKind.RETURN_LANE in needs:  # a plant from which nothing comes home serves nobody
        homes = {(plant, center) for center, plant in ways if (plant, center) in openings.by_way}
        ways = {(center, plant) for plant, center in homes if (center, plant) in openings.by_way}
        homes = {(plant, center) for center, plant in ways}
    demand = _demand(actor, therapy.pk)
    return Network(
        plants=tuple(openings.plant(plant, manufacture) for plant in plants),
        centers=tuple(
            openings.center(center, demand.get(center.pk, 0.0), has_beds=LinkKind.INFUSION_BED in needs)
            for center in centers
        ),
        lanes=tuple(openings.lanes(codes, ways)),
        returns=tuple(openings.lanes(codes, homes, is_return=True)),
        process=_process(limits, parameters, manufacture),
        first_day=timezone.now().date(),
        title=f"{therapy.name}: network of {actor.organization_name}, as of {timezone.now():%Y-%m-%d}",
        lead_times=tuple(_lead_times(actor, parameters, therapy.pk, codes)),
        quotas=tuple(_quotas(actor, therapy.pk, centers)),
    )


def _parameters(actor: Actor, therapy_id: UUID) -> dict[str, Any]:
    flow = orders.flows(actor).filter(therapy_id=therapy_id, state="live").first()
    booking = orders.flow_steps(flow).filter(kind=BOOKING).first() if flow else None
    if booking is None:
        raise InvalidInput("No live flow of this therapy books slots.", remedy="Approve one first.")
    return dict(booking.parameters)


def _process(limits: dict[str, Any], parameters: dict[str, Any], manufacture: int) -> Process:
    given = {**limits, **{key: value for key, value in parameters.items() if value is not None}}
    found = {key: given[key] for key in PROCESS if given.get(key) is not None}
    return Process(manufacture_days=manufacture, lead_days=int(given.get("lead_days", 2)), **found)


def _demand(actor: Actor, therapy_id: UUID) -> dict[UUID, float]:
    """Return orders a year by the center's site: from the last year, or from as long as there are any, at least four
    weeks."""
    since = timezone.now() - dt.timedelta(days=YEAR)
    found = orders.orders(actor).filter(therapy_id=therapy_id, opened_at__gte=since).order_by()
    first = found.aggregate(first=Min("opened_at"))["first"]
    if first is None:
        return {}
    days = max(28, (timezone.now() - first).days + 1)
    counted = found.values_list("center_site_id").annotate(number=Count("pk"))
    return {site_id: round(number * YEAR / days, 1) for site_id, number in counted}


class _Openings:
    """What is offered in the coming weeks, by kind and place: days of the week, places on such a day."""

    def __init__(self, actor: Actor, therapy_id: UUID) -> None:
        now = timezone.now()
        rows = queries.slots(actor, since=now, until=now + dt.timedelta(weeks=WEEKS)).filter(capacity__gt=0)
        self.by_place: dict[tuple[str, UUID], list[Slot]] = defaultdict(list)
        self.by_way: dict[tuple[UUID, UUID], list[tuple[Lane, Slot]]] = defaultdict(list)
        for slot in rows:
            if slot.resource.therapy_ids and therapy_id not in slot.resource.therapy_ids:
                continue
            if slot.kind == ResourceKind.COURIER_LANE:
                lane = Lane.of(slot.resource.attributes)
                self.by_way[lane.origin_id, lane.destination_id].append((lane, slot))
            elif slot.site_id is not None:
                self.by_place[slot.kind, slot.site_id].append(slot)

    def plant(self, site: Site, manufacture: int) -> Plant:
        """Lines: the starts of a usual week, each busy for the days of manufacture."""
        starts = self.by_place[ResourceKind.MANUFACTURING_LINE, site.pk]
        lines = round(_a_day(starts, site) * len(_weekdays(starts, site)) / 7 * manufacture)
        bays = self.by_place[ResourceKind.RECEIVING, site.pk]
        return Plant(
            site.code, site.zone, lines, **_named(receives=_weekdays(bays, site), starts=_weekdays(starts, site))
        )

    def center(self, site: Site, orders_per_year: float, *, has_beds: bool) -> Center:
        chairs = self.by_place[ResourceKind.APHERESIS_CHAIR, site.pk]
        beds = self.by_place[ResourceKind.INFUSION_BED, site.pk]
        days = _named(collects=_weekdays(chairs, site), infuses=_weekdays(beds, site))
        return Center(
            site.code, site.zone, _a_day(chairs, site), orders_per_year, country=site.country,
            beds=_a_day(beds, site) if has_beds else None, **days,
        )  # fmt: skip

    def lanes(
        self, codes: dict[UUID, str], ways: Iterable[tuple[UUID, UUID]], *, is_return: bool = False
    ) -> Iterable[LaneRun]:
        """The quickest runs of each way, with the places of every run of a day."""
        for start, end in sorted(ways, key=lambda way: (codes[way[0]], codes[way[1]])):
            runs = self.by_way.get((start, end))
            if runs:
                lane = min((lane for lane, _ in runs), key=lambda one: (one.transit, one.cutoff or dt.time.max))
                per_day: dict[dt.date, int] = defaultdict(int)
                for _, slot in runs:
                    per_day[slot.starts_at.date()] += slot.capacity
                center, plant = (end, start) if is_return else (start, end)
                yield LaneRun(
                    codes[center], codes[plant], lane.transit.total_seconds() / 3600, lane.cutoff or dt.time(20),
                    lane.weekdays, round(statistics.median(per_day.values())),
                )  # fmt: skip


def _weekdays(slots: Iterable[Slot], site: Site) -> frozenset[int]:
    return frozenset(slot.starts_at.astimezone(ZoneInfo(site.zone)).isoweekday() for slot in slots)


def _a_day(slots: Iterable[Slot], site: Site) -> int:
    """Return the places of a usual day on which any are offered."""
    per_day: dict[dt.date, int] = defaultdict(int)
    for slot in slots:
        per_day[slot.starts_at.astimezone(ZoneInfo(site.zone)).date()] += slot.capacity
    return round(statistics.median(per_day.values())) if per_day else 0


def _named(**days: frozenset[int]) -> dict[str, Any]:
    """Days of the week as far as any are known."""
    return {name: found for name, found in days.items() if found}


def _lead_times(
    actor: Actor, parameters: dict[str, Any], therapy_id: UUID, codes: dict[UUID, str]
) -> Iterable[Override]:
    """Yield the flow's overrides, then the register's: those at sites of this network."""
    sites_known = set(codes.values())
    for rule in parameters.get("lead_times") or ():
        if rule["step"] in STEPS and (not rule.get("site") or rule["site"] in sites_known):
            dates: dict[str, Any] = {
                key: dt.date.fromisoformat(str(rule[key])) for key in ("since", "until") if rule.get(key)
            }
            plain = {key: rule[key] for key in ("priority", "market", "site", "reason") if rule.get(key)}
            yield Override(rule["step"], float(rule["value"]), float(rule["value"]), **dates, **plain)
    for row in lead_time_register.lead_times(actor, timezone.now().date()):
        rule_ = lead_time_register.as_rule(row)
        if (
            rule_.step in STEPS
            and rule_.therapy_id in (None, therapy_id)
            and (rule_.site_id is None or rule_.site_id in codes)
        ):
            yield _override(rule_, codes)


def _override(rule: LeadTime, codes: dict[UUID, str]) -> Override:
    return Override(
        rule.step, rule.at_least, rule.at_most, rule.priority, rule.market,
        codes[rule.site_id] if rule.site_id else "", rule.since, rule.until, rule.reason, registered=True,
    )  # fmt: skip


def _quotas(actor: Actor, therapy_id: UUID, centers: list[Site]) -> Iterable[QuotaRule]:
    """Yield the quota of each stage that comes next; of each share the median of its coming periods, before what it
    released. An organization's share is that of each of its sites in the network, divided among them."""
    rows = list(quota_register.quotas(actor, own=True).filter(therapy_id=therapy_id))
    lines, seen = quota_register.lines(actor, rows, most_periods=12), set()
    for row in rows:
        if row.stage in seen:
            continue
        seen.add(row.stage)
        shares, pool = [], 0
        for line in lines.get(row.pk, ()):
            places = round(statistics.median((one.places or 0) + (one.released or 0) for one in line.periods))
            own = [site for site in centers if site.organization_id == line.center_id]
            if line.share == Share.POOL:
                pool = places
            elif line.share == Share.REGION:
                shares.append(ShareOf(places, countries=tuple(sorted(line.countries))))
            else:
                for nth, site in enumerate(own):
                    shares.append(ShareOf(places // len(own) + (nth < places % len(own)), center=site.code))
        yield QuotaRule(
            row.stage, (*shares, ShareOf(pool)), row.period, row.zone, row.release_days, row.reserve_percent
        )
