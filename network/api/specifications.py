"""Specification versions over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.refusals import NotFound
from ledger.states import Role
from network import queries
from network.actions.therapies import publish_specification
from network.api import shapes
from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import page
from personas.headers import ONCE


class SpecificationsView(ActorView):
    """A therapy's tests and limits."""

    @extend_schema(
        operation_id="list_specifications",
        tags=["catalog"],
        summary="List the versions of a therapy's specification, newest first (not for couriers)",
        parameters=[PageQuery],
        responses=page(shapes.SpecificationRow, "SpecificationPage"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        query_of(request, PageQuery)
        if self.actor.organization_role == Role.COURIER:  # a courier sees no therapy (T39)
            raise NotFound()
        found = queries.specifications(self.actor, queries.therapy(self.actor, code).pk)
        return page_of(self, found, ("-version",), lambda rows: [shapes.specification_row(row) for row in rows])

    @extend_schema(
        operation_id="publish_specification",
        tags=["catalog"],
        summary="Publish the next version; running orders keep theirs",
        parameters=[ONCE],
        request=shapes.SpecificationInput,
        responses={201: shapes.SpecificationRow},
    )
    @answers_once
    def post(self, request: Request, code: str) -> Response:
        with reading(self.actor):
            therapy = queries.therapy(self.actor, code)
        given = input_of(request, shapes.SpecificationInput)
        published = publish_specification(self.actor, therapy, **given)
        return Response(shapes.specification_row(published), status=201)
