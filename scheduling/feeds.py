"""Calendar feeds: what an address holds, and what it is allowed to say (ADR 16).

A feed leaves the house: it lands on telephones and in other firms' calendar services. So it names a resource, a place
and a time, and never a patient, an order, a therapy, a partner, or words that somebody typed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Q
from icalendar import Calendar, Event

from ledger.context import Actor
from ledger.walls import visible
from scheduling.models import CalendarFeed, ChainLink, Closure
from scheduling.states import LIVE, ChainState, ResourceKind

BACK, AHEAD = dt.timedelta(days=30), dt.timedelta(days=366)
MOST_ENTRIES = 2000
WORDS = {ChainState.HELD: "held", ChainState.REQUESTED: "requested", ChainState.CONFIRMED: "booked"}
_signer = Signer(salt="scheduling.calendar-feed")


def token_of(feed: CalendarFeed) -> str:
    """Return the signed part of the feed's address; nothing of it is stored."""
    return _signer.sign(f"{feed.organization_id.hex}{feed.pk.hex}")


def read_token(token: str) -> tuple[UUID, UUID] | None:
    """Return organization and feed of an address that was signed here, else None."""
    try:
        value = _signer.unsign(token)
        return UUID(value[:32]), UUID(value[32:])
    except (BadSignature, ValueError):
        return None


@dataclass(frozen=True)
class Entry:
    """One appointment; ``word``: held, requested, booked or closed."""

    id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    title: str
    place: str
    word: str


def entries(actor: Actor, feed: CalendarFeed, now: dt.datetime) -> list[Entry]:
    """Return what the person behind the feed may see of it: two queries. A person's feed keeps to their site."""
    links = visible(ChainLink, actor).filter(organization_id=actor.organization_id, chain__state__in=LIVE)
    shut = visible(Closure, actor).filter(organization_id=actor.organization_id, lifted_at__isnull=True)
    if feed.resource_id:
        links = links.filter(slot__resource_id=feed.resource_id)
        place = feed.resource.site_id if feed.resource else None
        shut = shut.filter(Q(resource_id=feed.resource_id) | Q(site_id__isnull=False, site_id=place))
    elif actor.site_id:
        links = links.filter(Q(site_id=actor.site_id) | Q(site_id__isnull=True))
        shut = shut.filter(Q(site_id=actor.site_id) | Q(resource__site_id=actor.site_id))
    span = {"starts_at__lt": now + AHEAD, "ends_at__gt": now - BACK}
    found = [
        Entry(
            link.pk,
            link.starts_at,
            link.ends_at,
            f"{link.resource_name} ({ResourceKind(link.kind).label})",
            link.place_name,
            WORDS[ChainState(link.chain.state)],
        )
        for link in links.filter(**span).select_related("chain").order_by("starts_at", "pk")[:MOST_ENTRIES]
    ]
    for closure in shut.filter(**span).select_related("resource", "site").order_by("starts_at", "pk")[:MOST_ENTRIES]:
        closed = closure.resource or closure.site
        found.append(Entry(closure.pk, closure.starts_at, closure.ends_at, str(closed), "", "closed"))
    return found


def written(name: str, found: list[Entry]) -> bytes:
    """Return the entries as RFC 5545 text; the same entries give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//CGT order-to-infusion orchestration//calendar feed//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for entry in found:
        event = Event()
        event.add("uid", f"{entry.id}@calendar-feed")
        event.add("dtstamp", made_at(entry.id))
        event.add("dtstart", entry.starts_at.astimezone(dt.UTC))
        event.add("dtend", entry.ends_at.astimezone(dt.UTC))
        event.add("summary", f"{entry.title}: {entry.word}")
        if entry.place:
            event.add("location", entry.place)
        event.add("status", "TENTATIVE" if entry.word in ("held", "requested") else "CONFIRMED")
        event.add("class", "PRIVATE")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def made_at(row_id: UUID) -> dt.datetime:
    """Return when a row was made, as its UUIDv7 tells."""
    return dt.datetime.fromtimestamp((row_id.int >> 80) / 1000, dt.UTC).replace(microsecond=0)


def version_of(body: bytes) -> str:
    """Return the entity tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
