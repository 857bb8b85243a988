"""A free place offered along the waiting list: its slots are taken while somebody is asked. Runs inside an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import InvalidInput, WrongState
from ledger.walls import visible
from scheduling import freed_places, quotas
from scheduling.availability import is_disrupted
from scheduling.capacity import SlotFull, give_back_all, seen_by
from scheduling.models import OfferedPlace, PlaceDue, RankedEntry, Slot, WaitingEntry, WaitingOffer
from scheduling.offers import ChainOffer, ChainRequest
from scheduling.slot_chains import take_places
from scheduling.states import PlaceState, WaitingOfferState

KEEPS = (PlaceState.OPEN, PlaceState.ACCEPTED)
Offer = WaitingOfferState


def offer_place(
    actor: Actor, request: ChainRequest, offer: ChainOffer, asked: Sequence[RankedEntry], until: dt.datetime
) -> OfferedPlace | None:
    """Take the offer's places and ask these entries, best rank first; None when a place went to somebody else."""
    open_event()
    place_id = new_id()
    try:
        with transaction.atomic():
            take_places(actor, request, offer, place_id)
    except SlotFull:
        return None
    place: OfferedPlace = OfferedPlace.objects.create(
        id=place_id,
        organization_id=actor.organization_id,
        therapy_id=request.therapy_id,
        slot_ids=[link.slot_id for link in offer.links],
        offer=offer.as_json(),
        until=until,
    )
    WaitingOffer.objects.bulk_create(
        WaitingOffer(
            organization_id=actor.organization_id,
            place=place,
            entry=ranked.entry,
            decision_id=ranked.decision_id,
            rank=ranked.rank,
        )
        for ranked in asked
    )
    PlaceDue.objects.create(organization_id=actor.organization_id, place_id=place.pk, due_at=until)
    return place


def accept(offer: WaitingOffer, actor: Actor, hours: float) -> WaitingOffer:
    """Accept a place: it is kept for ``hours`` more, to be booked; others who were asked about it have lost it."""
    now = timezone.now()
    _refuse_over(offer, now)
    until = now + dt.timedelta(hours=hours)
    place = OfferedPlace.unwalled.filter(pk=offer.place_id, state=PlaceState.OPEN, until__gt=now)
    if not place.update(state=PlaceState.ACCEPTED, until=until):
        raise WrongState("This place is not to be had any more.", code="offer_gone", remedy="Wait for the next offer.")
    PlaceDue.unwalled.filter(place_id=offer.place_id).update(due_at=until)
    _answer(offer, (Offer.OPEN,), Offer.ACCEPTED, actor)
    others = WaitingOffer.unwalled.filter(place_id=offer.place_id, state=Offer.OPEN)
    others.update(state=Offer.LOST, answered_at=now)
    return offer


def refuse(offer: WaitingOffer, actor: Actor, reason: str, not_before: dt.date | None = None) -> WaitingOffer:
    """Refuse a place, with a reason; when nobody else is asked about it any more, it is free at once.

    ``not_before``: the entry is offered no collection before this day.
    """
    if not reason.strip():
        raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
    _answer(offer, (Offer.OPEN, Offer.ACCEPTED), Offer.REFUSED, actor, reason=reason.strip())
    if not_before is not None:
        WaitingEntry.unwalled.filter(pk=offer.entry_id).update(earliest=not_before)
    left = WaitingOffer.unwalled.filter(place_id=offer.place_id, state__in=(Offer.OPEN, Offer.ACCEPTED))
    if not left.exists():
        _give_back(offer.place)
    return offer


def expire(place: OfferedPlace, now: dt.datetime) -> int:
    """End an offered place whose time is over; return how many were asked in vain. Raises WrongState otherwise."""
    open_event()
    own = OfferedPlace.unwalled.filter(pk=place.pk, state__in=KEEPS, until__lte=now)
    if not own.update(until=place.until):  # locks it: who accepts meanwhile waits, and then finds it gone
        raise WrongState("This place is not over.")
    open_offers = WaitingOffer.unwalled.filter(place_id=place.pk, state__in=(Offer.OPEN, Offer.ACCEPTED))
    asked = open_offers.update(state=Offer.EXPIRED, answered_at=now)
    _give_back(place)
    return asked


def disrupted_places(actor: Actor, therapy_id: UUID) -> list[OfferedPlace]:
    """Return the center's offered places of a therapy with a slot that a disruption has taken since."""
    rows = visible(OfferedPlace, actor).filter(therapy_id=therapy_id, state__in=KEEPS)
    places = list(rows.order_by("pk"))
    asked = {slot_id for place in places for slot_id in place.slot_ids}
    gone = set(visible(Slot, actor).filter(is_disrupted(), pk__in=asked).values_list("pk", flat=True)) if asked else ()
    return [place for place in places if not gone.isdisjoint(place.slot_ids)] if gone else []


def take_back(place: OfferedPlace) -> list[str]:
    """Take an offered place back that cannot be used any more; return the codes of the orders that were asked, or had
    accepted. Nobody has refused: each keeps its rank and is asked about the next place."""
    own = WaitingOffer.unwalled.filter(place_id=place.pk, state__in=(Offer.OPEN, Offer.ACCEPTED))
    codes = sorted(own.values_list("entry__order_code", flat=True))
    if not codes or not own.update(state=Offer.TAKEN_BACK, answered_at=timezone.now()):
        raise WrongState("This place is not offered any more.")
    _give_back(place)
    return codes


def withdraw(entry: WaitingEntry) -> None:
    """Take back what is offered to an entry that leaves the list."""
    for offer in live_offers(entry.stream_id):
        WaitingOffer.unwalled.filter(pk=offer.pk).update(
            state=Offer.REFUSED, reason="Withdrawn from the list.", answered_at=timezone.now()
        )
        left = WaitingOffer.unwalled.filter(place_id=offer.place_id, state__in=(Offer.OPEN, Offer.ACCEPTED))
        if not left.exists():
            _give_back(offer.place)


def give_way_at(center_id: UUID, stream_id: UUID) -> None:
    """Let go what a center's list keeps for an order whose dates somebody else has booked for it."""
    with seen_by(center_id):
        give_way(stream_id, "")


def give_way(stream_id: UUID, token: str) -> None:
    """Before dates are held for an order: let go, in the same transaction, what was kept for it.

    Nobody else can come between: the rows stay locked until the hold is committed, or all of it is undone. An order
    that books other dates than those it was offered has answered the offer too.
    """
    for offer in live_offers(stream_id):
        is_it = offer.place.offer.get("token") == token or offer.state == Offer.ACCEPTED
        if offer.state == Offer.OPEN and is_it:  # booked without a word: as good as accepted
            WaitingOffer.unwalled.filter(place_id=offer.place_id, state=Offer.OPEN).exclude(pk=offer.pk).update(
                state=Offer.LOST, answered_at=timezone.now()
            )
        target = Offer.BOOKED if is_it else Offer.REFUSED
        reason = "" if is_it else "Other dates were booked."
        own = WaitingOffer.unwalled.filter(pk=offer.pk, state=offer.state)
        if not own.update(state=target, reason=reason, answered_at=timezone.now()):
            continue  # it expired in between: nothing is kept any more
        left = WaitingOffer.unwalled.filter(place_id=offer.place_id, state__in=(Offer.OPEN, Offer.ACCEPTED))
        if is_it or not left.exists():
            _give_back(offer.place, PlaceState.BOOKED if is_it else PlaceState.GIVEN_BACK)


def live_offers(stream_id: UUID) -> list[WaitingOffer]:
    """Return what is offered to an order now (one, at most), with its place."""
    found = [row.pk for row in _live(stream_id=stream_id)]  # nearly always none
    return list(WaitingOffer.unwalled.filter(pk__in=found).select_related("place", "entry")) if found else []


@Prepared
def _live(stream_id: UUID) -> QuerySet[WaitingOffer]:
    live = [str(Offer.OPEN), str(Offer.ACCEPTED)]
    return WaitingOffer.unwalled.filter(entry__stream_id=stream_id, state__in=live)


def offers_to_answer(actor: Actor) -> list[WaitingOffer]:
    """Return the offers that wait for the center's answer or for the booking, the most urgent first."""
    rows = visible(WaitingOffer, actor).filter(state__in=(Offer.OPEN, Offer.ACCEPTED))
    return list(rows.select_related("place", "entry").order_by("place__until", "rank", "pk"))


def _answer(
    offer: WaitingOffer, sources: tuple[WaitingOfferState, ...], target: WaitingOfferState, actor: Actor, **values: Any
) -> None:
    open_event()
    values |= {"state": target, "answered_by_name": actor.display_name, "answered_at": timezone.now()}
    if not WaitingOffer.unwalled.filter(pk=offer.pk, state__in=sources).update(**values):
        raise WrongState("This offer was answered, or has expired.", code="offer_gone", remedy="Wait for the next one.")
    for name, value in values.items():
        setattr(offer, name, value)


def _refuse_over(offer: WaitingOffer, now: dt.datetime) -> None:
    if offer.place.until <= now:
        raise WrongState("This offer has expired.", code="offer_gone", remedy="Wait for the next offer.")


def _give_back(place: OfferedPlace, state: PlaceState = PlaceState.GIVEN_BACK) -> None:
    """Give the place's slots and quota back, once."""
    if not OfferedPlace.unwalled.filter(pk=place.pk, state__in=KEEPS).update(state=state):
        return
    PlaceDue.unwalled.filter(place_id=place.pk).delete()
    quotas.give_back_of(place.pk, place.organization_id)
    give_back_all(place.slot_ids, place.organization_id)
    freed_places.note([place.therapy_id])
