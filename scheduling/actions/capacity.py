"""Offering capacity: resources, and the windows in which they have places (AU1, MP2, CC1)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput
from personas.queries import Site, sites
from scheduling import freed_places
from scheduling.booked import Hit, refuse
from scheduling.models import ONE_AT_A_TIME, Resource, Slot
from scheduling.opening_sources import places_of
from scheduling.policies import require_publisher
from scheduling.states import ResourceKind

MOST_PLACES = 1000
LONGEST_WINDOW = dt.timedelta(days=31)
LONGEST_RUN = dt.timedelta(hours=24)
MOST_FAULTS = 100
CHANGED = ["ends_at", "capacity", "shift", "closed_reason"]
LANE_ATTRIBUTES = {"origin_site_id", "destination_site_id", "transit_hours", "cutoff", "weekdays"}


@dataclass(frozen=True)
class CapacityRow:
    """One window of a resource of the acting organization; times carry their zone."""

    resource: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    capacity: int


@dataclass(frozen=True)
class Published:
    """What a publication did; windows that were already so are left alone."""

    added: int
    changed: int


def add_resource(
    actor: Actor,
    *,
    code: str,
    name: str,
    kind: str,
    site: Site | None = None,
    therapy_ids: Sequence[UUID] = (),
    attributes: Mapping[str, Any] | None = None,
) -> Resource:
    """Add something whose capacity the acting organization offers. ``attributes`` of a lane: see ``Resource``."""
    with acting(actor, "scheduling.resource_added", subject=("resource", code)) as event:
        require_publisher(actor)
        checked = _checked(actor, code, kind, site, dict(attributes or {}))
        resource: Resource = Resource.objects.create(
            organization_id=actor.organization_id,
            site_id=site.pk if site else None,
            kind=kind,
            code=code,
            name=name,
            therapy_ids=list(therapy_ids),
            attributes=checked,
        )
        event.note(code=code, kind=kind, site=site.code if site else "")
    return resource


def _checked(actor: Actor, code: str, kind: str, site: Site | None, attributes: dict[str, Any]) -> dict[str, Any]:
    faults: dict[str, list[str]] = {}
    if kind not in ResourceKind.values:
        faults["kind"] = [f"Unknown kind. Use one of {', '.join(ResourceKind.values)}."]
    if Resource.unwalled.filter(organization_id=actor.organization_id, code=code).exists():
        faults["code"] = ["This code is in use."]
    if site is not None and site.organization_id != actor.organization_id:
        faults["site"] = ["Not a site of your organization."]
    if site is None and kind != ResourceKind.COURIER_LANE:
        faults["site"] = ["Say at which site this is."]
    if kind == ResourceKind.COURIER_LANE:
        attributes = _lane(actor, attributes, faults)
    elif attributes:
        faults["attributes"] = ["Only a courier lane has attributes."]
    if faults:
        raise InvalidInput(fields=faults)
    return attributes


def _lane(actor: Actor, given: dict[str, Any], faults: dict[str, list[str]]) -> dict[str, Any]:
    """Return the lane's attributes in their stored form, or note what is wrong with them."""
    lane: dict[str, Any] = {}
    known = {str(pk) for pk in sites(actor).values_list("pk", flat=True)}
    for end in ("origin_site_id", "destination_site_id"):
        lane[end] = str(given.get(end, ""))
        if lane[end] not in known:
            faults[end] = ["Not a site that your organization knows."]
    if not faults and lane["origin_site_id"] == lane["destination_site_id"]:
        faults["destination_site_id"] = ["A run leads to another place than where it begins."]
    try:
        lane["transit_hours"] = float(given.get("transit_hours", 0))
        if not 0 < lane["transit_hours"] <= 24 * 14:
            raise ValueError
    except (TypeError, ValueError):
        faults["transit_hours"] = ["Give the hours on the way, up to 14 days."]
    try:
        cutoff = given.get("cutoff")
        lane["cutoff"] = _time_of(cutoff).strftime("%H:%M") if cutoff else None
    except (TypeError, ValueError):
        faults["cutoff"] = ["Give the latest pickup as HH:MM, in the origin's local time."]
    days = given.get("weekdays") or range(1, 8)
    if isinstance(days, str) or not set(days) <= set(range(1, 8)):
        faults["weekdays"] = ["Number the days 1 (Monday) to 7 (Sunday)."]
    else:
        lane["weekdays"] = sorted(set(days))
    unknown = sorted(set(given) - LANE_ATTRIBUTES)
    if unknown:
        faults["attributes"] = [f"Unknown: {', '.join(unknown)}."]
    return lane


def _time_of(value: Any) -> dt.time:
    return value if isinstance(value, dt.time) else dt.time.fromisoformat(str(value))


def publish_capacity(actor: Actor, rows: Sequence[CapacityRow]) -> Published:
    """Offer windows, or change the end or the places of windows offered before (same resource and start).

    All or nothing: raises InvalidInput with ``fields["rows[i].column"]`` for each row at fault. Places already taken
    cannot be withdrawn: CapacityInUse names the same fields, and the orders that would be hit. What is published here
    is a window by hand: opening rules leave it alone.
    """
    with acting(actor, "scheduling.capacity_published", subject=("organization", str(actor.organization_id))) as event:
        require_publisher(actor)
        faults: dict[str, list[str]] = {}
        resources = {r.code: r for r in Resource.unwalled.filter(organization_id=actor.organization_id)}
        good = [(i, row) for i, row in enumerate(rows) if _is_sound(i, row, resources, faults)]
        existing = _existing(good, resources)
        _refuse_overlaps(good, resources, existing, faults)
        added = [_slot(row, resources[row.resource]) for _, row in good if _key(row, resources) not in existing]
        in_use: dict[str, Slot] = {}
        changed = [
            slot for i, row in good if (slot := _changed(i, row, existing.get(_key(row, resources)), faults, in_use))
        ]
        if faults:
            first = dict(list(faults.items())[:MOST_FAULTS])
            if len(faults) == len(in_use):
                refuse(actor, _hits(actor, in_use, resources), first)
            raise InvalidInput(f"{len(faults)} entries need attention.", fields=first)
        update_each([slot for slot in changed if not slot.capacity], CHANGED)  # first: it may make room
        update_each([slot for slot in changed if slot.capacity], CHANGED)
        Slot.objects.bulk_create(added, batch_size=1000)
        _note(event, rows, len(added), len(changed))
        if added or changed:
            freed_places.note(freed_places.served(resources[row.resource] for _, row in good))
    return Published(len(added), len(changed))


def _note(event: Any, rows: Sequence[CapacityRow], added: int, changed: int) -> None:
    event.note(added=added, changed=changed, resources=sorted({row.resource for row in rows}))
    if rows:
        event.note(first=min(row.starts_at for row in rows), last=max(row.starts_at for row in rows))


def _is_sound(i: int, row: CapacityRow, resources: Mapping[str, Resource], faults: dict[str, list[str]]) -> bool:
    before = len(faults)
    if row.resource not in resources:
        faults[f"rows[{i}].resource"] = ["Not a resource of your organization."]
    if not isinstance(row.capacity, int) or isinstance(row.capacity, bool) or not 0 <= row.capacity <= MOST_PLACES:
        faults[f"rows[{i}].capacity"] = [f"Give a whole number from 0 to {MOST_PLACES}."]
    for column in ("starts_at", "ends_at"):
        value = getattr(row, column)
        if not isinstance(value, dt.datetime) or value.tzinfo is None:
            faults[f"rows[{i}].{column}"] = ["Give a date and time with its zone."]
    if len(faults) == before and not row.starts_at < row.ends_at <= row.starts_at + _longest(row, resources):
        faults[f"rows[{i}].ends_at"] = [
            "A window ends after it starts: a lane's within 24 hours, others within 31 days."
        ]
    return len(faults) == before


def _longest(row: CapacityRow, resources: Mapping[str, Resource]) -> dt.timedelta:
    return LONGEST_RUN if resources[row.resource].kind == ResourceKind.COURIER_LANE else LONGEST_WINDOW


_Key = tuple[UUID, dt.datetime]


def _key(row: CapacityRow, resources: Mapping[str, Resource]) -> _Key:
    return resources[row.resource].pk, row.starts_at


def _existing(good: Sequence[tuple[int, CapacityRow]], resources: Mapping[str, Resource]) -> dict[_Key, Slot]:
    """Lock (in id order) and return the windows of the rows' resources in the rows' span of time."""
    if not good:
        return {}
    slots = Slot.unwalled.select_for_update().filter(
        resource_id__in={resources[row.resource].pk for _, row in good},
        starts_at__lte=max(row.ends_at for _, row in good),
        ends_at__gte=min(row.starts_at for _, row in good),
    )
    return {(slot.resource_id, slot.starts_at): slot for slot in slots.order_by("pk")}


def _refuse_overlaps(
    good: Sequence[tuple[int, CapacityRow]],
    resources: Mapping[str, Resource],
    existing: Mapping[_Key, Slot],
    faults: dict[str, list[str]],
) -> None:
    """The same window twice in one publication; two windows of one chair or bed at the same time."""
    spans: dict[UUID, dict[dt.datetime, tuple[dt.datetime, int | None]]] = defaultdict(dict)
    for (resource_id, starts_at), slot in existing.items():
        if slot.capacity:  # a closed window stands in nobody's way
            spans[resource_id][starts_at] = (slot.ends_at, None)
    closing: dict[tuple[UUID, dt.datetime], int] = {}
    for i, row in good:
        key = _key(row, resources)
        mine = spans[key[0]]
        before = closing.get(key, mine.get(row.starts_at, (None, None))[1])
        if before is not None:
            faults[f"rows[{i}].starts_at"] = [f"The same window as in row {before}."]
        if row.capacity:
            mine[row.starts_at] = (row.ends_at, i)
        else:
            mine.pop(row.starts_at, None)
            closing[key] = i
    single = {resource.pk for resource in resources.values() if resource.kind in ONE_AT_A_TIME}
    for resource_id in single & spans.keys():
        for index in _overlapping(spans[resource_id]):
            faults.setdefault(f"rows[{index}].starts_at", ["Overlaps another window of this resource."])


def _overlapping(spans: Mapping[dt.datetime, tuple[dt.datetime, int | None]]) -> Iterable[int]:
    ordered = sorted(spans.items())
    for (_, (end, i)), (start, (_, j)) in zip(ordered, ordered[1:], strict=False):
        if start < end:
            yield from (index for index in (j if j is not None else i,) if index is not None)


def _slot(row: CapacityRow, resource: Resource) -> Slot:
    return Slot(
        resource=resource,
        organization_id=resource.organization_id,
        site_id=resource.site_id,
        kind=resource.kind,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        capacity=row.capacity,
    )


def _changed(
    i: int, row: CapacityRow, slot: Slot | None, faults: dict[str, list[str]], in_use: dict[str, Slot]
) -> Slot | None:
    """Return the locked slot with its new end and places, None when nothing changes."""
    if slot is None or (slot.ends_at, slot.capacity) == (row.ends_at, row.capacity):
        return None
    if row.capacity < slot.taken:
        faults[f"rows[{i}].capacity"] = [f"{slot.taken} places are taken already."]
        in_use[f"rows[{i}].capacity"] = slot
    if slot.taken and row.ends_at < slot.ends_at:
        faults[f"rows[{i}].ends_at"] = ["Places are taken: this window cannot end earlier."]
        in_use[f"rows[{i}].ends_at"] = slot
    slot.ends_at, slot.capacity, slot.shift, slot.closed_reason = row.ends_at, row.capacity, "", ""
    return slot


def _hits(actor: Actor, in_use: Mapping[str, Slot], resources: Mapping[str, Resource]) -> list[Hit]:
    by_id = {resource.pk: resource for resource in resources.values()}
    places = places_of(actor, by_id.values())
    hits = {}
    for slot in in_use.values():
        place = places.get(slot.resource_id)
        hits[slot.pk] = Hit(slot, by_id[slot.resource_id].name, place.zone if place else "UTC")
    return list(hits.values())
