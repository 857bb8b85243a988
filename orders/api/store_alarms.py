"""Alarms of the store's units over REST (CL3)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import alarm_register as register
from custody.actions import store_alarms as action
from custody.states import AlarmCause, AlarmState
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE


class AlarmItemRow(Shape):
    """What lay in the unit when the alarm opened."""

    container = serializers.CharField()
    order = serializers.CharField(allow_blank=True)
    held = serializers.BooleanField(help_text="put aside by this alarm")


class StoreAlarmRow(Shape):
    """An alarm of a unit of the store."""

    id = serializers.UUIDField()
    unit = serializers.UUIDField()
    unit_name = serializers.CharField()
    cause = serializers.ChoiceField(choices=AlarmCause.choices)
    text = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=AlarmState.choices)
    began_at = serializers.DateTimeField()
    lowest_c = serializers.FloatField(allow_null=True)
    highest_c = serializers.FloatField(allow_null=True)
    minutes_outside = serializers.FloatField()
    minutes_allowed = serializers.FloatField()
    breached_at = serializers.DateTimeField(allow_null=True, help_text="null: what lies in it is not held")
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    conclusion = serializers.CharField(allow_blank=True)
    items = AlarmItemRow(many=True)


class AlarmFilters(PageQuery):
    """Which alarms."""

    closed = serializers.BooleanField(required=False, default=False, help_text="those that are over instead")


class StoreAlarmsView(ActorView):
    """Alarms."""

    @extend_schema(
        operation_id="list_store_alarms",
        tags=["material"],
        summary="List the alarms of the organization's tanks, freezers and refrigerators, the newest first",
        parameters=[AlarmFilters],
        responses=page(StoreAlarmRow, "StoreAlarmPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = register.alarms(self.actor, closed=query_of(request, AlarmFilters)["closed"])
        return page_of(self, found, ("-opened_at", "-pk"), self._rows)

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        codes = queries.codes_of(self.actor, {UUID(item["stream"]) for row in rows for item in row.items})
        return [_row(row, codes) for row in rows]

    def _one(self, key: UUID, status: int = 200) -> Response:
        with reading(self.actor):
            (row,) = self._rows([register.one(self.actor, key)])
            return Response(row, status=status)


class RaiseAlarmView(StoreAlarmsView):
    """An alarm that is no temperature."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="raise_store_alarm",
        tags=["material"],
        summary="Open an alarm of a unit that is no temperature: level, lid, power",
        parameters=[ONCE],
        request=action.RaiseAlarmInputs,
        responses={201: StoreAlarmRow},
    )
    def post(self, request: Request, unit: UUID) -> Response:
        try:
            key = action.raise_alarm(self.actor, unit, body_of(request), once=once_of(request))
        except Replayed as replayed:
            key = UUID(replayed.result["alarm"])
        return self._one(key, 201)


class AcknowledgeAlarmView(StoreAlarmsView):
    """Somebody is there."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="acknowledge_store_alarm",
        tags=["material"],
        summary="Say that somebody looks after an alarm of the store",
        parameters=[ONCE],
        request=None,
        responses=StoreAlarmRow,
    )
    def post(self, request: Request, alarm: UUID) -> Response:
        with suppress(Replayed):
            action.acknowledge(self.actor, alarm, once=once_of(request))
        return self._one(alarm)


class CloseAlarmView(StoreAlarmsView):
    """It is over."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="close_store_alarm",
        tags=["material"],
        summary="Close an alarm of the store with what was found and done",
        parameters=[ONCE],
        request=action.CloseAlarmInputs,
        responses=StoreAlarmRow,
    )
    def post(self, request: Request, alarm: UUID) -> Response:
        with suppress(Replayed):
            action.close_alarm(self.actor, alarm, body_of(request), once=once_of(request))
        return self._one(alarm)


def _row(row: Any, codes: dict[UUID, str]) -> dict[str, Any]:
    skipped = {"id", "unit", "unit_name", "lowest_c", "highest_c", "items"}
    items = [
        {"container": item["container"], "order": codes.get(UUID(item["stream"]), "")}
        | {"held": item["container"] in row.held}
        for item in row.items
    ]
    ends = {"lowest_c": row.lowest, "highest_c": row.highest}
    return {
        "id": row.pk,
        "unit": row.unit_id,
        "unit_name": row.unit.name,
        "items": items,
        **{name: None if value is None else value / 100 for name, value in ends.items()},
        **{name: getattr(row, name) for name in set(StoreAlarmRow().fields) - skipped},
    }
