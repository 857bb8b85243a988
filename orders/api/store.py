"""The store over REST: units, what lies where, what expires first, and moving."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody.actions.store import UnitInputs, add_unit, retire_unit
from custody.queries import store_units
from custody.states import StoreKind
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions.storing import PlaceInputs, move_container
from orders.api import answers, shapes
from orders.api.of_order import OfOrder
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of_list, reads
from personas.envelopes import Shape, page, whole
from personas.headers import ONCE


class StoreUnitRow(Shape):
    """A tank, freezer or refrigerator."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=StoreKind.choices)
    site = answers.SiteRef()
    racks = serializers.IntegerField()
    places = serializers.IntegerField(help_text="in each rack")
    free = serializers.IntegerField(help_text="places in which nothing lies")


class ClockRow(Shape):
    """Until when something may be used, and why then."""

    words = serializers.CharField()
    at = serializers.DateTimeField()


class LyingRow(Shape):
    """A container in hand: where it lies, and until when it may be used."""

    container = serializers.CharField()
    kind = serializers.CharField()
    state = serializers.CharField()
    order = serializers.CharField()
    unit = serializers.UUIDField(allow_null=True)
    rack = serializers.IntegerField(allow_null=True)
    place = serializers.IntegerField(allow_null=True)
    storage_location = serializers.CharField(allow_blank=True)
    clocks = ClockRow(many=True, help_text="the first one first")


class PlaceAnswer(Shape):
    """Where a container lies now."""

    place = serializers.CharField()


UNITS = whole(StoreUnitRow, "StoreUnitList")


class StoreUnitsView(ActorView):
    """The register of the store."""

    @extend_schema(
        operation_id="list_store_units",
        tags=["material"],
        summary="List the organization's tanks, freezers and refrigerators with their free places",
        responses=UNITS,
    )
    @reads
    def get(self, request: Request) -> Response:
        return Response({"results": self._units()})

    @extend_schema(
        operation_id="add_store_unit",
        tags=["material"],
        summary="Add a tank, freezer or refrigerator to an own site's store",
        parameters=[ONCE],
        request=UnitInputs,
        responses={201: UNITS},
    )
    def post(self, request: Request) -> Response:
        with suppress(Replayed):
            add_unit(self.actor, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response({"results": self._units()}, status=201)

    def _units(self) -> list[dict[str, Any]]:
        counted = queries.taken(queries.lying(self.actor))
        names = ("name", "kind", "racks", "places")
        return [
            {name: getattr(unit, name) for name in names}
            | {"id": unit.pk, "site": shapes.place(unit.site), "free": unit.size - counted[unit.pk]}
            for unit in store_units(self.actor)
        ]


class RetireStoreUnitView(StoreUnitsView):
    """A unit that is out of use."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="retire_store_unit",
        tags=["material"],
        summary="Take an empty unit out of use; it stays on the record",
        parameters=[ONCE],
        request=None,
        responses=UNITS,
    )
    def post(self, request: Request, unit: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            retire_unit(self.actor, unit, once=once_of(request))
        with reading(self.actor):
            return Response({"results": self._units()})


class StoreView(ActorView):
    """What lies where."""

    @extend_schema(
        operation_id="read_store",
        tags=["material"],
        summary="List what the organization holds and where it lies, what expires first first (none for a courier)",
        parameters=[PageQuery],
        responses=page(LyingRow, "LyingPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        rows = queries.lying(self.actor)
        return page_of_list(request, rows, lambda row: row.sort_key, lambda page: [_row(row) for row in page])


def _row(row: Any) -> dict[str, Any]:
    bag = row.bag
    return {
        "container": bag.code,
        "kind": bag.kind,
        "state": bag.state,
        "order": row.order.code,
        "unit": bag.store_unit_id,
        "rack": bag.rack,
        "place": bag.place,
        "storage_location": bag.storage_location,
        "clocks": [{"words": clock.words, "at": clock.at} for clock in row.clocks],
    }


class PlaceView(OfOrder):
    """Where a container is put."""

    @extend_schema(
        operation_id="move_container",
        tags=["material"],
        summary="Put a container that the organization holds into a place of its site's store",
        parameters=[ONCE],
        request=PlaceInputs,
        responses=PlaceAnswer,
    )
    def post(self, request: Request, code: str, container: str) -> Response:
        self.find(code)
        try:
            place = move_container(self.actor, code, container, body_of(request), once=once_of(request))
        except Replayed as replayed:
            return Response(replayed.result)
        return Response({"place": place})
