"""Reads of capacity and slot chains: actor first, narrowed querysets out. Run inside ``reading`` or an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from ledger.context import Actor, reading
from ledger.prepared import Prepared, attach
from ledger.refusals import NotFound, Unauthenticated
from ledger.states import Channel
from ledger.walls import on_stream, sees_stream, visible
from personas.queries import actor_of_membership, current_memberships, system_actor
from personas.states import Capability
from scheduling import feeds as feed_pages
from scheduling.boards import board as board
from scheduling.boards import heat as heat
from scheduling.costs import change_prices as change_prices
from scheduling.feeds import token_of as token_of
from scheduling.feeds import version_of as version_of
from scheduling.lead_time_register import LeadTimeEntry as LeadTimeEntry
from scheduling.lead_time_register import lead_time_entries as lead_time_entries
from scheduling.lead_time_register import lead_times as lead_times
from scheduling.lead_times import STEPS as STEPS
from scheduling.line_load import lines as lines
from scheduling.models import (
    CalendarDue,
    CalendarFeed,
    ChainLink,
    Closure,
    HoldDue,
    MoveDue,
    OpeningRule,
    PlaceDue,
    Resource,
    Slot,
    SlotChain,
    Team,
    TherapyClass,
)
from scheduling.opening_sources import places_of
from scheduling.recurrence import DAY_NAMES as DAY_NAMES
from scheduling.recurrence import weekly as weekly
from scheduling.recurrence import words
from scheduling.states import LIVE, ChainState, ResourceKind
from scheduling.wall_clock import span as span


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
    """Return the changes of dates that wait for the actor's organization to agree, first to expire first.

    The manufacturer answers what the center proposed, and the center what the manufacturer or its plant did.
    """
    mine = actor.organization_id
    to_plant = Q(manufacturer_id=mine) & (Q(proposed_by=F("organization_id")) | Q(proposed_by=None))
    to_center = Q(organization_id=mine, proposed_by__isnull=False) & ~Q(proposed_by=F("organization_id"))
    waiting = visible(SlotChain, actor).filter(to_plant | to_center, state=ChainState.PROPOSED)
    return list(waiting.select_related("replaces").order_by("held_until", "pk"))


def line_links(actor: Actor, line_ids: Iterable[UUID], first: dt.date, days: int) -> QuerySet[ChainLink]:
    """Return the booked and proposed starts of these lines about a span of local days, earliest first, with chains.

    ``resource_id`` and ``slot_starts_at`` say where each stands on a board.
    """
    since = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1)
    links = visible(ChainLink, actor).filter(
        kind=ResourceKind.MANUFACTURING_LINE,
        chain__state__in=(*LIVE, ChainState.PROPOSED),
        slot__resource_id__in=list(line_ids),
        slot__starts_at__gte=since,
        slot__starts_at__lt=since + dt.timedelta(days=days + 2),
    )
    placed = links.annotate(resource_id=F("slot__resource_id"), slot_starts_at=F("slot__starts_at"))
    return placed.select_related("chain").order_by("starts_at", "pk")


def confirmed_after(actor: Actor, stream_ids: Iterable[UUID], since: dt.datetime) -> dict[UUID, SlotChain]:
    """Return the confirmed chains of these orders whose collection begins after ``since``, by stream."""
    found = visible(SlotChain, actor).filter(
        stream_id__in=list(stream_ids), state=ChainState.CONFIRMED, collection_starts_at__gt=since
    )
    return {chain.stream_id: chain for chain in found}


def due_holds(now: dt.datetime) -> list[HoldDue]:
    """Return the holds whose time is over (ids and times only: outside the wall), the longest overdue first."""
    return list(HoldDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def own_resource(actor: Actor, code: str) -> Resource:
    """Return a resource of the acting organization; raise NotFound for any other."""
    found: Resource | None = resources(actor, own=True).filter(code=code).first()
    if found is None:
        raise NotFound()
    return found


def own_window(actor: Actor, slot_id: UUID) -> Slot:
    """Return a window of the acting organization with its resource; raise NotFound for any other."""
    mine = visible(Slot, actor).filter(organization_id=actor.organization_id, pk=slot_id)
    found: Slot | None = mine.select_related("resource").first()
    if found is None:
        raise NotFound()
    return found


def rules(actor: Actor, *, resource_id: UUID | None = None) -> QuerySet[OpeningRule]:
    """Return the organization's opening rules with their resource: past, present and coming versions."""
    found = visible(OpeningRule, actor).filter(organization_id=actor.organization_id, withdrawn_at__isnull=True)
    found = found.filter(resource_id=resource_id) if resource_id else found
    return found.select_related("resource").order_by("resource__code", "shift", "first_date", "pk")


def teams(actor: Actor) -> QuerySet[Team]:
    """Return the organization's teams with their site."""
    found = visible(Team, actor).filter(organization_id=actor.organization_id, withdrawn_at__isnull=True)
    return found.select_related("site").order_by("code", "first_date", "pk")


def closures(actor: Actor, since: dt.datetime) -> QuerySet[Closure]:
    """Return the closures that are not over and were not lifted, the next first."""
    found = visible(Closure, actor).filter(organization_id=actor.organization_id, lifted_at__isnull=True)
    return found.filter(ends_at__gt=since).select_related("resource", "site").order_by("starts_at", "pk")


def therapy_classes(actor: Actor) -> dict[UUID, str]:
    """Return the priority class of each therapy that the acting center put into one."""
    mine = visible(TherapyClass, actor).filter(organization_id=actor.organization_id)
    return dict(mine.values_list("therapy_id", "priority"))


def feeds(actor: Actor) -> QuerySet[CalendarFeed]:
    """Return the organization's calendar feeds that still answer; a person without the right to publish: their own."""
    found = visible(CalendarFeed, actor).filter(organization_id=actor.organization_id, revoked_at__isnull=True)
    if not actor.can(Capability.PUBLISH_CAPACITY):
        found = found.filter(user_id=actor.user_id) if actor.user_id else found.none()
    return found.select_related("resource").order_by("-made_at", "pk")


def due_calendars(now: dt.datetime) -> list[CalendarDue]:
    """Return the organizations whose windows are to be made again (ids and times only: outside the wall)."""
    return list(CalendarDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def due_moves(now: dt.datetime) -> list[MoveDue]:
    """Return the signed moves whose time to be answered is over (ids and times only: outside the wall)."""
    return list(MoveDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def due_places(now: dt.datetime) -> list[PlaceDue]:
    """Return the offered places whose time is over (ids and times only), the longest overdue first."""
    return list(PlaceDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def windows_of(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, ChainLink]:
    """Return the pickup window that each order's live slot chain has on a lane, by stream."""
    found = visible(ChainLink, actor).filter(
        stream_id__in=list(stream_ids), kind=ResourceKind.COURIER_LANE, chain__state__in=LIVE
    )
    return {link.stream_id: link for link in found.order_by("pk")}


def read_feed(token: str, now: dt.datetime) -> tuple[UUID, bytes]:
    """Return id and content of the feed at a signed address, read with the rights its person has now.

    Raises NotFound for an address that was not signed here, a feed that was revoked or is over, and when the person
    has left or may no longer see orders.
    """
    named = feed_pages.read_token(token)
    if named is None:
        raise NotFound()
    organization_id, feed_id = named
    with reading(system_actor(organization_id, "calendar-feed")):
        mine = CalendarFeed.unwalled.filter(pk=feed_id, revoked_at__isnull=True, expires_at__gt=now)
        feed = mine.select_related("resource").first()
    held = current_memberships(feed.user_id) if feed else []
    membership = next((row for row in held if feed and row.pk == feed.membership_id), None)
    if feed is None or membership is None:
        raise NotFound()
    try:
        actor = actor_of_membership(membership, Channel.API)
    except Unauthenticated:
        raise NotFound() from None
    if not actor.can(Capability.VIEW_ORDERS):
        raise NotFound()
    with reading(actor):
        return feed.pk, feed_pages.written(feed.name, feed_pages.entries(actor, feed, now))


def zone_of(actor: Actor, resource: Resource) -> str:
    """Return the time zone in which a resource's clock hangs."""
    place = places_of(actor, [resource]).get(resource.pk)
    return place.zone if place else "UTC"


def pattern_words(pattern: str) -> str:
    """Return a recurrence as people say it, where it is a plain week."""
    return words(pattern)
