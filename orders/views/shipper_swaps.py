"""The page on which a box is recorded as moved into another shipper: for a phone at a cargo terminal (CC3)."""

from __future__ import annotations

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
from orders.actions import shipper_swaps as action
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def swap(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """Ask what the box was moved into, or record it."""
    if request.method != "POST":
        return _page(request, code, box)

    def act(actor: Actor, once: Once | None) -> str:
        action.swap_shipper(actor, code, box, request.POST, once=once)
        return "Recorded. The box keeps its code; everybody on the order is being told the new shipper and seal."

    place = reverse("orders:shipment", args=[code, box])
    return acted(request, ("swap-shipper", code, box), act, lambda refusal: _page(request, code, box, refusal), place)


def _page(request: HttpRequest, code: str, box: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.box_of_order(actor, order_named(actor, code), box)
    if refusal is None and not action.may_swap(actor, found.box):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    filling = Filling(actor.zone, {"logger_running": "yes"}, posted, errors)
    fields = described(action.ShipperSwapInputs(), filling)
    context = {
        "order": found.order,
        "box": found.box,
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": found.order.code, "url": reverse("orders:order", args=[found.order.code])},
            {"label": f"Box {found.box.code}", "url": reverse("orders:shipment", args=[code, found.box.code])},
            {"label": "Change of shipper", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/swap_shipper.html", context, status=refusal.status if refusal else 200)
