"""The waiting list of a treatment center: who is on it, by which criteria, in which order. Changes run in an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.states import Role
from ledger.walls import visible
from personas.states import Capability
from scheduling import criteria as rules
from scheduling import freed_places
from scheduling.capacity import seen_by
from scheduling.models import (
    CriteriaSet,
    RankDecision,
    RankedEntry,
    SlotChain,
    WaitingEntry,
    WaitingOffer,
    WaitingScore,
)
from scheduling.ranking import Standing
from scheduling.states import LIVE, CriteriaState, DecisionState, EntryState, ResourceKind, WaitingOfferState

OFFERED = (WaitingOfferState.OPEN, WaitingOfferState.ACCEPTED)


CONCERNED = (
    Capability.MANAGE_WAITING,
    Capability.SCORE_WAITING,
    Capability.WRITE_CRITERIA,
    Capability.PUBLISH_CRITERIA,
    Capability.DECIDE_RANK,
)


def is_concerned(actor: Actor) -> bool:
    """Whether the waiting list is the acting persona's business at all."""
    here = actor.organization_role == Role.TREATMENT_CENTER
    return here and any(actor.can(capability) for capability in CONCERNED)


def entries(actor: Actor, therapy_id: UUID | None = None) -> QuerySet[WaitingEntry]:
    """Return who waits, longest first; ``placed``: dates are held or booked for it already."""
    live = SlotChain.unwalled.filter(stream_id=OuterRef("stream_id"), state__in=LIVE)
    found = visible(WaitingEntry, actor).filter(state=EntryState.WAITING).annotate(placed=Exists(live))
    found = found.filter(therapy_id=therapy_id) if therapy_id else found
    return found.order_by("added_at", "pk")


def criteria_in_force(actor: Actor, therapy_id: UUID, day: dt.date | None = None) -> CriteriaSet | None:
    """Return the published criteria that hold on a day: those that took effect last."""
    day = day or timezone.now().date()
    found = visible(CriteriaSet, actor).filter(
        therapy_id=therapy_id, state=CriteriaState.PUBLISHED, effective_from__lte=day
    )
    return found.order_by("-effective_from", "-version").first()


def decision_now(actor: Actor, therapy_id: UUID) -> RankDecision | None:
    """Return the decision in force, or the one that an appeal has reopened."""
    open_states = (DecisionState.IN_FORCE, DecisionState.REOPENED)
    found = visible(RankDecision, actor).filter(therapy_id=therapy_id, state__in=open_states)
    return found.select_related("criteria").order_by("-number").first()


def points_of(actor: Actor, criteria: CriteriaSet, entry_ids: Iterable[UUID]) -> dict[UUID, WaitingScore]:
    """Return each entry's latest score by a version of the criteria."""
    rows = visible(WaitingScore, actor).filter(criteria=criteria, entry_id__in=list(entry_ids)).order_by("pk")
    return {row.entry_id: row for row in rows}


def standings(actor: Actor, criteria: CriteriaSet, now: dt.datetime | None = None) -> list[Standing]:
    """Return everybody who waits for the criteria's therapy and has no dates yet, as ranked by the criteria."""
    waiting = [entry for entry in entries(actor, criteria.therapy_id) if not entry.placed]  # type: ignore[attr-defined]
    scores = points_of(actor, criteria, [entry.pk for entry in waiting])
    return [standing_of(entry, criteria, scores.get(entry.pk), now) for entry in waiting]


def standing_of(
    entry: WaitingEntry, criteria: CriteriaSet, score: WaitingScore | None, now: dt.datetime | None
) -> Standing:
    """Return an entry as the criteria rank it; it counts as scored when nothing had to be scored by hand."""
    waited = entry.waited_days(now)
    parts = rules.components(criteria.criteria, score.points if score else {}, waited, criteria.ageing_days)
    by_hand = any(one["kind"] != rules.CriterionKind.WAITING_TIME for one in criteria.criteria)
    return Standing(entry.pk, entry.order_code, waited, parts, scored=score is not None or not by_hand)


def candidates(actor: Actor, decision: RankDecision) -> list[RankedEntry]:
    """Return, in rank order, who may be offered a place now: waits, has no dates, and is not being asked already."""
    live = SlotChain.unwalled.filter(stream_id=OuterRef("entry__stream_id"), state__in=LIVE)
    asked = WaitingOffer.unwalled.filter(entry_id=OuterRef("entry_id"), state__in=OFFERED)
    rows = visible(RankedEntry, actor).filter(decision=decision, entry__state=EntryState.WAITING)
    return list(rows.filter(~Q(Exists(live)), ~Q(Exists(asked))).select_related("entry").order_by("rank"))


def declined_places(actor: Actor, entry_ids: Iterable[UUID]) -> dict[UUID, set[str]]:
    """Return what each entry was asked about and did not take, by slot: it is not asked about that again.

    What is scarce is the manufacturing start; another chair for the same start is the same place.
    """
    gone = (WaitingOfferState.REFUSED, WaitingOfferState.EXPIRED)
    rows = visible(WaitingOffer, actor).filter(entry_id__in=list(entry_ids), state__in=gone)
    found: dict[UUID, set[str]] = {}
    for entry_id, offer in rows.values_list("entry_id", "place__offer"):
        found.setdefault(entry_id, set()).update(scarce_slots(offer["links"]))
    return found


def scarce_slots(links: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the slots by which a place is known: its manufacturing starts, or all when it has none."""
    every = {str(link["kind"]): str(link["slot_id"]) for link in links}
    line = every.get(ResourceKind.MANUFACTURING_LINE)
    return {line} if line else set(every.values())


def end(stream_id: UUID, center_id: UUID, reason: str) -> None:
    """Take an order off its center's list, whoever ended it: what the list says stays on the center's record."""
    open_event()
    with seen_by(center_id):
        own = WaitingEntry.unwalled.filter(stream_id=stream_id, state=EntryState.WAITING)
        own.update(state=EntryState.WITHDRAWN, ended_at=timezone.now(), end_reason=reason)


def note_placed(stream_id: UUID, center_id: UUID) -> None:
    """Note that dates were held for an order that waits; it keeps its place on the list until they are used.

    Whoever held them: a planner who books on request does not see the list, and the list is right all the same.
    """
    open_event()
    with seen_by(center_id):
        for entry in _waiting(stream_id=stream_id):
            own = WaitingEntry.unwalled.filter(pk=entry.pk, state=EntryState.WAITING)
            own.update(placed_at=timezone.now())


@Prepared
def _waiting(stream_id: UUID) -> QuerySet[WaitingEntry]:
    return WaitingEntry.unwalled.filter(stream_id=stream_id, state=str(EntryState.WAITING))


def look_again(therapy_id: UUID) -> None:
    """Let the sweep look whether a place can be offered."""
    freed_places.note([therapy_id])
