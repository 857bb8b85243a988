"""The record of an order: events in words per reader, signatures, material with its custody, shipments, print-outs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from custody import queries as custody
from ledger import queries as record
from ledger.context import Actor
from ledger.events import kind_named
from orders import queries
from orders.api import answers, shapes
from orders.flow import order_named
from orders.views import documents, dossiers
from personas.asking import ActorView, PageQuery, page_of, query_of, reads
from personas.states import Capability


def event_row(actor: Actor, event: Any) -> dict[str, Any]:
    """Return an event in the words of the reader's role; reasons and facts are not for couriers."""
    row = {
        "id": event.pk,
        "kind": event.kind,
        "label": event.label,
        "text": kind_named(event.kind).say(event.payload, actor.organization_role),
        "subject": event.subject_id,
        "occurred_at": event.occurred_at,
        "zone": event.zone,
        "recorded_at": event.recorded_at,
        "device_time": event.device_time,
        "clock_off": bool(event.payload.get("clock_off")),
        "organization": event.organization_name,
        "actor": event.actor_name,
        "channel": event.channel,
    }
    if queries.may_see_therapy(actor):
        row |= {"reason": event.reason, "facts": event.payload.get("facts") or {}}
    return row


class EventsView(ActorView):
    """What happened."""

    scope = Capability.VIEW_RECORD

    @extend_schema(
        operation_id="list_events",
        tags=["record"],
        summary="List an order's events, oldest first",
        parameters=[PageQuery],
        responses=answers.page(answers.EventRow, "EventPage"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        query_of(request, PageQuery)
        events = record.events_of(self.actor, order_named(self.actor, code).stream_id)
        return page_of(self, events, ("seq",), lambda rows: [event_row(self.actor, row) for row in rows])


class SignaturesView(ActorView):
    """Who signed what."""

    scope = Capability.VIEW_RECORD

    @extend_schema(
        operation_id="list_signatures",
        tags=["record"],
        summary="List an order's signatures",
        responses=answers.whole(answers.SignatureRow, "SignatureList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        found = record.signatures_of(self.actor, order_named(self.actor, code).stream_id)
        return Response({"results": [_signature_row(signature) for signature in found]})


def _signature_row(signature: Any) -> dict[str, Any]:
    return {
        "person": signature.person_name,
        "organization": signature.organization_name,
        "persona": signature.persona,
        "capability": signature.capability,
        "meaning": signature.meaning,
        "method": signature.method,
        "signed_at": signature.signed_at,
        "zone": signature.zone,
        "content_hash": signature.content_hash,
        "event": signature.event_id,
    }


CONTAINER_FIELDS = (
    "code",
    "kind",
    "vessel",
    "state",
    "collected_at",
    "ended_at",
    "expires_at",
    "thawed_at",
    "storage_location",
    "donation_number",
    "lot",
    "serial",
    "quarantine_reason",
)


class MaterialView(ActorView):
    """Bags, vials and kits."""

    @extend_schema(
        operation_id="list_material",
        tags=["material"],
        summary="List an order's material with its chain of custody (none for a courier)",
        responses=answers.whole(answers.ContainerRow, "ContainerList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        if not queries.may_see_therapy(self.actor):
            return Response({"results": []})
        periods: dict[Any, list[Any]] = defaultdict(list)
        for period in custody.custody_of(self.actor, order.stream_id):
            periods[period.container_id].append(_custody_row(period))
        return Response(
            {
                "results": [
                    _container_row(row) | {"custody": periods[row.pk]}
                    for row in custody.containers_of(self.actor, order.stream_id)
                ]
            }
        )


def _container_row(container: Any) -> dict[str, Any]:
    volume = container.volume_ml
    exact = {"volume_ml": None if volume is None else str(volume)}  # a decimal, never a float
    return {name: getattr(container, name) for name in CONTAINER_FIELDS} | exact | shapes.k_and_n(container)


def _custody_row(period: Any) -> dict[str, Any]:
    return {
        "organization": period.organization.name,
        "site": shapes.place(period.site),
        "since": period.since,
        "until": period.until,
    }


SHIPMENT_FIELDS = (
    "code",
    "direction",
    "state",
    "shipper_code",
    "seal_code",
    "logger_code",
    "packed_at",
    "picked_up_at",
    "delivered_at",
    "opened_at",
)


class ShipmentsView(ActorView):
    """Sealed shippers and their hand-overs."""

    @extend_schema(
        operation_id="list_shipments",
        tags=["material"],
        summary="List an order's shipments and hand-overs (a courier: those it carries, outer codes only)",
        responses=answers.whole(answers.ShipmentRow, "ShipmentList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        shipments: QuerySet[Model] = custody.shipments_of(self.actor, order_named(self.actor, code).stream_id)
        inside = queries.may_see_therapy(self.actor)
        if not inside:
            shipments = shipments.filter(courier_id=self.actor.organization_id)
        return Response({"results": [_shipment_row(row, inside) for row in shipments]})


def _shipment_row(shipment: Any, inside: bool) -> dict[str, Any]:
    row = {name: getattr(shipment, name) for name in SHIPMENT_FIELDS} | {
        "from_site": shapes.place(shipment.from_site),
        "to_site": shapes.place(shipment.to_site),
        "courier": shipment.courier.name,
        "seal_checks": [
            {name: getattr(check, name) for name in ("stage", "seal_seen", "matches", "seen_at")}
            for check in shipment.seal_checks.all()
        ],
    }
    if inside:
        row["containers"] = [item.container.code for item in shipment.items.all()]
    return row


class PDFRenderer(BaseRenderer):
    """Lets `Accept: application/pdf` through; the print-outs come ready, so only problem documents are rendered."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return json.dumps(data).encode()


class PrintOut(ActorView):
    """A file that comes ready from the pages' views."""

    renderer_classes = [PDFRenderer, JSONRenderer]


def printed(operation: str, summary: str) -> Any:
    """Describe a print-out for the document of the interface."""
    return extend_schema(
        operation_id=operation,
        tags=["material"],
        summary=summary,
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )


class CertificateView(PrintOut):
    """The release certificate."""

    @printed("print_certificate", "The certificate of the newest release as PDF")
    def get(self, request: Request, code: str) -> HttpResponseBase:
        return documents.certificate(request._request, code=code)


class ZipRenderer(PDFRenderer):
    """Lets `Accept: application/zip` through."""

    media_type = "application/zip"
    format = "zip"


class DossierView(ActorView):
    """Everything about an order, sealed, to be verified without account or network."""

    scope = Capability.VIEW_RECORD
    renderer_classes = [ZipRenderer, JSONRenderer]

    @extend_schema(
        operation_id="take_dossier",
        tags=["record"],
        summary="The order's dossier as a zip; taking it is on the record",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        return dossiers.dossier(request._request, code=code)
