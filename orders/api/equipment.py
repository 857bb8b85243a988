"""Shippers and loggers over REST: the organization's register, and what is entered about a piece."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import equipment_inputs as inputs_of
from custody import equipment_register as register
from custody.actions import equipment as action
from custody.states import EquipmentKind
from ledger.context import reading
from ledger.recording import Replayed
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE

STATES = ("fit", "ends_soon", "uncharged", "expired", "retired")


class EquipmentRow(Shape):
    """A shipper or a logger."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=EquipmentKind.choices)
    serial = serializers.CharField()
    model = serializers.CharField()
    valid_until = serializers.DateTimeField(help_text="end of the qualification or calibration")
    hold_hours = serializers.DecimalField(max_digits=6, decimal_places=2, allow_null=True)
    charged_at = serializers.DateTimeField(allow_null=True)
    holds_until = serializers.DateTimeField(allow_null=True)
    returned_at = serializers.DateTimeField(allow_null=True, help_text="from its last journey")
    cleaned_at = serializers.DateTimeField(allow_null=True)
    each_trip = serializers.BooleanField(help_text="qualified again after each journey")
    return_days = serializers.IntegerField(help_text="expected back so long after its box was opened")
    state = serializers.ChoiceField(choices=STATES, help_text="as of now; a box's own way is judged when it is packed")


class EquipmentFilters(PageQuery):
    """Which pieces."""

    kind = serializers.ChoiceField(choices=EquipmentKind.choices, required=False)
    serial = serializers.CharField(max_length=40, required=False, help_text="part of the serial number")
    retired = serializers.BooleanField(required=False, default=False, help_text="those out of service instead")


class EquipmentView(ActorView):
    """The organization's own register."""

    @extend_schema(
        operation_id="list_equipment",
        tags=["material"],
        summary="List the organization's shippers and loggers by serial number",
        parameters=[EquipmentFilters],
        responses=page(EquipmentRow, "EquipmentPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, EquipmentFilters)
        wanted = {name: given[name] for name in ("kind", "serial", "retired") if name in given}
        return page_of(self, register.pieces(self.actor, **wanted), ("serial", "pk"), _rows)

    @extend_schema(
        operation_id="add_equipment",
        tags=["material"],
        summary="Enter a shipper or a logger; a register that has one refuses unknown numbers at packing",
        parameters=[ONCE],
        request=inputs_of.EquipmentInputs,
        responses={201: EquipmentRow},
    )
    def post(self, request: Request) -> Response:
        try:
            piece = action.add_equipment(self.actor, body_of(request), once=once_of(request))
        except Replayed as replayed:
            piece = UUID(replayed.result["equipment"])
        return self._told(piece, 201)

    def _told(self, piece: UUID, status: int = 200) -> Response:
        with reading(self.actor):
            return Response(_row(register.piece(self.actor, piece)), status=status)


class ChargeView(EquipmentView):
    """A charge of a shipper."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="charge_shipper",
        tags=["material"],
        summary="Record that a shipper was charged: its hold begins again",
        parameters=[ONCE],
        request=inputs_of.ChargeInputs,
        responses=EquipmentRow,
    )
    def post(self, request: Request, piece: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.charge_shipper(self.actor, piece, body_of(request), once=once_of(request))
        return self._told(piece)


class CleanView(EquipmentView):
    """A shipper that was cleaned."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="clean_shipper",
        tags=["material"],
        summary="Record that a shipper was cleaned and decontaminated after a journey",
        parameters=[ONCE],
        request=inputs_of.CleanInputs,
        responses=EquipmentRow,
    )
    def post(self, request: Request, piece: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.clean_shipper(self.actor, piece, body_of(request), once=once_of(request))
        return self._told(piece)


class RenewView(EquipmentView):
    """A qualification or calibration that was done again."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="renew_equipment",
        tags=["material"],
        summary="Record a new qualification, with the hold that it measured, or a new calibration",
        parameters=[ONCE],
        request=inputs_of.RenewInputs,
        responses=EquipmentRow,
    )
    def post(self, request: Request, piece: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.renew_equipment(self.actor, piece, body_of(request), once=once_of(request))
        return self._told(piece)


class RetireView(EquipmentView):
    """A piece that goes out of service."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="retire_equipment",
        tags=["material"],
        summary="Take a shipper or a logger out of service",
        parameters=[ONCE],
        request=inputs_of.RetireEquipmentInputs,
        responses=EquipmentRow,
    )
    def post(self, request: Request, piece: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.retire_equipment(self.actor, piece, body_of(request), once=once_of(request))
        return self._told(piece)


def _rows(rows: list[Any]) -> list[dict[str, Any]]:
    return [_row(row) for row in rows]


SHOWN = (
    "id",
    "kind",
    "serial",
    "model",
    "valid_until",
    "hold_hours",
    "charged_at",
    "holds_until",
    "returned_at",
    "cleaned_at",
    "each_trip",
    "return_days",
)


def _row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN} | {"state": register.judged(row, timezone.now()).state}
