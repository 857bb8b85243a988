"""Calendar feeds over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import page
from personas.headers import ONCE
from scheduling import queries
from scheduling.actions.feeds import make_feed, revoke_feed
from scheduling.api import shapes


class FeedsView(ActorView):
    """Feeds that answer."""

    @extend_schema(
        operation_id="list_feeds",
        tags=["calendar feeds"],
        summary="List the calendar feeds: one's own; whoever publishes capacity sees all of the organization",
        parameters=[PageQuery],
        responses=page(shapes.FeedRow, "FeedPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.feeds(self.actor)
        return page_of(self, found, ("-made_at", "pk"), lambda rows: [feed_row(self, row) for row in rows])

    @extend_schema(
        operation_id="make_feed",
        tags=["calendar feeds"],
        summary="Make a calendar feed (ICS) for 180 days; only a person can, not an API key",
        parameters=[ONCE],
        request=shapes.FeedInput,
        responses={201: shapes.FeedRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.FeedInput)
        feed = make_feed(self.actor, name=given["name"], resource_code=given.get("resource", ""))
        return Response(feed_row(self, feed), status=201)


class RevokeFeedView(ActorView):
    """The end of a feed."""

    @extend_schema(
        operation_id="revoke_feed",
        tags=["calendar feeds"],
        summary="Revoke a calendar feed: its address is gone from this moment",
        parameters=[ONCE],
        request=None,
        responses=shapes.FeedRow,
    )
    @answers_once
    def post(self, request: Request, feed_id: UUID) -> Response:
        return Response(feed_row(self, revoke_feed(self.actor, feed_id)))


def feed_row(view: ActorView, feed: Any) -> dict[str, Any]:
    """Return a feed; its address only to the person whose it is."""
    own = feed.revoked_at is None and feed.user_id == view.actor.user_id and view.actor.key_id is None
    address = view.request.build_absolute_uri(reverse("scheduling:feed", args=[queries.token_of(feed)]))
    return {
        "id": feed.pk,
        "name": feed.name,
        "person": feed.person_name,
        "resource": feed.resource.code if feed.resource else "",
        "expires_at": feed.expires_at,
        "feed_url": address if own else None,
    }
