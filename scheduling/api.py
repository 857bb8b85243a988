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
from rest_framework.views import APIView

from ledger.context import Actor
from ledger.refusals import InvalidInput
from scheduling.actions.capacity import MOST_PLACES, CapacityRow, publish_capacity

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


class CapacityView(APIView):
    """Offers capacity."""

    @extend_schema(
        operation_id="publish_capacity",
        tags=["capacity"],
        summary="Publish or change windows of own resources, all or nothing; sending it twice changes nothing",
        request=CapacityInput,
        responses=PublishedAnswer,
    )
    def post(self, request: Request) -> Response:
        given = CapacityInput(data=request.data)
        if not given.is_valid():
            raise InvalidInput(fields=dict(given.errors))
        actor: Actor = request.auth  # type: ignore[assignment]
        published = publish_capacity(actor, [CapacityRow(**row) for row in given.validated_data["rows"]])
        return Response({"added": published.added, "changed": published.changed})


urlpatterns = [path("capacity", CapacityView.as_view(), name="capacity")]
