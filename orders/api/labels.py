"""Labels over REST: every print with its end, and the valid ones as PDF or ZPL."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from custody import label_prints, label_zpl
from custody.states import LabelSheet, LabelState, LabelTemplate
from ledger.context import Actor, reading
from ledger.recording import Replayed
from orders.actions import label_ends
from orders.actions.reprints import ReprintInputs, reprint_label
from orders.actions.scan_back import ScanBackInputs, scan_back
from orders.api.of_order import OfOrder
from orders.api.record import PDFRenderer, PrintOut
from orders.views import labels
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE

PRINT_FIELDS = ("serial", "template", "state", "reason", "printed_at", "ended_at")


class LabelPrintRow(Shape):
    """One print of a container's label."""

    serial = serializers.CharField(help_text="of the print; what its DataMatrix says")
    container = serializers.CharField()
    template = serializers.ChoiceField(choices=LabelTemplate.choices)
    version = serializers.IntegerField(
        allow_null=True, help_text="of the label template; null: the layout that the software brings along"
    )
    state = serializers.ChoiceField(choices=LabelState.choices)
    reason = serializers.CharField(allow_blank=True, help_text="why it was printed again")
    printed_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    content = serializers.CharField(
        help_text="what stood on it, kept with the print; of the patient only which fields. Older prints say so"
    )
    content_sha256 = serializers.CharField(allow_blank=True, help_text="also on the event that printed it")
    renderer = serializers.IntegerField(
        allow_null=True, help_text="version of what drew it; null: printed before it was kept"
    )


class Reconciliation(Shape):
    """How many labels were issued, and how many ended how: issued = open + applied + returned + destroyed + void.

    The order closes when none is open or void any more: issued = applied + returned + destroyed.
    """

    issued = serializers.IntegerField()
    open = serializers.IntegerField(help_text="printed, end not known; none may be left when the order closes")
    applied = serializers.IntegerField()
    returned = serializers.IntegerField()
    destroyed = serializers.IntegerField()
    void = serializers.IntegerField()


class LabelPrints(Shape):
    """Every label of an order."""

    prints = LabelPrintRow(many=True)
    reconciliation = Reconciliation()


class PDFQuery(serializers.Serializer[Any]):
    """Which labels, on what."""

    step = serializers.CharField(required=False, help_text="key of the step that printed them; all if absent")
    sheet = serializers.ChoiceField(
        choices=LabelSheet.choices, required=False, help_text="several on a sheet; without it one per page of its size"
    )
    first = serializers.IntegerField(
        required=False, min_value=1, help_text="place of the sheet for the first label, 1 is upper left"
    )


class ZPLQuery(serializers.Serializer[Any]):
    """Which labels, for which printer."""

    step = serializers.CharField(required=False, help_text="key of the step that printed them; all if absent")
    dpi = serializers.ChoiceField(
        choices=[(dpi, f"{dpi} dots per inch") for dpi in label_zpl.RESOLUTIONS], required=False
    )


class LabelsView(ActorView):
    """Every print."""

    @extend_schema(
        operation_id="list_labels",
        tags=["material"],
        summary="List every print of an order's labels with its end, and their reconciliation",
        responses=LabelPrints,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        return Response(_listed(self.actor, code))


def _listed(actor: Actor, code: str) -> dict[str, Any]:
    prints = labels.prints_of(actor, code)
    rows = [
        {
            "container": row.container.code,
            "version": row.design.version if row.design else None,
            "content": label_prints.said(row),
            "content_sha256": kept.digest if (kept := label_prints.kept_of(row)) else "",
            "renderer": label_prints.renderer_of(row),
        }
        | {name: getattr(row, name) for name in PRINT_FIELDS}
        for row in prints
    ]
    return {"prints": rows, "reconciliation": labels.counted(prints)}


class LabelEndRequest(label_ends.LabelEndInputs):
    """Which print, and what became of it."""

    serial = serializers.CharField(max_length=48)


class LabelEndView(OfOrder):
    """What became of one print."""

    @extend_schema(
        operation_id="settle_label",
        tags=["material"],
        summary="Record what became of a print of a label that is on no bag: returned or destroyed",
        parameters=[ONCE],
        request=LabelEndRequest,
        responses=LabelPrints,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        sent = body_of(request)
        with suppress(Replayed):
            label_ends.settle_label(self.actor, code, str(sent.get("serial", "")), sent, once=once_of(request))
        with reading(self.actor):
            return Response(_listed(self.actor, code))


class ReprintView(OfOrder):
    """A label once more."""

    @extend_schema(
        operation_id="reprint_label",
        tags=["material"],
        summary="Print the label of a filled container again, with the reason; the former is void",
        parameters=[ONCE],
        request=ReprintInputs,
        responses={201: LabelPrints},
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            reprint_label(self.actor, code, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(_listed(self.actor, code), status=201)


class ScanBackView(OfOrder):
    """Prints on their bags."""

    @extend_schema(
        operation_id="scan_back_labels",
        tags=["material"],
        summary="Record that prints are on their bags: two people scan the same prints and sign",
        parameters=[ONCE],
        request=ScanBackInputs,
        responses=LabelPrints,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            scan_back(self.actor, code, body_of(request), once=once_of(request))
        with reading(self.actor):
            return Response(_listed(self.actor, code))


class LabelsPDFView(PrintOut):
    """The valid labels as PDF."""

    @extend_schema(
        operation_id="print_labels",
        tags=["material"],
        summary="The order's valid labels as PDF, as they were when printed; no further print is recorded",
        parameters=[PDFQuery],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        return labels.labels_pdf(request._request, code=code)


class VoidQuery(serializers.Serializer[Any]):
    """Which print."""

    serial = serializers.CharField(required=False, help_text="of one print; all that are valid no more if absent")


class VoidLabelsPDFView(PrintOut):
    """Labels that are valid no more, as PDF."""

    @extend_schema(
        operation_id="show_void_labels",
        tags=["material"],
        summary="Prints that are void, returned or destroyed, as they were drawn, with VOID across them",
        parameters=[VoidQuery],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        return labels.void_labels_pdf(request._request, code=code)


class ZPLRenderer(PDFRenderer):
    """Lets `Accept: application/zpl` through."""

    media_type = "application/zpl"
    format = "zpl"


class LabelsZPLView(ActorView):
    """The valid labels for a label printer."""

    renderer_classes = [ZPLRenderer, JSONRenderer]

    @extend_schema(
        operation_id="print_labels_zpl",
        tags=["material"],
        summary="The order's valid labels for a label printer (ZPL II, UTF-8), as they were when printed",
        parameters=[ZPLQuery],
        responses={(200, "application/zpl"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        return labels.labels_zpl(request._request, code=code)
