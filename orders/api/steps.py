"""Steps: list, read, perform, repeat; and the worklist over all orders."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.recording import Once, Replayed
from ledger.refusals import NotFound
from orders import queries
from orders.actions.interruptions import repeat_step
from orders.api import answers, shapes
from orders.api.orders import detail_response, reason_of
from orders.api.step_inputs import any_step_inputs, inputs_component
from orders.flow import order_named, perform, seen_version
from orders.views.sheets import sheet_of
from orders.views.step import noted_before
from personas.asking import (
    ActorView,
    PageQuery,
    body_of,
    device_time_of,
    once_of,
    page_of,
    query_of,
    reads,
    version_of,
)
from personas.headers import DEVICE_TIME, ETAG, IF_MATCH, OFFLINE_ENTRY, ONCE

NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def step_detail(actor: Actor, order: Any, step: Any) -> dict[str, Any]:
    """Return a step with what its performer must see; the page of the step asks the same code.

    Where a signature is bound to what was shown, the ETag says with the version what that was.
    """
    sheet = sheet_of(actor, order, step)
    bound = sheet.kind.binds_shown and sheet.inputs is not None
    return shapes.step_row(order.code, step) | {
        "etag": f'"{seen_version(step, sheet.shown)}"' if bound else step.etag,
        "why_not": sheet.why_not,
        "not_now": sheet.problem.detail if sheet.problem else "",
        "may_be_recorded_late": sheet.may_be_late,
        "shown": [{"label": label, "value": str(value)} for label, value in sheet.shown],
        "missing": shapes.facts(sheet.missing),
        "initial": sheet.initial,
        "inputs_schema": shapes.schema_href(inputs_component(sheet.kind)),
        "verifier": sheet.verifier,
    }


def performed(view: ActorView, request: Request, code: str, key: str, inputs: dict[str, Any]) -> Response:
    """Perform a step and answer with its new ETag and what the actor may do next."""
    once: Once | None = once_of(request)
    told: list[list[dict[str, Any]]] = []
    result = perform(
        view.actor,
        code,
        key,
        inputs,
        version=version_of(request),
        once=once,
        device_time=device_time_of(request),
        noted=noted_before(view.actor, request.headers.get("Offline-Entry", ""), code, key),
        then=lambda order: told.append(shapes.actions(view.actor, order)),
    )
    body = {"result": result.as_json(), "available_actions": told[0] if told else _next(view.actor, code)}
    return Response(body, headers={"ETag": f'"{result.attempt}.{result.version}"'})


def _next(actor: Actor, code: str) -> list[dict[str, Any]]:
    with reading(actor):
        try:
            return shapes.actions(actor, order_named(actor, code))
        except NotFound:  # a plant that declined is no party any more
            return []


class StepsView(ActorView):
    """The steps of an order."""

    @extend_schema(
        operation_id="list_steps",
        tags=["steps"],
        summary="List every attempt of an order's steps",
        responses=answers.whole(answers.StepRow, "StepList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        steps = queries.steps_of(self.actor, order)
        return Response({"results": [shapes.step_row(order.code, step) for step in steps]})


class StepView(ActorView):
    """The newest attempt of one step."""

    @extend_schema(
        operation_id="read_step",
        tags=["steps"],
        summary="Read a step",
        parameters=[ETAG],
        responses=answers.StepDetail,
    )
    @reads
    def get(self, request: Request, code: str, key: str) -> Response:
        order = order_named(self.actor, code)
        step = queries.step_of(self.actor, order, key)
        detail = step_detail(self.actor, order, step)
        return Response(detail, headers={"ETag": detail["etag"]})

    @extend_schema(
        operation_id="perform_step",
        tags=["steps"],
        summary="Perform a step",
        description="The body is the inputs of the step's kind; `inputs_schema` of the step names them. Where people"
        " sign, `signature` and `verifiers` hold their own credentials: a key alone never signs.",
        parameters=[ONCE, IF_MATCH, DEVICE_TIME, OFFLINE_ENTRY, ETAG],
        request=any_step_inputs(),
        responses=answers.Performed,
    )
    def post(self, request: Request, code: str, key: str) -> Response:
        return performed(self, request, code, key, body_of(request))


class RepeatView(ActorView):
    """A new attempt of a step."""

    @extend_schema(
        operation_id="repeat_step",
        tags=["steps"],
        summary="Begin a step again",
        parameters=[ONCE, ETAG],
        request=answers.Reason,
        responses=answers.OrderDetail,
    )
    def post(self, request: Request, code: str, key: str) -> Response:
        with reading(self.actor):
            queries.step_of(self.actor, order_named(self.actor, code), key)
        with suppress(Replayed):
            repeat_step(self.actor, code, key, reason_of(body_of(request)), once=once_of(request))
        return detail_response(self.actor, code)


class WorklistFilters(PageQuery):
    """Which waiting steps."""

    therapy = serializers.CharField(max_length=40, required=False, help_text="therapy code; not for couriers")
    site = serializers.CharField(max_length=40, required=False, help_text="site code")


class WorklistView(ActorView):
    """What waits for these credentials, over all manufacturers."""

    @extend_schema(
        operation_id="read_worklist",
        tags=["steps"],
        summary="List the steps that wait for me, by due time",
        parameters=[WorklistFilters],
        responses=answers.page(answers.WorklistRow, "WorklistPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, WorklistFilters)
        steps = queries.worklist(self.actor).select_related("responsible")
        if given.get("therapy"):
            may = queries.may_see_therapy(self.actor)
            steps = steps.filter(order__therapy__code=given["therapy"]) if may else steps.none()
        if given.get("site"):
            steps = steps.filter(site__code=given["site"])
        steps = steps.annotate(due=Coalesce("due_at", Value(NEVER, DateTimeField())))
        return page_of(self, steps, ("due", "pk"), lambda rows: [shapes.worklist_row(self.actor, row) for row in rows])
