"""Publishing capacity: many windows at once, all or nothing."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.refusals import InvalidInput
from personas.asking import ActorView, PageQuery, answers_once, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from personas.states import Capability
from scheduling.actions.capacity import MOST_PLACES, CapacityRow, publish_capacity
from scheduling.queries import resources
from scheduling.states import ResourceKind

MOST_ROWS = 2000
_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)


class ZonedTime(serializers.DateTimeField):
    """A moment with its offset: a window belongs to a place, and a guess at its zone would move it."""

    default_error_messages = {"zone": "Give the offset too, as in 2030-01-31T08:00:00+01:00."}

    def to_internal_value(self, value: Any) -> dt.datetime:
        if isinstance(value, str) and not _OFFSET.search(value.strip()):
            self.fail("zone")
        return super().to_internal_value(value)


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

    def _row(self, row: Any) -> dict[str, Any]:
        own = row.organization_id == self.actor.organization_id
        return {"code": row.code, "name": row.name, "kind": row.kind, "own": own}


urlpatterns = [
    path("resources", ResourcesView.as_view(), name="resources"),
    path("capacity", CapacityView.as_view(), name="capacity"),
]
