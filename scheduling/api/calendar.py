"""The calendar over REST: opening rules, teams, closures, priority classes, and windows by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import page
from personas.headers import ONCE
from personas.states import Capability
from scheduling import queries
from scheduling.actions import calendar, priorities, teams, windows
from scheduling.api import shapes


class PublisherView(ActorView):
    """A view for whoever publishes capacity."""

    scope = Capability.PUBLISH_CAPACITY


class RulesView(PublisherView):
    """Opening rules of one own resource."""

    @extend_schema(
        operation_id="list_rules",
        tags=["capacity"],
        summary="List the opening rules of an own resource, every version",
        parameters=[PageQuery],
        responses=page(shapes.RuleRow, "RulePage"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        query_of(request, PageQuery)
        found = queries.rules(self.actor, resource_id=queries.own_resource(self.actor, code).pk)
        return page_of(self, found, ("shift", "first_date", "pk"), lambda rows: [shapes.rule_row(row) for row in rows])

    @extend_schema(
        operation_id="add_rule",
        tags=["capacity"],
        summary="Open a resource on a shift; windows are published for half a year ahead",
        parameters=[ONCE],
        request=shapes.RuleInputShape,
        responses={201: shapes.RuleRow},
    )
    @answers_once
    def post(self, request: Request, code: str) -> Response:
        given = calendar.RuleInput(**input_of(request, shapes.RuleInputShape))
        return Response(shapes.rule_row(calendar.add_rule(self.actor, code, given)), status=201)


class ChangeRuleView(PublisherView):
    """A new version of a shift."""

    @extend_schema(
        operation_id="change_rule",
        tags=["capacity"],
        summary="Let a new version of a shift hold from a day; the one before ends the day before",
        parameters=[ONCE],
        request=shapes.RuleInputShape,
        responses={201: shapes.RuleRow},
    )
    @answers_once
    def post(self, request: Request, rule_id: UUID) -> Response:
        given = calendar.RuleInput(**input_of(request, shapes.RuleInputShape))
        return Response(shapes.rule_row(calendar.change_rule(self.actor, rule_id, given)), status=201)


class EndRuleView(PublisherView):
    """The last day of a shift."""

    @extend_schema(
        operation_id="end_rule",
        tags=["capacity"],
        summary="End a shift with a day; refused (409 capacity_in_use) when places after it are taken",
        parameters=[ONCE],
        request=shapes.RuleEnd,
        responses=shapes.RuleRow,
    )
    @answers_once
    def post(self, request: Request, rule_id: UUID) -> Response:
        return Response(shapes.rule_row(calendar.end_rule(self.actor, rule_id, **input_of(request, shapes.RuleEnd))))


class TeamsView(PublisherView):
    """Who is there on which shift."""

    @extend_schema(
        operation_id="list_teams",
        tags=["capacity"],
        summary="List the organization's teams",
        parameters=[PageQuery],
        responses=page(shapes.TeamRow, "TeamPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.teams(self.actor)
        return page_of(self, found, ("code", "first_date", "pk"), lambda rows: [shapes.team_row(row) for row in rows])

    @extend_schema(
        operation_id="set_team",
        tags=["capacity"],
        summary="Set how many people of a competence a shift has from a day on; they limit its places",
        parameters=[ONCE],
        request=shapes.TeamInputShape,
        responses={201: shapes.TeamRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.TeamInputShape)
        site = given.pop("site")
        return Response(shapes.team_row(teams.set_team(self.actor, site, teams.TeamInput(**given))), status=201)


class ClosuresView(PublisherView):
    """Closures that are not over."""

    @extend_schema(
        operation_id="list_closures",
        tags=["capacity"],
        summary="List the organization's closures that are not over",
        parameters=[PageQuery],
        responses=page(shapes.ClosureRow, "ClosurePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.closures(self.actor, timezone.now())
        return page_of(self, found, ("starts_at", "pk"), lambda rows: [shapes.closure_row(row) for row in rows])

    @extend_schema(
        operation_id="close",
        tags=["capacity"],
        summary="Close a resource or a site; refused (409 capacity_in_use) when places are taken, with the orders hit",
        parameters=[ONCE],
        request=shapes.ClosureInput,
        responses={201: shapes.ClosureRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.ClosureInput)
        named: dict[str, Any] = {f"{name}_code": given.pop(name, "") for name in ("resource", "site")}
        return Response(shapes.closure_row(calendar.close(self.actor, **named, **given)), status=201)


class LiftClosureView(PublisherView):
    """The end of a closure before its time."""

    @extend_schema(
        operation_id="lift_closure",
        tags=["capacity"],
        summary="Lift a closure: what rules opened there is open again",
        parameters=[ONCE],
        request=None,
        responses=shapes.ClosureRow,
    )
    @answers_once
    def post(self, request: Request, closure_id: UUID) -> Response:
        return Response(shapes.closure_row(calendar.lift_closure(self.actor, closure_id)))


class PriorityView(PublisherView):
    """Priority classes at chairs."""

    @extend_schema(
        operation_id="class_therapy",
        tags=["capacity"],
        summary="Say in which priority class the center collects for a therapy",
        parameters=[ONCE],
        request=shapes.PriorityInput,
        responses=shapes.PriorityInput,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.PriorityInput)
        row = priorities.class_therapy(self.actor, given["therapy"], given["priority"])
        return Response({"therapy": row.therapy_id, "priority": row.priority})


class MoveWindowView(PublisherView):
    """Another time for a window."""

    @extend_schema(
        operation_id="move_window",
        tags=["capacity"],
        summary="Let a window of an own resource begin at another time; refused when places are taken",
        parameters=[ONCE],
        request=shapes.WindowMove,
        responses=shapes.WindowRow,
    )
    @answers_once
    def post(self, request: Request, slot_id: UUID) -> Response:
        given = input_of(request, shapes.WindowMove)
        return Response(shapes.window_row(windows.move_window(self.actor, slot_id, given["starts_at"])))


class CloseWindowView(PublisherView):
    """A window without places."""

    @extend_schema(
        operation_id="close_window",
        tags=["capacity"],
        summary="Close one window with its reason; no rule opens it again",
        parameters=[ONCE],
        request=shapes.WindowClose,
        responses=shapes.WindowRow,
    )
    @answers_once
    def post(self, request: Request, slot_id: UUID) -> Response:
        given = input_of(request, shapes.WindowClose)
        return Response(shapes.window_row(windows.close_window(self.actor, slot_id, given["reason"])))


class FollowRulesView(PublisherView):
    """A window given back to the rules."""

    @extend_schema(
        operation_id="follow_rules",
        tags=["capacity"],
        summary="Give a window by hand back to the opening rules",
        parameters=[ONCE],
        request=None,
        responses=shapes.WindowRow,
    )
    @answers_once
    def post(self, request: Request, slot_id: UUID) -> Response:
        slot = windows.follow_rules(self.actor, slot_id)
        with reading(self.actor):
            return Response(shapes.window_row(queries.own_window(self.actor, slot.pk)))
