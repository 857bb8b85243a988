"""Search for feasible slot chains, and the token that names one (CO1: joint feasible dates, refused dates say why)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import overload
from uuid import UUID

from django.core import signing
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotAllowed
from scheduling import reservations
from scheduling.availability import links_wanted, load, load_slots, places_of, refuse_bad_request
from scheduling.calendars import Calendar, Place
from scheduling.capacity import OfferGone, SlotFull
from scheduling.constraints import Constraint
from scheduling.drafts import Draft, Pick, Way, earliest, fewest_days, most_slack
from scheduling.feasibility import Planner
from scheduling.not_to_be_had import because, because_full
from scheduling.offers import ChainOffer, ChainRequest, OfferLink, RefusedDate, SearchResult
from scheduling.quotas import QuotaUsedUp
from scheduling.states import Ranking

SALT = "scheduling.offer"
RANKS = {Ranking.EARLIEST: earliest, Ranking.FEWEST_DAYS: fewest_days, Ranking.MOST_SLACK: most_slack}
NEXT_BEST = 3
WITHOUT_CHAIR = ("no_chair", "chair_full", "chair_too_short")
NEXT_BEST_DAYS = 14


def search(actor: Actor, request: ChainRequest, order: str = Ranking.EARLIEST) -> SearchResult:
    """Return, per collection date and plant, the best feasible chain; and why each other date of the horizon has none.

    Best is the earliest infusion, then the most slack; ``order`` ranks the chains that were found. Reads what the actor
    sees, with the same number of queries for any horizon. Raises InvalidInput for a request that cannot be answered,
    NotFound when the center's site is unknown.
    """
    now = timezone.now()
    offers, refused, center = _searched(actor, request, order, now)
    return SearchResult(offers, _reserved(actor, request, center, refused, now))


def _searched(
    actor: Actor, request: ChainRequest, order: str, now: dt.datetime
) -> tuple[Offers, list[RefusedDate], Place]:
    """Return ranked chains, the days without one, and the place of the center."""
    refuse_bad_request(request, now.date())
    with reading(actor):
        places = places_of(actor, request)
        center = places[request.center_site_id]
        first = max(request.earliest, center.local(now).date())
        calendar = load(actor, request, links_wanted(request, center.zone, first, request.horizon_days), places)
    planner, ways, refused = Planner(request, calendar, now), [], []
    for date in (first + dt.timedelta(days=n) for n in range(request.horizon_days)):
        found, fault = planner.plan(date)
        ways.extend(found)
        if fault:
            refused.append(RefusedDate(date, fault.code, fault.text))
    ways.sort(key=RANKS[Ranking(order)])
    return Offers(ways, calendar, request), refused, center


def _reserved(
    actor: Actor, request: ChainRequest, center: Place, refused: list[RefusedDate], now: dt.datetime
) -> list[RefusedDate]:
    """Return the refused days; those without a free chair say so where free ones are kept for another class (AU1).

    To the center itself only: for whom it keeps its chairs is its own affair.
    """
    without = [day.date for day in refused if day.code in WITHOUT_CHAIR]
    if not without or center.organization_id != actor.organization_id:
        return refused
    with reading(actor):
        found = reservations.kept(actor, request.therapy_id, center, without[0], without[-1], now)
    return [
        RefusedDate(day.date, "chair_reserved", found[day.date])
        if day.code in WITHOUT_CHAIR and day.date in found
        else day
        for day in refused
    ]


def offer_of_token(actor: Actor, request: ChainRequest, token: str, center_id: UUID | None = None) -> ChainOffer:
    """Return the offer that the token names, computed anew from the slots as they are now.

    ``center_id``: whose chairs these must be; the actor's own organization's unless said.
    Raises InvalidInput for a token not issued here, NotAllowed for another organization's chairs, SlotFull for a place
    taken meanwhile, Conflict ``offer_gone`` for a chain that is not feasible (any more) under the request.
    """
    slot_ids, now = _slot_ids(token), timezone.now()
    refuse_bad_request(request, now.date())
    places = places_of(actor, request)
    center = places[request.center_site_id]
    if center.organization_id != (center_id or actor.organization_id):
        raise NotAllowed("Only the treatment center itself holds its chairs.")
    calendar = load_slots(actor, request, slot_ids, places)
    date = _collection_date(calendar, center, slot_ids)
    if date is None:
        raise because(_gone("This chair is not offered any more."), Constraint.NO_CHAIR, Constraint.NO_CHAIR.label)
    if date < request.earliest:
        text = f"The collection on {date:%a %d %b %Y} is before {request.earliest:%a %d %b %Y}, the earliest day."
        raise because(_gone(text), Constraint.BEFORE_EARLIEST, text, date)
    ways, fault = Planner(request, calendar, now).plan(date)
    way = next((w for w in ways if w.slot_ids == slot_ids), None)
    if way is not None:
        return replace(_offer(way, calendar, request), has_quota=bool(calendar.quotas))
    if fault is None:
        raise _gone("This offer belongs to another search.")
    if fault.code == Constraint.QUOTA_USED_UP or fault.code.endswith("_full"):
        kind = QuotaUsedUp if fault.code == Constraint.QUOTA_USED_UP else SlotFull
        raise next_best(actor, request, date, because(kind(fault.text), fault.code, fault.text, date))
    raise because(_gone(fault.text), fault.code, fault.text, date)


def next_best(actor: Actor, request: ChainRequest, lost: ChainOffer | dt.date, refusal: SlotFull) -> SlotFull:
    """Return the refusal with the chains that come next after the one that was lost (CO2)."""
    with reading(actor):
        zone = places_of(actor, request)[request.center_site_id].zone
    date = lost if isinstance(lost, dt.date) else lost.collection_start.astimezone(zone).date()
    if isinstance(lost, ChainOffer):
        because_full(refusal, {link.slot_id for link in lost.links} - request.own_slot_ids, date)
    soon = replace(request, earliest=date, horizon_days=NEXT_BEST_DAYS)
    offers = _searched(actor, soon, Ranking.EARLIEST, timezone.now())[0][
        :NEXT_BEST
    ]  # why other days do not do: unasked
    if offers:
        start = offers[0].collection_start.astimezone(zone)
        refusal.remedy = f"The next best slot chain starts with a collection on {start:%a %d %b %Y %H:%M} ({zone.key})."
        refusal.offers = tuple(offer.as_json() for offer in offers)
    return refusal


def token_of(slot_ids: Sequence[UUID]) -> str:
    """Return the token that names the chain of these slots."""
    return signing.dumps([str(slot_id) for slot_id in slot_ids], salt=SALT, compress=True)


def _gone(text: str) -> OfferGone:
    return OfferGone(text)


class Offers(Sequence[ChainOffer]):
    """Ranked ways that become offers when somebody looks at them: nobody looks at hundreds."""

    def __init__(self, ways: Sequence[Way], calendar: Calendar, request: ChainRequest) -> None:
        self._ways, self._calendar, self._request = ways, calendar, request

    def __len__(self) -> int:
        return len(self._ways)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, index: int) -> ChainOffer: ...
    @overload
    def __getitem__(self, index: slice) -> list[ChainOffer]: ...
    def __getitem__(self, index: int | slice) -> ChainOffer | list[ChainOffer]:
        if isinstance(index, slice):
            return [_offer(way, self._calendar, self._request) for way in self._ways[index]]
        return _offer(self._ways[index], self._calendar, self._request)


def _offer(way: Way, calendar: Calendar, request: ChainRequest) -> ChainOffer:
    return offer_of_draft(way.draft(), calendar, request)


def offer_of_draft(draft: Draft, calendar: Calendar, request: ChainRequest) -> ChainOffer:
    """Return a draft of this calendar as an offer, its places named."""
    slack = draft.slack(request)
    return ChainOffer(
        token=token_of(draft.slot_ids),
        collection_start=draft.collection_start,
        collection_end=draft.collection_end,
        pickup_at=draft.pickup_at,
        arrival_at=draft.arrival_at,
        manufacture_start=draft.manufacture_start,
        tentative_return=draft.tentative_return,
        earliest_infusion=draft.earliest_infusion,
        links=tuple(_link(pick, calendar) for pick in draft.picks),
        slack_hours=None if slack is None else _hours(slack),
        vein_to_vein_days=round(draft.vein_to_vein / dt.timedelta(days=1), 2),
        tentative_return_p90=draft.tentative_return_p90,
        second_dose=draft.second_dose,
        lead_times=draft.notes,
    )


def _link(pick: Pick, calendar: Calendar) -> OfferLink:
    window, place = pick.window, calendar.places[pick.window.place_id]
    return OfferLink(
        kind=pick.kind,
        slot_id=window.slot_id,
        organization_id=window.organization_id,
        starts_at=pick.starts_at,
        ends_at=pick.ends_at,
        site_id=place.id,
        zone=place.zone.key,
        place_name=place.name,
        resource_name=window.resource_name,
        window_starts_at=window.starts_at,
        window_ends_at=window.ends_at,
        slack_hours=_hours(pick.slack),
    )


def _hours(length: dt.timedelta) -> float:
    return round(length.total_seconds() / 3600, 2)


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
