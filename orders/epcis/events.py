"""Events of the record as EPCIS events, for whoever reads: a courier learns nothing of what is inside a box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from ledger.context import Actor
from ledger.models import Event
from ledger.states import Role
from ledger.walls import visible
from orders.epcis import said_by_declarations, said_by_events, said_by_steps  # noqa: F401 - they declare
from orders.epcis.declarations import STEP_EVENTS, Declaration, Happening, declarations, say
from orders.epcis.happenings import happenings
from orders.epcis.writing import declared_wrong, written

AT_ONCE = 500
Written = dict[str, Any]


def sources(actor: Actor, wanted: Iterable[Declaration] | None = None) -> QuerySet[Event]:
    """Return the events of the record that say something in EPCIS to this reader. ``wanted``: only these kinds'."""
    chosen = list(declarations().values() if wanted is None else wanted)
    if is_carrier(actor):
        chosen = [one for one in chosen if one.outer]
    acts = [one.key for one in chosen if "." in one.key]
    steps = [one.key for one in chosen if "." not in one.key]
    named = Q(kind__in=acts) | Q(kind__in=STEP_EVENTS, payload__kind__in=steps)
    heard = Q(audience=[]) | Q(audience__contains=[actor.organization_role])
    return visible(Event, actor).filter(named, heard)


def is_carrier(actor: Actor) -> bool:
    """Whether the reader carries boxes only: it sees neither therapy nor chain of identity (T39)."""
    return actor.organization_role == Role.COURIER


def epcis_events(actor: Actor, rows: Sequence[Event]) -> list[tuple[Event, Written]]:
    """Return what these events of the record say, in their order. Call inside ``reading(actor)``."""
    found: list[tuple[Event, Written]] = []
    outer_only = is_carrier(actor)
    for row, happening in happenings(actor, rows):
        found += [(row, event) for event in _said(happening, outer_only)]
    return found


def _said(happening: Happening, outer_only: bool) -> list[Written]:
    told = [said for said in say(happening) if said.outer or not outer_only]
    plain = [written(said, happening) for said in told if said.error is None]
    ids = [event["eventID"] for event in plain]
    ids += [event["eventID"] for one in happening.corrected_by for event in _said(one, outer_only)]
    wrong = [declared_wrong(written(said, happening), said, ids) for said in told if said.error is not None]
    return plain + wrong


def stream_events(actor: Actor, rows: QuerySet[Event]) -> Iterator[Written]:
    """Yield what events of the record say, oldest first, with no more than ``AT_ONCE`` of them in memory."""
    chunk: list[Event] = []
    for row in rows.defer("canonical").order_by("recorded_at", "pk").iterator(chunk_size=AT_ONCE):
        chunk.append(row)
        if len(chunk) == AT_ONCE:
            yield from (event for _, event in epcis_events(actor, chunk))
            chunk = []
    yield from (event for _, event in epcis_events(actor, chunk))
