"""`/api/v1/`: the apps' endpoints, the OpenAPI document, and its interactive page."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cgt import openapi  # noqa: F401 - declares the authentication schemes and the hooks

urlpatterns = [
    path("", include("personas.api")),
    path("", include("orders.api.urls")),
    path("", include("scheduling.api")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"),
        name="docs",
    ),
]
