"""Orders: list, open, read; on hold, lifted, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import NotFound
from orders import queries
from orders.actions import interruptions
from orders.actions.enrolment import enrol
from orders.actions.identity_queries import LiftInputs, lift_identity_query
from orders.actions.remanufacture import RemanufactureInputs, remanufacture
from orders.api import answers, shapes
from orders.flow import order_named
from orders.states import PHASE_LABELS, OrderState
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads, version_of
from personas.headers import ETAG, IF_MATCH, LOCATION, ONCE

NOT_IN_ROWS = ("party_ids", "plan", "hold_reason", "end_reason")


class OrderFilters(PageQuery):
    """Which orders."""

    state = serializers.ChoiceField(choices=OrderState.choices, required=False)
    on_hold = serializers.BooleanField(required=False, allow_null=True, default=None)
    phase = serializers.ChoiceField(choices=list(PHASE_LABELS.items()), required=False, help_text="not for couriers")
    therapy = serializers.CharField(max_length=40, required=False, help_text="therapy code; not for couriers")
    center = serializers.CharField(max_length=40, required=False, help_text="code of the treatment center or its site")
    q = serializers.CharField(max_length=40, required=False, help_text="part of an order code")


def filtered(actor: Actor, given: dict[str, Any]) -> QuerySet[Any]:
    """Return the actor's orders that match; what a courier may not see it cannot ask for either."""
    found: QuerySet[Any] = queries.orders(actor)
    if not queries.may_see_therapy(actor) and (given.get("therapy") or given.get("phase")):
        return found.none()
    exact = {"state": given.get("state"), "phase": given.get("phase"), "therapy__code": given.get("therapy")}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if given.get("on_hold") is not None:
        found = found.filter(on_hold=given["on_hold"])
    if given.get("center"):
        found = found.filter(center__code=given["center"]) | found.filter(center_site__code=given["center"])
    return found.filter(code__icontains=given["q"]) if given.get("q") else found


def detail_response(actor: Actor, code: str, status: int = 200) -> Response:
    """Return an order as the actor sees it, with its ETag."""
    with reading(actor):
        order = order_named(actor, code)
        body = shapes.order_detail(actor, order)
        return Response(body, status=status, headers={"ETag": shapes.order_etag(order)})


class OrdersView(ActorView):
    """Orders that the acting organization is a party of."""

    @extend_schema(
        operation_id="list_orders",
        tags=["orders"],
        summary="List orders, newest first",
        parameters=[OrderFilters],
        responses=answers.page(answers.OrderRow, "OrderPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        rows = filtered(self.actor, query_of(request, OrderFilters)).defer(*NOT_IN_ROWS)
        return page_of(
            self, rows, ("-opened_at", "-pk"), lambda found: [shapes.order_row(self.actor, row) for row in found]
        )

    @extend_schema(
        operation_id="open_order",
        tags=["orders"],
        summary="Open an order for a new or a known patient",
        parameters=[ONCE, LOCATION, ETAG],
        request=type(queries.enrolment_inputs()),
        responses={201: answers.OrderDetail},
    )
    def post(self, request: Request) -> Response:
        code = enrol(self.actor, body_of(request), once=once_of(request))
        response = detail_response(self.actor, code, 201)
        response["Location"] = shapes.href("order", code)
        return response


class OrderView(ActorView):
    """One order."""

    @extend_schema(
        operation_id="read_order",
        tags=["orders"],
        summary="Read an order",
        parameters=[ETAG],
        responses=answers.OrderDetail,
    )
    def get(self, request: Request, code: str) -> Response:
        return detail_response(self.actor, code)


class InterruptionView(ActorView):
    """Something done to an order as a whole, with a reason."""

    def interrupted(self, request: Request, code: str, interrupt: Callable[..., Any]) -> Response:
        reason = reason_of(body_of(request))
        with suppress(Replayed):
            interrupt(self.actor, code, reason, once=once_of(request), version=version_of(request))
        return detail_response(self.actor, code)


def reason_of(sent: dict[str, Any]) -> str:
    """Return the reason that was sent; a missing one is left for the action to refuse, in its order of questions."""
    reason = sent.get("reason", "")
    return reason if isinstance(reason, str) else ""


def _documented(operation: str, summary: str) -> Callable[..., Any]:
    return extend_schema(
        operation_id=operation,
        tags=["orders"],
        summary=summary,
        parameters=[ONCE, IF_MATCH, ETAG],
        request=answers.Reason,
        responses=answers.OrderDetail,
    )


class HoldView(InterruptionView):
    """Puts an order on hold."""

    @_documented("hold_order", "Put an order on hold")
    def post(self, request: Request, code: str) -> Response:
        return self.interrupted(request, code, interruptions.put_on_hold)


class LiftHoldView(InterruptionView):
    """Lets an order go on."""

    @_documented("lift_hold", "Lift the hold")
    def post(self, request: Request, code: str) -> Response:
        return self.interrupted(request, code, interruptions.lift_hold)


class CancelView(InterruptionView):
    """Ends an order."""

    @_documented("cancel_order", "Cancel an order")
    def post(self, request: Request, code: str) -> Response:
        return self.interrupted(request, code, interruptions.cancel)


class RemanufactureView(ActorView):
    """Lets an order go on after a lost batch."""

    @extend_schema(
        operation_id="remanufacture_order",
        tags=["orders"],
        summary="Make again from reserve, or collect again, after a lost batch",
        parameters=[ONCE, IF_MATCH, ETAG],
        request=RemanufactureInputs,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        with suppress(Replayed):
            remanufacture(self.actor, code, body_of(request), once=once_of(request), version=version_of(request))
        return detail_response(self.actor, code)


class LiftQueryView(ActorView):
    """Leaving the stop after an identity mismatch."""

    @extend_schema(
        operation_id="lift_identity_query",
        tags=["orders"],
        summary="Lift an identity query: quality of two firms signs",
        parameters=[ONCE],
        request=LiftInputs,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        with reading(self.actor):
            order_named(self.actor, code)
            if not queries.may_see_therapy(self.actor):
                raise NotFound()
        with suppress(Replayed):
            lift_identity_query(self.actor, code, body_of(request), once=once_of(request))
        return detail_response(self.actor, code)
