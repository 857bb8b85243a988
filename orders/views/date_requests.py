"""Dates requested where nothing is published: asked and withdrawn at the center, answered at the manufacturer (F24)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from orders.actions import date_requests as action
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner
from orders.views.offers import offers_of
from orders.views.requests import acted, asked, day, typed
from personas.states import Capability
from personas.views import desk
from scheduling.states import ChainState, DateRequestState

WINDOW = dt.timedelta(days=6)  # around the wished day, where nothing else was typed


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def date_request(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show how the order's request stands, or ask for dates."""
    if request.method != "POST":
        return _page(request, code)

    def act(actor: Actor, once: Once | None) -> str:
        row = action.request_dates(actor, code, request.POST, once=once)
        return (
            f"The manufacturer is asked; it answers by {row.due_at.astimezone(ZoneInfo(actor.zone)):%a %d %b, %H:%M}."
        )

    return _done(request, code, "date-request", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def answer(request: HttpRequest, code: str) -> HttpResponseBase:
    """Confirm the request with one of the chains that would meet it, or decline it."""

    def act(actor: Actor, once: Once | None) -> str:
        row = action.answer_request(actor, code, request.POST, once=once)
        if row.state != DateRequestState.MET:
            return "The request is declined; the center is told why."
        if row.chain and row.chain.state == ChainState.CONFIRMED:
            return "Every place is booked and confirmed. Everybody on the order is told."
        return "Every place is booked for the center. What the flow asks for next is on the order's page."

    return _done(request, code, "answer-date-request", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def withdraw(request: HttpRequest, code: str) -> HttpResponseBase:
    """Give an open request up."""

    def act(actor: Actor, once: Once | None) -> str:
        action.withdraw_request(actor, code, request.POST, once=once)
        return "The request is withdrawn."

    return _done(request, code, "withdraw-date-request", act)


def _done(request: HttpRequest, code: str, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:order", args=[code.upper()])
    return acted(request, (at, code), act, lambda refusal: _page(request, code, refusal), place)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    standing = action.standing(actor, code)
    order, row = standing.order, standing.row
    errors = flat(refusal.fields) if refusal else {}
    zone = order.center_site.zone
    offers = None
    if row is not None and standing.may_answer:
        chosen, today = typed(request, "offer"), timezone.localdate(timezone=ZoneInfo(zone))
        offers = offers_of(standing.found, zone, today, row.first_date, chosen, errors.get("offer", []))
    fields = _fields(request, zone, errors) if standing.may_ask else []
    context = {
        "order": order,
        "row": row,
        "standing": standing,
        "banner": banner.of(actor, order),
        "zone": zone,
        "offers": offers,
        "fields": fields,
        "errors": errors,
        "typed": request.POST,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Requested dates", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/date_request.html", context, status=refusal.status if refusal else 200)


def _fields(request: HttpRequest, zone: str, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    wished = day(asked(request, "wished"))
    initial: dict[str, Any] = {}
    if wished is not None:
        today = timezone.localdate(timezone=ZoneInfo(zone))
        days = {"wished_on": wished, "first_date": max(today, wished - WINDOW), "last_date": wished + WINDOW}
        initial = {name: date.isoformat() for name, date in days.items()}
    posted = request.POST if request.method == "POST" else None
    return described(action.WishInputs(), Filling(zone, initial, posted, errors))
