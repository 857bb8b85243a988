"""The lineage of an order's material: drawn, in words, and the form of who works on it (CL1)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody import lineage as drawing
from custody import queries as custody
from custody.conversions import OPEN_STATES
from custody.states import ContainerState
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from orders import queries
from orders.actions.conversions import ConvertInputs, convert_material
from orders.flow import order_named
from orders.forms import Filling, described, flat, in_place, unplaced, without_blank_rows
from orders.states import OrderState
from orders.views import banner
from orders.views.order_cards import container_status
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk

LISTS = ("bags", "volumes")
WORKED_ON = (*OPEN_STATES, ContainerState.IN_PROCESS)
BLANK: dict[str, list[dict[str, str]]] = {
    "bags": [{}, {}],
    "volumes": [{}, {}, {}, {}],
}  # rows that stay empty are left out


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def lineage(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show what was made of what, or record that something was."""
    if request.method != "POST":
        return _page(request, code)
    sent, places = without_blank_rows(request.POST, LISTS)

    def act(actor: Actor, once: Once | None) -> str:
        made = convert_material(actor, code, sent, once=once)
        return f"Recorded. Made: {', '.join(made)}. Print their labels, put them on, and scan them back."

    def again(refusal: Refusal) -> TemplateResponse:
        return _page(request, code, refusal, in_place(flat(refusal.fields), places))

    return acted(request, ("convert", code), act, again, reverse("orders:labels", args=[code.upper()]))


def _page(
    request: HttpRequest, code: str, refusal: Refusal | None = None, errors: dict[str, list[str]] | None = None
) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    inside = queries.may_see_therapy(actor)
    found = custody.lineage_of(actor, order.stream_id) if inside else None
    nodes = found.nodes() if found else []
    may = inside and _may_work(actor, order, nodes)
    posted = request.POST if request.method == "POST" else None
    filling = Filling(actor.zone, BLANK, posted, errors or {})
    fields = described(ConvertInputs(), filling) if may else []
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "rows": [{"node": node, "status": container_status(node.container.state)} for node in nodes],
        "drawing": drawing.drawn(nodes) if nodes else None,
        "acts": found.acts if found else [],
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors or {}, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Lineage", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/lineage.html", context, status=refusal.status if refusal else 200)


def _may_work(actor: Actor, order: Any, nodes: list[drawing.Node]) -> bool:
    """Whether the form is offered: the persona may, and its organization holds something that can be worked on."""
    if order.state != OrderState.OPEN or not actor.can(Capability.CONVERT_MATERIAL):
        return False
    bags = [node.container for node in nodes]
    return any(bag.custodian_id == actor.organization_id and bag.state in WORKED_ON for bag in bags)
