"""Stop-ship over REST: a person's credentials come along, an API key alone never signs (QA4)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody.states import ContainerKind, ContainerState
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions import stop_runs
from orders.actions import stops as action
from orders.actions.stops import LiftStopInputs, StopUnitsInputs
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from personas.states import Capability
from quality import queries as quality
from quality.states import StopState


class SoughtShape(Shape):
    """What was searched by; what is absent did not matter."""

    lot = serializers.CharField(required=False)
    donor = serializers.CharField(required=False)
    shipper = serializers.CharField(required=False)
    site = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class StopRow(Shape):
    """A stop of the organization."""

    number = serializers.CharField()
    state = serializers.ChoiceField(choices=StopState.choices)
    sought = SoughtShape()
    reason = serializers.CharField()
    opened_at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)
    conclusion = serializers.CharField(allow_blank=True)
    in_progress = serializers.BooleanField(
        help_text="it stands on its orders, and a worker is still putting the units aside: listed once that is done"
    )


class StoppedOrderRow(Shape):
    """An order that a stop concerns."""

    order = serializers.CharField()
    deviation = serializers.CharField(
        allow_null=True, help_text="null where the lot was used afterwards, or while `in_progress`"
    )
    stopped_at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)


class StopDetail(StopRow):
    """A stop with the orders that it concerns."""

    orders = StoppedOrderRow(many=True)
    progress = serializers.CharField(allow_blank=True, help_text="how far the worker is, in words; empty when done")


class StoppedUnitRow(Shape):
    """A unit as the stop found it."""

    container = serializers.CharField()
    kind = serializers.ChoiceField(choices=ContainerKind.choices)
    order = serializers.CharField()
    chain_of_identity = serializers.CharField()
    treatment_center = serializers.CharField()
    state = serializers.ChoiceField(choices=ContainerState.choices)
    held_by = serializers.CharField(allow_blank=True)
    place = serializers.CharField(allow_blank=True)
    given = serializers.BooleanField(help_text="the patient had it already")
    put_aside = serializers.BooleanField(help_text="went into quarantine by this stop")


def _row(stop: Any) -> dict[str, Any]:
    names = ("number", "state", "sought", "reason", "opened_at", "lifted_at", "conclusion")
    return {name: getattr(stop, name) for name in names} | {"in_progress": stop.working_since is not None}


def _detail(view: ActorView, number: str, status: int = 200) -> Response:
    with reading(view.actor):
        stop = action.stop_named(view.actor, number)
        rows = list(quality.stopped_orders(view.actor, stop).select_related("deviation"))
        codes = queries.codes_of(view.actor, [row.stream_id for row in rows])
    orders = [
        {
            "order": codes.get(row.stream_id, ""),
            "deviation": row.deviation.number if row.deviation else None,
            "stopped_at": row.stopped_at,
            "lifted_at": row.lifted_at,
        }
        for row in rows
    ]
    told = {"orders": orders, "progress": stop_runs.progress_of(stop)}
    return Response(_row(stop) | told, status=status)


class StopsView(ActorView):
    """The organization's stops."""

    scope = Capability.FIND_UNITS

    @extend_schema(
        operation_id="list_stops",
        tags=["quality"],
        summary="List your organization's stops, the newest first",
        parameters=[PageQuery],
        responses=page(StopRow, "StopPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        ordering = ("-opened_at", "-pk")
        return page_of(self, quality.stops_of(self.actor), ordering, lambda rows: [_row(row) for row in rows])

    @extend_schema(
        operation_id="stop_units",
        tags=["quality"],
        summary="Hold every unit that a search finds, signed; of many orders a worker does it (`in_progress`)",
        parameters=[ONCE],
        request=StopUnitsInputs,
        responses={201: StopDetail},
    )
    def post(self, request: Request) -> Response:
        sent, once = body_of(request), once_of(request)
        try:
            number = action.stop_units(self.actor, sent, once=once)
        except Replayed as replayed:
            number = replayed.result["stop"]
        return _detail(self, number, 201)


class StopView(ActorView):
    """One stop."""

    scope = Capability.FIND_UNITS

    @extend_schema(
        operation_id="read_stop", tags=["quality"], summary="Read a stop with its orders", responses=StopDetail
    )
    def get(self, request: Request, number: str) -> Response:
        return _detail(self, number)


class StoppedUnitsView(ActorView):
    """The units of a stop."""

    scope = Capability.FIND_UNITS

    @extend_schema(
        operation_id="list_stopped_units",
        tags=["quality"],
        summary="List the units as a stop found them, with their recipients",
        parameters=[PageQuery],
        responses=page(StoppedUnitRow, "StoppedUnitPage"),
    )
    @reads
    def get(self, request: Request, number: str) -> Response:
        query_of(request, PageQuery)
        found = quality.stopped_units(self.actor, action.stop_named(self.actor, number))
        return page_of(self, found, ("code", "pk"), lambda rows: [_unit(row) for row in rows])


def _unit(row: Any) -> dict[str, Any]:
    names = ("kind", "order", "state", "held_by", "place", "given", "put_aside")
    return {
        "container": row.code,
        "chain_of_identity": row.identity_code,
        "treatment_center": row.center,
        **{name: getattr(row, name) for name in names},
    }


class LiftStopView(ActorView):
    """The end of a stop."""

    scope = Capability.STOP_UNITS

    @extend_schema(
        operation_id="lift_stop",
        tags=["quality"],
        summary="Lift a stop, or its part of one order, signed by two people",
        parameters=[ONCE],
        request=LiftStopInputs,
        responses=StopDetail,
    )
    def post(self, request: Request, number: str) -> Response:
        sent, once = body_of(request), once_of(request)
        with suppress(Replayed):
            action.lift_stop(self.actor, number, sent, once=once)
        return _detail(self, number)
