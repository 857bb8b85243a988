"""Calendar feeds are made by a person for a while, and revoked at once (ADR 16)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from scheduling.models import CalendarFeed
from scheduling.policies import require_own_feed
from scheduling.queries import own_resource

LIFETIME = dt.timedelta(days=180)
MOST_FEEDS = 20


def make_feed(actor: Actor, *, name: str, resource_code: str = "") -> CalendarFeed:
    """Make a feed of one own resource, or of what the acting person's place has booked; it lasts 180 days.

    Of two that are asked for in the same instant one is made: the organization's stream is locked before it looks.
    """
    with acting(actor, "scheduling.feed_made", subject=("feed", name[:60])) as event:
        if not actor.is_human or actor.user_id is None or actor.membership_id is None:
            raise NotAllowed("A calendar feed is a person's: sign in to make one.")
        if not name.strip() or len(name.strip()) > 120:
            raise InvalidInput(fields={"name": ["Give it a name of up to 120 characters."]})
        resource = own_resource(actor, resource_code) if resource_code else None
        now = timezone.now()
        mine = CalendarFeed.unwalled.filter(user_id=actor.user_id, revoked_at__isnull=True, expires_at__gt=now)
        if mine.count() >= MOST_FEEDS:
            raise InvalidInput(f"You have {MOST_FEEDS} feeds. Revoke one that you do not use.")
        if mine.filter(name=name.strip(), resource=resource).exists():
            raise InvalidInput(fields={"name": ["You have this feed already: its address stands in the list."]})
        feed: CalendarFeed = CalendarFeed.objects.create(
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            membership_id=actor.membership_id,
            person_name=actor.person_name,
            resource=resource,
            name=name.strip(),
            made_at=now,
            expires_at=now + LIFETIME,
        )
        event.note(name=feed.name, resource=resource_code, expires_at=feed.expires_at)
    return feed


def revoke_feed(actor: Actor, feed_id: UUID) -> CalendarFeed:
    """Let a feed's address answer no more, from this moment; one's own, or as whoever publishes capacity any."""
    with acting(actor, "scheduling.feed_revoked", subject=("feed", str(feed_id))) as event:
        mine = CalendarFeed.unwalled.filter(organization_id=actor.organization_id, pk=feed_id)
        feed = mine.filter(revoked_at__isnull=True).select_related("resource").first()
        if feed is None:
            raise NotFound()
        require_own_feed(actor, feed.user_id)
        feed.revoked_at = timezone.now()
        mine.update(revoked_at=feed.revoked_at)
        event.note(name=feed.name)
    kept: CalendarFeed = feed
    return kept
