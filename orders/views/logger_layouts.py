"""How files of logger models are read: the organization's saved layouts, and one more."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody import equipment_register, logger_files, logger_layouts
from custody.actions import layouts as action
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk

MOST = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def layouts(request: HttpRequest) -> HttpResponseBase:
    """Show the organization's layouts, or save one."""
    if request.method != "POST":
        return _page(request)

    def act(actor: Actor, once: Once | None) -> str:
        model = action.save_layout(actor, request.POST, once=once)
        return f"Files of {model} are read in this way from now on."

    place = reverse("orders:logger_layouts")
    return acted(request, ("save-layout",), act, lambda refusal: _page(request, refusal), place)


def _page(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not equipment_register.concerns(actor):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    may_keep = actor.can(Capability.KEEP_EQUIPMENT)
    posted = request.POST if request.method == "POST" else None
    filling = Filling(actor.zone, {"zone": actor.zone}, posted=posted, errors=errors)
    fields = described(action.LayoutInputs(), filling) if may_keep else []
    context = {
        "rows": [(row, logger_files.FORMATS[row.time_format]) for row in logger_layouts.layouts(actor)[:MOST]],
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/logger_layouts.html", context, status=refusal.status if refusal else 200)
