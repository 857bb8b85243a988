"""What there is to order and to book: therapies, sites, flows, slots."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound
from network.queries import therapies, therapy
from orders import queries
from orders.actions import flows as actions
from orders.api import answers, shapes
from orders.api.orders import reason_of
from personas.asking import ActorView, PageQuery, answers_once, body_of, page_of, query_of, reads
from personas.headers import LOCATION, ONCE
from personas.queries import organization_names, sites
from scheduling.queries import slots
from scheduling.states import ResourceKind


class TherapiesView(ActorView):
    """Therapies."""

    @extend_schema(
        operation_id="list_therapies",
        tags=["catalog"],
        summary="List the therapies of the organization and its partners",
        parameters=[PageQuery],
        responses=answers.page(answers.TherapyRow, "TherapyPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = therapies(self.actor) if queries.may_see_therapy(self.actor) else therapies(self.actor).none()
        return page_of(self, found, ("code",), self._rows)

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        names = organization_names(self.actor, [row.manufacturer_id for row in rows])
        return [
            shapes.therapy_row(row) | {"manufacturer": names.get(row.manufacturer_id), "synthetic": row.synthetic}
            for row in rows
        ]


class SiteFilters(PageQuery):
    """Whose sites."""

    role = serializers.ChoiceField(
        choices=["treatment_center", "manufacturer", "cmo", "courier"], required=False, help_text="of the organization"
    )


class SitesView(ActorView):
    """Sites."""

    @extend_schema(
        operation_id="list_sites",
        tags=["catalog"],
        summary="List the sites of the organization and its partners",
        parameters=[SiteFilters],
        responses=answers.page(answers.SiteRow, "SitePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = sites(self.actor, query_of(request, SiteFilters).get("role"))
        return page_of(self, found, ("code",), lambda rows: [_site_row(row) for row in rows])


def _site_row(site: Any) -> dict[str, Any]:
    row = shapes.place(site) or {}
    return row | {"organization": site.organization.name, "organization_role": site.organization.role}


def flow_row(flow: Any) -> dict[str, Any]:
    return {
        "id": flow.pk,
        "name": flow.name,
        "version": flow.version,
        "title": flow.title,
        "state": flow.state,
        "therapy": shapes.therapy_row(flow.therapy),
        "manufacturer": flow.manufacturer.name,
        "approved_at": flow.approved_at,
        "href": shapes.href("flow", flow.pk),
    }


def flow_detail(actor: Actor, flow_id: UUID) -> dict[str, Any]:
    """Return a flow version with its definition; NotFound for couriers, who see no therapy."""
    if not queries.may_see_therapy(actor):
        raise NotFound()
    found = queries.flow(actor, flow_id)
    return flow_row(found) | {"definition": queries.flow_definition(found)}


class FlowsView(ActorView):
    """Flow versions."""

    @extend_schema(
        operation_id="list_flows",
        tags=["flows"],
        summary="List flow versions, newest first",
        parameters=[PageQuery],
        responses=answers.page(answers.FlowRow, "FlowPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.flows(self.actor)
        found = found if queries.may_see_therapy(self.actor) else found.none()
        return page_of(self, found, ("-pk",), lambda rows: [flow_row(row) for row in rows])

    @extend_schema(
        operation_id="propose_flow",
        tags=["flows"],
        summary="Propose a new version of a therapy's flow; another person approves it",
        parameters=[ONCE, LOCATION],
        request=answers.FlowProposal,
        responses={201: answers.FlowDetail},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        sent = body_of(request)
        given = answers.FlowProposal(data=sent)
        if not given.is_valid():
            raise InvalidInput(fields=dict(given.errors))
        with reading(self.actor):
            ordered = therapy(self.actor, given.validated_data["therapy"])
        # The definition goes on as it was sent: the engine names unknown properties too.
        flow = actions.propose_flow(self.actor, ordered, sent["definition"])
        with reading(self.actor):
            body = flow_detail(self.actor, flow.pk)
        return Response(body, status=201, headers={"Location": shapes.href("flow", flow.pk)})


class FlowView(ActorView):
    """One flow version."""

    @extend_schema(
        operation_id="read_flow",
        tags=["flows"],
        summary="Read a flow version with its definition",
        responses=answers.FlowDetail,
    )
    @reads
    def get(self, request: Request, flow_id: UUID) -> Response:
        return Response(flow_detail(self.actor, flow_id))


class ApproveFlowView(ActorView):
    """Approval by a second person."""

    @extend_schema(
        operation_id="approve_flow",
        tags=["flows"],
        summary="Approve a proposed version: it is live for new orders",
        parameters=[ONCE],
        request=None,
        responses=answers.FlowDetail,
    )
    @answers_once
    def post(self, request: Request, flow_id: UUID) -> Response:
        body_of(request)
        actions.approve_flow(self.actor, flow_id)
        with reading(self.actor):
            return Response(flow_detail(self.actor, flow_id))


class RetireFlowView(ActorView):
    """The end of a version."""

    @extend_schema(
        operation_id="retire_flow",
        tags=["flows"],
        summary="Retire a version: no new order starts on it, running orders keep it",
        parameters=[ONCE],
        request=answers.Reason,
        responses=answers.FlowDetail,
    )
    @answers_once
    def post(self, request: Request, flow_id: UUID) -> Response:
        with reading(self.actor):
            flow_detail(self.actor, flow_id)
        reason = reason_of(body_of(request))
        actions.retire_flow(self.actor, flow_id, reason)
        with reading(self.actor):
            return Response(flow_detail(self.actor, flow_id))


class SlotFilters(PageQuery):
    """Which slots."""

    kind = serializers.ChoiceField(choices=ResourceKind.choices, required=False)
    site = serializers.CharField(max_length=40, required=False, help_text="site code")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    with_places = serializers.BooleanField(required=False, default=False, help_text="leave out what is full")


class SlotsView(ActorView):
    """Offered windows."""

    @extend_schema(
        operation_id="list_slots",
        tags=["capacity"],
        summary="List offered windows with their free places, earliest first",
        parameters=[SlotFilters],
        responses=answers.page(answers.SlotRow, "SlotPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, SlotFilters)
        names = ("kind", "since", "until", "with_places")
        found = slots(self.actor, **{name: given[name] for name in names if name in given}).select_related("site")
        if given.get("site"):
            found = found.filter(Q(site__code=given["site"]))
        return page_of(self, found, ("starts_at", "pk"), self._rows)

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        names = organization_names(self.actor, [row.organization_id for row in rows])
        return [_slot_row(self.actor, row, names) for row in rows]


def _slot_row(actor: Actor, slot: Any, names: dict[UUID, str]) -> dict[str, Any]:
    row = {
        "id": slot.pk,
        "resource": slot.resource.code,
        "resource_name": slot.resource.name,
        "kind": slot.kind,
        "organization": names.get(slot.organization_id),
        "site": slot.site.code if slot.site else None,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "places_free": slot.capacity - slot.taken,
    }
    if slot.organization_id == actor.organization_id:
        row |= {"capacity": slot.capacity, "taken": slot.taken}
    return row
