"""A box's route over REST: legs planned and as they were, customs, and what a courier reports of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody.states import WayReportKind
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions import way_reports as action
from orders.api import answers
from orders.flow import order_named
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE


class MilestoneRow(Shape):
    """A milestone of the box, the legs of its route among them."""

    milestone = serializers.CharField(help_text="in words")
    state = serializers.ChoiceField(choices=("done", "done_late", "overdue", "next", "open"))
    planned_at = serializers.DateTimeField(allow_null=True, help_text="or expected, since a delay")
    actual_at = serializers.DateTimeField(allow_null=True)
    told_before_minutes = serializers.IntegerField(help_text="whoever must act is told so long before; 0: nobody is")


class LegShownRow(Shape):
    """A leg of the route that the box goes."""

    number = serializers.IntegerField()
    words = serializers.CharField()
    departs = serializers.DateTimeField(allow_null=True, help_text="planned")
    arrives = serializers.DateTimeField(allow_null=True, help_text="planned")
    departed = serializers.DateTimeField(allow_null=True)
    arrived = serializers.DateTimeField(allow_null=True)
    expected_departure = serializers.DateTimeField(allow_null=True, help_text="now; null once it is known")
    expected_arrival = serializers.DateTimeField(allow_null=True, help_text="now; null once it is known")


class WayReportRow(Shape):
    """What was reported."""

    report = serializers.ChoiceField(choices=WayReportKind.choices)
    happened_at = serializers.DateTimeField()
    route = serializers.CharField(allow_blank=True)
    leg = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    organization = serializers.CharField()


class WayAnswer(Shape):
    """The way of a box."""

    box = serializers.CharField()
    route = serializers.CharField(allow_blank=True, help_text="empty: the planned one")
    other_routes = serializers.ListField(child=serializers.CharField(allow_blank=True), help_text="agreed for the lane")
    papers = serializers.ListField(child=serializers.CharField(), help_text="what customs need")
    held_at_customs = serializers.BooleanField()
    expected_at = serializers.DateTimeField(allow_null=True, help_text="null once it is delivered")
    hours_left_on_arrival = serializers.FloatField(
        allow_null=True, required=False, help_text=f"of the load's own clock. {answers.NOT_FOR_COURIERS}"
    )
    hours_in_reserve = serializers.FloatField(
        allow_null=True,
        help_text="on arrival, of the load or of the shipper's hold, whichever ends first; < 0: too late",
    )
    hours_of_hold_after_arrival = serializers.FloatField(allow_null=True, help_text="of the shipper, where it is known")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="why the shipper does not hold that long")
    milestones = MilestoneRow(many=True)
    legs = LegShownRow(many=True)
    reports = WayReportRow(many=True)


class WayView(ActorView):
    """The way of a box."""

    @extend_schema(
        operation_id="read_way",
        tags=["material"],
        summary="Read a box's milestones, its route leg by leg, customs, and when it is expected",
        responses=WayAnswer,
    )
    @reads
    def get(self, request: Request, code: str, box: str) -> Response:
        return Response(self._told(code, box))

    @extend_schema(
        operation_id="report_way",
        tags=["material"],
        summary="Report a leg, customs or another route of a box (the courier that carries it)",
        parameters=[ONCE],
        request=action.WayInputs,
        responses={201: WayAnswer},
    )
    def post(self, request: Request, code: str, box: str) -> Response:
        with reading(self.actor):
            queries.box_of_order(self.actor, order_named(self.actor, code), box)
        with suppress(Replayed):
            action.report_way(self.actor, code, box, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(self._told(code, box), status=201)

    def _told(self, code: str, box: str) -> dict[str, Any]:
        found = queries.box_of_order(self.actor, order_named(self.actor, code), box)
        way = found.way
        legs = (
            "number",
            "words",
            "departs",
            "arrives",
            "departed",
            "arrived",
            "expected_departure",
            "expected_arrival",
        )
        answer = {
            "box": found.box.code,
            "route": way.route,
            "other_routes": way.others,
            "papers": way.papers,
            "held_at_customs": way.reported.is_held,
            "expected_at": way.expected_at,
            "hours_in_reserve": way.arrival.left if way.arrival else None,
            "hours_of_hold_after_arrival": way.arrival.hold if way.arrival else None,
            "warnings": way.arrival.warnings if way.arrival else [],
            "milestones": [_milestone(one) for one in found.milestones],
            "legs": [{name: getattr(leg, name) for name in legs} for leg in way.legs],
            "reports": [_report(row) for row in way.reported.rows],
        }
        return answer | ({"hours_left_on_arrival": way.left} if queries.may_see_therapy(self.actor) else {})


def _milestone(one: Any) -> dict[str, Any]:
    times = {"planned_at": one.planned, "actual_at": one.actual}
    return {"milestone": one.label, "state": one.state, "told_before_minutes": one.lead} | times


def _report(row: Any) -> dict[str, Any]:
    names = ("happened_at", "route", "leg", "reason")
    return {"report": row.kind, "organization": row.organization.name} | {name: getattr(row, name) for name in names}
