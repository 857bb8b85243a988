"""Loads what the actor may see of offered capacity into a calendar: four queries, whatever the horizon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from ledger.context import Actor
from ledger.refusals import InvalidInput, NotFound
from ledger.walls import visible
from personas.queries import sites
from scheduling import quotas
from scheduling.calendars import Calendar, Lane, Place, Window, day_of
from scheduling.models import Resource, Slot
from scheduling.offers import ChainRequest, LinkRequest
from scheduling.quota_rules import QuotaLeft
from scheduling.states import ResourceKind

REACH = dt.timedelta(days=14)  # how long after the last collection arrivals and starts are still looked for
BED_REACH = dt.timedelta(days=21)
AT_CENTER = (ResourceKind.APHERESIS_CHAIR, ResourceKind.COURIER_LANE, ResourceKind.INFUSION_BED)


def places_of(actor: Actor, request: ChainRequest) -> dict[UUID, Place]:
    """Return the sites of the request that the actor knows; raise NotFound when the center is not among them."""
    wanted = {request.center_site_id, *request.plant_site_ids}
    rows = sites(actor).filter(pk__in=wanted).values_list("pk", "name", "organization_id", "zone", "country")
    places = {
        pk: Place(pk, name, organization_id, ZoneInfo(zone), country)
        for pk, name, organization_id, zone, country in rows
    }
    if request.center_site_id not in places:
        raise NotFound("This treatment center's site is not known here.")
    return places


def links_wanted(request: ChainRequest, zone: ZoneInfo, first: dt.date, days: int) -> list[LinkRequest]:
    """Return which places to look at for collections on ``days`` local dates from ``first``."""
    since, until = day_of(first, zone)[0], day_of(first + dt.timedelta(days=days - 1), zone)[1]
    packed = until + dt.timedelta(hours=request.collection_hours, minutes=request.pack_minutes)
    reached = packed + max(REACH, dt.timedelta(hours=request.max_age_hours or 0))
    infused = dt.timedelta(days=request.manufacture_days + request.release_days + request.conditioning_days)
    ends = {
        ResourceKind.APHERESIS_CHAIR: until,
        ResourceKind.COURIER_LANE: packed + dt.timedelta(days=1),
        ResourceKind.RECEIVING: reached,
        ResourceKind.MANUFACTURING_LINE: reached,
        ResourceKind.INFUSION_BED: reached + infused + BED_REACH,
    }
    return [
        LinkRequest(
            kind=kind,
            site_ids=(request.center_site_id,) if kind in AT_CENTER else request.plant_site_ids,
            since=since,
            until=ends[ResourceKind(kind)],
            organization_ids=request.courier_organization_ids if kind == ResourceKind.COURIER_LANE else None,
        )
        for kind in request.needs
    ]


def load(actor: Actor, request: ChainRequest, links: Sequence[LinkRequest], places: dict[UUID, Place]) -> Calendar:
    """Return the calendar of every visible slot that may serve one of the links."""
    resources = _resources(actor, request, links)
    condition = Q(pk__in=[])
    for link in links:
        ids = [pk for pk, (kind, *_) in resources.items() if kind == link.kind]
        if ids:
            condition |= Q(resource_id__in=ids, starts_at__lt=link.until, ends_at__gt=link.since)
    since, until = min(link.since for link in links), max(link.until for link in links)
    left = _quotas(actor, request, places[request.center_site_id], since, until)
    return Calendar(places.values(), _windows(actor, condition, resources, request.own_slot_ids), left)


def _quotas(
    actor: Actor, request: ChainRequest, center: Place, since: dt.datetime, until: dt.datetime
) -> list[QuotaLeft]:
    """Return what the quotas leave to the center, for the periods that the links may fall into."""
    return quotas.load(
        actor, request.therapy_id, center.country, center.organization_id, since, until, beside=request.own_chain_id
    )


def load_slots(actor: Actor, request: ChainRequest, slot_ids: Sequence[UUID], places: dict[UUID, Place]) -> Calendar:
    """Return the calendar of exactly these slots, as far as the actor sees them and the request admits them."""
    links = links_wanted(request, places[request.center_site_id].zone, request.earliest, 1)
    windows = _windows(actor, Q(pk__in=slot_ids), _resources(actor, request, links), request.own_slot_ids)
    since = min((window.starts_at for window in windows), default=links[0].since)
    until = max((window.ends_at for window in windows), default=links[0].until)
    return Calendar(places.values(), windows, _quotas(actor, request, places[request.center_site_id], since, until))


_Resource = tuple[str, UUID, str, Lane | None]  # kind, place, name, lane


def _resources(actor: Actor, request: ChainRequest, links: Sequence[LinkRequest]) -> dict[UUID, _Resource]:
    condition = Q(pk__in=[])
    for link in links:
        if link.kind == ResourceKind.COURIER_LANE:
            origins = [str(site_id) for site_id in link.site_ids]
            found = Q(kind=link.kind, attributes__origin_site_id__in=origins)
            if link.organization_ids is not None:
                found &= Q(organization_id__in=link.organization_ids)
        else:
            found = Q(kind=link.kind, site_id__in=link.site_ids)
        condition |= found
    serves = Q(therapy_ids=[]) | Q(therapy_ids__contains=[request.therapy_id])
    rows = visible(Resource, actor).filter(condition & serves)
    return {
        pk: (kind, UUID(attributes["origin_site_id"]), name, Lane.of(attributes))
        if kind == ResourceKind.COURIER_LANE
        else (kind, site_id, name, None)
        for pk, kind, site_id, name, attributes in rows.values_list("pk", "kind", "site_id", "name", "attributes")
    }


def _windows(actor: Actor, condition: Q, resources: dict[UUID, _Resource], own: frozenset[UUID]) -> list[Window]:
    rows = (
        visible(Slot, actor)
        .filter(condition, resource_id__in=list(resources))
        .values_list("pk", "resource_id", "organization_id", "starts_at", "ends_at", "capacity", "taken")
    )
    windows = []
    for pk, resource_id, organization_id, starts_at, ends_at, capacity, taken in rows:
        kind, place_id, name, lane = resources[resource_id]
        left = capacity - taken + (pk in own)
        windows.append(Window(pk, kind, organization_id, place_id, starts_at, ends_at, left, name, lane))
    return windows


def refuse_bad_request(request: ChainRequest, today: dt.date) -> None:
    """Raise InvalidInput for a request that no calendar could answer."""
    faults: dict[str, list[str]] = {}
    if not 1 <= request.horizon_days <= 366:
        faults["horizon_days"] = ["Search 1 to 366 days ahead."]
    if abs(request.earliest - today) > dt.timedelta(days=5 * 366):
        faults["earliest"] = ["Give a date within the next five years."]
    unknown = sorted(set(request.needs) - set(ResourceKind.values))
    if unknown:
        faults["needs"] = [f"Unknown kind of place: {', '.join(unknown)}."]
    elif ResourceKind.APHERESIS_CHAIR not in request.needs:
        faults["needs"] = ["A slot chain of fresh material begins at an apheresis chair."]
    if min(request.collection_hours, request.pack_minutes, request.age_buffer_hours, request.lead_days) < 0:
        faults["request"] = ["Durations cannot be negative."]
    if faults:
        raise InvalidInput(fields=faults)
