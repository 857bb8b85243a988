"""A receiver does not accept a box, over REST."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from orders.actions import box_refusals as action
from orders.states import BoxRefusal
from personas.asking import ActorView, body_of, once_of
from personas.envelopes import Shape
from personas.headers import ONCE


class RefusedBox(Shape):
    """A box that was not accepted; the delivery stays open."""

    box = serializers.CharField()
    refusal = serializers.ChoiceField(choices=BoxRefusal.choices)


class RefuseBoxView(ActorView):
    """Not accepted."""

    @extend_schema(
        operation_id="refuse_box",
        tags=["material"],
        summary="Say that the receiver does not accept a box: custody stays with the courier, everybody is told",
        parameters=[ONCE],
        request=action.RefusalInputs,
        responses={201: RefusedBox},
    )
    def post(self, request: Request, code: str, box: str) -> Response:
        given: dict[str, Any] = dict(body_of(request))
        with suppress(Replayed):
            action.refuse_box(self.actor, code, box, given, once=once_of(request))
        return Response({"box": box.upper(), "refusal": given["refusal"]}, status=201)
