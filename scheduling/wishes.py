"""What is wished of an order's dates beyond its therapy: said with a search or a hold, kept, and taken up later.

Kept with the order, so that who changes, repairs or offers dates later asks no less than who booked them (ADR 19).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.recording import open_event
from scheduling.conditions import Washout
from scheduling.models import DateWishes
from scheduling.offers import ChainRequest
from scheduling.states import Ranking

GIVEN = ("weekdays", "earliest", "washout_since", "washout_days")  # as inputs and addresses name them, and as kept
EVERY_DAY = 7


@dataclass(frozen=True)
class Wishes:
    """What whoever searches or holds asks beyond the therapy: weekdays of collection (ISO numbers; none: any), the
    earliest day, an order of results, and a washout that is not over yet (days: the flow's, unless given)."""

    weekdays: frozenset[int] = frozenset()
    earliest: dt.date | None = None
    ranking: str = Ranking.EARLIEST
    washout_since: dt.date | None = None
    washout_days: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.weekdays or self.earliest or self.washout_since)

    def narrowed(self, request: ChainRequest, parameters: Mapping[str, Any]) -> ChainRequest:
        """Return the request as it is wished; ``parameters``: of the flow's booking step, for its usual washout."""
        if self.earliest:
            request = replace(request, earliest=max(request.earliest, self.earliest))
        if self.weekdays:
            request = replace(request, weekdays=request.weekdays & self.weekdays)
        washout = self._washout(int(parameters.get("washout_days") or 0))
        return replace(request, washouts=(washout,)) if washout else request

    def unmet(self, date: dt.date, usual_washout: int | None = None) -> list[str]:
        """Return which of them a collection on this local date does not meet, as they are said in words."""
        washout = self._washout(usual_washout)
        missed = Wishes(
            frozenset() if date.isoweekday() in self.weekdays else self.weekdays,
            self.earliest if self.earliest and date < self.earliest else None,
            washout_since=self.washout_since if washout and date < washout.over else None,
            washout_days=self.washout_days,
        )
        return missed.in_words(usual_washout)

    def _washout(self, usual: int | None) -> Washout | None:
        """The washout that is not over yet, where its length is known; ``usual``: days, unless others are given."""
        days = usual if self.washout_days is None else self.washout_days
        return (
            Washout("the last treatment", self.washout_since, days) if self.washout_since and days is not None else None
        )

    def in_words(self, usual_washout: int | None = None) -> list[str]:
        """Return what is wished as short sentences; ``usual_washout``: days, where the flow has one."""
        found = []
        if self.weekdays:
            found.append("Collection on " + " or ".join(calendar.day_name[day - 1] for day in sorted(self.weekdays)))
        if self.earliest:
            found.append(f"Not before {self.earliest:%d %b %Y}".replace(" 0", " "))
        if self.washout_since:
            washout = self._washout(usual_washout)
            length = f"Washout of {washout.days} days" if washout else "Washout"
            until = f", over on {washout.over:%d %b %Y}" if washout else ""
            found.append(f"{length} from {self.washout_since:%d %b %Y}{until}".replace(" 0", " "))
        return found


NOTHING = Wishes()


def of_order(stream_id: UUID) -> Wishes:
    """Return what is wished of an order's dates, as far as the acting organization sees the order."""
    return next((kept(row) for row in _of_stream(stream_id=stream_id)), NOTHING)


@Prepared
def _of_stream(stream_id: UUID) -> QuerySet[DateWishes]:
    return DateWishes.unwalled.filter(stream_id=stream_id)


def of_orders(stream_ids: Iterable[UUID]) -> dict[UUID, Wishes]:
    """Return what is wished of several orders, by stream: one query."""
    rows = DateWishes.unwalled.filter(stream_id__in=list(stream_ids))
    return {row.stream_id: kept(row) for row in rows}


def kept(row: DateWishes) -> Wishes:
    """Return what a row remembers."""
    return Wishes(frozenset(row.weekdays), row.earliest, Ranking.EARLIEST, row.washout_since, row.washout_days)


def given_over(stored: Wishes, given: Mapping[str, Any], today: dt.date | None = None) -> Wishes:
    """Return the stored wishes with those that are given in their place; what is given as None is wished no more.

    ``given``: any of ``weekdays`` (ISO numbers), ``earliest``, ``washout_since``, ``washout_days``; an earliest day
    that is not after ``today`` is no wish, nor is every weekday.
    """
    found: dict[str, Any] = {name: given[name] for name in GIVEN if name in given}
    if today is not None and found.get("earliest") and found["earliest"] <= today:
        found["earliest"] = None
    if "weekdays" in given:
        days = frozenset(given["weekdays"] or ())
        found["weekdays"] = frozenset() if len(days) == EVERY_DAY else days
    if "washout_since" in given and (not given["washout_since"] or "washout_days" not in given):
        found["washout_days"] = None
    return replace(stored, **found)


def keep(actor: Actor, stream_id: UUID, center_id: UUID, wishes: Wishes) -> bool:
    """Let the order remember what is wished of its dates; return whether that is anything new."""
    open_event()
    length = wishes.washout_days if wishes.washout_since else None
    values: dict[str, Any] = {
        "weekdays": sorted(wishes.weekdays),
        "earliest": wishes.earliest,
        "washout_since": wishes.washout_since,
        "washout_days": length,
    }
    row = DateWishes.unwalled.filter(stream_id=stream_id).first()
    if row is None and wishes.is_empty:
        return False
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return False
    values |= {"stated_by_name": actor.display_name, "stated_at": timezone.now()}
    if row is None:
        DateWishes.objects.create(stream_id=stream_id, organization_id=center_id, **values)
    else:
        DateWishes.unwalled.filter(pk=row.pk).update(**values)
    return True
