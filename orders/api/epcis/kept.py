"""Named queries: kept once, asked by their name."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ledger.context import reading
from ledger.refusals import InvalidInput, NotFound
from orders import queries
from orders.actions.epcis_queries import drop_query, keep_query
from orders.api.epcis.base import ASKED_VERSION, NEXT, PER_PAGE, TOKEN, EpcisView
from orders.api.epcis.events import QueryView
from personas.asking import answers_once, body_of
from personas.headers import ONCE

LOCATION = OpenApiParameter("Location", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[201])


def query_definition(query: Any) -> dict[str, Any]:
    """Return a named query in the standard's words."""
    return {"name": query.name, "query": query.parameters, "createdAt": query.kept_at.isoformat()}


class KeptQueriesView(EpcisView):
    """The queries that your systems keep."""

    @extend_schema(
        operation_id="list_epcis_queries",
        tags=["epcis"],
        summary="List your named queries",
        parameters=[ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        with reading(self.actor):
            kept = [query_definition(query) for query in queries.epcis_jobs.kept_queries(self.actor)]
        return Response({"queries": kept})

    @extend_schema(
        operation_id="keep_epcis_query",
        tags=["epcis"],
        summary="Keep a query under a name",
        parameters=[ONCE, ASKED_VERSION, LOCATION],
        request=OpenApiTypes.OBJECT,
        responses={201: OpenApiTypes.OBJECT},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        sent = body_of(request)
        unknown = {field: ["This field is not known."] for field in sent if field not in ("name", "query")}
        if not isinstance(sent.get("name"), str):
            unknown["name"] = ["Give a name."]
        if not isinstance(sent.get("query"), dict):
            unknown["query"] = ["Give the parameters of the query as an object."]
        if unknown:
            raise InvalidInput(fields=unknown)
        query = keep_query(self.actor, sent["name"], sent["query"])
        address = reverse("api:epcis-query", args=[query.name], request=request)
        return Response(query_definition(query), status=201, headers={"Location": address})


class KeptQueryView(EpcisView):
    """One named query."""

    @extend_schema(
        operation_id="read_epcis_query",
        tags=["epcis"],
        summary="Read a named query",
        parameters=[ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, name: str) -> Response:
        return Response(query_definition(_kept(self.actor, name)))

    @extend_schema(
        operation_id="drop_epcis_query",
        tags=["epcis"],
        summary="Drop a named query",
        parameters=[ASKED_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, name: str) -> Response:
        drop_query(self.actor, name)
        return Response(status=204)


class KeptQueryEventsView(QueryView):
    """What answers a named query now."""

    @extend_schema(
        operation_id="ask_epcis_query",
        tags=["epcis"],
        summary="Ask a named query, page by page",
        parameters=[PER_PAGE, TOKEN, ASKED_VERSION, NEXT],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, name: str) -> Response:
        return self.answer(request, _kept(self.actor, name).parameters, name)


def _kept(actor: Any, name: str) -> Any:
    with reading(actor):
        query = queries.epcis_jobs.kept_queries(actor).filter(name=name).first()
    if query is None:
        raise NotFound()
    return query
