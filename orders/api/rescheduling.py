"""Booked dates that move: preview, reschedule, the manufacturer's answer; swaps of two own patients."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions import rescheduling, swaps
from orders.api import answers
from orders.api.of_order import OfOrder
from orders.api.orders import detail_response
from orders.api.slot_chains import WishQuery, wished_of
from orders.api.starts import StartQuery, start_of
from orders.flow import order_named
from orders.states import SwapState
from personas.asking import body_of, once_of, query_of, reads
from personas.headers import ETAG, IF_MATCH, ONCE
from scheduling.states import ChangeReason, ChangeWindow, LinkKind, Ranking


class DatesQuery(WishQuery, StartQuery):
    """From which day on, and what is wished."""

    sort = s.ChoiceField(choices=Ranking.choices, default=Ranking.EARLIEST)


class DatesAnswer(answers.Shape):
    """Dates to which a booked order could move, and why other days have none."""

    found = s.IntegerField(help_text="how many there are: one per date and plant")
    offers = answers.Offer(many=True)
    refused = answers.RefusedDateRow(many=True)


class OfferQuery(WishQuery):
    """Which dates."""

    offer = s.CharField(max_length=4000, help_text="token of an offer of the search")


class ShiftRow(answers.Shape):
    """One link before and after."""

    kind = s.ChoiceField(choices=LinkKind.choices)
    before = s.DateTimeField(allow_null=True)
    after = s.DateTimeField(allow_null=True)
    resource_before = s.CharField(allow_null=True)
    resource_after = s.CharField(allow_null=True)
    stays = s.BooleanField()


class ConsequenceRow(answers.Shape):
    who = s.CharField()
    what = s.CharField()


class CostLineRow(answers.Shape):
    """One amount by the manufacturer's price list."""

    what = s.CharField()
    amount = s.DecimalField(max_digits=12, decimal_places=2)
    currency = s.CharField(help_text="ISO 4217")
    charged_to = s.CharField(help_text="the role that pays")


class PreviewAnswer(answers.Shape):
    """What a change would do and take; nothing has moved."""

    window = s.ChoiceField(choices=ChangeWindow.choices)
    at_once = s.BooleanField(help_text="whether the dates would move without the manufacturer's agreement")
    shifts = ShiftRow(many=True)
    collection_later_hours = s.FloatField(help_text="negative: earlier")
    infusion_later_hours = s.FloatField(help_text="negative: earlier")
    vein_to_vein_days = s.FloatField(help_text="from the end of collection to the earliest infusion")
    agrees = ConsequenceRow(many=True, help_text="who must agree")
    follows = ConsequenceRow(many=True, help_text="what is done again")
    costs = CostLineRow(many=True, help_text="what it costs, as far as it is yours to see; empty where nothing is set")
    sums = CostLineRow(many=True, help_text="by who pays and currency")
    stops = answers.FactRow(many=True, help_text="what stands against it now; empty when it can be done")


class SwapRow(answers.Shape):
    """Two orders of the center that are to exchange their dates."""

    id = s.UUIDField()
    first = s.CharField(help_text="order code")
    second = s.CharField(help_text="order code")
    state = s.ChoiceField(choices=SwapState.choices)
    code = s.ChoiceField(choices=ChangeReason.choices)
    reason = s.CharField()
    first_approved_by = s.CharField(allow_blank=True)
    second_approved_by = s.CharField(allow_blank=True)


class DatesView(OfOrder):
    """Dates to which a booked order could move."""

    @extend_schema(
        operation_id="search_dates",
        tags=["rescheduling"],
        summary="Search the dates to which a booked order could move, as if it had no places yet",
        parameters=[DatesQuery],
        responses=DatesAnswer,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        today = order.center_site.today
        given = query_of(request, DatesQuery)
        earliest = given.get("earliest") or queries.wishes_of(self.actor, order).earliest or today
        wished = wished_of(given)
        start = start_of(self.actor, order, given)
        if start is not None:
            found = rescheduling.search_start(self.actor, code, *start, wished, given["sort"])
        else:
            found = rescheduling.search_dates(self.actor, code, max(earliest, today), wished, given["sort"])
        return Response(found.as_json())


class PreviewView(OfOrder):
    """What a change would do."""

    @extend_schema(
        operation_id="preview_reschedule",
        tags=["rescheduling"],
        summary="Show what moving to an offer would do to the whole chain, and who must agree; nothing moves",
        parameters=[OfferQuery],
        responses=PreviewAnswer,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order_named(self.actor, code)
        given = query_of(request, OfferQuery)
        return Response(_preview(rescheduling.preview(self.actor, code, given["offer"], wished_of(given))))


class RescheduleView(OfOrder):
    """Moves the dates."""

    @extend_schema(
        operation_id="reschedule",
        tags=["rescheduling"],
        summary="Move the booked dates, all places or none: at once, or by asking the manufacturer",
        parameters=[ONCE, IF_MATCH, ETAG],
        request=rescheduling.ChangeInputs,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        seen = request.headers.get("If-Match")
        with suppress(Replayed):
            rescheduling.reschedule(self.actor, code, body_of(request), once=once_of(request), version=seen)
        return detail_response(self.actor, code)


class AnswerChangeView(OfOrder):
    """Answers a proposed change."""

    @extend_schema(
        operation_id="answer_change",
        tags=["rescheduling"],
        summary="Agree to a proposed change of dates, or refuse it with a reason",
        parameters=[ONCE, ETAG],
        request=rescheduling.AnswerInputs,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            rescheduling.answer_change(self.actor, code, body_of(request), once=once_of(request))
        return detail_response(self.actor, code)


class WithdrawChangeView(OfOrder):
    """Gives a proposed change up."""

    @extend_schema(
        operation_id="withdraw_change",
        tags=["rescheduling"],
        summary="Withdraw a proposed change of dates; what was confirmed stays",
        parameters=[ONCE, ETAG],
        request=rescheduling.ReasonInputs,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            rescheduling.withdraw_change(self.actor, code, body_of(request), once=once_of(request))
        return detail_response(self.actor, code)


class SwapsView(OfOrder):
    """Swaps of an order."""

    @extend_schema(
        operation_id="propose_swap",
        tags=["rescheduling"],
        summary="Ask that two orders of the center exchange their confirmed dates; a physician agrees for each",
        parameters=[ONCE],
        request=swaps.SwapInputs,
        responses={201: SwapRow},
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        try:
            found = swaps.propose_swap(self.actor, code, body_of(request), once=once_of(request))
        except Replayed as replayed:
            return self._row(UUID(replayed.result["swap"]), 201)
        return self._row(found.pk, 201)

    def _row(self, swap_id: UUID, status: int = 200) -> Response:
        with reading(self.actor):
            return Response(_swap(swaps.swap_named(self.actor, swap_id)), status=status)


class AnswerSwapView(SwapsView):
    """Answers a swap for one of its orders."""

    @extend_schema(
        operation_id="answer_swap",
        tags=["rescheduling"],
        summary="Approve or refuse a swap for one of its two orders, signed by a physician",
        parameters=[ONCE],
        request=swaps.ApprovalInputs,
        responses=SwapRow,
    )
    def post(self, request: Request, swap_id: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            swaps.answer_swap(self.actor, swap_id, body_of(request), once=once_of(request))
        return self._row(swap_id)


class WithdrawSwapView(SwapsView):
    """Gives a swap up."""

    @extend_schema(
        operation_id="withdraw_swap",
        tags=["rescheduling"],
        summary="Withdraw a proposed swap; both orders keep their dates",
        parameters=[ONCE],
        request=rescheduling.ReasonInputs,
        responses=SwapRow,
    )
    def post(self, request: Request, swap_id: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            swaps.withdraw_swap(self.actor, swap_id, body_of(request), once=once_of(request))
        return self._row(swap_id)


def _preview(found: rescheduling.Preview) -> dict[str, Any]:
    moves = found.knock_on
    return {
        "window": found.window,
        "at_once": found.at_once,
        "shifts": [
            {
                "kind": shift.kind,
                "before": shift.before.starts_at if shift.before else None,
                "after": shift.after.starts_at if shift.after else None,
                "resource_before": shift.before.resource_name if shift.before else None,
                "resource_after": shift.after.resource_name if shift.after else None,
                "stays": shift.stays,
            }
            for shift in moves.shifts
        ],
        "collection_later_hours": moves.collection_later.total_seconds() / 3600,
        "infusion_later_hours": moves.infusion_later.total_seconds() / 3600,
        "vein_to_vein_days": moves.vein_to_vein_after.total_seconds() / 86400,
        "agrees": [{"who": one.who, "what": one.what} for one in found.agrees],
        "follows": [{"who": one.who, "what": one.what} for one in found.follows],
        "costs": [cost_row(line) for line in found.cost.lines],
        "sums": [cost_row(line) for line in found.cost.sums],
        "stops": [{"code": fact.code, "text": fact.text, "remedy": fact.remedy} for fact in found.stops],
    }


def cost_row(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("what", "currency", "charged_to")} | {"amount": f"{line.amount:.2f}"}


def _swap(found: Any) -> dict[str, Any]:
    names = ("state", "code", "reason", "first_approved_by", "second_approved_by")
    codes = {"id": str(found.pk), "first": found.first.code, "second": found.second.code}
    return codes | {name: getattr(found, name) for name in names}
