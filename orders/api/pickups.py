"""What a courier reports of a hand-over that does not go as planned: a failed pickup, a delay."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from orders.actions import pickups
from orders.api import answers
from orders.api.of_order import OfOrder
from orders.api.orders import detail_response
from orders.states import OfflineAct, PickupFailure
from orders.step_kinds import Noted
from orders.views.step import noted_before
from personas.asking import input_of, once_of
from personas.headers import ETAG, OFFLINE_ENTRY, ONCE


class FailedPickupInput(serializers.Serializer[Any]):
    """Why nothing could be picked up; the pickup stays open."""

    failure = serializers.ChoiceField(choices=PickupFailure.choices)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, help_text="no names")


class DelayInput(serializers.Serializer[Any]):
    """When it will be instead."""

    expected_at = serializers.DateTimeField()
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, help_text="no names")


class _Reported(OfOrder):
    def _noted(self, request: Request, code: str, key: str, act: str) -> Noted | None:
        return noted_before(self.actor, request.headers.get("Offline-Entry", ""), code, key, act)


class FailedPickupView(_Reported):
    """Cannot pick up."""

    @extend_schema(
        operation_id="report_failed_pickup",
        tags=["steps"],
        summary="Report that a pickup failed: everybody on the order is told, it stays open",
        parameters=[ONCE, OFFLINE_ENTRY, ETAG],
        request=FailedPickupInput,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str, key: str) -> Response:
        self.find(code)
        given = input_of(request, FailedPickupInput)
        with suppress(Replayed):
            pickups.report_failed_pickup(
                self.actor,
                code,
                key,
                given["failure"],
                given.get("note", ""),
                once=once_of(request),
                noted=self._noted(request, code, key, OfflineAct.FAILED),
            )
        return detail_response(self.actor, code)


class DelayView(_Reported):
    """Later than planned."""

    @extend_schema(
        operation_id="report_delay",
        tags=["steps"],
        summary="Report that a hand-over will be later than planned",
        parameters=[ONCE, OFFLINE_ENTRY, ETAG],
        request=DelayInput,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str, key: str) -> Response:
        self.find(code)
        given = input_of(request, DelayInput)
        with suppress(Replayed):
            pickups.report_delay(
                self.actor,
                code,
                key,
                given["expected_at"],
                given.get("note", ""),
                once=once_of(request),
                noted=self._noted(request, code, key, OfflineAct.DELAY),
            )
        return detail_response(self.actor, code)
