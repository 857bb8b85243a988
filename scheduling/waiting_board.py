"""The waiting list as it is shown: each entry with its parts, its rank, and who stood ahead by which criterion.

Run inside ``reading``; the number of queries does not depend on how many wait.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.walls import visible
from scheduling import waiting
from scheduling.models import CriteriaSet, RankAppeal, RankDecision, RankedEntry, WaitingEntry, WaitingOffer
from scheduling.ranking import Standing, ahead_by, computed_order, is_aged


@dataclass(frozen=True)
class Part:
    """What an entry has by one criterion, of how much."""

    key: str
    title: str
    value: float
    most: int


@dataclass
class Row:
    """One entry of the list. ``rank`` is None until the committee has ranked it; ``computed`` is by score alone."""

    entry: WaitingEntry
    standing: Standing
    parts: list[Part]
    rank: int | None = None
    computed: int | None = None
    ahead: str = ""
    ahead_by: str = ""
    reason: str = ""
    aged: bool = False
    placed: bool = False
    offer: WaitingOffer | None = None
    appeal: RankAppeal | None = None


@dataclass
class Board:
    """A therapy's waiting list. ``decision`` is the one in force, or the one that an appeal reopened."""

    therapy_id: UUID
    criteria: CriteriaSet | None
    decision: RankDecision | None
    rows: list[Row] = field(default_factory=list)
    appeals: list[RankAppeal] = field(default_factory=list)

    @property
    def by_score(self) -> list[Row]:
        """Who has no dates yet, as computed: what the committee is shown first."""
        return sorted((row for row in self.rows if not row.placed), key=lambda row: row.computed or 0)


def board(actor: Actor, therapy_id: UUID, now: dt.datetime | None = None) -> Board:
    """Return a therapy's waiting list: the ranked first, then who was added since, longest first."""
    now = now or timezone.now()
    decision, criteria = waiting.decision_now(actor, therapy_id), waiting.criteria_in_force(actor, therapy_id)
    entries = list(waiting.entries(actor, therapy_id))
    ids = [entry.pk for entry in entries]
    asked = visible(WaitingOffer, actor).filter(entry_id__in=ids, state__in=waiting.OFFERED).select_related("place")
    offers = {offer.entry_id: offer for offer in asked}
    appeals = list(
        visible(RankAppeal, actor).filter(entry_id__in=ids, answered_by__isnull=True).select_related("entry")
    )
    appealed = {one.entry_id: one for one in appeals}
    ranked = {one.entry_id: one for one in _ranked(actor, decision)}
    scores = waiting.points_of(actor, criteria, ids) if criteria else {}
    rows = []
    for entry in entries:
        standing = (
            waiting.standing_of(entry, criteria, scores.get(entry.pk), now)
            if criteria
            else Standing(entry.pk, entry.order_code, entry.waited_days(now), scored=False)
        )
        place = ranked.get(entry.pk)
        row = Row(entry, standing, _parts(criteria, standing.components), offer=offers.get(entry.pk))
        row.rank, row.reason = (place.rank, place.reason) if place else (None, "")
        row.aged = criteria is not None and is_aged(standing, criteria.ageing_days)
        row.placed, row.appeal = bool(entry.placed), appealed.get(entry.pk)  # type: ignore[attr-defined]
        rows.append(row)
    rows.sort(key=lambda row: (row.rank is None, row.rank or 0, row.entry.added_at, row.entry.pk))
    _explain(rows, ranked, decision)
    waits = [row.standing for row in rows if not row.placed]
    computed = {one.entry_id: position + 1 for position, one in enumerate(computed_order(waits))}
    for row in rows:
        row.computed = computed.get(row.entry.pk)
    return Board(therapy_id, criteria, decision, rows, appeals)


def criteria_versions(actor: Actor, therapy_id: UUID | None = None) -> QuerySet[CriteriaSet]:
    """Return every version of the criteria, newest first."""
    found = visible(CriteriaSet, actor)
    found = found.filter(therapy_id=therapy_id) if therapy_id else found
    return found.order_by("therapy_id", "-version")


def _ranked(actor: Actor, decision: RankDecision | None) -> list[RankedEntry]:
    return list(visible(RankedEntry, actor).filter(decision=decision)) if decision else []


def _parts(criteria: CriteriaSet | None, components: Mapping[str, float]) -> list[Part]:
    every = criteria.criteria if criteria else []
    return [Part(one["key"], one["title"], components.get(one["key"], 0), one["weight"]) for one in every]


def _explain(rows: Sequence[Row], ranked: Mapping[UUID, RankedEntry], decision: RankDecision | None) -> None:
    """Say of each ranked entry who stands directly ahead, and by which criterion of the decision."""
    if decision is None:
        return
    titles = {one["key"]: one["title"] for one in decision.criteria.criteria}
    before: Row | None = None
    for row in rows:
        if row.rank is None:
            return
        if before is not None:
            mine, theirs = _as_decided(row, ranked), _as_decided(before, ranked)
            row.ahead, row.ahead_by = before.entry.order_code, ahead_by(mine, theirs, titles)
        before = row


def _as_decided(row: Row, ranked: Mapping[UUID, RankedEntry]) -> Standing:
    one = ranked[row.entry.pk]
    return Standing(one.entry_id, row.entry.order_code, one.waited_days, one.points)
