"""Pages of EPCIS events: by key, so that a page costs the same wherever it is and whatever is added meanwhile.

A page is made of at most one chunk of the record: it may hold fewer events than asked for, and still have a next one.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from ledger.context import Actor
from ledger.refusals import InvalidInput, Refusal
from orders.epcis.events import epcis_events
from orders.epcis.filters import ORDERINGS, Criteria, candidates, conditions
from orders.models import EpcisEventId

CHUNK = 4  # so many events of the record are read for each event that a page may hold


class TooManyResults(Refusal):
    """More than ``maxEventCount`` events answer."""

    code, status, title = "query_too_large", 413, "More events answer than you allow"
    remedy = "Narrow the query, or ask page by page."


@dataclass(frozen=True)
class Page:
    """Events, which event of the record each belongs to, and where the next page begins ("" on the last)."""

    events: list[dict[str, Any]]
    sources: list[UUID]
    next_token: str


def page(actor: Actor, asked: Criteria, size: int, token: str = "") -> Page:
    """Return one page. Call inside ``reading(actor)``. Raises InvalidInput for a token that was not issued here."""
    key = ORDERINGS[asked.order_by]
    sign = "-" if asked.descending else ""
    at, pk, skip, left = _from_token(token) if token else (None, None, 0, asked.most)
    rows = candidates(actor, asked, _issued(asked))
    if at is not None:
        way = "lt" if asked.descending else "gt"
        rows = rows.filter(Q(**{f"{key}__{way}": at}) | Q(**{key: at, f"pk__{way}e": pk}))
    limit = size if left is None else min(size, left)
    most = max(limit * CHUNK, 50)
    chunk = list(rows.defer("canonical").order_by(f"{sign}{key}", f"{sign}pk")[: most + 1])
    more, chunk = chunk[most:], chunk[:most]
    passing = conditions(asked)
    number: dict[UUID, int] = {}
    events: list[dict[str, Any]] = []
    origins: list[UUID] = []
    for row, event in epcis_events(actor, chunk):
        number[row.pk] = position = number.get(row.pk, -1) + 1
        if at is not None and row.pk == pk and position < skip:
            continue
        if not all(test(event) for test in passing):
            continue
        if len(events) == limit:
            rest = None if left is None else left - len(events)
            return Page(events, origins, "" if rest == 0 else _token(getattr(row, key), row.pk, position, rest))
        events.append(event)
        origins.append(row.pk)
    rest = None if left is None else left - len(events)
    if more and rest != 0:
        return Page(events, origins, _token(getattr(more[0], key), more[0].pk, 0, rest))
    return Page(events, origins, "")


def _issued(asked: Criteria) -> list[UUID] | None:
    """Return which events of the record the wanted ids were given out for; None where no id is asked for."""
    if "EQ_eventID" not in asked.lists:
        return None
    known = EpcisEventId.unwalled.filter(event_id__in=asked.lists["EQ_eventID"])
    return list(known.values_list("source_id", flat=True))


def refuse_too_many(actor: Actor, asked: Criteria) -> None:
    """Raise TooManyResults when more events answer than ``maxEventCount`` allows."""
    if asked.too_many is None:
        return
    found = page(actor, asked, asked.too_many)
    if found.next_token:
        raise TooManyResults(f"More than {asked.too_many} events answer this query.")


def _token(at: dt.datetime, pk: UUID, skip: int, left: int | None) -> str:
    text = json.dumps([at.astimezone(dt.UTC).isoformat(), str(pk), skip, left], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _from_token(token: str) -> tuple[dt.datetime, UUID, int, int | None]:
    try:
        at, pk, skip, left = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        moment = dt.datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(skip, int) or not (left is None or isinstance(left, int)):
            raise ValueError("another token")
        return moment, UUID(pk), skip, left
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput(
            fields={"nextPageToken": ["This token is not known here."]}, remedy="Begin with the first page again."
        ) from error
