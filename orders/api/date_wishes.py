"""What is wished of an order's dates: read, and said anew."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from orders.actions import date_wishing
from orders.api import answers
from orders.api.of_order import OfOrder
from personas.asking import body_of, once_of, reads
from personas.headers import ONCE


class DateWishesRow(answers.Shape):
    """What is wished of an order's dates beyond its therapy; null: nothing."""

    order = s.CharField(help_text="order code")
    earliest = s.DateField(allow_null=True, help_text="no collection before this day at the center")
    weekdays = s.ListField(child=s.IntegerField(min_value=1, max_value=7), help_text="of collection; empty: any")
    washout_since = s.DateField(allow_null=True, help_text="day of the last treatment")
    washout_days = s.IntegerField(allow_null=True, help_text="null: as the flow says")


class DateWishesView(OfOrder):
    """The wishes of an order."""

    @extend_schema(
        operation_id="read_date_wishes",
        tags=["slot chains"],
        summary="Read what is wished of an order's dates",
        responses=DateWishesRow,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        return self._answer(code)

    @extend_schema(
        operation_id="state_date_wishes",
        tags=["slot chains"],
        summary="Say what is wished of an order's dates: absent stays, null is wished no more; what is booked stays",
        parameters=[ONCE],
        request=date_wishing.DateWishInputs,
        responses=DateWishesRow,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            date_wishing.state_wishes(self.actor, code, body_of(request), once=once_of(request))
        return self._answer(code)

    def _answer(self, code: str) -> Response:
        order, found = date_wishing.wished(self.actor, code)
        row: dict[str, Any] = {name: getattr(found, name) for name in ("earliest", "washout_since", "washout_days")}
        return Response({"order": order.code, **row, "weekdays": sorted(found.weekdays)})
