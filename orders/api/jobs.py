"""A courier's jobs without patient material over REST: kits to centers, empty shippers back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import job_register as register
from custody.actions import jobs as action
from custody.states import JobKind, JobState
from ledger.context import reading
from ledger.recording import Replayed
from orders.actions import kit_jobs
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE


class CourierJobRow(Shape):
    """What a courier fetches and brings besides patient material."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=JobKind.choices)
    number = serializers.CharField(help_text="of the kit or the empty shipper")
    order = serializers.CharField(allow_blank=True, help_text="code of the order that a kit is for")
    state = serializers.ChoiceField(choices=JobState.choices)
    sender = serializers.CharField()
    receiver = serializers.CharField()
    courier = serializers.CharField()
    window_from = serializers.DateTimeField()
    window_until = serializers.DateTimeField()
    deliver_by = serializers.DateTimeField()
    contact = serializers.CharField(help_text="whom to ask for")
    door = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    failure = serializers.CharField(allow_blank=True, help_text="why it could not be fetched the last time")
    picked_up_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)


class JobFilters(PageQuery):
    """Which jobs."""

    closed = serializers.BooleanField(required=False, default=False, help_text="those that are over instead")


class JobsView(ActorView):
    """Jobs."""

    @extend_schema(
        operation_id="list_courier_jobs",
        tags=["material"],
        summary="List kits and empty shippers that a courier fetches, by the end of their window",
        parameters=[JobFilters],
        responses=page(CourierJobRow, "CourierJobPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = register.jobs(self.actor, closed=query_of(request, JobFilters)["closed"])
        return page_of(self, found, ("window_until", "pk"), lambda rows: [_row(row) for row in rows])

    def _booked(self, request: Request, about: Any, book: Callable[..., UUID]) -> Response:
        try:
            key = book(self.actor, about, body_of(request), once=once_of(request))
        except Replayed as replayed:
            key = UUID(replayed.result["job"])
        with reading(self.actor):
            return Response(_row(register.one(self.actor, key)), status=201)

    def _done(self, request: Request, key: UUID, do: Callable[..., None]) -> Response:
        with suppress(Replayed):
            do(self.actor, key, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(_row(register.one(self.actor, key)))


class BookReturnView(JobsView):
    """The way back of an empty shipper."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="book_return",
        tags=["material"],
        summary="Book the courier that fetches an empty shipper, by its keeper, its holder or the courier",
        parameters=[ONCE],
        request=action.BookInputs,
        responses={201: CourierJobRow},
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._booked(request, key, action.book_return)


class SendKitView(JobsView):
    """The way of a collection kit."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="send_kit",
        tags=["material"],
        summary="Book the courier that brings an order's collection kit to its center, by the sponsor",
        parameters=[ONCE],
        request=kit_jobs.KitInputs,
        responses={201: CourierJobRow},
    )
    def post(self, request: Request, code: str) -> Response:
        return self._booked(request, code, kit_jobs.send_kit)


class FetchJobView(JobsView):
    """Fetched."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="fetch_job",
        tags=["material"],
        summary="Record that the courier has what was booked; another number is refused",
        parameters=[ONCE],
        request=action.FetchInputs,
        responses=CourierJobRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.fetch)


class DeliverJobView(JobsView):
    """Delivered."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="deliver_job",
        tags=["material"],
        summary="Record that the courier brought it",
        parameters=[ONCE],
        request=action.DeliverInputs,
        responses=CourierJobRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.deliver)


class FailJobView(JobsView):
    """Not fetched."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="fail_job",
        tags=["material"],
        summary="Record that it could not be fetched, and when the courier comes again",
        parameters=[ONCE],
        request=action.FailInputs,
        responses=CourierJobRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.fail)


class CancelJobView(JobsView):
    """Not needed."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="cancel_job",
        tags=["material"],
        summary="Take a job back that was not fetched yet, by whoever booked it",
        parameters=[ONCE],
        request=action.CancelInputs,
        responses=CourierJobRow,
    )
    def post(self, request: Request, key: UUID) -> Response:
        return self._done(request, key, action.cancel)


def _row(row: Any) -> dict[str, Any]:
    names = set(CourierJobRow().fields) - {"id", "sender", "receiver", "courier"}
    firms = {"sender": row.sender.name, "receiver": row.receiver.name, "courier": row.courier.name}
    return {"id": row.pk} | firms | {name: getattr(row, name) for name in names}
