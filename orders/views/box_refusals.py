"""The page on which a receiver says why it does not accept a box."""

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
from orders.actions import box_refusals as action
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def refuse(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """Ask why, or record it."""
    if request.method != "POST":
        return _page(request, code, box)

    def act(actor: Actor, once: Once | None) -> str:
        action.refuse_box(actor, code, box, request.POST, once=once)
        return "Recorded. The box stays with the courier; quality, sender and courier control are being told."

    place = reverse("orders:shipment", args=[code, box])
    return acted(request, ("refuse-box", code, box), act, lambda refusal: _page(request, code, box, refusal), place)


def _page(request: HttpRequest, code: str, box: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.box_of_order(actor, order_named(actor, code), box)
    if refusal is None and not action.may_refuse(actor, found.box):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    fields = described(action.RefusalInputs(), Filling(actor.zone, {}, posted, errors))
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
            {"label": "Not accepted", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/refuse_box.html", context, status=refusal.status if refusal else 200)
