"""The QC analyst's desk: batches that wait for results, what is missing of each, entry in place (QC2, QC3)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions.interruptions import repeat_step
from orders.flow import order_named, perform
from orders.forms import Filling, described, flat, in_place, without_blank_rows
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.requests import asked, once_of, see_other, typed
from orders.views.sheets import sheet_of
from personas.states import Capability
from personas.views import desk

MOST = 50


@desk_named("qc")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The desk as asked for; ``open`` names the order whose results are being entered."""
    return _page(request, actor, asked(request, "open").upper())


def _page(
    request: HttpRequest,
    actor: Actor,
    opened: str,
    refusal: Refusal | None = None,
    errors: dict[str, list[str]] | None = None,
) -> TemplateResponse:
    rows = queries.in_quality_control(actor)
    chosen = {name: asked(request, name) for name in ("therapy", "due")}
    therapies = sorted({(row.order.therapy.code, row.order.therapy.name) for row in rows}, key=lambda pair: pair[1])
    if chosen["therapy"]:
        rows = [row for row in rows if row.order.therapy.code == chosen["therapy"]]
    late = [row for row in rows if row.late]
    shown = late if chosen["due"] == "late" else rows
    found = next((row for row in shown if row.order.code == opened), None)
    context = {
        "strip": [
            frame.span("due", "late", "Late", len(late), chosen),
            frame.span("due", "", "All", len(rows), chosen),
        ],
        "filters": [frame.select("therapy", "Therapy", therapies, chosen)] if len(therapies) > 1 else [],
        "kept": [("due", chosen["due"])] if chosen["due"] else [],
        "filtered": any(chosen.values()),
        "rows": shown[:MOST],
        "more": max(0, len(shown) - MOST),
        "opened": opened if found else "",
        "entry": _entry(request, actor, found, errors or {}) if found and found.mine else None,
        "refusal": refusal,
        "refused_code": opened if refusal else "",
        "typed": request.POST,
        "once": request.POST.get("once") or uuid4(),
    }
    template = f"{actor.organization_role}/qc.html"
    return TemplateResponse(request, template, context, status=refusal.status if refusal else 200)


def _entry(request: HttpRequest, actor: Actor, row: Any, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return the rows of the step's own form for the tests that are open: limits beside the fields."""
    order = order_named(actor, row.order.code)
    sheet = sheet_of(actor, order, queries.step_of(actor, order, row.step.key))
    if sheet.inputs is None:
        return []
    posted = request.POST if request.method == "POST" and "results[0]test" in request.POST else None
    filling = Filling(sheet.zone, sheet.initial, posted, errors, {}, sheet.tests)
    results = next(found for found in described(sheet.inputs, filling) if found["name"] == "results")
    return list(results["entries"])


@require_http_methods(["GET", "POST"])
@desk(Capability.VIEW_ORDERS)
def enter(request: HttpRequest, code: str) -> HttpResponseBase:
    """Record the results that were entered for a batch, or begin the entry again for a test that was invalidated."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    back = f"{reverse('orders:home')}?open={code}#r-{code}"
    if request.method != "POST":
        order_named(actor, code)
        return see_other(back)
    key, places = typed(request, "step"), dict[str, list[int]]()
    with reading(actor):
        queries.step_of(actor, order_named(actor, code), key)
    try:
        if request.POST.get("repeat"):
            repeat_step(actor, code, key, typed(request, "reason"), once=once_of(request, "repeat", code))
            return see_other(back)
        inputs, places = without_blank_rows(request.POST)
        version = request.POST.get("version") or None
        result = perform(actor, code, key, inputs, version=version, once=once_of(request, key, code))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, refusal, in_place(flat(refusal.fields), places))
    messages.success(request, f"{result.order}: {result.summary}")
    return see_other(reverse("orders:home"))
