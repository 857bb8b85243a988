"""Reads of disruptions, repairs and their moves: actor first. Run inside ``reading`` or an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet

from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.walls import visible
from scheduling.availability import is_disrupted
from scheduling.models import ChainLink, Disruption, RepairDue, RepairMove, RepairRun, Slot, SlotChain
from scheduling.states import LIVE, MoveState


def chains_hit(actor: Actor, resource_ids: Sequence[UUID], since: dt.datetime, until: dt.datetime) -> list[SlotChain]:
    """Return the live chains of the actor's orders with a place of these resources that begins in that time."""
    links = visible(ChainLink, actor).filter(
        slot__resource_id__in=list(resource_ids), starts_at__gte=since, starts_at__lt=until, chain__state__in=LIVE
    )
    found = visible(SlotChain, actor).filter(pk__in=links.values("chain_id")).order_by("pk")
    return list(found.prefetch_related(Prefetch("links", ChainLink.unwalled.order_by("position"))))


def disruptions(actor: Actor) -> QuerySet[Disruption]:
    """Return what the actor and its partners have disrupted, the open ones first, the latest first."""
    return visible(Disruption, actor).order_by(F("closed_at").asc(nulls_first=True), "-opened_at", "pk")


def repair_runs(actor: Actor) -> QuerySet[RepairRun]:
    """Return the organization's own repairs, the latest first."""
    return visible(RepairRun, actor).order_by("-started_at", "pk")


def repair_moves(actor: Actor) -> QuerySet[RepairMove]:
    """Return the signed moves of the actor's orders, those that wait for an answer first."""
    return visible(RepairMove, actor).order_by(F("answered_at").asc(nulls_first=True), "after", "pk")


def waiting_for_centers(actor: Actor, stream_ids: Iterable[UUID]) -> set[UUID]:
    """Return the orders of which a signed move waits for its center's answer."""
    offered = visible(RepairMove, actor).filter(stream_id__in=set(stream_ids), state=MoveState.OFFERED)
    return set(offered.values_list("stream_id", flat=True))


def disrupted_slots(actor: Actor, resource_ids: Sequence[UUID], since: dt.datetime, until: dt.datetime) -> set[UUID]:
    """Return the windows of the resources that overlap that time."""
    found = visible(Slot, actor).filter(resource_id__in=list(resource_ids), starts_at__lt=until, ends_at__gt=since)
    return set(found.values_list("pk", flat=True))


def due_repairs(now: dt.datetime) -> list[RepairDue]:
    """Return the repairs that the sweep looks after (ids and times only: outside the wall)."""
    return list(RepairDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def stopped_places(chain: SlotChain) -> list[tuple[str, ChainLink]]:
    """Return the names of a chain's places that lie in an open disruption, with their links. Runs inside an action."""
    found = [slot.pk for slot in _stopped(chain_id=chain.pk)]
    if not found:
        return []
    names = dict(Slot.unwalled.filter(pk__in=found).values_list("pk", "resource__name"))
    return [(names[link.slot_id], link) for link in ChainLink.unwalled.filter(chain_id=chain.pk, slot_id__in=found)]


@Prepared
def _stopped(chain_id: UUID) -> QuerySet[Slot]:
    own = ChainLink.unwalled.filter(chain_id=chain_id)
    return Slot.unwalled.filter(is_disrupted(), pk__in=own.values("slot_id")).order_by("pk")
