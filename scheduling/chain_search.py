"""Search for feasible slot chains, and the token that names one (CO1: joint feasible dates, refused dates say why)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.core import signing
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.refusals import Conflict, InvalidInput, NotAllowed
from scheduling.availability import links_wanted, load, load_slots, places_of, refuse_bad_request
from scheduling.calendars import Calendar, Place
from scheduling.capacity import SlotFull
from scheduling.feasibility import Draft, plan_date
from scheduling.offers import ChainOffer, ChainRequest, OfferLink, RefusedDate, SearchResult
from scheduling.quotas import QuotaUsedUp

SALT = "scheduling.offer"
NEXT_BEST = 3
NEXT_BEST_DAYS = 14


def search(actor: Actor, request: ChainRequest) -> SearchResult:
    """Return, per collection date and plant, the best feasible chain; and why each other date of the horizon has none.

    Reads what the actor sees, with the same number of queries for any horizon. Raises InvalidInput for a request that
    cannot be answered, NotFound when the center's site is unknown.
    """
    now = timezone.now()
    refuse_bad_request(request, now.date())
    with reading(actor):
        places = places_of(actor, request)
        center = places[request.center_site_id]
        today = center.local(now).date()
        first = max(request.earliest, today)
        calendar = load(actor, request, links_wanted(request, center.zone, first, request.horizon_days), places)
    result = SearchResult()
    for date in (first + dt.timedelta(days=n) for n in range(request.horizon_days)):
        early = _too_early(request, date, today)
        if early:
            result.refused.append(early)
            continue
        drafts, fault = plan_date(request, calendar, date, now)
        result.offers.extend(_offer(draft, calendar, request) for draft in _best(drafts, request))
        if fault:
            result.refused.append(RefusedDate(date, fault.code, fault.text))
    result.offers.sort(key=lambda offer: (offer.earliest_infusion, offer.collection_start))
    return result


def offer_of_token(actor: Actor, request: ChainRequest, token: str) -> ChainOffer:
    """Return the offer that the token names, computed anew from the slots as they are now.

    Raises InvalidInput for a token not issued here, NotAllowed for another organization's chairs, SlotFull for a place
    taken meanwhile, Conflict ``offer_gone`` for a chain that is not feasible (any more) under the request.
    """
    slot_ids, now = _slot_ids(token), timezone.now()
    refuse_bad_request(request, now.date())
    places = places_of(actor, request)
    center = places[request.center_site_id]
    if center.organization_id != actor.organization_id:
        raise NotAllowed("Only the treatment center itself holds its chairs.")
    calendar = load_slots(actor, request, slot_ids, places)
    date = _collection_date(calendar, center, slot_ids)
    early = date and _too_early(request, date, center.local(now).date())
    if date is None or early:
        raise _gone(early.text if early else "This chair is not offered any more.")
    drafts, fault = plan_date(request, calendar, date, now)
    draft = next((d for d in drafts if d.slot_ids == slot_ids), None)
    if draft is not None:
        return _offer(draft, calendar, request)
    if fault and fault.code == "quota_used_up":
        raise next_best(actor, request, date, QuotaUsedUp(fault.text))
    if fault and fault.code.endswith("_full"):
        raise next_best(actor, request, date, SlotFull(fault.text))
    raise _gone(fault.text if fault else "This offer belongs to another search.")


def next_best(actor: Actor, request: ChainRequest, lost: ChainOffer | dt.date, refusal: SlotFull) -> SlotFull:
    """Return the refusal with the chains that come next after the one that was lost (CO2)."""
    with reading(actor):
        zone = places_of(actor, request)[request.center_site_id].zone
    date = lost if isinstance(lost, dt.date) else lost.collection_start.astimezone(zone).date()
    offers = search(actor, replace(request, earliest=date, horizon_days=NEXT_BEST_DAYS)).offers[:NEXT_BEST]
    if offers:
        start = offers[0].collection_start.astimezone(zone)
        refusal.remedy = f"The next best slot chain starts with a collection on {start:%a %d %b %Y %H:%M} ({zone.key})."
        refusal.offers = tuple(offer.as_json() for offer in offers)
    return refusal


def _gone(text: str) -> Conflict:
    return Conflict(text, code="offer_gone", remedy="Search again and choose another offer.")


def _too_early(request: ChainRequest, date: dt.date, today: dt.date) -> RefusedDate | None:
    if date >= today + dt.timedelta(days=request.lead_days) and date >= request.earliest:
        return None
    if date < request.earliest:
        return RefusedDate(date, "before_earliest", "This is before the earliest date asked for.")
    return RefusedDate(date, "lead_time", f"A collection needs {request.lead_days} days to be prepared.")


def _best(drafts: Iterable[Draft], request: ChainRequest) -> list[Draft]:
    """The best chain of each plant: earliest infusion, then most slack, then the lowest slot ids."""

    def rank(draft: Draft) -> tuple[dt.datetime, dt.timedelta, tuple[UUID, ...]]:
        return draft.earliest_infusion, -(draft.slack(request) or dt.timedelta()), draft.slot_ids

    best: dict[UUID | None, Draft] = {}
    for draft in sorted(drafts, key=rank):
        best.setdefault(draft.plant_id, draft)
    return list(best.values())


def _offer(draft: Draft, calendar: Calendar, request: ChainRequest) -> ChainOffer:
    links = []
    for pick in draft.picks:
        window, place = pick.window, calendar.places[pick.window.place_id]
        links.append(
            OfferLink(
                kind=window.kind,
                slot_id=window.slot_id,
                organization_id=window.organization_id,
                starts_at=pick.starts_at,
                ends_at=pick.ends_at,
                site_id=place.id,
                zone=place.zone.key,
                place_name=place.name,
                resource_name=window.resource_name,
            )
        )
    slack = draft.slack(request)
    return ChainOffer(
        token=signing.dumps([str(slot_id) for slot_id in draft.slot_ids], salt=SALT, compress=True),
        collection_start=draft.collection_start,
        collection_end=draft.collection_end,
        pickup_at=draft.pickup_at,
        arrival_at=draft.arrival_at,
        manufacture_start=draft.manufacture_start,
        tentative_return=draft.tentative_return,
        earliest_infusion=draft.earliest_infusion,
        links=tuple(links),
        slack_hours=None if slack is None else round(slack.total_seconds() / 3600, 2),
    )


def _slot_ids(token: str) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(text) for text in signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidInput(
            "This offer is not known here.",
            fields={"token": ["Not an offer of this search."]},
            remedy="Search again and choose one of the offers.",
        ) from error


def _collection_date(calendar: Calendar, center: Place, slot_ids: tuple[UUID, ...]) -> dt.date | None:
    chair = next((w for w in calendar.windows if w.slot_id == slot_ids[0]), None) if slot_ids else None
    return center.local(chair.starts_at).date() if chair else None
