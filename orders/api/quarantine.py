"""What lies in quarantine, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orders import queries
from orders.api import answers, shapes
from personas.asking import ActorView, PageQuery, page_of, query_of, reads
from personas.envelopes import Shape, page


class HeldContainer(Shape):
    """A container in quarantine, and the decision that it waits for."""

    container = serializers.CharField()
    kind = serializers.CharField()
    order = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    went_on_as = serializers.CharField(help_text="the state in which it was put aside")
    custodian = serializers.CharField(allow_null=True, help_text="code of the organization that has it")
    site = answers.SiteRef(allow_null=True)
    storage_location = serializers.CharField(allow_blank=True)
    waits_for = serializers.ChoiceField(choices=["identity_query", "deviation", "disposition"])
    words = serializers.CharField(help_text="whose decision it is, and which")
    mine = serializers.BooleanField(help_text="these credentials may take it")
    deviations = serializers.ListField(child=serializers.CharField(), help_text="to be closed first")


class QuarantineView(ActorView):
    """Everything in quarantine that the organization may see."""

    @extend_schema(
        operation_id="list_quarantine",
        tags=["material"],
        summary="List what lies in quarantine with the missing decision (none for a courier)",
        parameters=[PageQuery],
        responses=page(HeldContainer, "QuarantinePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        return page_of(self, queries.quarantined(self.actor), ("pk",), self._rows)

    def _rows(self, bags: list[Any]) -> list[dict[str, Any]]:
        return [
            {
                "container": row.bag.code,
                "kind": row.bag.kind,
                "order": row.order.code,
                "reason": row.bag.quarantine_reason,
                "since": row.bag.quarantined_at,
                "went_on_as": row.bag.state_before_quarantine,
                "custodian": row.bag.custodian.code if row.bag.custodian else None,
                "site": shapes.place(row.bag.custodian_site),
                "storage_location": row.bag.storage_location,
                "waits_for": row.waits_for,
                "words": row.words,
                "mine": row.mine,
                "deviations": list(row.deviations),
            }
            for row in queries.held(self.actor, bags)
        ]
