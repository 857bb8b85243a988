"""Another manufacturing place for an order that is made again: the earliest free one, on its slot chain (MP3, MO7).

Where a quota counts manufacturing starts, it may use the reserve that is kept for remanufacture.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from ledger import directory
from ledger.context import Actor
from ledger.recording import open_event
from personas.queries import Site
from scheduling import quotas
from scheduling.availability import load, places_of
from scheduling.calendars import Place, Window
from scheduling.capacity import SlotFull, take
from scheduling.models import ChainLink, SlotChain
from scheduling.offers import ChainRequest, LinkRequest
from scheduling.quota_rules import refusal_of
from scheduling.slot_chains import links_of
from scheduling.states import ResourceKind

LINE = ResourceKind.MANUFACTURING_LINE


def has_line(actor: Actor, request: ChainRequest, site_id: UUID, since: dt.datetime, until: dt.datetime) -> bool:
    """Whether a line of the site that serves the therapy has a free place that begins before ``until``."""
    return next(_free(actor, request, site_id, since, until), None) is not None


def book_line(
    actor: Actor, chain: SlotChain, request: ChainRequest, site_id: UUID, since: dt.datetime, until: dt.datetime
) -> ChainLink | None:
    """Take the earliest free place of the site's lines for a live chain; None when there is none before ``until``.

    The new place is one more link of the chain, so that it is given back with it; the chain's dates from the start of
    manufacture on move by as much. What was booked before stays as it was.
    """
    open_event()
    for place, window in _free(actor, request, site_id, since, until):
        try:
            with transaction.atomic():
                quotas.take(
                    chain.pk,
                    therapy_id=request.therapy_id,
                    manufacturer_ids={request.manufacturer_id or window.organization_id},
                    center_id=chain.organization_id,
                    country=_country(request),
                    starts={LINE: max(window.starts_at, since)},
                    remanufacture=True,
                )
                take(window.slot_id)
        except SlotFull:
            continue
        return _link(chain, place, window, max(window.starts_at, since))
    return None


def _free(
    actor: Actor, request: ChainRequest, site_id: UUID, since: dt.datetime, until: dt.datetime
) -> Iterator[tuple[Place, Window]]:
    request = replace(request, plant_site_ids=(site_id,))
    places = places_of(actor, request)
    if site_id not in places:
        return
    wanted = LinkRequest(kind=LINE, site_ids=(site_id,), since=since, until=until, organization_ids=None)
    calendar = load(actor, request, [wanted], places)
    for window in calendar.after(LINE, site_id, since):
        refused = refusal_of(calendar.quotas, LINE, max(window.starts_at, since), remanufacture=True)
        if window.starts_at < until and not window.is_full and not refused:
            yield places[site_id], window


def _country(request: ChainRequest) -> str:
    (site,) = directory.rows(Site, [request.center_site_id]).values()
    return str(site.country)


def _link(chain: SlotChain, place: Place, window: Window, starts_at: dt.datetime) -> ChainLink:
    link: ChainLink = ChainLink.objects.create(
        stream_id=chain.stream_id,
        chain=chain,
        slot_id=window.slot_id,
        position=1 + max(one.position for one in links_of(chain)),
        kind=LINE,
        organization_id=window.organization_id,
        site_id=place.id,
        starts_at=starts_at,
        ends_at=window.ends_at,
        zone=place.zone.key,
        place_name=place.name,
        resource_name=window.resource_name,
    )
    later = starts_at - chain.manufacture_starts_at
    moved = {
        name: getattr(chain, name) + later
        for name in ("manufacture_starts_at", "tentative_return_at", "earliest_infusion_at")
    }
    SlotChain.unwalled.filter(pk=chain.pk).update(**moved)
    for name, value in moved.items():
        setattr(chain, name, value)
    return link
