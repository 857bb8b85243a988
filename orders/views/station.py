"""One page per order for whoever works at it with their hands: steps in a column, the current one open in place."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import Refusal
from orders import queries
from orders.flow import order_named
from orders.states import PHASE_LABELS
from orders.views import banner, order_cards
from orders.views.requests import asked, see_other, typed
from orders.views.station_column import bags, column
from orders.views.step import after, send, sheet_context
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def station(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show the acting persona's steps on an order, or perform the open one; then the same page comes back.

    ``?step=`` opens another step that is ready too.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code, asked(request, "step"))
    key = typed(request, "step")
    sent = send(request, actor, code, key)
    if sent.refusal:
        with reading(actor):
            return _page(request, actor, code, key, sent.refusal, sent.errors)
    return see_other(after(actor, code, reverse("orders:station", args=[code])))


def _page(
    request: HttpRequest,
    actor: Actor,
    code: str,
    wanted: str,
    refusal: Refusal | None = None,
    errors: dict[str, list[str]] | None = None,
) -> TemplateResponse:
    order = order_named(actor, code)
    entries = column(actor, order, wanted)
    current = next((entry.step for entry in entries if entry.state == "current"), None)
    if refusal and (current is None or current.key != wanted):  # it moved on meanwhile: say why on what there is now
        errors = None
    context: dict[str, Any] = {
        "order": order,
        "banner": banner.of(actor, order),
        "refusal": refusal,
        "entries": entries,
        "phase": PHASE_LABELS.get(current.flow_step.phase if current else order.phase, ""),
        "turns": [] if current else order_cards.turns(actor, order),
        "crumbs": [
            {"label": "My desk", "url": reverse("orders:home")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Station", "url": ""},
        ],
    }
    if current is not None:
        request.open_step = current.key  # type: ignore[attr-defined]  # as the address of a step's own page says it
        whole = queries.step_of(actor, order, current.key)
        context |= sheet_context(request, actor, order, whole, refusal, errors) | {"crumbs": context["crumbs"]}
        context["bags"] = bags(actor, order, whole)
    return TemplateResponse(request, "orders/station.html", context, status=refusal.status if refusal else 200)
