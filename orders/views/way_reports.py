"""The page on which a courier reports a box's way: legs, customs, another route (CC2, CC4)."""

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
from orders.actions import way_reports as action
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def report(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """Ask what happened, or record it."""
    if request.method != "POST":
        return _page(request, code, box)

    def act(actor: Actor, once: Once | None) -> str:
        action.report_way(actor, code, box, request.POST, once=once)
        return "Recorded. Where the arrival moves, everybody on the order is being told."

    place = reverse("orders:shipment", args=[code, box])
    return acted(request, ("report-way", code, box), act, lambda refusal: _page(request, code, box, refusal), place)


def _page(request: HttpRequest, code: str, box: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.box_of_order(actor, order_named(actor, code), box)
    if refusal is None and not action.may_report(actor, found.box):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    fields = described(action.WayInputs(), Filling(actor.zone, {"expected_at": ""}, posted, errors))
    context = {
        "order": found.order,
        "box": found.box,
        "way": found.way,
        "fields": with_choices(fields, _choices(found.way)),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": found.order.code, "url": reverse("orders:order", args=[found.order.code])},
            {"label": f"Box {found.box.code}", "url": reverse("orders:shipment", args=[code, found.box.code])},
            {"label": "On the way", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/report_way.html", context, status=refusal.status if refusal else 200)


def _choices(way: Any) -> dict[str, list[tuple[str, str]]]:
    legs = [(str(leg.number), f"{leg.number}: {leg.words}") for leg in way.legs]
    routes = [(route.name, route.name or "The planned one") for route in way.routes]
    return {"leg": [("", "No leg"), *legs], "route": routes or [("", "The planned one")]}
