"""Stop-ship: what it would hold is shown before anybody signs; each stop with its units, and its end by two (QA4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders import queries
from orders.actions import stop_runs
from orders.actions import stops as action
from orders.actions.unit_searches import CRITERIA, sought_of
from orders.forms import Filling, described, flat, unplaced
from orders.views import frame
from orders.views.requests import acted, asked, typed
from orders.views.units import criteria_in
from personas.queries import people_names, username_of
from personas.states import Capability
from personas.views import desk
from quality import queries as quality

SHOWN = 100
PER_PAGE = 50
ORDERS_A_SECOND = 40  # of a stop, at the slowest that was measured (docs/benchmarks.md)
WORDS = {
    "lot": "Lot",
    "donor": "Donor",
    "shipper": "Shipper",
    "site": "Site",
    "since": "From (UTC)",
    "until": "Until (UTC)",
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.STOP_UNITS)
def stop(request: HttpRequest) -> HttpResponseBase:
    """Show what a stop would hold, or stop it."""
    if request.method != "POST":
        return _stop_page(request)
    signature = {name: request.POST.get(f"signature.{name}", "") for name in ("username", "password")}
    sent = {name: typed(request, name) for name in (*CRITERIA, "reason")} | {"signature": signature}
    made: list[str] = []

    def act(actor: Actor, once: Once | None) -> str:
        made.append(action.stop_units(actor, sent, once=once))
        with reading(actor):
            by_worker = action.stop_named(actor, made[0]).working_since is not None
        if by_worker:
            return "Stopped: nothing of these orders goes on. The units are being put aside; see below how far it is."
        return "Stopped. Every unit is put aside; all sites and, where it carries a box, the courier are told."

    answer = acted(request, ("stop-units",), act, lambda refusal: _stop_page(request, refusal), reverse("orders:stops"))
    if made:
        answer["Location"] = reverse("orders:stop", args=[made[0]])
    return answer


def _stop_page(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not action.may_stop(actor):
        raise NotFound()
    posted = request.method == "POST"
    chosen = {name: typed(request, name) for name in CRITERIA} if posted else criteria_in(request)
    found, wrong, later = None, refusal, ""
    try:
        sought = sought_of(actor, chosen)
        found, later = action.affected(actor, sought), action.later_words(sought)
    except Refusal as refused:
        wrong = refusal or refused
    errors = flat(wrong.fields) if wrong else {}
    filling = Filling(actor.zone, posted=request.POST if posted else None, errors=errors)
    fields = [field for field in described(action.StopUnitsInputs(), filling) if field["name"] == "reason"]
    context = {
        "chosen": {name: text for name, text in chosen.items() if text},
        "said": [(WORDS[name].removesuffix(" (UTC)"), text) for name, text in chosen.items() if text],
        "found": found,
        "later": later,
        "seconds": len(found.orders) // ORDERS_A_SECOND if found else 0,
        "by_worker": len(found.orders) > action.AT_ONCE if found else False,
        "rows": found.rows[:SHOWN] if found else [],
        "more": max(len(found.rows) - SHOWN, 0) if found else 0,
        "back": f"{reverse('orders:units')}?{urlencode(chosen)}",
        "fields": fields,
        "username": username_of(actor),
        "errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "once": request.POST.get("once") or uuid4(),
        "refusal": wrong,
        "unplaced": [words for words in unplaced(errors, fields) if wrong is None or words != wrong.detail],
        "crumbs": [
            {"label": "Find units", "url": reverse("orders:units")},
            {"label": "Stop them", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/stop_units.html", context, status=wrong.status if wrong else 200)


@require_safe
@never_cache
@desk(Capability.FIND_UNITS)
def stop_list(request: HttpRequest) -> HttpResponseBase:
    """List the organization's stops, the newest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page: Any = Paginator(quality.stops_of(actor), PER_PAGE).get_page(asked(request, "page"))
    rows = [{"stop": row, "sought": _said(row)} for row in page.object_list]
    return TemplateResponse(request, "orders/stops.html", {"rows": rows, "pages": frame.pages(page, {})})


@require_safe
@never_cache
@desk(Capability.FIND_UNITS)
def one(request: HttpRequest, number: str) -> HttpResponseBase:
    """Show a stop: what it found, which orders it stands on, and how it ends."""
    return _one(request, number)


@require_safe
@never_cache
@desk(Capability.FIND_UNITS)
def progress(request: HttpRequest, number: str) -> HttpResponseBase:
    """Show how far a stop of many orders is: asked again and again by its page."""
    row = action.stop_named(request.actor, number)  # type: ignore[attr-defined]
    context = {"row": row, "progress": stop_runs.progress_of(row), "polled": True}
    return TemplateResponse(request, "orders/_stop_progress.html", context)


@require_POST
@desk(Capability.STOP_UNITS)
def lift(request: HttpRequest, number: str) -> HttpResponseBase:
    """End a stop, or its part of one order, by two people."""
    sent: dict[str, Any] = {name: typed(request, name) for name in ("conclusion", "order")}
    for who in ("signature", "other"):
        sent[who] = {name: request.POST.get(f"{who}.{name}", "") for name in ("username", "password")}

    def act(actor: Actor, once: Once | None) -> str:
        count = action.lift_stop(actor, number, sent, once=once)
        return f"Lifted. {count} units go on from where they are; the others wait for a decision of their own."

    place = reverse("orders:stop", args=[number])
    return acted(request, ("lift-stop", number), act, lambda refusal: _one(request, number, refusal), place)


def _one(request: HttpRequest, number: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    row = action.stop_named(actor, number)
    page: Any = Paginator(quality.stopped_units(actor, row), PER_PAGE).get_page(asked(request, "page"))
    orders = list(quality.stopped_orders(actor, row))
    codes = queries.codes_of(actor, [order.stream_id for order in orders])
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(actor.zone, {"order": asked(request, "order")}, request.POST if refusal else None, errors)
    shown = described(action.LiftStopInputs(), filling)
    fields = [field for field in shown if field["name"] in ("conclusion", "order")]
    signed = [key for key in (row.opened_by_id, row.lifted_by_id, row.lifted_with_id) if key is not None]
    people = people_names(actor, signed)
    context = {
        "row": row,
        "sought": _said(row),
        "units": page.object_list,
        "pages": frame.pages(page, {}),
        "orders": [{"row": order, "code": codes.get(order.stream_id, "")} for order in orders],
        "opened_by": people.get(row.opened_by_id, ""),
        "lifted_by": " and ".join(people[key] for key in signed[1:] if key in people),
        "may_lift": action.may_stop(actor) and row.state == "standing" and row.working_since is None,
        "progress": stop_runs.progress_of(row),
        "fields": fields,
        "second": [field for field in shown if field["name"].startswith("other.")],
        "username": username_of(actor),
        "errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "once": request.POST.get("once") or uuid4(),
        "refusal": refusal,
        "unplaced": unplaced(errors, shown),
        "crumbs": [{"label": "Stops", "url": reverse("orders:stops")}, {"label": row.number, "url": ""}],
    }
    return TemplateResponse(request, "orders/stop.html", context, status=refusal.status if refusal else 200)


def _said(row: Any) -> list[tuple[str, str]]:
    return [(WORDS[name], row.sought[name]) for name in WORDS if name in row.sought]
