"""What an order has open in scheduling: one question, as before dates are held nearly all have nothing."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, QuerySet

from ledger.models import Stream
from ledger.prepared import PreparedValues
from scheduling.models import DateRequest, DateWishes, SlotChain, WaitingEntry, WaitingOffer
from scheduling.states import LIVE, DateRequestState, EntryState, WaitingOfferState

LIVE_OFFERS = [str(WaitingOfferState.OPEN), str(WaitingOfferState.ACCEPTED)]


class Pending(NamedTuple):
    """Whether the order has a live slot chain, wishes for its dates, an offer of a waiting list, requested dates, a
    place on the list."""

    chain: bool
    wishes: bool
    offer: bool
    request: bool
    entry: bool


def of_stream(stream_id: UUID) -> Pending:
    """Return what is open for an order, as far as the acting organization sees it (the treatment center sees all)."""
    found = _asked(stream_id=stream_id)
    return Pending(*found[0]) if found else Pending(*[False] * 5)


@PreparedValues
def _asked(stream_id: UUID) -> QuerySet[Any, Any]:
    own = {"stream_id": stream_id}
    entries = WaitingEntry.unwalled.filter(**own, state=str(EntryState.WAITING))
    return Stream.unwalled.filter(pk=stream_id).values_list(
        Exists(SlotChain.unwalled.filter(**own, state__in=[str(state) for state in LIVE])),
        Exists(DateWishes.unwalled.filter(**own)),
        Exists(WaitingOffer.unwalled.filter(entry__stream_id=stream_id, state__in=LIVE_OFFERS)),
        Exists(DateRequest.unwalled.filter(**own, state=str(DateRequestState.OPEN))),
        Exists(entries),
    )
