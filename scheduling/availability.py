"""Loads what the actor may see of offered capacity into a calendar: four queries, whatever the horizon."""

from __future__ import annotations

import datetime as dt
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Aggregate, BinaryField, BooleanField, Exists, Expression, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from ledger import directory
from ledger.context import Actor, reading
from ledger.prepared import Among, Ids, PreparedValues
from ledger.refusals import InvalidInput, NotFound
from ledger.walls import visible
from personas.queries import Site
from scheduling import quotas
from scheduling.calendars import Calendar, Lane, Place, Source, day_of
from scheduling.layouts import Packed
from scheduling.lead_times import STEPS
from scheduling.models import Disruption, Resource, Slot
from scheduling.offers import ChainRequest, LinkRequest
from scheduling.quota_rules import QuotaLeft
from scheduling.reservations import open_to
from scheduling.states import RESOURCE_OF, LinkKind, ResourceKind

REACH = dt.timedelta(days=14)  # how long after the last collection arrivals and starts are still looked for
WAIT = dt.timedelta(days=21)  # how long a product may wait for its release, its courier and its bed together
AT_CENTER = (LinkKind.APHERESIS_CHAIR, LinkKind.COURIER_LANE, LinkKind.INFUSION_BED)
MOST_DAYS = 366


def places_of(actor: Actor, request: ChainRequest) -> dict[UUID, Place]:
    """Return the sites of the request that the actor knows; raise NotFound when the center is not among them.

    A plant whose time zone is not known anywhere is left out; a center with such a zone is refused.
    """
    wanted = {request.center_site_id, *request.plant_site_ids, *(plant.site_id for plant in request.barred_plants)}
    with reading(actor):
        rows = directory.rows(Site, wanted)
    places = {}
    for row in sorted(rows.values(), key=lambda site: (site.name, site.pk)):
        try:
            places[row.pk] = Place(row.pk, row.name, row.organization_id, ZoneInfo(row.zone), row.country)
        except (ZoneInfoNotFoundError, ValueError) as error:
            if row.pk == request.center_site_id:
                raise InvalidInput(
                    f"The time zone {row.zone} of {row.name} is not known.",
                    fields={"zone": ["Not an IANA time zone."]},
                    remedy="Ask your administrator to correct the site.",
                ) from error
    if request.center_site_id not in places:
        raise NotFound("This treatment center's site is not known here.")
    return places


def links_wanted(request: ChainRequest, zone: ZoneInfo, first: dt.date, days: int) -> list[LinkRequest]:
    """Return which places to look at for collections that begin on ``days`` local dates from ``first``."""
    last = first + dt.timedelta(days=days - 1 + request.collection_days - 1 + request.contingency_days)
    since, until = day_of(first, zone)[0], day_of(last, zone)[1]
    packed = until + dt.timedelta(hours=_longest(request, "collection_hours"))
    packed += dt.timedelta(minutes=_longest(request, "pack_minutes"), days=request.pickup_days)
    stored = dt.timedelta(days=min(request.storage_days or 0, MOST_DAYS)) if request.cryopreserved else dt.timedelta()
    reached = packed + max(REACH, dt.timedelta(hours=request.max_age_hours or 0), stored)
    made = reached + dt.timedelta(days=_longest(request, "manufacture_days"))
    released = made + dt.timedelta(days=max(_longest(request, "release_days"), _longest(request, "release_days_p90")))
    infused = released + dt.timedelta(days=_longest(request, "conditioning_days")) + WAIT
    second = dt.timedelta(days=request.second_dose_days + request.second_dose_tolerance_days)
    ends = {
        LinkKind.APHERESIS_CHAIR: until,
        LinkKind.COURIER_LANE: packed + dt.timedelta(days=1),
        LinkKind.RECEIVING: reached,
        LinkKind.MANUFACTURING_LINE: reached,
        LinkKind.CRITICAL_STOCK: reached,
        LinkKind.QUALITY_RELEASE: made + WAIT,
        LinkKind.RETURN_LANE: released + WAIT,
        LinkKind.INFUSION_BED: infused + second,
    }
    return [_wanted(request, LinkKind(kind), since, ends[LinkKind(kind)]) for kind in request.needs]


def _longest(request: ChainRequest, step: str) -> float:
    """The longest that a step may take: by the request, or by an override of it."""
    own = getattr(request, step) or 0
    return float(max([own, *(rule.at_least or 0 for rule in request.lead_times if rule.step == step)]))


def _wanted(request: ChainRequest, kind: LinkKind, since: dt.datetime, until: dt.datetime) -> LinkRequest:
    center, plants = (request.center_site_id,), request.plant_site_ids
    barred = tuple(plant.site_id for plant in request.barred_plants)
    is_lane = kind in (LinkKind.COURIER_LANE, LinkKind.RETURN_LANE)
    return LinkRequest(
        kind=RESOURCE_OF[kind].value if kind in RESOURCE_OF else kind.value,
        site_ids=center if kind in AT_CENTER else plants,
        since=since,
        until=until,
        organization_ids=request.courier_organization_ids if is_lane else None,
        destination_ids={LinkKind.COURIER_LANE: (*plants, *barred), LinkKind.RETURN_LANE: center}.get(kind),
    )


def load(actor: Actor, request: ChainRequest, links: Sequence[LinkRequest], places: dict[UUID, Place]) -> Calendar:
    """Return the calendar of every visible slot that may serve one of the links."""
    resources = _resources(actor, request, links)
    wanted = [([pk for pk, source in resources.items() if _serves(source, link)], link) for link in links]
    open_now = open_to(actor, request.therapy_id, timezone.now(), request.priority)
    condition = Q(_Wanted([(ids, link.since, link.until) for ids, link in wanted]))
    condition &= open_now | Q(pk__in=request.own_slot_ids) if request.own_slot_ids else open_now
    if request.line_slot_ids is not None:
        condition &= ~Q(kind=ResourceKind.MANUFACTURING_LINE) | Q(pk__in=request.line_slot_ids)
    calendar = _calendar(actor, condition, resources, places, request.own_slot_ids)
    since, until = min(link.since for link in links), max(link.until for link in links)
    calendar.quotas = _quotas(actor, request, places[request.center_site_id], since, until)
    return calendar


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
    resources = _resources(actor, request, links)
    own = tuple(request.own_slot_ids)
    if request.priority:
        open_now = open_to(actor, request.therapy_id, timezone.now(), request.priority) | Q(pk__in=own)
        chosen = Q(pk__in=slot_ids, resource_id__in=list(resources))
        calendar = _calendar(actor, chosen & open_now, resources, places, request.own_slot_ids)
    else:
        sent = _exactly(
            actor=actor,
            therapy_id=request.therapy_id,
            slot_ids=tuple(slot_ids),
            resource_ids=tuple(resources),
            own=own,
        )
        calendar = _filled(sent, resources, places, request.own_slot_ids)
    windows = calendar.windows
    since = min((window.starts_at for window in windows), default=links[0].since)
    until = max((window.ends_at for window in windows), default=links[0].until)
    calendar.quotas = _quotas(actor, request, places[request.center_site_id], since, until)
    return calendar


def _serves(source: Source, link: LinkRequest) -> bool:
    if source.kind != link.kind or source.place_id not in link.site_ids:
        return False
    if link.organization_ids is not None and source.organization_id not in link.organization_ids:
        return False
    return source.lane is None or link.destination_ids is None or source.lane.destination_id in link.destination_ids


def _resources(actor: Actor, request: ChainRequest, links: Sequence[LinkRequest]) -> dict[UUID, Source]:
    """Return what may serve the links, kept in the directory: resources change now and then, their slots always."""
    asked = tuple((link.kind, link.site_ids, link.organization_ids, link.destination_ids) for link in links)
    key = (actor.organization_id, request.therapy_id, asked)
    return directory.kept("resources", key, lambda: _read_resources(actor, request, links))


def _read_resources(actor: Actor, request: ChainRequest, links: Sequence[LinkRequest]) -> dict[UUID, Source]:
    """Asked by place: to compose a statement costs as much as to answer it."""
    kinds_at: dict[tuple[UUID, ...], set[str]] = defaultdict(set)
    ends: set[str] = set()
    for link in links:
        if link.kind == ResourceKind.COURIER_LANE:
            ends |= {str(site_id) for site_id in (*link.site_ids, *(link.destination_ids or ()))}
        else:
            kinds_at[link.site_ids].add(link.kind)
    condition = Q(pk__in=[])
    if ends:
        condition |= Q(
            kind=ResourceKind.COURIER_LANE,
            attributes__origin_site_id__in=ends,
            attributes__destination_site_id__in=ends,
        )
    for site_ids, kinds in kinds_at.items():
        condition |= Q(kind__in=kinds, site_id__in=site_ids)
    serves = Q(therapy_ids=[]) | Q(therapy_ids__contains=[request.therapy_id])
    rows = visible(Resource, actor).filter(condition & serves)
    found = (
        (pk, _source(*columns))
        for pk, *columns in rows.values_list("pk", "kind", "organization_id", "site_id", "name", "attributes")
    )
    return {pk: source for pk, source in found if any(_serves(source, link) for link in links)}


def _source(kind: str, organization_id: UUID, site_id: UUID, name: str, attributes: dict[str, object]) -> Source:
    if kind != ResourceKind.COURIER_LANE:
        return Source(kind, organization_id, site_id, name)
    lane = Lane.of(attributes)
    return Source(kind, organization_id, lane.origin_id, name, lane)


class _Wanted(Expression):
    """Slots of some resources that are open between two instants, of any of several such wants.

    As text: composed of lookups, the same condition takes longer to write down than to answer.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, wants: Sequence[tuple[list[UUID], dt.datetime, dt.datetime]]) -> None:
        super().__init__()
        self.wants = wants

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        one = (
            "(scheduling_slot.resource_id = any(%s::uuid[])"
            " and scheduling_slot.ends_at > %s and scheduling_slot.starts_at < %s)"
        )
        params = (column for ids, since, until in self.wants for column in (list(map(str, ids)), since, until))
        return f"({' or '.join([one] * len(self.wants))})", tuple(params)


class _Sent(Func):
    """A slot's time and id as PostgreSQL itself sends them (``layouts.WINDOW``). Cheap to send, and to remember by."""

    template = (
        "timestamptz_send(scheduling_slot.starts_at) || uuid_send(scheduling_slot.id)"
        " || timestamptz_send(scheduling_slot.ends_at)"
    )
    output_field = BinaryField()


class _Left(Func):
    """A slot's free places, 4 bytes."""

    template = "int4send(scheduling_slot.capacity - scheduling_slot.taken)"
    output_field = BinaryField()


class _Joined(Aggregate):
    """The bytes of all slots of a resource, one after the other in order of time."""

    template = "string_agg(%(expressions)s, ''::bytea order by scheduling_slot.starts_at)"
    output_field = BinaryField()


def _calendar(
    actor: Actor, condition: Q, resources: dict[UUID, Source], places: dict[UUID, Place], own: frozenset[UUID]
) -> Calendar:
    """``condition`` admits slots of these resources only."""
    return _filled(_windows(actor, condition), resources, places, own)


def _windows(actor: Actor, condition: Q) -> QuerySet[Slot, Any]:
    rows = visible(Slot, actor).filter(condition).exclude(is_disrupted()).order_by()
    return rows.values_list("resource_id").annotate(windows=_Joined(_Sent()), left=_Joined(_Left()))


@PreparedValues
def _exactly(actor: Actor, therapy_id: UUID, slot_ids: Ids, resource_ids: Ids, own: Ids) -> QuerySet[Slot, Any]:
    open_now = open_to(actor, therapy_id, timezone.now()) | Q(Among("scheduling_slot.id", own))
    chosen = Q(Among("scheduling_slot.id", slot_ids)) & Q(Among("scheduling_slot.resource_id", resource_ids))
    return _windows(actor, chosen & open_now)


def _filled(
    sent: Iterable[Any], resources: dict[UUID, Source], places: dict[UUID, Place], own: frozenset[UUID]
) -> Calendar:
    calendar = Calendar(places.values())
    calendar.add_packed((resources[resource_id], _packed(*columns)) for resource_id, *columns in sent)
    calendar.take([slot_id for slot_id in own if calendar.has(slot_id)], places=-1)
    return calendar


def is_disrupted() -> Exists:
    """Whether a slot lies in an open disruption of its resource: then it is not offered."""
    return Exists(
        Disruption.unwalled.filter(
            closed_at__isnull=True,
            resource_ids__contains=Func(OuterRef("resource_id"), function="array", template="array[%(expressions)s]"),
            starts_at__lt=OuterRef("ends_at"),
            ends_at__gt=OuterRef("starts_at"),
        )
    )


def _packed(windows: bytes, left: bytes) -> Packed:
    return Packed(bytes(windows), struct.unpack(f"!{len(left) // 4}i", left))


def refuse_bad_request(request: ChainRequest, today: dt.date) -> None:
    """Raise InvalidInput for a request that no calendar could answer."""
    faults: dict[str, list[str]] = {}
    if not 1 <= request.horizon_days <= MOST_DAYS:
        faults["horizon_days"] = [f"Search 1 to {MOST_DAYS} days ahead."]
    if abs(request.earliest - today) > dt.timedelta(days=5 * 366):
        faults["earliest"] = ["Give a date within the next five years."]
    choices = set(LinkKind.values) - {kind.value for kind in (LinkKind.CONTINGENCY_CHAIR, LinkKind.SECOND_BED)}
    unknown = sorted(set(request.needs) - choices)
    if unknown:
        faults["needs"] = [f"Unknown kind of place: {', '.join(unknown)}."]
    elif LinkKind.APHERESIS_CHAIR not in request.needs:
        faults["needs"] = ["A slot chain begins at an apheresis chair."]
    elif request.second_dose_days and LinkKind.INFUSION_BED not in request.needs:
        faults["needs"] = ["A second dose needs infusion beds."]
    bounds = [bound or 0 for rule in request.lead_times for bound in (rule.at_least, rule.at_most)]
    durations = [getattr(request, step) or 0 for step in STEPS]
    durations += [request.age_buffer_hours, request.pickup_days, request.storage_days or 0]
    durations += [request.product_hold_days or 0, request.shipper_buffer_hours, *bounds]
    if min(durations) < 0:
        faults["request"] = ["Durations cannot be negative."]
    if not 1 <= request.collection_days <= 7 or request.contingency_days not in (0, 1):
        faults["collection_days"] = ["Collect on 1 to 7 days, with at most one contingency day."]
    if not 0 <= request.second_dose_tolerance_days <= max(0, request.second_dose_days - 1):
        faults["second_dose_days"] = ["The second dose comes at least a day after the first."]
    for name in ("weekdays", "infusion_weekdays"):
        if not getattr(request, name) <= set(range(1, 8)):
            faults[name] = ["Number the weekdays 1 (Monday) to 7 (Sunday)."]
    if not request.infusion_weekdays:
        faults["infusion_weekdays"] = ["Allow at least one weekday."]
    if faults:
        raise InvalidInput(fields=faults)
