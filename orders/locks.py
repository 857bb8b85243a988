"""The lock that every act on an order takes first: its stream, found by the order's code in the same statement."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet

from ledger.models import Stream
from ledger.prepared import Prepared
from ledger.recording import StreamLock
from orders.models import Order


def stream_of(code: str) -> StreamLock:
    """Return what locks an order's stream for ``acting``; it finds none where the row policies show no such order."""
    return partial(_locked_stream, code=code.upper())


@Prepared
def _locked_stream(code: str) -> QuerySet[Stream]:
    return Stream.unwalled.select_for_update().filter(pk__in=Order.unwalled.filter(code=code).values("stream_id"))
