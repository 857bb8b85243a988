"""EPCIS queries: events by the standard's parameters, one event by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.refusals import NotFound
from orders import queries
from orders.actions.captures import capture_one
from orders.api.epcis.base import ASKED_VERSION, JSON, NEXT, PER_PAGE, TOKEN, EpcisView, LinkedDataParser
from personas.asking import answers_once, body_of
from personas.headers import ONCE

PAGING = ("perPage", "nextPageToken")
LISTED = [
    OpenApiParameter(name, OpenApiTypes.STR, description="one value, or several with commas between them")
    for name in queries.epcis_filters.LISTS
]
TIMED = [
    OpenApiParameter(name, OpenApiTypes.STR, description="ISO 8601 with offset")
    for name in (*queries.epcis_filters.TIMES, "GE_errorDeclarationTime", "LT_errorDeclarationTime")
]
OTHER = [
    OpenApiParameter("EXISTS_errorDeclaration", OpenApiTypes.STR, description="events that were declared wrong"),
    OpenApiParameter("orderBy", OpenApiTypes.STR, description="eventTime or recordTime (if absent)"),
    OpenApiParameter("orderDirection", OpenApiTypes.STR, description="ASC (if absent) or DESC"),
    OpenApiParameter("eventCountLimit", OpenApiTypes.INT, description="only the first so many"),
    OpenApiParameter("maxEventCount", OpenApiTypes.INT, description="refused (413) when more would answer"),
]
PARAMETERS = [*LISTED, *TIMED, *OTHER, PER_PAGE, TOKEN, ASKED_VERSION, NEXT]
DOCUMENT = OpenApiTypes.OBJECT


class QueryView(EpcisView):
    """Answers a query with an EPCIS query document."""

    def answer(self, request: Request, fixed: Mapping[str, Any], name: str = "") -> Response:
        given = {name: values if len(values) > 1 else values[0] for name, values in request.query_params.lists()}
        wanted = {name: value for name, value in given.items() if name not in PAGING}
        size, token = self.page_size(request), self.token(request)
        asked = queries.epcis_filters.criteria(wanted | dict(fixed))
        with reading(self.actor):
            queries.epcis_pages.refuse_too_many(self.actor, asked)
            page = queries.epcis_pages.page(self.actor, asked, size, token)
        self.give_out(page)
        return self.linked(request, queries.epcis_documents.query_document(page.events, name), page.next_token)


class EventsView(QueryView):
    """All events that these credentials may read; one more."""

    parser_classes = [LinkedDataParser, JSON]

    @extend_schema(
        operation_id="query_epcis_events",
        tags=["epcis"],
        summary="Query EPCIS events, page by page",
        parameters=PARAMETERS,
        responses=DOCUMENT,
    )
    def get(self, request: Request) -> Response:
        return self.answer(request, {})

    @extend_schema(
        operation_id="capture_epcis_event",
        tags=["epcis"],
        summary="Send one EPCIS event: it becomes the act that it stands for, or is refused in words",
        parameters=[ONCE, ASKED_VERSION],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={201: OpenApiTypes.OBJECT},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        return Response(capture_one(self.actor, body_of(request)), status=201)


class EventView(EpcisView):
    """One event."""

    @extend_schema(
        operation_id="read_epcis_event",
        tags=["epcis"],
        summary="Read one EPCIS event by its id (as declared wrong, if it was)",
        parameters=[ASKED_VERSION],
        responses=DOCUMENT,
    )
    def get(self, request: Request, event_id: str) -> Response:
        asked = queries.epcis_filters.criteria({"EQ_eventID": [event_id]})
        with reading(self.actor):
            found = queries.epcis_pages.page(self.actor, asked, queries.epcis_filters.USUAL).events
        if not found:
            raise NotFound()
        return Response(queries.epcis_documents.alone(found[-1]))
