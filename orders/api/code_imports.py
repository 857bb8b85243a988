"""Lists of codes over REST: all are registered, or none."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from orders.actions.code_imports import ImportCodesInputs, import_codes
from personas.asking import ActorView, body_of, once_of
from personas.envelopes import Shape
from personas.headers import ONCE


class ImportedCodes(Shape):
    """What became of a list."""

    registered = serializers.IntegerField(help_text="codes that are new")
    known = serializers.IntegerField(help_text="codes that named just this before: left as they are")


class ImportCodesView(ActorView):
    """A list of codes."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="import_aliases",
        tags=["material"],
        summary="Register many codes of your own system at once, for things of any order: all, or none",
        parameters=[ONCE],
        request=ImportCodesInputs,
        responses={201: ImportedCodes},
    )
    def post(self, request: Request) -> Response:
        try:
            answer = import_codes(self.actor, body_of(request), once=once_of(request)).as_json()
        except Replayed as replayed:
            answer = replayed.result
        return Response(answer, status=201)
