"""Label templates over REST: versions; propose, preview, approve, retire."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import label_register as register
from custody.actions import label_templates as action
from custody.states import LabelElement, LabelLanguage, LabelStock, LabelTemplate, SchemeState
from ledger.context import reading
from ledger.recording import Replayed
from orders.api.record import PrintOut
from orders.views import label_templates as pages
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE

FIELDS = (
    "id",
    "country",
    "kind",
    "version",
    "elements",
    "languages",
    "stock",
    "proper_name",
    "product_code",
    "anticoagulant",
    "texts",
    "state",
    "proposed_at",
    "approved_at",
)


class TemplateRow(Shape):
    """A version of how labels of a kind look, for one therapy and market."""

    id = serializers.UUIDField()
    therapy = serializers.CharField(help_text="its code")
    country = serializers.CharField(allow_blank=True, help_text="ISO 3166-1 alpha-2; empty: every other market")
    kind = serializers.ChoiceField(choices=LabelTemplate.choices)
    version = serializers.IntegerField()
    elements = serializers.ListField(
        child=serializers.ChoiceField(choices=LabelElement.choices), help_text="below the codes, in their order"
    )
    languages = serializers.ListField(child=serializers.ChoiceField(choices=LabelLanguage.choices))
    stock = serializers.ChoiceField(choices=LabelStock.choices)
    proper_name = serializers.CharField(allow_blank=True)
    product_code = serializers.CharField(allow_blank=True)
    anticoagulant = serializers.CharField(allow_blank=True)
    texts = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=SchemeState.choices)
    proposed_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)


class Templates(Shape):
    """The newest hundred versions that the organization may read."""

    versions = TemplateRow(many=True)


class TemplatesView(ActorView):
    """The versions."""

    @extend_schema(
        operation_id="list_label_templates",
        tags=["network"],
        summary="List label templates: a manufacturer's own versions, partners' live ones",
        responses=Templates,
    )
    @reads
    def get(self, request: Request) -> Response:
        return self._told(200)

    @extend_schema(
        operation_id="propose_label_template",
        tags=["network"],
        summary="Propose a version of a label template; a second person approves it",
        parameters=[ONCE],
        request=action.TemplateInputs,
        responses={201: Templates},
    )
    def post(self, request: Request) -> Response:
        with suppress(Replayed):
            action.propose_template(self.actor, body_of(request), once=once_of(request))
        with reading(self.actor):
            return self._told(201)

    def _told(self, status: int) -> Response:
        rows = register.templates(self.actor)[: pages.MOST]
        return Response({"versions": [_row(row) for row in rows]}, status=status)


class PreviewTemplateView(PrintOut):
    """What a version looks like."""

    @extend_schema(
        operation_id="preview_label_template",
        tags=["network"],
        summary="A label by this version with fictional data, marked as such, as PDF",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, template: UUID) -> HttpResponseBase:
        return pages.preview(request._request, template=template)


class ApproveTemplateView(TemplatesView):
    """A version that becomes live."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="approve_label_template",
        tags=["network"],
        summary="Make a proposed version live, as another person than proposed it",
        parameters=[ONCE],
        request=None,
        responses=Templates,
    )
    def post(self, request: Request, template: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.approve_template(self.actor, template, once=once_of(request))
        with reading(self.actor):
            return self._told(200)


class RetireTemplateView(TemplatesView):
    """A version by which nothing more is printed."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="retire_label_template",
        tags=["network"],
        summary="Retire a version; labels that were printed by it are drawn as they were",
        parameters=[ONCE],
        request=action.RetireTemplateInputs,
        responses=Templates,
    )
    def post(self, request: Request, template: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.retire_template(self.actor, template, body_of(request), once=once_of(request))
        with reading(self.actor):
            return self._told(200)


def _row(row: Any) -> dict[str, Any]:
    return {"therapy": row.therapy.code} | {name: getattr(row, name) for name in FIELDS}
