"""Reads of capacity and slot chains: actor first, narrowed querysets out. Run inside ``reading`` or an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet

from ledger.context import Actor
from ledger.prepared import Prepared, attach
from ledger.walls import on_stream, sees_stream, visible
from scheduling.models import CalendarDue, ChainLink, HoldDue, Resource, Slot, SlotChain
from scheduling.states import LIVE, ChainState, ResourceKind


def resources(actor: Actor, *, kind: str | None = None, own: bool = False) -> QuerySet[Resource]:
    """Return what the actor and its partners offer; ``own``: the actor's organization only."""
    found = visible(Resource, actor).order_by("code")
    found = found.filter(kind=kind) if kind else found
    return found.filter(organization_id=actor.organization_id) if own else found


def slots(
    actor: Actor,
    *,
    kind: str | None = None,
    site_id: UUID | None = None,
    organization_id: UUID | None = None,
    resource_id: UUID | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    with_places: bool = False,
) -> QuerySet[Slot]:
    """Return offered windows that overlap ``since`` … ``until``, earliest first; ``with_places``: none that is full."""
    exact = {"kind": kind, "site_id": site_id, "organization_id": organization_id, "resource_id": resource_id}
    found = visible(Slot, actor).filter(**{name: value for name, value in exact.items() if value is not None})
    found = found.filter(ends_at__gt=since) if since else found
    found = found.filter(starts_at__lt=until) if until else found
    found = found.filter(taken__lt=F("capacity")) if with_places else found
    return found.select_related("resource").order_by("starts_at", "pk")


def _with_links(chains: QuerySet[SlotChain]) -> QuerySet[SlotChain]:
    return chains.prefetch_related(Prefetch("links", ChainLink.unwalled.order_by("position")))


@Prepared
def _chains(stream_id: UUID) -> QuerySet[SlotChain]:
    return SlotChain.unwalled.filter(stream_id=stream_id).order_by("-pk")


@Prepared
def _links(stream_id: UUID) -> QuerySet[ChainLink]:
    return ChainLink.unwalled.filter(stream_id=stream_id).order_by("position")


def chain_of(actor: Actor, stream_id: UUID) -> SlotChain | None:
    """Return the order's live slot chain, else its latest one; ``chain.links.all()`` is loaded, in journey order."""
    found = _chains(stream_id=stream_id) if sees_stream(actor, stream_id) else []
    links = _links(stream_id=stream_id) if found else []
    for chain in found:
        attach(chain, "links", [link for link in links if link.chain_id == chain.pk])
    return next((chain for chain in found if chain.state in LIVE), found[0] if found else None)


def proposal_of(actor: Actor, stream_id: UUID) -> SlotChain | None:
    """Return the change of dates that waits for an answer, if there is one."""
    found = _chains(stream_id=stream_id) if sees_stream(actor, stream_id) else []
    return next((chain for chain in found if chain.state == ChainState.PROPOSED), None)


def chains_of(actor: Actor, stream_id: UUID) -> QuerySet[SlotChain]:
    """Return every slot chain that the order ever had, newest first."""
    return _with_links(on_stream(SlotChain, actor, stream_id).order_by("-pk"))


def held_until(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, dt.datetime]:
    """Return until when the slots of several orders are held, by stream; nothing of an order without such a hold."""
    held = visible(SlotChain, actor).filter(stream_id__in=list(stream_ids), state=ChainState.HELD)
    return dict(held.values_list("stream_id", "held_until"))


def live_chains(actor: Actor, stream_ids: Iterable[UUID]) -> list[SlotChain]:
    """Return the chains that keep places for these orders, with their links: two queries for all."""
    return list(_with_links(visible(SlotChain, actor).filter(stream_id__in=set(stream_ids), state__in=LIVE)))


def requests_waiting(actor: Actor) -> QuerySet[SlotChain]:
    """Return the slot chains that wait for the actor's organization to answer, oldest request first (MP1)."""
    waiting = visible(SlotChain, actor).filter(state=ChainState.REQUESTED, manufacturer_id=actor.organization_id)
    return _with_links(waiting.order_by("requested_at", "pk"))


def proposals_waiting(actor: Actor) -> list[SlotChain]:
    """Return the changes of dates that wait for the actor's organization to agree, first to expire first."""
    waiting = visible(SlotChain, actor).filter(state=ChainState.PROPOSED, manufacturer_id=actor.organization_id)
    return list(waiting.select_related("replaces").order_by("held_until", "pk"))


def confirmed_after(actor: Actor, stream_ids: Iterable[UUID], since: dt.datetime) -> dict[UUID, SlotChain]:
    """Return the confirmed chains of these orders whose collection begins after ``since``, by stream."""
    found = visible(SlotChain, actor).filter(
        stream_id__in=list(stream_ids), state=ChainState.CONFIRMED, collection_starts_at__gt=since
    )
    return {chain.stream_id: chain for chain in found}


def due_holds(now: dt.datetime) -> list[HoldDue]:
    """Return the holds whose time is over (ids and times only: outside the wall), the longest overdue first."""
    return list(HoldDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def due_calendars(now: dt.datetime) -> list[CalendarDue]:
    """Return the organizations whose windows are to be made again (ids and times only: outside the wall)."""
    return list(CalendarDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def windows_of(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, ChainLink]:
    """Return the pickup window that each order's live slot chain has on a lane, by stream."""
    found = visible(ChainLink, actor).filter(
        stream_id__in=list(stream_ids), kind=ResourceKind.COURIER_LANE, chain__state__in=LIVE
    )
    return {link.stream_id: link for link in found.order_by("pk")}
