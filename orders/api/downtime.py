"""Downtime packs over REST: printed, and what was printed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from orders import queries
from orders.actions import downtime as action
from orders.api.of_order import OfOrder
from orders.api.record import PDFRenderer
from orders.flow import order_named
from orders.views.downtime import pdf
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape, whole
from personas.headers import ONCE

PDF = {(200, "application/pdf"): OpenApiTypes.BINARY}


class DowntimePackRow(Shape):
    """A pack that was printed."""

    number = serializers.IntegerField(help_text="of the order's packs")
    printed_at = serializers.DateTimeField()
    printed_by = serializers.CharField()
    organization = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField(), help_text="titles of the steps on it")
    digest = serializers.CharField(help_text="SHA-256 of the PDF as it was printed")


class DowntimePacksView(OfOrder):
    """The packs of an order."""

    renderer_classes = [JSONRenderer, PDFRenderer]

    @extend_schema(
        operation_id="list_downtime_packs",
        tags=["orders"],
        summary="List the downtime packs that were printed of an order, the newest first",
        responses=whole(DowntimePackRow, "DowntimePackList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        rows = action.packs_of(self.actor, order_named(self.actor, code))
        return Response({"results": [_row(row) for row in rows]})

    @extend_schema(
        operation_id="print_downtime_pack",
        tags=["orders"],
        summary="Print a numbered downtime pack of the order, with the own organization's steps",
        parameters=[ONCE],
        request=None,
        responses=PDF,
    )
    def post(self, request: Request, code: str) -> HttpResponseBase:
        with reading(self.actor):
            identity = queries.may_see_identity(self.actor, order_named(self.actor, code))
        return pdf(*action.print_pack(self.actor, code, identity=identity, once=once_of(request)))


class DowntimeDayView(ActorView):
    """The packs of the next days."""

    renderer_classes = [JSONRenderer, PDFRenderer]

    @extend_schema(
        operation_id="print_downtime_day",
        tags=["orders"],
        summary="Print the downtime packs of all orders with own work in the next days, as one PDF",
        request=action.DayInputs,
        responses=PDF,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return pdf(*action.print_day(self.actor, body_of(request), may_read=self.actor.can("read_identity")))


def _row(row: Any) -> dict[str, Any]:
    columns = ("number", "printed_at", "printed_by", "steps", "digest")
    return {name: getattr(row, name) for name in columns} | {"organization": row.organization_name}
