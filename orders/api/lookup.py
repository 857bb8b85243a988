"""What a code names, what one's own organization holds, and which patients are known already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import patient_search
from custody import queries as custody
from ledger.refusals import NotFound
from orders import queries
from orders.api import answers, shapes
from personas.asking import ActorView, PageQuery, input_of, page_of, query_of, reads
from personas.envelopes import page, whole
from personas.states import Capability


class CodeQuery(serializers.Serializer[Any]):
    """A scanned or typed code."""

    code = serializers.CharField(max_length=200, help_text="as scanned: bag, label, chain of identity or box")


class LookupView(ActorView):
    """What is this code?"""

    @extend_schema(
        operation_id="look_up_code",
        tags=["material"],
        summary="Say what a code names among the organization's orders (a courier: boxes only)",
        parameters=[CodeQuery],
        responses=answers.CodeMeaning,
    )
    @reads
    def get(self, request: Request) -> Response:
        found = custody.lookup(self.actor, query_of(request, CodeQuery)["code"])
        inside = queries.may_see_therapy(self.actor)
        if found is None or (not inside and found.shipment is None):
            raise NotFound()
        order = queries.orders(self.actor).filter(stream_id=found.stream_id).first()
        if order is None:
            raise NotFound()
        body: dict[str, Any] = {"order": order.code, "href": shapes.href("order", order.code), "kind": _kind(found)}
        if found.shipment:
            body["box"] = found.shipment.code
        if inside:
            body["identity_code"] = order.identity_code
        if inside and found.container:
            body["container"] = {"code": found.container.code, "state": found.container.state}
        return Response(body)


def _kind(found: Any) -> str:
    if found.shipment:
        return "box"
    return str(found.container.kind) if found.container else "identity"


class CustodyFilters(PageQuery):
    """Which material."""

    site = serializers.CharField(max_length=40, required=False, help_text="site code")


class CustodyView(ActorView):
    """What the organization holds now."""

    @extend_schema(
        operation_id="list_custody",
        tags=["material"],
        summary="List the containers in the organization's custody, longest held first (none for a courier)",
        parameters=[CustodyFilters],
        responses=page(answers.HeldRow, "CustodyPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, CustodyFilters)
        held = custody.held_by(self.actor)
        held = held if queries.may_see_therapy(self.actor) else held.none()
        if given.get("site"):
            held = held.filter(site__code=given["site"])
        return page_of(self, held, ("since", "pk"), self._rows)

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        codes = queries.codes_of(self.actor, [row.stream_id for row in rows])
        return [
            {
                "container": row.container.code,
                "kind": row.container.kind,
                "state": row.container.state,
                "site": shapes.place(row.site),
                "since": row.since,
                "order": codes.get(row.stream_id),
            }
            for row in rows
        ]


class PatientQuery(serializers.Serializer[Any]):
    """A record number, or name and birth date; in the body, so that no address holds them."""

    mrn = serializers.CharField(max_length=40, required=False)
    family_name = serializers.CharField(max_length=100, required=False)
    given_name = serializers.CharField(max_length=100, required=False)
    birth_date = serializers.DateField(required=False)


class FindPatientView(ActorView):
    """Is this patient known?"""

    scope = Capability.READ_IDENTITY

    @extend_schema(
        operation_id="find_patient",
        tags=["orders"],
        summary="Find own patients by record number, or by name and birth date, before an order is opened",
        request=PatientQuery,
        responses=whole(answers.KnownPatient, "KnownPatientList"),
    )
    @reads
    def post(self, request: Request) -> Response:
        given = input_of(request, PatientQuery)
        names = f"{given.get('family_name', '')} {given.get('given_name', '')} {given.get('birth_date', '')}"
        texts = [text for text in (given.get("mrn"), names if given.get("birth_date") else None) if text]
        found = sorted(set().union(*(patient_search.find(self.actor, text) for text in texts)))
        by_patient = queries.codes_by_patient(self.actor, found)
        return Response({"results": [{"patient": key, "orders": by_patient.get(key, [])} for key in found]})
