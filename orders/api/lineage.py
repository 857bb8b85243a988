"""The lineage of an order's material over REST: what was made of what, and making it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import queries as custody
from custody.states import ContainerKind, ContainerState, ConversionKind
from ledger.context import reading
from ledger.recording import Replayed
from orders import queries
from orders.actions.conversions import ConvertInputs, convert_material
from orders.api.of_order import OfOrder
from orders.flow import order_named
from personas.asking import body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE


class LineageContainer(Shape):
    """A container, and what it was made of."""

    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=ContainerKind.choices)
    vessel = serializers.CharField(allow_blank=True, help_text="what it physically is, where that is known")
    state = serializers.ChoiceField(choices=ContainerState.choices)
    volume_ml = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    generation = serializers.IntegerField(help_text="0: made of nothing else")
    made_of = serializers.ListField(child=serializers.CharField(), help_text="codes")
    origin_unknown = serializers.BooleanField(help_text="neither a parent nor a donation nor a lot is recorded")


class ConversionRow(Shape):
    """An act in which containers were made of containers, with its balance."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ConversionKind.choices)
    used = serializers.ListField(child=serializers.CharField(), help_text="codes")
    made = serializers.ListField(child=serializers.CharField(), help_text="codes")
    volume_in_ml = serializers.DecimalField(max_digits=9, decimal_places=2, allow_null=True)
    volume_out_ml = serializers.DecimalField(max_digits=9, decimal_places=2, allow_null=True)
    volume_left_ml = serializers.DecimalField(max_digits=9, decimal_places=2, help_text="stays where it was")
    volume_lost_ml = serializers.DecimalField(max_digits=9, decimal_places=2)
    reason = serializers.CharField(allow_blank=True)
    happened_at = serializers.DateTimeField()


class LineageAnswer(Shape):
    """What was made of what."""

    containers = LineageContainer(many=True)
    conversions = ConversionRow(many=True)


class LineageView(OfOrder):
    """The lineage of an order's material."""

    @extend_schema(
        operation_id="read_lineage",
        tags=["material"],
        summary="Read what was made of what, generation by generation (nothing for a courier)",
        responses=LineageAnswer,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        return Response(self._lineage(code))

    @extend_schema(
        operation_id="convert_material",
        tags=["material"],
        summary="Split, pool, sample, replace or repack material that the organization holds; volumes must add up",
        parameters=[ONCE],
        request=ConvertInputs,
        responses={201: LineageAnswer},
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            convert_material(self.actor, code, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(self._lineage(code), status=201)

    def _lineage(self, code: str) -> dict[str, Any]:
        order = order_named(self.actor, code)
        if not queries.may_see_therapy(self.actor):
            return {"containers": [], "conversions": []}
        found = custody.lineage_of(self.actor, order.stream_id)
        return {
            "containers": [_container(node) for node in found.nodes()],
            "conversions": [_conversion(act) for act in found.acts],
        }


def _container(node: Any) -> dict[str, Any]:
    names = ("code", "kind", "vessel", "state", "volume_ml")
    return {name: getattr(node.container, name) for name in names} | {
        "generation": node.generation,
        "made_of": [parent.code for parent in node.parents],
        "origin_unknown": node.origin_unknown,
    }


def _conversion(act: Any) -> dict[str, Any]:
    return {
        "id": act.row.pk,
        "kind": act.row.kind,
        "used": [container.code for container in act.parents],
        "made": [container.code for container in act.children],
        "volume_in_ml": act.row.volume_in,
        "volume_out_ml": act.row.volume_out,
        "volume_left_ml": act.row.volume_left,
        "volume_lost_ml": act.row.volume_lost,
        "reason": act.row.reason,
        "happened_at": act.row.happened_at,
    }
