"""Who am I: the first question of every partner system."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger.context import Actor


class ActorSerializer(serializers.Serializer[Any]):
    """The organization, persona and rights behind the credentials that were sent."""

    name = serializers.CharField(source="display_name", help_text="person or key")
    organization_id = serializers.UUIDField()
    organization_name = serializers.CharField()
    organization_role = serializers.CharField()
    persona = serializers.CharField()
    persona_title = serializers.CharField()
    capabilities = serializers.SerializerMethodField(help_text="what these credentials may do, scopes applied")
    zone = serializers.CharField(help_text="IANA time zone of the site")
    synthetic = serializers.BooleanField(help_text="true in a sandbox: all data is fictional")

    def get_capabilities(self, actor: Actor) -> list[str]:
        return sorted(capability for capability in actor.capabilities if actor.can(capability))


class WhoAmI(APIView):
    """The actor that these credentials stand for."""

    @extend_schema(operation_id="who_am_i", responses=ActorSerializer, tags=["people"])
    def get(self, request: Request) -> Response:
        return Response(ActorSerializer(request.auth).data)
