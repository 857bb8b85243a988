"""Days that are wished where nothing is published yet: asked, met by a slot chain, declined, withdrawn (F24; ADR 18).

A request keeps no place and promises none. Run inside an action, on the order's locked stream; each move is one
conditional update.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Conflict, InvalidInput, WrongState
from ledger.walls import on_stream, visible
from scheduling import chain_search, reservations, slot_chains
from scheduling.capacity import SlotFull
from scheduling.models import DateRequest, DateRequestDue, PlantToTell, RequestedDays, SlotChain
from scheduling.offers import ChainRequest, SearchResult
from scheduling.states import DateRequestState

__all__ = [
    "DateRequest",
    "DateRequestDue",
    "PlantToTell",
    "RequestedDays",
    "Wish",
    "ask",
    "check",
    "decline",
    "drop",
    "days_to_tell",
    "due_requests",
    "for_plants",
    "found",
    "latest_of",
    "meet",
    "open_request",
    "plants_to_tell",
    "tell_plants",
    "waiting",
    "withdraw",
]

LONGEST = 60  # days between the first and the last that would do
FARTHEST = 366
OPEN = DateRequestState.OPEN
# What plants that may make the therapy read of a request.
TOLD = ("organization_id", "manufacturer_id", "therapy_id", "wished_on", "first_date", "last_date", "due_at")


@dataclass(frozen=True)
class Wish:
    """A day of collection, and the days that would do as well: local dates at the center, both ends included."""

    wished_on: dt.date
    first_date: dt.date
    last_date: dt.date
    remark: str = ""

    @property
    def days(self) -> int:
        return (self.last_date - self.first_date).days + 1


def check(wish: Wish, today: dt.date) -> None:
    """Raise InvalidInput beside the fields for a wish that nobody could meet."""
    faults: dict[str, list[str]] = {}
    if not today <= wish.first_date <= today + dt.timedelta(days=FARTHEST):
        faults["first_date"] = ["Give a day from today on, within a year."]
    elif not wish.first_date <= wish.last_date < wish.first_date + dt.timedelta(days=LONGEST):
        faults["last_date"] = [f"The last day comes after the first, within {LONGEST} days."]
    elif not wish.first_date <= wish.wished_on <= wish.last_date:
        faults["wished_on"] = ["The wished day lies between the first and the last day that would do."]
    if faults:
        raise InvalidInput(fields=faults)


def ask(actor: Actor, stream_id: UUID, request: ChainRequest, wish: Wish, due_at: dt.datetime) -> DateRequest:
    """Ask the manufacturer for a day of collection. Nothing is held.

    Raises Conflict ``dates_requested``, ``hold_live``, and ``dates_published`` when one of the days has an offer.
    """
    if open_request(stream_id) is not None:
        raise Conflict(
            "Dates are requested for this order already.",
            code="dates_requested",
            remedy="Withdraw that request first, or wait for its answer.",
        )
    slot_chains.refuse_second_chain(stream_id)
    offers = _search(actor, request, wish.first_date, wish.days).offers
    if len(offers):
        raise Conflict(
            "Dates are offered on these days: nothing needs to be asked.",
            code="dates_published",
            remedy="Search from the first of these days and hold an offer.",
        )
    row: DateRequest = DateRequest.objects.create(
        stream_id=stream_id,
        organization_id=actor.organization_id,
        manufacturer_id=request.manufacturer_id,
        therapy_id=request.therapy_id,
        requested_at=timezone.now(),
        requested_by=actor.person_id or actor.key_id,
        requested_by_name=actor.display_name,
        due_at=due_at,
        priority=reservations.class_of(actor.organization_id, request.therapy_id),
        **vars(wish),
    )
    RequestedDays.objects.create(
        request_id=row.pk,
        country=request.market,
        **{name: getattr(row, name) for name in TOLD},
    )
    DateRequestDue.objects.create(
        organization_id=row.organization_id, stream_id=stream_id, request_id=row.pk, due_at=due_at
    )
    return row


def tell_plants(row: DateRequest, organization_ids: Iterable[UUID]) -> None:
    """Let the sweep tell contract manufacturers whose plants may make the therapy for the center's country."""
    due = timezone.now()
    PlantToTell.objects.bulk_create(
        PlantToTell(organization_id=pk, request_id=row.pk, due_at=due) for pk in sorted(set(organization_ids))
    )


def plants_to_tell(now: dt.datetime) -> list[PlantToTell]:
    """Return who is to hear of requested days (ids and times only: outside the wall)."""
    return list(PlantToTell.unwalled.filter(due_at__lte=now).order_by("due_at", "pk"))


def days_to_tell(actor: Actor, due: PlantToTell) -> RequestedDays | None:
    """Take the note away, once; return the days as far as the actor's plants may read them, None when that is over."""
    if not PlantToTell.unwalled.filter(pk=due.pk).delete()[0]:
        return None
    return for_plants(actor).filter(request_id=due.request_id).first()


def found(actor: Actor, row: DateRequest, request: ChainRequest) -> SearchResult:
    """Return the chains that would meet a request now, as far as who asks sees them, and why other days have none."""
    request = replace(request, priority=row.priority)
    return _search(actor, request, row.first_date, (row.last_date - row.first_date).days + 1)


def _search(actor: Actor, request: ChainRequest, first: dt.date, days: int) -> SearchResult:
    """Search exactly these days: what lies before today has no offer anyway."""
    result = chain_search.search(actor, replace(request, earliest=first, horizon_days=days))
    last = first + dt.timedelta(days=days)
    return SearchResult(result.offers, [day for day in result.refused if day.date < last])


def meet(actor: Actor, row: DateRequest, request: ChainRequest, token: str, zone: str, hours: float) -> SlotChain:
    """Take every place of an offer for the center that wished it, or none; the chain is held for ``hours``.

    By the manufacturer. Raises as ``slot_chains.hold`` does, InvalidInput for a day that does not do, WrongState when
    the request has been answered meanwhile.
    """
    slot_chains.refuse_second_chain(row.stream_id)
    request = replace(request, priority=row.priority)
    offer = chain_search.offer_of_token(actor, request, token, center_id=row.organization_id)
    date = offer.collection_start.astimezone(ZoneInfo(zone)).date()
    if not row.first_date <= date <= row.last_date:
        raise InvalidInput(
            fields={"offer": [f"The center can collect from {row.first_date:%d %b} to {row.last_date:%d %b %Y}."]}
        )
    chain_id = new_id()
    try:
        with transaction.atomic():
            slot_chains.take_places(actor, request, offer, chain_id)
    except SlotFull as refusal:
        raise chain_search.next_best(actor, request, offer, refusal) from None
    until = timezone.now() + dt.timedelta(hours=hours)
    chain = slot_chains.record(row.organization_id, row.stream_id, request, offer, held_until=until, id=chain_id)
    slot_chains.watch_hold(chain)
    _end(row, DateRequestState.MET, chain=chain, **slot_chains.answer_of(actor))
    return chain


def decline(row: DateRequest, actor: Actor, reason: str, proposed_date: dt.date | None = None) -> DateRequest:
    """Answer that none of the days can be, with a reason and perhaps a day that could."""
    answer = slot_chains.answer_of(actor)
    return _end(
        row, DateRequestState.DECLINED, reason=slot_chains.stated(reason), proposed_date=proposed_date, **answer
    )


def withdraw(row: DateRequest, reason: str) -> DateRequest:
    """Give the request up, with a reason."""
    return _end(row, DateRequestState.WITHDRAWN, reason=slot_chains.stated(reason)[:300])


def drop(stream_id: UUID, reason: str) -> None:
    """Give up what is requested for an order, if anything is: dates were found elsewhere, or the order ends."""
    row = open_request(stream_id)
    if row is not None:
        withdraw(row, reason)


def _end(row: DateRequest, state: DateRequestState, **values: Any) -> DateRequest:
    open_event()
    values = {"state": state, "ended_at": timezone.now(), **values}
    if not DateRequest.unwalled.filter(pk=row.pk, state=OPEN).update(**values):
        raise WrongState("This request has been answered or withdrawn already.")
    DateRequestDue.unwalled.filter(request_id=row.pk).delete()
    RequestedDays.unwalled.filter(request_id=row.pk, ended_at__isnull=True).update(ended_at=values["ended_at"])
    for name, value in values.items():
        setattr(row, name, value)
    return row


def open_request(stream_id: UUID) -> DateRequest | None:
    """Return what is requested for the order and not answered yet."""
    return next(iter(_open_of(stream_id=stream_id)), None)


@Prepared
def _open_of(stream_id: UUID) -> QuerySet[DateRequest]:
    return DateRequest.unwalled.filter(stream_id=stream_id, state=str(OPEN)).order_by("pk")[:1]


def latest_of(actor: Actor, stream_id: UUID) -> DateRequest | None:
    """Return the order's newest request, whatever became of it."""
    return on_stream(DateRequest, actor, stream_id).order_by("-pk").first()


def waiting(actor: Actor) -> QuerySet[DateRequest]:
    """Return the requests that the actor's organization answers, answer due first."""
    found = visible(DateRequest, actor).filter(state=OPEN, manufacturer_id=actor.organization_id)
    return found.order_by("due_at", "pk")


def for_plants(actor: Actor) -> QuerySet[RequestedDays]:
    """Return the days that are wished of clients' therapies which the actor's plants may make, answer due first.

    A client answers its own requests, so its own are left out; so are the center's.
    """
    own = Q(organization_id=actor.organization_id) | Q(manufacturer_id=actor.organization_id)
    return visible(RequestedDays, actor).filter(~own, ended_at__isnull=True).order_by("due_at", "pk")


def due_requests(now: dt.datetime) -> Iterable[DateRequestDue]:
    """Return whose answer is due (ids and times only: outside the wall), the longest overdue first."""
    return list(DateRequestDue.unwalled.filter(due_at__lte=now).order_by("due_at"))
