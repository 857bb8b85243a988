"""A box's temperatures over REST: sent in bulk, read thinned out with what they amount to; layouts of logger files."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import logger_layouts
from custody.actions import layouts as layout_action
from custody.states import Condition
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions import excursions
from orders.flow import order_named
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE


class ReadingsInputs(serializers.Serializer[Any]):
    """Readings of the box's logger."""

    logger = serializers.CharField(max_length=40, help_text="serial number; another one than the box's is refused")
    readings = serializers.ListField(
        child=serializers.ListField(min_length=2, max_length=2),
        help_text="pairs of time (ISO 8601 with an offset) and degrees Celsius; as many as one megabyte holds",
    )


class SpanRow(Shape):
    """A span of time with its lowest and highest reading."""

    at = serializers.DateTimeField()
    lowest_c = serializers.FloatField()
    highest_c = serializers.FloatField()
    within = serializers.BooleanField()


class UploadRow(Shape):
    """One file or message, and what came of its rows."""

    uploaded_at = serializers.DateTimeField()
    taken = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="known already")
    elsewhen = serializers.IntegerField(help_text="before the box was packed or after it was opened")
    out_of_order = serializers.IntegerField()
    bad = serializers.IntegerField()
    faults = serializers.ListField(child=serializers.DictField(), help_text="the first bad rows: line and text")


class ConditionAnswer(Shape):
    """What a box's readings amount to."""

    box = serializers.CharField()
    state = serializers.ChoiceField(choices=Condition.choices, allow_null=True, help_text="null without readings")
    limits = serializers.CharField()
    readings = serializers.IntegerField()
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    lowest_c = serializers.FloatField(allow_null=True)
    highest_c = serializers.FloatField(allow_null=True)
    minutes_outside = serializers.FloatField()
    minutes_allowed = serializers.FloatField()
    gap_minutes = serializers.FloatField(help_text="longest time without a reading")
    spans = SpanRow(many=True)
    uploads = UploadRow(many=True)


class LayoutRow(Shape):
    """How the files of a logger model are read."""

    model = serializers.CharField()
    time_column = serializers.CharField()
    value_column = serializers.CharField()
    serial_label = serializers.CharField(allow_blank=True)
    time_format = serializers.CharField(allow_blank=True)
    zone = serializers.CharField()
    fahrenheit = serializers.BooleanField()


class ConditionView(ActorView):
    """A box's condition, and readings of it."""

    @extend_schema(
        operation_id="read_condition",
        tags=["material"],
        summary="Read what a box's temperatures amount to, thinned out to at most 48 spans",
        responses=ConditionAnswer,
    )
    @reads
    def get(self, request: Request, code: str, box: str) -> Response:
        return Response(self._told(code, box))

    @extend_schema(
        operation_id="send_readings",
        tags=["material"],
        summary="Send readings of a box's logger in bulk; what is known already is taken once",
        parameters=[ONCE],
        request=ReadingsInputs,
        responses={201: ConditionAnswer},
    )
    def post(self, request: Request, code: str, box: str) -> Response:
        with suppress(Replayed):
            excursions.send_readings(self.actor, code, box, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(self._told(code, box), status=201)

    def _told(self, code: str, box: str) -> dict[str, Any]:
        found = queries.box_of_order(self.actor, order_named(self.actor, code), box)
        row = found.condition
        names = ("readings", "first_at", "last_at", "minutes_outside", "minutes_allowed", "gap_minutes")
        empty: dict[str, Any] = dict.fromkeys(names, 0) | {"first_at": None, "last_at": None}
        uploads = ("uploaded_at", "taken", "repeated", "elsewhen", "out_of_order", "bad", "faults")
        return {
            "box": found.box.code,
            "state": row.state if row else None,
            "limits": found.limits.words,
            **({name: getattr(row, name) for name in names} if row else empty),
            "lowest_c": _celsius(row.lowest if row else None),
            "highest_c": _celsius(row.highest if row else None),
            "spans": [
                {"at": one.at, "lowest_c": one.lowest, "highest_c": one.highest, "within": one.within}
                for one in (found.chart.rows if found.chart else [])
            ],
            "uploads": [{name: getattr(one, name) for name in uploads} for one in found.uploads],
        }


class LayoutsView(ActorView):
    """Layouts of logger files."""

    @extend_schema(
        operation_id="list_logger_layouts",
        tags=["material"],
        summary="List how the organization reads files of logger models",
        parameters=[PageQuery],
        responses=page(LayoutRow, "LoggerLayoutPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        return page_of(self, logger_layouts.layouts(self.actor), ("model", "pk"), _layouts)

    @extend_schema(
        operation_id="save_logger_layout",
        tags=["material"],
        summary="Save how files of a logger model are read",
        parameters=[ONCE],
        request=layout_action.LayoutInputs,
        responses={201: LayoutRow},
    )
    def post(self, request: Request) -> Response:
        try:
            model = layout_action.save_layout(self.actor, body_of(request), once=once_of(request))
        except Replayed as replayed:
            model = replayed.result["model"]
        with reading(self.actor):
            (row,) = _layouts(list(logger_layouts.layouts(self.actor).filter(model=model)))
            return Response(row, status=201)


def _layouts(rows: list[Any]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("model", *logger_layouts.NAMES)} for row in rows]


def _celsius(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100
