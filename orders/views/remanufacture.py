"""How an order goes on after a lost batch: the treating physician decides and signs on a page of its own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders import queries
from orders.actions import remanufacture as action
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner
from orders.views.requests import acted
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def remanufacture(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show which ways are open and what stands against the others, or begin again."""
    seen = request.POST.get("version") or None

    def act(actor: Actor, once: Once | None) -> str:
        order = action.remanufacture(actor, code, request.POST, once=once, version=seen)
        return f"Order {order.code} goes on. The planner is told."

    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code)
    place = reverse("orders:order", args=[code])
    return acted(request, ("remanufacture", code), act, lambda refusal: _page(request, actor, code, refusal), place)


def _page(request: HttpRequest, actor: Actor, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    fields = described(action.RemanufactureInputs(), Filling(actor.zone, posted=posted, errors=errors))
    context = {
        "order": order,
        "etag": f"{order.version}",
        "banner": banner.of(actor, order),
        "may": action.may_decide(actor, order),
        "ways": [_way(actor, order, way, label) for way, label in action.WAYS.items()],
        "fields": [field for field in fields if not field["name"].startswith("signature")],
        "meaning": action.MEANING,
        "username": username_of(actor),
        "errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Make again", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/remanufacture.html", context, status=refusal.status if refusal else 200)


def _way(actor: Actor, order: Any, way: str, label: str) -> dict[str, Any]:
    missing = action.missing_for(actor, order, way)
    again = way == action.COLLECT and not missing
    return {"label": label, "missing": missing, "costs": action.costs_of_collecting(actor, order) if again else []}
