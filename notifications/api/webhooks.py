"""Webhooks over REST: add, change, pause, test, rotate the secret, look at deliveries, post them again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.recording import Replayed as AnsweredBefore
from notifications import queries
from notifications.actions import webhooks
from notifications.api import shapes
from personas.asking import ActorView, PageQuery, answers_once, input_of, once_of, page_of, query_of, reads
from personas.envelopes import page, whole
from personas.headers import LOCATION, ONCE
from personas.states import Capability


class AdministratorView(ActorView):
    """A view for the organization's administrator."""

    scope = Capability.ADMINISTER


def _detail(actor: Actor, webhook_id: UUID) -> dict[str, Any]:
    with reading(actor):
        return shapes.webhook_row(queries.webhook(actor, webhook_id), queries.delivery_counts(actor))


class WebhooksView(AdministratorView):
    """The organization's webhooks."""

    @extend_schema(
        operation_id="list_webhooks",
        tags=["webhooks"],
        summary="List the organization's webhooks",
        parameters=[PageQuery],
        responses=page(shapes.WebhookRow, "WebhookPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        counts = queries.delivery_counts(self.actor)
        found = queries.webhooks(self.actor)
        return page_of(self, found, ("name", "pk"), lambda rows: [shapes.webhook_row(row, counts) for row in rows])

    @extend_schema(
        operation_id="add_webhook",
        tags=["webhooks"],
        summary="Add a webhook; the answer shows its secret, only this once",
        parameters=[ONCE, LOCATION],
        request=shapes.WebhookInput,
        responses={201: shapes.WebhookWithSecret},
    )
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.WebhookInput)
        secret: str | None = None
        try:
            hook, secret = webhooks.add_webhook(self.actor, **given, once=once_of(request))
            webhook_id = hook.pk
        except AnsweredBefore as before:
            webhook_id = UUID(before.result["webhook"])
        body = _detail(self.actor, webhook_id) | {"secret": secret}
        return Response(body, status=201, headers={"Location": body["href"], "Cache-Control": "no-store"})


class EventKindsView(AdministratorView):
    """What a webhook can be told of."""

    @extend_schema(
        operation_id="list_event_kinds",
        tags=["webhooks"],
        summary="List the kinds of event that the organization can be told of",
        responses=whole(shapes.EventKindRow, "EventKindList"),
    )
    def get(self, request: Request) -> Response:
        kinds = queries.event_kinds(self.actor)
        return Response({"results": [{"name": kind.name, "label": kind.label} for kind in kinds]})


class WebhookView(AdministratorView):
    """One webhook."""

    @extend_schema(
        operation_id="read_webhook", tags=["webhooks"], summary="Read a webhook", responses=shapes.WebhookRow
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        return Response(_detail(self.actor, webhook_id))

    @extend_schema(
        operation_id="change_webhook",
        tags=["webhooks"],
        summary="Change, pause or resume a webhook",
        parameters=[ONCE],
        request=shapes.WebhookChange,
        responses=shapes.WebhookRow,
    )
    @answers_once
    def post(self, request: Request, webhook_id: UUID) -> Response:
        webhooks.change_webhook(self.actor, webhook_id, **input_of(request, shapes.WebhookChange))
        return Response(_detail(self.actor, webhook_id))


class RotateView(AdministratorView):
    """A new secret."""

    @extend_schema(
        operation_id="rotate_webhook_secret",
        tags=["webhooks"],
        summary="Issue a new secret, shown only this once; the old one signs along for a day",
        parameters=[ONCE],
        request=None,
        responses=shapes.WebhookWithSecret,
    )
    @answers_once
    def post(self, request: Request, webhook_id: UUID) -> Response:
        secret = webhooks.rotate_secret(self.actor, webhook_id)
        body = _detail(self.actor, webhook_id) | {"secret": secret}
        return Response(body, headers={"Cache-Control": "no-store"})


class TestView(AdministratorView):
    """A test event."""

    @extend_schema(
        operation_id="test_webhook",
        tags=["webhooks"],
        summary="Post a test event, whatever kinds were chosen",
        parameters=[ONCE],
        request=None,
        responses=shapes.DeliveryRow,
    )
    @answers_once
    def post(self, request: Request, webhook_id: UUID) -> Response:
        delivery = webhooks.test_webhook(self.actor, webhook_id)
        with reading(self.actor):
            return Response(shapes.delivery_row(delivery, queries.events_told(self.actor, [delivery])))


class DeliveryFilters(PageQuery):
    """Which deliveries."""

    state = serializers.ChoiceField(choices=["sent", "waiting", "dead"], required=False)


class DeliveriesView(AdministratorView):
    """What was and is to be posted."""

    @extend_schema(
        operation_id="list_webhook_deliveries",
        tags=["webhooks"],
        summary="List a webhook's deliveries, newest first",
        parameters=[DeliveryFilters],
        responses=page(shapes.DeliveryRow, "DeliveryPage"),
    )
    @reads
    def get(self, request: Request, webhook_id: UUID) -> Response:
        given = query_of(request, DeliveryFilters)
        hook = queries.webhook(self.actor, webhook_id)
        found = queries.webhook_deliveries(self.actor, hook.pk, given.get("state", ""))
        return page_of(self, found, ("-pk",), self._rows)

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        events = queries.events_told(self.actor, rows)
        return [shapes.delivery_row(row, events) for row in rows]


class ReplayView(AdministratorView):
    """Posting again."""

    @extend_schema(
        operation_id="replay_webhook",
        tags=["webhooks"],
        summary="Post one delivery again, or everything made since a time; ids stay the same",
        parameters=[ONCE],
        request=shapes.ReplayInput,
        responses=shapes.Replayed,
    )
    @answers_once
    def post(self, request: Request, webhook_id: UUID) -> Response:
        given = input_of(request, shapes.ReplayInput)
        count = webhooks.replay(self.actor, webhook_id, delivery_id=given.get("delivery"), since=given.get("since"))
        return Response({"deliveries": count})
