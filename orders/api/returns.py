"""Empty shippers that go back, over REST."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import return_register as register
from custody.actions import returns as action
from custody.states import ReturnOutcome
from ledger.context import reading
from ledger.recording import Replayed
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE


class ReturnRow(Shape):
    """An empty shipper that goes back."""

    id = serializers.UUIDField()
    serial = serializers.CharField()
    box = serializers.CharField(help_text="outer code of the box that came in it")
    keeper = serializers.CharField()
    holder = serializers.CharField(help_text="where it stood when it was empty")
    courier = serializers.CharField()
    empty_since = serializers.DateTimeField()
    expected_at = serializers.DateTimeField()
    handed_over_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=ReturnOutcome.choices, allow_blank=True)


class ReturnFilters(PageQuery):
    """Which returns."""

    closed = serializers.BooleanField(required=False, default=False, help_text="those that are over instead")
    overdue = serializers.BooleanField(required=False, default=False)


class ReturnsView(ActorView):
    """Returns of empty shippers."""

    @extend_schema(
        operation_id="list_returns",
        tags=["material"],
        summary="List the empty shippers that the organization waits for, holds or carries, by expected date",
        parameters=[ReturnFilters],
        responses=page(ReturnRow, "ReturnPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, ReturnFilters)
        found = register.returns(self.actor, closed=given["closed"], overdue=given["overdue"])
        return page_of(self, found, ("expected_at", "pk"), lambda rows: [_row(row) for row in rows])

    def _done(self, request: Request, key: UUID, do: Callable[..., None]) -> Response:
        with suppress(Replayed):
            do(self.actor, key, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(_row(register.one(self.actor, key)))


class HandOverEmptyView(ReturnsView):
    """It left."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="hand_over_empty",
        tags=["material"],
        summary="Record that an empty shipper was handed over, by its holder or the courier",
        parameters=[ONCE],
        request=action.HandOverEmptyInputs,
        responses=ReturnRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.hand_over_empty)


class ReceiveEmptyView(ReturnsView):
    """It is back."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="receive_empty",
        tags=["material"],
        summary="Record that an empty shipper is back, damaged or lost, by its keeper",
        parameters=[ONCE],
        request=action.ReceiveEmptyInputs,
        responses=ReturnRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.receive_empty)


class ExpectEmptyView(ReturnsView):
    """Another date."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="expect_empty",
        tags=["material"],
        summary="Set another date by which an empty shipper is expected, by its keeper",
        parameters=[ONCE],
        request=action.ExpectEmptyInputs,
        responses=ReturnRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.expect_empty)


def _row(row: Any) -> dict[str, Any]:
    names = ("serial", "empty_since", "expected_at", "handed_over_at", "received_at", "outcome")
    firms = {"keeper": row.owner.name, "holder": row.holder.name, "courier": row.courier.name}
    return {"id": row.pk, "box": row.box_code} | firms | {name: getattr(row, name) for name in names}
