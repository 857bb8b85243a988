"""Where a therapy is given, by whom, and on which lanes it travels, over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.refusals import NotFound
from network import queries
from network.actions.lane_plans import AlertInputs, LanePlanInputs, plan_lane, set_alert_default
from network.actions.places import authorize_site, set_lymphodepletion_policy, suspend_site
from network.actions.qualifications import add_credential
from network.api import shapes
from personas.asking import ActorView, PageQuery, answers_once, body_of, input_of, page_of, query_of, reads
from personas.envelopes import page
from personas.headers import ONCE
from personas.queries import sites
from personas.states import Capability


def _therapy_and_site(actor: Actor, given: dict[str, Any]) -> tuple[Any, Any]:
    """Return what two codes name; NotFound for what the actor does not know."""
    with reading(actor):
        therapy = queries.therapy(actor, given.pop("therapy"))
        site = sites(actor).filter(code=given.pop("site")).first()
    if site is None:
        raise NotFound()
    return therapy, site


def _answer(actor: Actor, authorization: Any) -> Response:
    with reading(actor):
        found = queries.authorizations(actor).select_related("therapy", "site").get(pk=authorization.pk)
        return Response(shapes.authorization_row(found))


class AuthorizationFilters(PageQuery):
    """Which authorizations."""

    therapy = serializers.CharField(max_length=40, required=False, help_text="therapy code")


class AuthorizationsView(ActorView):
    """Sites that may give a therapy."""

    @extend_schema(
        operation_id="list_site_authorizations",
        tags=["network"],
        summary="List site authorizations: a manufacturer's own, or a center's own",
        parameters=[AuthorizationFilters],
        responses=page(shapes.AuthorizationRow, "AuthorizationPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        given = query_of(request, AuthorizationFilters)
        found = queries.authorizations(self.actor).select_related("therapy", "site")
        found = found.filter(therapy__code=given["therapy"]) if given.get("therapy") else found
        return page_of(self, found, ("pk",), lambda rows: [shapes.authorization_row(row) for row in rows])

    @extend_schema(
        operation_id="authorize_site",
        tags=["network"],
        summary="Authorize a center's site for a therapy, or reinstate it",
        parameters=[ONCE],
        request=shapes.AuthorizationInput,
        responses=shapes.AuthorizationRow,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.AuthorizationInput)
        therapy, site = _therapy_and_site(self.actor, given)
        return _answer(self.actor, authorize_site(self.actor, therapy, site, **given))


class SuspendView(ActorView):
    """Suspension."""

    @extend_schema(
        operation_id="suspend_site",
        tags=["network"],
        summary="Suspend a site for a therapy, with the reason: no new order from there",
        parameters=[ONCE],
        request=shapes.SuspensionInput,
        responses=shapes.AuthorizationRow,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.SuspensionInput)
        therapy, site = _therapy_and_site(self.actor, given)
        return _answer(self.actor, suspend_site(self.actor, therapy, site, reason=given.get("reason", "")))


class LymphodepletionView(ActorView):
    """When lymphodepletion may begin."""

    @extend_schema(
        operation_id="set_lymphodepletion_policy",
        tags=["network"],
        summary="Let a site begin lymphodepletion on the release, or wait for the product, with the reason (TP2)",
        parameters=[ONCE],
        request=shapes.LymphodepletionInput,
        responses=shapes.AuthorizationRow,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = {"reason": ""} | input_of(request, shapes.LymphodepletionInput)
        therapy, site = _therapy_and_site(self.actor, given)
        return _answer(self.actor, set_lymphodepletion_policy(self.actor, therapy, site, **given))


class CredentialsView(ActorView):
    """Who may prescribe what."""

    scope = Capability.ADMINISTER

    @extend_schema(
        operation_id="list_credentials",
        tags=["network"],
        summary="List the credentials of the organization's people",
        parameters=[PageQuery],
        responses=page(shapes.CredentialRow, "CredentialPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.credentials(self.actor)
        return page_of(self, found, ("pk",), lambda rows: [shapes.credential_row(row) for row in rows])

    @extend_schema(
        operation_id="add_credential",
        tags=["network"],
        summary="Credential a person of the organization for a therapy, or for all",
        parameters=[ONCE],
        request=shapes.CredentialInput,
        responses={201: shapes.CredentialRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.CredentialInput)
        code = given.pop("therapy", None)
        with reading(self.actor):
            therapy = queries.therapy(self.actor, code) if code else None
        made = add_credential(self.actor, person_id=given.pop("person"), therapy=therapy, **given)
        return Response(shapes.credential_row(made), status=201)


class LanesView(ActorView):
    """Ways."""

    @extend_schema(
        operation_id="list_lanes",
        tags=["network"],
        summary="List the lanes in force that the organization sponsors, drives, sends from or receives at",
        parameters=[PageQuery],
        responses=page(shapes.LaneRow, "LanePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.lanes(self.actor).select_related("courier", "origin", "destination")
        return page_of(self, found, ("pk",), lambda rows: [shapes.lane_row(row) for row in rows])


class LanePlanView(ActorView):
    """How a lane is run."""

    @extend_schema(
        operation_id="plan_lane",
        tags=["network"],
        summary="Write down how a lane is run, as its next version: alerts, legs, contingency, papers, limits",
        parameters=[ONCE],
        request=LanePlanInputs,
        responses={201: shapes.LaneRow},
    )
    @answers_once
    def post(self, request: Request, lane: UUID) -> Response:
        made = plan_lane(self.actor, lane, body_of(request))
        with reading(self.actor):
            found = queries.lanes(self.actor).select_related("courier", "origin", "destination").get(pk=made)
            return Response(shapes.lane_row(found), status=201)


class AlertDefaultView(ActorView):
    """When people are told before milestones, where a lane does not say."""

    @extend_schema(
        operation_id="read_alert_default",
        tags=["network"],
        summary="Read how many minutes before the milestones of boxes people are told on the sponsor's lanes",
        responses=shapes.LeadRow,
    )
    @reads
    def get(self, request: Request) -> Response:
        return Response(queries.lead_minutes(self.actor.organization_id, None))

    @extend_schema(
        operation_id="set_alert_default",
        tags=["network"],
        summary="Set how many minutes before the milestones of boxes people are told on the sponsor's lanes",
        parameters=[ONCE],
        request=AlertInputs,
        responses=shapes.LeadRow,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        set_alert_default(self.actor, body_of(request))
        with reading(self.actor):
            return Response(queries.lead_minutes(self.actor.organization_id, None))
