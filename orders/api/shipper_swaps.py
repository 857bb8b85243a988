"""Which shippers a box travelled in, over REST, and its move into another one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions import shipper_swaps as action
from orders.flow import order_named
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE


class CarriedRow(Shape):
    """A shipper that a box travelled in; the last one has no end."""

    shipper_code = serializers.CharField()
    seal_code = serializers.CharField()
    logger_code = serializers.CharField(allow_blank=True)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField(allow_null=True, help_text="organization that moved the box out of it")
    place = serializers.CharField(allow_null=True, help_text="where that was, in words")
    reason = serializers.CharField(allow_null=True)


class SwapsAnswer(Shape):
    """What a box travelled in, oldest first."""

    box = serializers.CharField(help_text="outer code; it never changes")
    shippers = CarriedRow(many=True)


class SwapsOfBoxView(ActorView):
    """Shippers of a box."""

    @extend_schema(
        operation_id="list_shippers_of_box",
        tags=["material"],
        summary="List which shippers, seals and loggers a box travelled with",
        responses=SwapsAnswer,
    )
    @reads
    def get(self, request: Request, code: str, box: str) -> Response:
        return Response(self._told(code, box))

    @extend_schema(
        operation_id="swap_shipper",
        tags=["material"],
        summary="Record that a box was moved into another shipper on its way, by whoever has it",
        parameters=[ONCE],
        request=action.ShipperSwapInputs,
        responses={201: SwapsAnswer},
    )
    def post(self, request: Request, code: str, box: str) -> Response:
        with suppress(Replayed):
            action.swap_shipper(self.actor, code, box, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(self._told(code, box), status=201)

    def _told(self, code: str, box: str) -> dict[str, Any]:
        found = queries.box_of_order(self.actor, order_named(self.actor, code), box)
        return {"box": found.box.code, "shippers": [_row(one) for one in found.carried]}


def _row(one: Any) -> dict[str, Any]:
    names = ("shipper_code", "seal_code", "logger_code", "since", "until")
    row = {name: getattr(one, name) for name in names}
    if one.swap is None:
        return row | dict.fromkeys(("ended_by", "place", "reason"))
    return row | {"ended_by": one.swap.organization.name, "place": one.swap.place, "reason": one.swap.reason}
