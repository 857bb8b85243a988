"""Events of the record with what stands around them, as what they say in EPCIS is worked out from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from ledger.walls import visible
from orders.epcis.around import NOTHING, Around, around
from orders.epcis.declarations import Happening

REVOKED = "quality.release_revoked"
WRONG = "orders.error_declared"


def happenings(actor: Actor, rows: Sequence[Event]) -> Iterator[tuple[Event, Happening]]:
    """Yield each event with what stands around it; one that declares another wrong with that one, too."""
    revoked = {row.stream_id for row in rows if row.kind == REVOKED}
    known = around(actor, {row.stream_id for row in rows}, revoked)
    named = _named(actor, rows)
    for row in rows:
        happening = _happening(row, known)
        yield row, _with_what_is_wrong(happening, named, known) if row.kind == WRONG else happening


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
