"""What is printed: the release certificate as PDF, packing lists as a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from custody.label_symbols import data_matrix
from ledger.context import Actor
from ledger.refusals import NotFound
from orders import queries
from orders.flow import order_named
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def certificate(request: HttpRequest, code: str) -> HttpResponseBase:
    """The certificate of the newest release of an order; a revoked one says so."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    certificate = queries.certificate_of(actor, order)
    if certificate is None:
        raise NotFound()
    name, content = certificate
    return _pdf(content, name)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def packing_list(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """What is in a packed box, to be printed; ``?face=outer`` is for its outside and all a courier reads (CO9)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    found = queries.packing_list(actor, order, box, outer=request.GET.get("face") == "outer")
    context = {
        "order": order,
        "found": found,
        "box": found.shipment,
        "symbol": _squares(found.shipment.code),
        "may_see_inside": queries.may_see_therapy(actor),
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Packing list", "url": ""},
        ]
        if found.inside
        else [],  # not even the order's code is printed for the outside
    }
    return TemplateResponse(request, "orders/packing_list.html", context)


def _squares(content: str) -> dict[str, Any]:
    """Return the DataMatrix of a code as an SVG path over its modules, with their number per side."""
    modules = data_matrix(content)
    path = "".join(
        f"M{column} {row}h1v1h-1z" for row, line in enumerate(modules) for column, dark in enumerate(line) if dark
    )
    return {"path": path, "size": len(modules)}


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
