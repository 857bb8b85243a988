"""The waiting list: added, scored, withdrawn; offers accepted, refused, expired (CO10, CO5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, MissingFact, NotFound, WrongState
from ledger.walls import visible
from personas.states import Capability
from scheduling import criteria as rules
from scheduling import urgency, waiting, waiting_offers
from scheduling.jobs import job_in
from scheduling.models import OfferedPlace, PlaceDue, WaitingEntry, WaitingOffer, WaitingScore
from scheduling.policies import require_center
from scheduling.states import EntryState

JOB = "expire-offered-places"


def add_entry(
    actor: Actor, *, stream_id: UUID, order_code: str, therapy_id: UUID, site_id: UUID, earliest: dt.date | None = None
) -> WaitingEntry:
    """Put an order of the center on the waiting list for its therapy. What stands on the order was checked above."""
    with acting(actor, "scheduling.waiting_added", subject=("order", order_code)) as event:
        require_center(actor, Capability.MANAGE_WAITING)
        if WaitingEntry.unwalled.filter(stream_id=stream_id, state=EntryState.WAITING).exists():
            raise Conflict(
                "This order is on the waiting list already.", code="waits_already", remedy="Find it on the list."
            )
        entry: WaitingEntry = WaitingEntry.objects.create(
            organization_id=actor.organization_id,
            stream_id=stream_id,
            order_code=order_code,
            therapy_id=therapy_id,
            site_id=site_id,
            added_by_name=actor.display_name,
            earliest=earliest,
        )
        event.note(order=order_code)
    return entry


def score_entry(actor: Actor, entry_id: UUID, points: Mapping[str, int]) -> WaitingScore:
    """Give an entry its points by the criteria in force: each stored as given; a later score takes its place."""
    with acting(actor, "scheduling.waiting_scored", subject=("waiting_entry", str(entry_id))) as event:
        entry = _entry(actor, entry_id)
        require_center(actor, Capability.SCORE_WAITING)
        if entry.state != EntryState.WAITING:
            raise WrongState("This order is not on the list any more.")
        criteria = waiting.criteria_in_force(actor, entry.therapy_id)
        if criteria is None:
            raise no_criteria()
        faults = rules.point_faults(criteria.criteria, points)
        if faults:
            raise InvalidInput(fields=faults)
        score: WaitingScore = WaitingScore.objects.create(
            organization_id=actor.organization_id,
            entry=entry,
            criteria=criteria,
            points=dict(points),
            made_by_id=actor.person_id,
            made_by_name=actor.display_name,
        )
        urgency.note(actor, entry, urgency.class_of(criteria.criteria, points))
        event.note(order=entry.order_code, criteria=criteria.version)
    return score


def withdraw_entry(actor: Actor, entry_id: UUID, reason: str) -> WaitingEntry:
    """Take an order off the list, with a reason; what is offered to it goes to the next."""
    with acting(
        actor, "scheduling.waiting_withdrawn", subject=("waiting_entry", str(entry_id)), reason=reason
    ) as event:
        entry = _entry(actor, entry_id)
        require_center(actor, Capability.MANAGE_WAITING)
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        if entry.state != EntryState.WAITING:
            raise WrongState("This order is not on the list any more.")
        waiting_offers.withdraw(entry)
        entry.state, entry.ended_at, entry.end_reason = EntryState.WITHDRAWN, timezone.now(), reason.strip()
        entry.save(update_fields=["state", "ended_at", "end_reason"])
        event.note(order=entry.order_code)
    return entry


def accept_offer(actor: Actor, offer_id: UUID) -> WaitingOffer:
    """Accept an offered place; it is kept for the offer's hours again, for the booking (CO5)."""
    with acting(actor, "scheduling.offer_accepted", subject=("waiting_offer", str(offer_id))) as event:
        offer = _offer(actor, offer_id)
        require_center(actor, Capability.MANAGE_WAITING)
        waiting_offers.accept(offer, actor, offer.decision.criteria.offer_hours)
        event.note(order=offer.entry.order_code, rank=offer.rank)
    return offer


def refuse_offer(actor: Actor, offer_id: UUID, reason: str, not_before: dt.date | None = None) -> WaitingOffer:
    """Refuse an offered place, with a reason; it goes to the next. ``not_before``: ask again from this day on."""
    with acting(actor, "scheduling.offer_refused", subject=("waiting_offer", str(offer_id)), reason=reason) as event:
        offer = _offer(actor, offer_id)
        require_center(actor, Capability.MANAGE_WAITING)
        waiting_offers.refuse(offer, actor, reason, not_before)
        event.note(order=offer.entry.order_code, rank=offer.rank)
    return offer


def expire_place(due: PlaceDue, now: dt.datetime | None = None) -> bool:
    """End an offered place whose time is over, as a system job of the center; return whether it ended now."""
    now = now or timezone.now()
    actor = job_in(due.organization_id, JOB)
    try:
        with acting(actor, "scheduling.offer_expired", subject=("offered_place", str(due.place_id))) as event:
            place = OfferedPlace.unwalled.filter(pk=due.place_id).first()
            if place is None:
                raise WrongState("There is no such place.")
            offers = WaitingOffer.unwalled.filter(place=place, state__in=waiting.OFFERED)
            codes = sorted(offers.values_list("entry__order_code", flat=True))
            waiting_offers.expire(place, now)
            event.note(orders=codes)
    except WrongState:
        return False
    return True


def take_back_disrupted(actor: Actor, therapy_id: UUID) -> int:
    """Take back what a center's list offers of a therapy and a disruption has taken since; return how many places.

    By a system job of the center, each place in its own transaction. Whoever was asked keeps the rank, and is asked
    about the next place.
    """
    with reading(actor):
        places = waiting_offers.disrupted_places(actor, therapy_id)
    done = 0
    for place in places:
        try:
            with acting(actor, "scheduling.offer_taken_back", subject=("offered_place", str(place.pk))) as event:
                event.note(orders=waiting_offers.take_back(place))
                done += 1
        except WrongState:
            continue  # answered, booked or expired meanwhile
    return done


def no_criteria() -> FactsMissing:
    """Return the refusal of a ranking without criteria."""
    fact = MissingFact(
        "no_criteria",
        "No criteria are in force for this therapy.",
        "Write criteria and let a second person publish them.",
    )
    return FactsMissing("Nobody is ranked without published criteria.", facts=[fact])


def _entry(actor: Actor, entry_id: UUID) -> WaitingEntry:
    entry = visible(WaitingEntry, actor).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound()
    return entry


def _offer(actor: Actor, offer_id: UUID) -> WaitingOffer:
    offers = visible(WaitingOffer, actor).filter(pk=offer_id)
    offer = offers.select_related("place", "entry", "decision__criteria").first()
    if offer is None:
        raise NotFound()
    return offer
