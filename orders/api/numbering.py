"""Numbering over REST: the organization's versions and prefixes; propose, approve, retire."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import numbering_register as register
from custody.actions import numbering as action
from custody.states import PrefixKind, SchemeKind, SchemeState
from ledger.context import reading
from ledger.recording import Replayed
from ledger.refusals import NotFound
from personas.asking import ActorView, body_of, once_of, reads
from personas.envelopes import Shape
from personas.headers import ONCE


class SchemeRow(Shape):
    """A version of the organization's numbering scheme."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=SchemeKind.choices)
    prefix = serializers.CharField()
    pattern = serializers.CharField(allow_blank=True)
    looks_like = serializers.CharField(help_text="a `#` stands where each identifier differs")
    state = serializers.ChoiceField(choices=SchemeState.choices)


class PrefixRow(Shape):
    """What the organization's identifiers may begin with."""

    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=PrefixKind.choices)
    reference = serializers.CharField(allow_blank=True)


class Numbering(Shape):
    """How the organization numbers chains of identity."""

    versions = SchemeRow(many=True)
    prefixes = PrefixRow(many=True)


class NumberingView(ActorView):
    """The organization's numbering."""

    @extend_schema(
        operation_id="read_numbering",
        tags=["network"],
        summary="Tell how the organization numbers chains of identity: versions, newest first, and prefixes",
        responses=Numbering,
    )
    @reads
    def get(self, request: Request) -> Response:
        return self._told(200)

    @extend_schema(
        operation_id="propose_numbering",
        tags=["network"],
        summary="Propose a version of the scheme; a second person approves it",
        parameters=[ONCE],
        request=action.SchemeInputs,
        responses={201: Numbering},
    )
    def post(self, request: Request) -> Response:
        with suppress(Replayed):
            action.propose_scheme(self.actor, body_of(request), once=once_of(request))
        with reading(self.actor):
            return self._told(201)

    def _told(self, status: int) -> Response:
        if self.actor.organization_role not in action.NUMBERING_ROLES:
            raise NotFound()
        body = {
            "versions": [_row(version) for version in register.versions(self.actor)],
            "prefixes": [
                {"text": row.text, "kind": row.kind, "reference": row.reference}
                for row in register.prefixes(self.actor)
            ],
        }
        return Response(body, status=status)


class ApproveNumberingView(NumberingView):
    """A version that becomes live."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="approve_numbering",
        tags=["network"],
        summary="Make a proposed version live, as another person than proposed it",
        parameters=[ONCE],
        request=None,
        responses=Numbering,
    )
    def post(self, request: Request, scheme: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.approve_scheme(self.actor, scheme, once=once_of(request))
        with reading(self.actor):
            return self._told(200)


class RetireNumberingView(NumberingView):
    """A version that numbers no more orders."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="retire_numbering",
        tags=["network"],
        summary="Retire a version; identifiers that it gave stay what they are",
        parameters=[ONCE],
        request=action.RetireInputs,
        responses=Numbering,
    )
    def post(self, request: Request, scheme: UUID) -> Response:  # type: ignore[override]
        with suppress(Replayed):
            action.retire_scheme(self.actor, scheme, body_of(request), once=once_of(request))
        with reading(self.actor):
            return self._told(200)


def _row(version: register.Version) -> dict[str, Any]:
    row = version.row
    return {
        **{name: getattr(row, name) for name in ("id", "version", "kind", "pattern", "state")},
        "prefix": row.prefix.text,
        "looks_like": version.example,
    }
