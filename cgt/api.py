"""`/api/v1/`: the apps' endpoints, the OpenAPI document, and its interactive page."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from cgt import openapi  # noqa: F401 - declares the authentication schemes and the hooks


class Schema(SpectacularAPIView):
    """The OpenAPI document; refusals are problem documents, whatever was asked for."""

    def handle_exception(self, exc: Exception) -> Response:
        return _in_json(self, super().handle_exception(exc))


class Docs(SpectacularSwaggerSplitView):
    """The interactive page, with its script apart, so that the site's own content policy holds."""

    url_name = "api:schema"
    template_name = "api/docs.html"

    def handle_exception(self, exc: Exception) -> Response:
        return _in_json(self, super().handle_exception(exc))


def _in_json(view: Any, response: Response) -> Response:
    view.request.accepted_renderer, view.request.accepted_media_type = JSONRenderer(), "application/json"
    return response


urlpatterns = [
    path("", include("personas.api.urls")),
    path("", include("network.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("orders.api.epcis.urls")),
    path("", include("orders.api.urls")),
    path("", include("scheduling.api.urls")),
    path("schema/", Schema.as_view(), name="schema"),
    path("docs/", Docs.as_view(), name="docs"),
]
