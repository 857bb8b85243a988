"""An issued bag comes back to the store, scanned and signed by two people on one page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions.material_returns import RETURNED_BY, SEEN_BY, ReturnInputs, may_return, return_material
from orders.flow import order_named
from orders.forms import Filling, described, flat, parts_of, unplaced
from orders.views import banner, order_cards
from orders.views.requests import once_of, see_other
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk

OWN_FIELDS = ("scan", "condition", "place", "reason", "at")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def take_back(request: HttpRequest, code: str, container: str) -> HttpResponseBase:
    """Show what would come back, or record that it did."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code, container)
    with reading(actor):
        _bag(actor, code, container)
    try:
        return_material(actor, code, container, request.POST, once=once_of(request, "return", code))
    except Replayed:
        pass
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, container, refusal)
    messages.success(request, f"{container.upper()} is back in the store. Quality decides whether it is used again.")
    return see_other(reverse("orders:order", args=[code]))


def _bag(actor: Actor, code: str, container: str) -> tuple[Any, Any]:
    order = order_named(actor, code)
    found = queries.bags_of(actor, order) if queries.may_see_therapy(actor) else []
    bag = next((bag for bag in found if bag.code == container.strip().upper()), None)
    if bag is None:
        raise NotFound("This order has no such container.")
    return order, bag


def _page(
    request: HttpRequest, actor: Actor, code: str, container: str, refusal: Refusal | None = None
) -> TemplateResponse:
    order, bag = _bag(actor, code, container)
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(actor.zone, posted=request.POST if request.method == "POST" else None, errors=errors)
    fields = described(ReturnInputs(), filling)
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "bag": bag,
        "status": order_cards.container_status(bag.state),
        "may_return": may_return(actor, order, bag),
        "fields": [field for field in fields if field["name"] in OWN_FIELDS],
        "meaning": RETURNED_BY,
        "witness_meaning": SEEN_BY,
        "username": username_of(actor),
        "own_errors": parts_of(errors, "signature"),
        "witness_errors": parts_of(errors, "witness"),
        "witness_username": filling.value("witness.username"),
        "witness_scan": filling.value("witness.scan"),
        "once": request.POST.get("once") or uuid4(),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Return to the store", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/take_back.html", context, status=refusal.status if refusal else 200)
