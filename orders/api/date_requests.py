"""Dates requested where nothing is published: asked, shown, answered, withdrawn (F24)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from ledger.refusals import NotFound
from orders import queries
from orders.actions import date_requests
from orders.api import answers
from orders.api.of_order import OfOrder
from orders.api.rescheduling import DatesAnswer
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import whole
from personas.headers import ONCE
from personas.states import Capability
from scheduling.states import DateRequestState


class DateRequestRow(answers.Shape):
    """A day of collection that was asked for where nothing is published. It keeps no place."""

    order = s.CharField(help_text="order code")
    state = s.ChoiceField(choices=DateRequestState.choices)
    wished_on = s.DateField(help_text="local date at the center")
    first_date = s.DateField(help_text="first day that would do")
    last_date = s.DateField(help_text="last day that would do")
    remark = s.CharField(allow_blank=True)
    requested_at = s.DateTimeField()
    due_at = s.DateTimeField(help_text="until when the manufacturer answers")
    answered_at = s.DateTimeField(allow_null=True)
    answered_by = s.CharField(allow_blank=True)
    reason = s.CharField(allow_blank=True, help_text="why it was declined or withdrawn")
    proposed_date = s.DateField(allow_null=True, help_text="collection date that would fit instead")
    chain = s.UUIDField(allow_null=True, help_text="slot chain that meets it")


class RequestedDaysRow(answers.Shape):
    """Days wished of a client's therapy that the reader's plants may make; which plant will is not chosen yet."""

    therapy = s.CharField(help_text="therapy code")
    client = s.CharField(help_text="name of the manufacturer who answers")
    country = s.CharField(help_text="ISO 3166-1 alpha-2 of the center")
    wished_on = s.DateField(help_text="of collection, local date at the center")
    first_date = s.DateField(help_text="first day that would do")
    last_date = s.DateField(help_text="last day that would do")
    due_at = s.DateTimeField(help_text="until when the client answers")


class RequestedDaysView(ActorView):
    """What is wished of the plants of an organization that makes for others."""

    scope = Capability.CONFIRM_SLOTS

    @extend_schema(
        operation_id="list_requested_days",
        tags=["date requests"],
        summary="List the days wished of clients' therapies that the organization's plants may make, answer due first",
        responses=whole(RequestedDaysRow, "RequestedDaysList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        names = ("country", "wished_on", "first_date", "last_date", "due_at")
        found = queries.days_for_plants(self.actor)
        return Response(
            {
                "results": [
                    {
                        "therapy": one.therapy_code,
                        "client": one.client,
                        **{name: getattr(one.row, name) for name in names},
                    }
                    for one in found
                ]
            }
        )


class WaitingRequestsView(ActorView):
    """What waits for the organization's answer."""

    scope = Capability.CONFIRM_SLOTS

    @extend_schema(
        operation_id="list_date_requests",
        tags=["date requests"],
        summary="List the requests for dates that wait for the organization's answer, answer due first",
        responses=whole(DateRequestRow, "DateRequestList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = queries.wished_dates(self.actor)
        return Response({"results": [_row(one.row, one.order.code) for one in found]})


class _Answering(OfOrder):
    def answer(self, code: str, status: int = 200) -> Response:
        """Return the order's newest request as it stands; NotFound without one."""
        standing = date_requests.standing(self.actor, code)
        if standing.row is None:
            raise NotFound()
        return Response(_row(standing.row, standing.order.code), status=status)


class DateRequestView(_Answering):
    """The request of an order."""

    @extend_schema(
        operation_id="read_date_request",
        tags=["date requests"],
        summary="Read the order's newest request for dates, whatever became of it",
        responses=DateRequestRow,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        return self.answer(code)

    @extend_schema(
        operation_id="request_dates",
        tags=["date requests"],
        summary="Request a day on which nothing is published; nothing is held, at most one request per order is open",
        parameters=[ONCE],
        request=date_requests.WishInputs,
        responses={201: DateRequestRow},
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            date_requests.request_dates(self.actor, code, body_of(request), once=once_of(request))
        return self.answer(code, 201)


class FoundView(_Answering):
    """What would meet the request."""

    @extend_schema(
        operation_id="search_requested_dates",
        tags=["date requests"],
        summary="Search the chains that would meet the open request, and what the other days lack; for who answers",
        responses=DatesAnswer,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        standing = date_requests.standing(self.actor, code)
        if not standing.may_answer:
            raise NotFound()
        return Response(standing.found.as_json())


class AnswerView(_Answering):
    """Answers the request."""

    @extend_schema(
        operation_id="answer_date_request",
        tags=["date requests"],
        summary="Confirm the request with an offer of its days, all places or none; or decline it with a reason",
        parameters=[ONCE],
        request=date_requests.WishAnswerInputs,
        responses=DateRequestRow,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            date_requests.answer_request(self.actor, code, body_of(request), once=once_of(request))
        return self.answer(code)


class WithdrawView(_Answering):
    """Gives the request up."""

    @extend_schema(
        operation_id="withdraw_date_request",
        tags=["date requests"],
        summary="Withdraw the open request for dates, with a reason",
        parameters=[ONCE],
        request=date_requests.ReasonInputs,
        responses=DateRequestRow,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            date_requests.withdraw_request(self.actor, code, body_of(request), once=once_of(request))
        return self.answer(code)


def _row(row: Any, code: str) -> dict[str, Any]:
    names = ("state", "wished_on", "first_date", "last_date", "remark", "requested_at", "due_at", "answered_at")
    return {
        "order": code,
        **{name: getattr(row, name) for name in (*names, "reason", "proposed_date")},
        "answered_by": row.answered_by_name,
        "chain": row.chain_id,
    }
