"""Publishing capacity: many windows at once, all or nothing."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.refusals import InvalidInput
from personas.asking import ActorView, PageQuery, ZonedTime, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from personas.queries import own_site
from personas.states import Capability
from scheduling.actions.capacity import MOST_PLACES, CapacityRow, add_resource, publish_capacity
from scheduling.api.shapes import ResourceInput
from scheduling.queries import resources
from scheduling.states import ResourceKind

MOST_ROWS = 2000


class CapacityRowInput(serializers.Serializer[Any]):
    """One window of one of the organization's resources."""

    resource = serializers.SlugField(max_length=64, help_text="code of the resource")
    starts_at = ZonedTime()
    ends_at = ZonedTime()
    capacity = serializers.IntegerField(min_value=0, max_value=MOST_PLACES, help_text="places")


class CapacityInput(serializers.Serializer[Any]):
    """Windows to offer, or to change (same resource and start)."""

    rows = serializers.ListSerializer[Any](child=CapacityRowInput(), allow_empty=False, max_length=MOST_ROWS)


class PublishedAnswer(serializers.Serializer[Any]):
    """What the publication did; windows that were already so are left alone."""

    added = serializers.IntegerField()
    changed = serializers.IntegerField()


class CapacityView(ActorView):
    """Offers capacity."""

    scope = Capability.PUBLISH_CAPACITY

    @extend_schema(
        operation_id="publish_capacity",
        tags=["capacity"],
        summary="Publish or change windows of own resources, all or nothing; 0 places close one; twice changes nothing",
        parameters=[ONCE],
        request=CapacityInput,
        responses=PublishedAnswer,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = CapacityInput(data=request.data)
        if not given.is_valid():
            raise InvalidInput(fields=dict(given.errors))
        published = publish_capacity(self.actor, [CapacityRow(**row) for row in given.validated_data["rows"]])
        return Response({"added": published.added, "changed": published.changed})


class ResourceFilters(PageQuery):
    """Which resources."""

    kind = serializers.ChoiceField(choices=ResourceKind.choices, required=False)
    own = serializers.BooleanField(required=False, default=False, help_text="of the acting organization only")


class ResourceRow(Shape):
    """Something whose capacity is offered."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ResourceKind.choices)
    own = serializers.BooleanField()


class ResourcesView(ActorView):
    """Chairs, lanes, bays, lines, beds."""

    @extend_schema(
        operation_id="list_resources",
        tags=["capacity"],
        summary="List the resources whose capacity the organization and its partners offer",
        parameters=[ResourceFilters],
        responses=page(ResourceRow, "ResourcePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, ResourceFilters)
        found = resources(self.actor, kind=given.get("kind"), own=given["own"])
        return page_of(self, found, ("code", "pk"), lambda rows: [self._row(row) for row in rows])

    @extend_schema(
        operation_id="add_resource",
        tags=["capacity"],
        summary="Add a resource whose capacity the organization offers",
        parameters=[ONCE],
        request=ResourceInput,
        responses={201: ResourceRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, ResourceInput)
        with reading(self.actor):
            site = own_site(self.actor, given.get("site", ""))
        if given.get("site") and site is None:
            raise InvalidInput(fields={"site": ["Not a site of your organization."]})
        names = {name: given[name] for name in ("code", "name", "kind")}
        more = {"therapy_ids": given.get("therapies", ()), "attributes": given.get("attributes")}
        return Response(self._row(add_resource(self.actor, site=site, **names, **more)), status=201)

    def _row(self, row: Any) -> dict[str, Any]:
        own = row.organization_id == self.actor.organization_id
        return {"code": row.code, "name": row.name, "kind": row.kind, "own": own}
