"""Slot chains: search, hold, renew, request, confirm, decline. Each but search and renew is a step of the flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import NotFound
from orders import queries
from orders.actions.bookings import renew_hold
from orders.api import answers, shapes
from orders.api.orders import detail_response
from orders.api.starts import StartQuery, start_of
from orders.api.step_inputs import documented_inputs
from orders.api.steps import performed
from orders.flow import order_named, require_may_perform
from orders.inputs import NotOneWeekday, WeekdaysField
from personas.asking import ActorView, body_of, once_of, query_of, reads
from personas.headers import DEVICE_TIME, ETAG, IF_MATCH, ONCE
from scheduling.states import Ranking
from scheduling.wishes import GIVEN, given_over

HOLD, REQUEST, ANSWER = "hold_slot_chain", "request_slots", "confirm_slots"


class WishQuery(NotOneWeekday):
    """What the center wishes of the dates; where no wish is given, what the order remembers."""

    earliest = serializers.DateField(
        required=False, help_text="first day of collection at the center; what the order remembers, or today, if absent"
    )
    weekdays = WeekdaysField(
        required=False, help_text="of collection, any of them, repeated or with commas between; 1 is Monday"
    )
    washout_since = serializers.DateField(
        required=False, help_text="day of the last treatment: no collection before the washout is over"
    )
    washout_days = serializers.IntegerField(
        required=False, min_value=0, max_value=365, help_text="length of the washout; the flow's if absent"
    )


class SearchQuery(WishQuery, StartQuery):
    """From which day on, how far, and what is wished."""

    days = serializers.IntegerField(required=False, min_value=1, max_value=120, help_text="the flow's if absent")
    sort = serializers.ChoiceField(choices=Ranking.choices, default=Ranking.EARLIEST)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100, help_text="so many of the best chains")


def wished_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a query wishes instead of what the order remembers; a washout is said whole."""
    found = {name: given[name] for name in GIVEN if name in given}
    return {**found, "washout_days": found.get("washout_days")} if "washout_since" in found else found


def step_of_kind(actor: Actor, order: Any, kind: str) -> Any:
    """Return the newest attempt of the flow's step of a kind; NotFound when its flow has none for the actor."""
    step = queries.steps_of(actor, order).filter(flow_step__kind=kind).order_by("-position", "-attempt").first()
    if step is None:
        raise NotFound()
    return step


class SlotChainsView(ActorView):
    """What can be booked for an order."""

    @extend_schema(
        operation_id="search_slot_chains",
        tags=["slot chains"],
        summary="Search feasible slot chains, and why other dates have none",
        parameters=[SearchQuery, ETAG],
        responses=answers.SlotSearch,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        given = query_of(request, SearchQuery)
        earliest = given.get("earliest")
        step = step_of_kind(self.actor, order, HOLD)
        require_may_perform(self.actor, step)
        today = order.center_site.today
        stored = queries.wishes_of(self.actor, order)
        wishes = replace(given_over(stored, wished_of(given), today), earliest=None, ranking=given["sort"])
        first = max(earliest or stored.earliest or today, today)
        start = start_of(self.actor, order, given)
        found = queries.search_slots(self.actor, order, step, first, wishes, given.get("days"), start)
        chain = shapes.slot_chain(self.actor, order)
        body = {"step": step.key, "etag": step.etag, "slot_chain": chain, **found.as_json(given["limit"])}
        return Response(body, headers={"ETag": step.etag})


class _StepAlias(ActorView):
    """The flow's step of one kind, under a name of its own."""

    kind = ""

    def aliased(self, request: Request, code: str, **fixed: str) -> Response:
        with reading(self.actor):
            step = step_of_kind(self.actor, order_named(self.actor, code), self.kind)
        return performed(self, request, code, step.key, body_of(request) | fixed)


def _documented(operation: str, summary: str, inputs: Any) -> Callable[..., Any]:
    return extend_schema(
        operation_id=operation,
        tags=["slot chains"],
        summary=summary,
        parameters=[ONCE, IF_MATCH, DEVICE_TIME, ETAG],
        request=inputs,
        responses=answers.Performed,
    )


class HoldChainView(_StepAlias):
    """Holds an offer."""

    kind = HOLD

    @_documented("hold_slot_chain", "Hold exactly the offered slot chain", documented_inputs(HOLD))
    def post(self, request: Request, code: str) -> Response:
        return self.aliased(request, code)


class RequestChainView(_StepAlias):
    """Submits the held slot chain."""

    kind = REQUEST

    @_documented("request_slot_chain", "Submit the held slot chain to the planner", documented_inputs(REQUEST))
    def post(self, request: Request, code: str) -> Response:
        return self.aliased(request, code)


class ConfirmChainView(_StepAlias):
    """Confirms the requested slot chain."""

    kind = ANSWER

    @_documented("confirm_slot_chain", "Confirm the requested slot chain", None)
    def post(self, request: Request, code: str) -> Response:
        return self.aliased(request, code, decision="confirm")


class DeclineChainView(_StepAlias):
    """Declines the requested slot chain."""

    kind = ANSWER

    @_documented(
        "decline_slot_chain",
        "Decline the requested slot chain; its places are free at once",
        inline_serializer(
            "Decline",
            {
                "reason": serializers.CharField(max_length=300),
                "proposed_date": serializers.DateField(
                    required=False, allow_null=True, help_text="collection date that would fit: told to the center"
                ),
            },
        ),
    )
    def post(self, request: Request, code: str) -> Response:
        return self.aliased(request, code, decision="decline")


class RenewChainView(ActorView):
    """Renews a hold."""

    @extend_schema(
        operation_id="renew_slot_chain",
        tags=["slot chains"],
        summary="Let the slot hold run for its full time from now, at most twice",
        parameters=[ONCE, ETAG],
        request=None,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        body_of(request)
        with suppress(Replayed):
            renew_hold(self.actor, code, once=once_of(request))
        return detail_response(self.actor, code)
