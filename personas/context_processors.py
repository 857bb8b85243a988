"""What every page needs: who acts, where else the person may act, the navigation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from personas import queries


def acting(request: HttpRequest) -> dict[str, Any]:
    """Provide ``actor``, ``memberships`` and ``navigation``."""
    context: dict[str, Any] = {"actor": None, "memberships": [], "navigation": []}
    actor = getattr(request, "actor", None)
    if actor is not None:
        context["actor"] = actor
        context["memberships"] = SimpleLazyObject(lambda: queries.places(actor))
        context["navigation"] = SimpleLazyObject(lambda: queries.navigation_of(actor, request.path))
    return context
