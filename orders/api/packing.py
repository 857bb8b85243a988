"""The packing list of a box over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orders import queries
from orders.api import answers, shapes
from orders.flow import order_named
from personas.asking import ActorView, reads


class PackedBagRow(answers.Shape):
    """A bag in a box."""

    code = serializers.CharField()
    kind = serializers.CharField()
    position = serializers.IntegerField(help_text="k of n, within its batch or collection")
    count = serializers.IntegerField(help_text="n")
    lot = serializers.CharField(allow_blank=True)
    serial = serializers.CharField(allow_blank=True)
    volume_ml = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class PackingListAnswer(answers.Shape):
    """What is in a packed box; it never names a patient."""

    code = serializers.CharField(help_text="outer code")
    direction = serializers.CharField()
    from_site = answers.SiteRef()
    to_site = answers.SiteRef()
    courier = serializers.CharField()
    shipper_code = serializers.CharField()
    seal_code = serializers.CharField()
    logger_code = serializers.CharField(allow_blank=True)
    packed_at = serializers.DateTimeField()
    count = serializers.IntegerField(help_text="units inside")
    identity_code = serializers.CharField(required=False, allow_blank=True, help_text=answers.NOT_FOR_COURIERS)
    therapy = serializers.CharField(required=False, help_text=answers.NOT_FOR_COURIERS)
    bags = PackedBagRow(many=True, required=False, help_text=answers.NOT_FOR_COURIERS)


class PackingListView(ActorView):
    """What is in a packed box."""

    @extend_schema(
        operation_id="read_packing_list",
        tags=["material"],
        summary="Read the packing list of a box (a courier: outer content of those it carries)",
        responses=PackingListAnswer,
    )
    @reads
    def get(self, request: Request, code: str, box: str) -> Response:
        order = order_named(self.actor, code)
        return Response(_packing_answer(order, queries.packing_list(self.actor, order, box)))


def _packing_answer(order: Any, found: Any) -> dict[str, Any]:
    box = found.shipment
    names = ("code", "seal_code", "shipper_code", "logger_code", "direction", "packed_at")
    outer = {name: getattr(box, name) for name in names} | {
        "count": found.count,
        "from_site": shapes.place(box.from_site),
        "to_site": shapes.place(box.to_site),
        "courier": box.courier.name,
    }
    if not found.inside:
        return outer
    bag = ("code", "kind", "lot", "serial", "volume_ml", "expires_at")
    bags = [{name: getattr(row, name) for name in bag} | shapes.k_and_n(row) for row in found.bags]
    return outer | {"identity_code": order.identity_code, "therapy": order.therapy.code, "bags": bags}
