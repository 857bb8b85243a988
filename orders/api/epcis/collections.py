"""The top-level resources: what there is to ask for, and the events of each."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.refusals import NotFound
from orders import queries
from orders.api.epcis.base import ASKED_VERSION, NEXT, PER_PAGE, TOKEN, EpcisView
from orders.api.epcis.events import PARAMETERS, QueryView

WHICH = OpenApiParameter(
    "collection", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(queries.epcis_resources.COLLECTIONS)
)


def _known(collection: str) -> str:
    """Return the parameter that a member of the collection stands for; raise NotFound for an unknown collection."""
    if collection not in queries.epcis_resources.COLLECTIONS:
        raise NotFound()
    return queries.epcis_resources.COLLECTIONS[collection]


class CollectionView(EpcisView):
    """Event types, EPCs, business steps, locations, read points, dispositions."""

    @extend_schema(
        operation_id="list_epcis_members",
        tags=["epcis"],
        summary="List what there is to ask for",
        parameters=[WHICH, PER_PAGE, TOKEN, ASKED_VERSION, NEXT],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, collection: str) -> Response:
        _known(collection)
        size, token = self.page_size(request), self.token(request)
        with reading(self.actor):
            names, following = queries.epcis_resources.members(self.actor, collection, size, token)
        return self.linked(request, queries.epcis_resources.collection_document(names), following)


class MemberView(EpcisView):
    """What one member leads to."""

    @extend_schema(
        operation_id="read_epcis_member",
        tags=["epcis"],
        summary="What can be asked about one member",
        parameters=[WHICH, ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, collection: str, member: str) -> Response:
        _known(collection)
        return Response(queries.epcis_resources.collection_document(["events"]))


class MemberEventsView(QueryView):
    """The events of one member; further parameters narrow them."""

    @extend_schema(
        operation_id="query_epcis_member_events",
        tags=["epcis"],
        summary="Query the EPCIS events of one member",
        parameters=[WHICH, *PARAMETERS],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, collection: str, member: str) -> Response:
        return self.answer(request, {_known(collection): [member]})
