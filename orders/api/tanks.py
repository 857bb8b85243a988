"""Limits and readings of the store's units over REST (CL3)."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import alarm_register as register
from custody import store_watch
from custody.actions import store_alarms as action
from custody.queries import store_unit
from ledger.context import reading
from ledger.recording import Replayed
from ledger.refusals import NotFound
from orders.actions.store_readings import StoreReadingsInputs, send_store_readings
from orders.api.store_alarms import StoreAlarmRow, StoreAlarmsView
from personas.asking import ActorView, body_of, once_of
from personas.envelopes import Shape
from personas.headers import ONCE


class StoreLimitsAnswer(Shape):
    """What a unit's temperature may be."""

    unit = serializers.UUIDField()
    limits = serializers.CharField(help_text="in words")
    minutes_allowed = serializers.IntegerField()


class StoreReadingsAnswer(Shape):
    """What came of readings."""

    taken = serializers.IntegerField(help_text="how many were new")
    open_alarms = StoreAlarmRow(many=True, help_text="of this unit")


class StoreLimitsView(ActorView):
    """Limits."""

    @extend_schema(
        operation_id="set_store_limits",
        tags=["material"],
        summary="Set what a unit's temperature may be, and for how long it may be outside",
        parameters=[ONCE],
        request=action.StoreLimitsInputs,
        responses=StoreLimitsAnswer,
    )
    def post(self, request: Request, unit: UUID) -> Response:
        with suppress(Replayed):
            action.set_limits(self.actor, unit, body_of(request), once=once_of(request))
        with reading(self.actor):
            row = store_unit(self.actor, unit)
            if row is None:
                raise NotFound()
            words = store_watch.limits_of(row).words
            return Response({"unit": row.pk, "limits": words, "minutes_allowed": row.minutes_allowed})


class StoreReadingsView(StoreAlarmsView):
    """Readings."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="send_store_readings",
        tags=["material"],
        summary="Send readings of a tank or freezer; outside its limits an alarm opens and what lies in it is held",
        parameters=[ONCE],
        request=StoreReadingsInputs,
        responses={201: StoreReadingsAnswer},
    )
    def post(self, request: Request, unit: UUID) -> Response:
        try:
            taken = send_store_readings(self.actor, unit, body_of(request), once=once_of(request))
        except Replayed as replayed:
            taken = replayed.result["taken"]
        with reading(self.actor):
            rows = self._rows(list(register.alarms(self.actor).filter(unit_id=unit)))
            return Response({"taken": taken, "open_alarms": rows}, status=201)
