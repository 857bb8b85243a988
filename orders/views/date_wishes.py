"""What is wished of an order's dates, said on its own page: before anything is booked, or when it has changed."""

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
from ledger.refusals import Refusal
from orders import queries
from orders.actions import date_wishing as action
from orders.forms import flat, unplaced
from orders.views import banner
from orders.views.offers import weekdays_in, wish_fields
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def date_wishes(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show what is wished of the dates, or say it anew."""
    if request.method != "POST":
        return _page(request, code)

    def act(actor: Actor, once: Once | None) -> str:
        action.state_wishes(actor, code, request.POST, once=once)
        return "The order remembers what is wished of its dates. What is booked stays."

    place = reverse("orders:order", args=[code.upper()])
    return acted(request, ("date-wishes", code), act, lambda refusal: _page(request, code, refusal), place)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order, found = action.wished(actor, code)
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    fields: list[dict[str, Any]] = wish_fields(found, queries.usual_washout(order))
    for field in fields:
        field["errors"] = errors.get(field["name"], [])
        if posted is not None and field["name"] == "weekdays":
            field["value"] = sorted(weekdays_in(posted))
        elif posted is not None:
            field["value"] = posted.get(field["name"], "").replace("\x00", "")[:40]
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "wished": action.in_words(order, found),
        "may": action.may_state(actor, order),
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "zone": order.center_site.zone,
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Wishes", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/date_wishes.html", context, status=refusal.status if refusal else 200)
