"""The price list of changed dates: what is charged for what, from which day on; and one more price."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, Refusal
from network.queries import therapies
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.prices import CHARGED, PriceInput, set_price
from scheduling.states import PriceKind
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of, today
from scheduling.views.board import pages

PER_PAGE = 50


@require_http_methods(["GET", "POST"])
@desk(Capability.CONFIGURE_THERAPY)
def prices(request: HttpRequest) -> HttpResponseBase:
    """List the prices; a POST sets one."""
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, actor)
    try:
        row = set_price(actor, _given(request))
    except AGAIN:
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal).render()
    messages.success(request, f"The price counts from {row.starts_on:%d %b %Y} on.")
    return SeeOther(reverse("scheduling:prices"))


def _given(request: HttpRequest) -> PriceInput:
    typed = {name: request.POST.get(name, "").replace("\x00", "").strip() for name in FIELDS}
    faults: dict[str, list[str]] = {}
    try:
        amount = Decimal(typed["amount"])
    except InvalidOperation:
        amount, faults["amount"] = Decimal(0), ["Give an amount such as 1250.00."]
    days = typed["days_before"]
    if days and not (days.isascii() and days.isdigit() and len(days) < 5):
        faults["days_before"] = ["Give a whole number of days, or nothing."]
    starts_on = _date(typed["starts_on"])
    if starts_on is None:
        faults["starts_on"] = ["Give a day."]
    if faults or starts_on is None:
        raise InvalidInput(fields=faults)
    return PriceInput(
        therapy=typed["therapy"],
        kind=typed["kind"],
        amount=amount,
        currency=typed["currency"].upper(),
        starts_on=starts_on,
        charged_to=typed["charged_to"],
        days_before=int(days) if days and not faults else None,
    )


def _date(text: str) -> dt.date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


FIELDS = ("therapy", "kind", "days_before", "amount", "currency", "charged_to", "starts_on")


def _page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None) -> TemplateResponse:
    own = therapies(actor, active=False).filter(manufacturer_id=actor.organization_id)
    names = dict(own.values_list("pk", "name"))
    page = Paginator(queries.change_prices(actor), PER_PAGE).get_page(request.GET.get("page"))
    now, seen = today(actor), set()
    rows: list[dict[str, Any]] = []
    for row in page.object_list:
        key = (row.therapy_id, row.kind, row.days_before, row.charged_to)
        begun = row.starts_on <= now
        rows.append(
            {
                "price": row,
                "therapy": names.get(row.therapy_id, ""),
                "state": "later" if not begun else "past" if key in seen else "now",
            }
        )
        seen |= {key} if begun else set()
    context = {
        "prices": rows,
        "pages": pages(page, {}),
        "fields": _fields(request, list(own.values_list("code", "name")), refusal.fields if refusal else {}, now),
        "refusal": refusal,
    }
    return TemplateResponse(request, "scheduling/prices.html", context, status=status_of(refusal))


def _fields(request: HttpRequest, mine: list[tuple[str, str]], errors: Any, today: dt.date) -> list[dict[str, Any]]:
    payers = [(role.value, role.label) for role in CHARGED]
    shown: list[dict[str, Any]] = [
        {"name": "therapy", "label": "Therapy", "type": "select", "choices": mine},
        {"name": "kind", "label": "What costs", "type": "select", "choices": PriceKind.choices},
        {
            "name": "days_before",
            "label": "Given up within",
            "type": "number",
            "unit": "days",
            "min": 1,
            "step": 1,
        },
        {"name": "amount", "label": "Amount", "type": "text", "maxlength": 11},
        {"name": "currency", "label": "Currency", "type": "text", "maxlength": 3, "placeholder": "EUR"},
        {"name": "charged_to", "label": "Charged to", "type": "select", "choices": payers},
        {"name": "starts_on", "label": "From", "type": "date", "min": today.isoformat()},
    ]
    for field in shown:
        field["value"] = request.POST.get(field["name"], "")
        field["errors"] = errors.get(field["name"], [])
        field["required"] = field["name"] != "days_before"
    return shown
