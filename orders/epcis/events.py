"""Events of the record as EPCIS events, for whoever reads: a courier learns nothing of what is inside a box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from ledger.context import Actor
from ledger.models import Event
from ledger.states import Role
from ledger.walls import visible
from orders.epcis import said_by_declarations, said_by_events, said_by_steps  # noqa: F401 - they declare
from orders.epcis.around import NOTHING, Around, around
from orders.epcis.declarations import STEP_EVENTS, Declaration, Happening, declarations, say
from orders.epcis.writing import declared_wrong, written

AT_ONCE = 500
REVOKED = "quality.release_revoked"
WRONG = "orders.error_declared"
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
    revoked = {row.stream_id for row in rows if row.kind == REVOKED}
    known = around(actor, {row.stream_id for row in rows}, revoked)
    named = _named(actor, rows)
    outer_only = is_carrier(actor)
    for row in rows:
        happening = _happening(row, known)
        if row.kind == WRONG:
            happening = _with_what_is_wrong(happening, named, known)
        found += [(row, event) for event in _said(happening, outer_only)]
    return found


def _happening(row: Event, known: Mapping[UUID, Around]) -> Happening:
    return Happening(
        row.kind,
        row.payload,
        row.occurred_at,
        row.recorded_at,
        row.zone,
        row.organization_id,
        row.stream_id,
        known.get(row.stream_id, NOTHING),
    )


def _named(actor: Actor, rows: Sequence[Event]) -> Mapping[str, Event]:
    """Return the events that rows declare wrong, and those that correct them, by id: one query, or none."""
    ids = {one for row in rows if row.kind == WRONG for one in (row.payload["declared"], *row.payload["corrected_by"])}
    if not ids:
        return {}
    return {str(row.pk): row for row in visible(Event, actor).filter(pk__in=ids).defer("canonical")}


def _with_what_is_wrong(happening: Happening, named: Mapping[str, Event], known: Mapping[UUID, Around]) -> Happening:
    told = happening.payload
    wrong = named.get(told["declared"])
    corrected_by = tuple(_happening(named[one], known) for one in told["corrected_by"] if one in named)
    return replace(happening, wrong=_happening(wrong, known) if wrong else None, corrected_by=corrected_by)


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
