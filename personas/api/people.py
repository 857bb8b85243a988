"""People, personas and keys of the acting organization, for its administrator; organizations, for everybody."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import InvalidInput, NotFound, Refusal
from personas import queries
from personas.actions import people, persona_rights
from personas.api import shapes
from personas.asking import ActorView, PageQuery, answers_once, input_of, once_of, page_of, query_of, reads, version_of
from personas.envelopes import page, whole
from personas.headers import ETAG, IF_MATCH, ONCE
from personas.states import Capability


class OrganizationsView(ActorView):
    """Who takes part."""

    @extend_schema(
        operation_id="list_organizations",
        tags=["people"],
        summary="List the acting organization and its partners",
        parameters=[PageQuery],
        responses=page(shapes.OrganizationRow, "OrganizationPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        found = queries.organizations(self.actor)
        return page_of(self, found, ("code",), lambda rows: [shapes.organization_row(self.actor, row) for row in rows])


class AdministratorView(ActorView):
    """A view for the organization's administrator."""

    scope = Capability.ADMINISTER


class PeopleView(AdministratorView):
    """Members."""

    @extend_schema(
        operation_id="list_people",
        tags=["people"],
        summary="List the people of the organization with their personas",
        parameters=[PageQuery],
        responses=page(shapes.MemberRow, "PeoplePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        return page_of(
            self, queries.members(self.actor), ("pk",), lambda rows: [shapes.member_row(row) for row in rows]
        )

    @extend_schema(
        operation_id="add_person",
        tags=["people"],
        summary="Give a person a persona in the organization",
        parameters=[ONCE],
        request=shapes.MemberInput,
        responses={201: shapes.MemberRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.MemberInput)
        with reading(self.actor):
            site = _own_site(self.actor, given.get("site"))
        member = people.invite(
            self.actor, email=given["username"], name=given["name"], persona_key=given["persona"], site=site
        )
        with reading(self.actor):
            return Response(shapes.member_row(queries.members(self.actor).get(pk=member.pk)), status=201)


def _own_site(actor: Actor, code: str | None) -> Any:
    """Return a site of the acting organization by its code; None for none, InvalidInput for any other."""
    if not code:
        return None
    site = queries.sites(actor).filter(code=code, organization_id=actor.organization_id).first()
    if site is None:
        raise InvalidInput(fields={"site": ["Your organization has no such site."]})
    return site


class SiteView(AdministratorView):
    """Where a persona works."""

    @extend_schema(
        operation_id="change_site",
        tags=["people"],
        summary="Move a person's persona to another site of the organization, or to all",
        parameters=[ONCE],
        request=shapes.SiteInput,
        responses=shapes.MemberRow,
    )
    @answers_once
    def post(self, request: Request, membership_id: UUID) -> Response:
        given = input_of(request, shapes.SiteInput)
        with reading(self.actor):
            member = queries.members(self.actor).filter(pk=membership_id).first()
            if member is None:
                raise NotFound()
            site = _own_site(self.actor, given["site"])
        people.change_site(self.actor, member, site)
        with reading(self.actor):
            return Response(shapes.member_row(queries.members(self.actor).get(pk=member.pk)))


class EndView(AdministratorView):
    """The end of a membership."""

    @extend_schema(
        operation_id="end_membership",
        tags=["people"],
        summary="End a person's persona; running sessions lose it at once",
        parameters=[ONCE],
        request=None,
        responses=shapes.MemberRow,
    )
    @answers_once
    def post(self, request: Request, membership_id: UUID) -> Response:
        with reading(self.actor):
            member = queries.members(self.actor).filter(pk=membership_id).first()
            if member is None:
                raise NotFound()
            body = shapes.member_row(member)
        if member.pk == self.actor.membership_id:
            raise Refusal(
                "You cannot end the membership that you act in.", code="own_membership", remedy="Ask a colleague."
            )
        people.end_membership(self.actor, member)
        return Response(body)


class PersonasView(AdministratorView):
    """Personas."""

    @extend_schema(
        operation_id="list_personas",
        tags=["people"],
        summary="List the organization's personas and what each may do",
        responses=whole(shapes.PersonaRow, "PersonaList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = queries.persona_rights(self.actor)
        return Response({"results": [shapes.persona_row(rights) for rights in found]})


class PersonaView(AdministratorView):
    """One persona."""

    @extend_schema(
        operation_id="read_persona",
        tags=["people"],
        summary="Read what a persona may do",
        parameters=[ETAG],
        responses=shapes.PersonaRow,
    )
    @reads
    def get(self, request: Request, key: str) -> Response:
        return _persona_answer(self.actor, key)

    @extend_schema(
        operation_id="adapt_persona",
        tags=["people"],
        summary="Rename a persona, add or take away rights, with the reason",
        parameters=[ONCE, IF_MATCH, ETAG],
        request=shapes.PersonaChange,
        responses=shapes.PersonaRow,
    )
    def post(self, request: Request, key: str) -> Response:
        once, version = once_of(request), version_of(request)
        given = input_of(request, shapes.PersonaChange)
        with suppress(Replayed):
            persona_rights.adapt_persona(self.actor, key, **given, version=version, once=once)
        with reading(self.actor):
            return _persona_answer(self.actor, key)


def _persona_answer(actor: Actor, key: str) -> Response:
    found = queries.rights_of(actor, key)
    return Response(shapes.persona_row(found), headers={"ETag": f'"{found.version}"'})


class PersonaChangesView(AdministratorView):
    """The history of a persona."""

    @extend_schema(
        operation_id="list_persona_changes",
        tags=["people"],
        summary="List what was changed of a persona, by whom and why, newest first",
        parameters=[PageQuery],
        responses=page(shapes.PersonaChangeRow, "PersonaChangePage"),
    )
    @reads
    def get(self, request: Request, key: str) -> Response:
        query_of(request, PageQuery)
        changes = queries.persona_changes(self.actor, queries.rights_of(self.actor, key).key)
        return page_of(self, changes, ("-seq",), queries.told_changes)


class KeysView(AdministratorView):
    """API keys."""

    @extend_schema(
        operation_id="list_keys",
        tags=["people"],
        summary="List the organization's API keys, revoked ones included",
        parameters=[PageQuery],
        responses=page(shapes.KeyRow, "KeyPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        return page_of(self, queries.api_keys(self.actor), ("-pk",), lambda rows: [shapes.key_row(row) for row in rows])

    @extend_schema(
        operation_id="issue_key",
        tags=["people"],
        summary="Issue a key for a partner system; the answer shows its token, only this once",
        parameters=[ONCE],
        request=shapes.KeyInput,
        responses={201: shapes.KeyWithToken},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, shapes.KeyInput)
        if self.actor.user_id is None:
            raise NotFound()
        key, token = people.issue_api_key(
            self.actor,
            name=given["name"],
            persona_key=given["persona"],
            scopes=given["scopes"],
            responsible=queries.account(self.actor.user_id),
            expires_at=given.get("expires_at"),
        )
        with reading(self.actor):
            row = shapes.key_row(queries.api_keys(self.actor).get(pk=key.pk))
        return Response(row | {"token": token}, status=201, headers={"Cache-Control": "no-store"})


class RevokeView(AdministratorView):
    """The end of a key."""

    @extend_schema(
        operation_id="revoke_key",
        tags=["people"],
        summary="Revoke a key; it stops working with the next request",
        parameters=[ONCE],
        request=None,
        responses=shapes.KeyRow,
    )
    @answers_once
    def post(self, request: Request, prefix: str) -> Response:
        people.revoke_api_key(self.actor, prefix)
        with reading(self.actor):
            return Response(shapes.key_row(queries.api_keys(self.actor).get(prefix=prefix)))
