"""Whole documents for the operator: one order, or everything, order by order. Run by the exporting command only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from ledger.context import Actor, reading
from ledger.models import Stream
from ledger.refusals import NotFound
from orders.epcis.events import sources, stream_events
from orders.models import Order
from personas.queries import organization_actor, organizations_at_work

JOB = "epcis-export"


def _exporters() -> Iterator[Actor]:
    for organization_id in organizations_at_work():
        yield organization_actor(organization_id, JOB)


@contextmanager
def order_events(code: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the events of an order, as its treatment center reads them. Raises NotFound for an unknown code."""
    for actor in _exporters():
        with reading(actor):
            own = Order.unwalled.filter(code=code.upper(), center_id=actor.organization_id).first()
            if own is not None:
                yield stream_events(actor, sources(actor).filter(stream_id=own.stream_id))
                return
    raise NotFound(f"There is no order {code}.")


def all_events() -> Iterator[dict[str, Any]]:
    """Yield every event once: each organization tells of the streams that it opened."""
    for actor in _exporters():
        with reading(actor):
            opened = Stream.unwalled.filter(organization_id=actor.organization_id).values("pk")
            yield from stream_events(actor, sources(actor).filter(stream_id__in=opened))


def order_codes() -> Iterator[tuple[UUID, str]]:
    """Yield (treatment center, code) of every order."""
    for actor in _exporters():
        with reading(actor):
            codes = list(Order.unwalled.filter(center_id=actor.organization_id).values_list("code", flat=True))
        yield from ((actor.organization_id, code) for code in sorted(codes))


@contextmanager
def center_events(center_id: UUID, code: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the events of an order whose treatment center is known."""
    actor = organization_actor(center_id, JOB)
    with reading(actor):
        own = Order.unwalled.get(code=code)
        yield stream_events(actor, sources(actor).filter(stream_id=own.stream_id))
