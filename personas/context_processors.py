"""What every page needs: who acts, where else the person may act, the navigation, whether this is a demonstration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from personas import queries


def acting(request: HttpRequest) -> dict[str, Any]:
    """Provide ``actor``, ``memberships``, ``navigation``, ``demo``; when a demonstration signs in, ``demo_signins``."""
    context: dict[str, Any] = {"demo": settings.DEMO, "actor": None, "memberships": [], "navigation": []}
    actor = getattr(request, "actor", None)
    if actor is not None:
        context["actor"] = actor
        context["memberships"] = SimpleLazyObject(lambda: queries.places(actor))
        context["navigation"] = SimpleLazyObject(lambda: queries.navigation_of(actor, request.path))
    elif settings.DEMO and request.path == reverse("account_login"):
        context["demo_signins"] = SimpleLazyObject(queries.demo_signins)
    return context
