"""Subscriptions of named queries."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ledger.context import reading
from ledger.refusals import NotFound
from orders import queries
from orders.actions.epcis_subscriptions import subscribe, unsubscribe
from orders.api.epcis.base import ASKED_VERSION, EpcisView
from orders.api.epcis.kept import LOCATION, _kept
from personas.asking import answers_once, body_of
from personas.headers import ONCE


def subscription_document(row: Any, feed: Any) -> dict[str, Any]:
    """Return a subscription in the standard's words, with how it fares in the house's own."""
    document: dict[str, Any] = {
        "subscriptionID": str(row.pk),
        "dest": row.dest,
        "reportIfEmpty": row.report_if_empty,
        "createdAt": row.made_at.isoformat(),
        "lastNotifiedAt": feed.told_at.isoformat() if feed and feed.told_at else None,
        "minRecordTime": feed.position.isoformat() if feed else None,
        "cgt:state": "dead" if feed is None or feed.dead_at else "failing" if feed.attempts else "active",
        "cgt:failedAttempts": feed.attempts if feed else 0,
        "cgt:lastError": feed.last_error if feed else "",
        "cgt:nextAt": feed.due_at.isoformat() if feed and not feed.dead_at else None,
    }
    return document | ({"schedule": row.schedule} if row.schedule else {"stream": True})


class SubscriptionsView(EpcisView):
    """The running subscriptions of a named query."""

    @extend_schema(
        operation_id="list_epcis_subscriptions",
        tags=["epcis"],
        summary="List the subscriptions of a named query, with how they fare",
        parameters=[ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, name: str) -> Response:
        query = _kept(self.actor, name)
        with reading(self.actor):
            rows = list(queries.epcis_jobs.subscriptions_of(self.actor, query))
            feeds = queries.epcis_jobs.feeds_of(rows)
        return Response({"subscriptions": [subscription_document(row, feeds.get(row.pk)) for row in rows]})

    @extend_schema(
        operation_id="subscribe_epcis_query",
        tags=["epcis"],
        summary="Subscribe to a named query: what answers it is posted, signed",
        parameters=[ONCE, ASKED_VERSION, LOCATION],
        request=OpenApiTypes.OBJECT,
        responses={201: OpenApiTypes.OBJECT},
    )
    @answers_once
    def post(self, request: Request, name: str) -> Response:
        row, token = subscribe(self.actor, name, body_of(request))
        feed = queries.epcis_jobs.feeds_of([row]).get(row.pk)
        address = reverse("api:epcis-subscription", args=[name, str(row.pk)], request=request)
        # ``token`` is a name whose value is never given again, under the idempotency key either (``SHOWN_ONCE``).
        body = subscription_document(row, feed) | {"token": token}
        return Response(body, status=201, headers={"Location": address})


class SubscriptionView(EpcisView):
    """One subscription."""

    @extend_schema(
        operation_id="read_epcis_subscription",
        tags=["epcis"],
        summary="Read a subscription and how it fares",
        parameters=[ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, name: str, subscription_id: str) -> Response:
        query, wanted = _kept(self.actor, name), _uuid(subscription_id)
        with reading(self.actor):
            row = queries.epcis_jobs.subscriptions_of(self.actor, query).filter(pk=wanted).first()
            feed = queries.epcis_jobs.feeds_of([row]).get(row.pk) if row else None
        if row is None:
            raise NotFound()
        return Response(subscription_document(row, feed))

    @extend_schema(
        operation_id="unsubscribe_epcis_query",
        tags=["epcis"],
        summary="End a subscription",
        parameters=[ASKED_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, name: str, subscription_id: str) -> Response:
        unsubscribe(self.actor, name, _uuid(subscription_id))
        return Response(status=204)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None
