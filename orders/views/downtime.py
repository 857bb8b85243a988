"""Downtime packs: printed beforehand, per order or for the days ahead, so that downtime stops no collection (CO9)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import FactsMissing, InvalidInput, Refusal
from orders import queries
from orders.actions import downtime as action
from orders.actions.transcribing import transcripts_of
from orders.flow import order_named
from orders.views.requests import once_of, typed
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def packs(request: HttpRequest, code: str) -> HttpResponseBase:
    """List the packs that were printed of an order, or print another one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code)
    try:
        with reading(actor):
            identity = queries.may_see_identity(actor, order_named(actor, code))
        return pdf(*action.print_pack(actor, code, identity=identity, once=once_of(request, code, "pack")))
    except FactsMissing as refusal:
        with reading(actor):
            return _page(request, actor, code, refusal)


def _page(request: HttpRequest, actor: Actor, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    order = order_named(actor, code)
    steps = list(action.open_steps(actor).filter(order=order))
    context = {
        "order": order,
        "packs": [_pack(actor, order, row, steps) for row in action.packs_of(actor, order)[:50]],
        "transcripts": transcripts_of(actor, order),
        "zone": order.center_site.zone,
        "refusal": refusal,
        "once": uuid4(),
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Downtime packs", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/downtime.html", context, status=refusal.status if refusal else 200)


def _pack(actor: Actor, order: Any, row: Any, steps: list[Any]) -> dict[str, Any]:
    """Return a printed pack with the steps on it that the actor may still bring in from its paper."""
    own = row.organization_id == actor.organization_id
    waiting = [step for step in steps if own and step.flow_step.title in row.steps and actor.can(step.capability)]
    links = [(reverse("orders:transcribe", args=[order.code, row.number, one.key]), one) for one in waiting]
    return {"row": row, "links": links}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def day(request: HttpRequest) -> HttpResponseBase:
    """Print the packs of all orders of the next days as one file."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            return pdf(*action.print_day(actor, {"days": typed(request, "days")}, may_read=actor.can("read_identity")))
        except (FactsMissing, InvalidInput) as found:
            refusal = found
    errors = [str(text) for text in refusal.fields.get("days", [])] if refusal else []
    days = {"name": "days", "label": "Days ahead", "type": "number", "required": True, "errors": errors}
    days |= {"value": typed(request, "days") or 2, "min": 1, "max": 7, "step": "1", "help": "1 to 7"}
    context = {"field": days, "refusal": refusal, "once": uuid4()}
    return TemplateResponse(request, "orders/downtime_day.html", context, status=refusal.status if refusal else 200)


def pdf(name: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
