"""The desk of inspector and auditor: one field that takes any code, and orders to draw a sample from (RG2, AC1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.requests import asked, day
from personas import queries as personas

PER_PAGE = 25


@desk_named("auditor")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The desk at ``/``; its field leads to the record of an order."""
    return page(request, actor)


def page(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Return the search with what was asked and not found, and the orders opened between two days."""
    code = asked(request, "code")
    chosen = {name: asked(request, name) for name in ("since", "until")}
    listed = Paginator(_between(queries.orders(actor), chosen), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "search": {
            "name": "code",
            "label": "Any code",
            "type": "scan",
            "value": code,
            "required": True,
            "help": "Order, chain of identity, batch, donation number, label, bag or box: scan or type it.",
            "errors": [f"“{code}” names nothing that your organization may see."] if code else [],
        },
        "missed": bool(code),
        "orders": list(listed.object_list),
        "filters": [
            {"name": "since", "label": "Opened from", "type": "date", "value": chosen["since"], "needed": True},
            {"name": "until", "label": "Opened until", "type": "date", "value": chosen["until"], "needed": True},
        ],
        "filtered": any(chosen.values()),
        "pages": frame.pages(listed, chosen),
        "total": listed.paginator.count,
        "ends": access_ends(actor),
        "sees_therapy": queries.may_see_therapy(actor),
        "here": reverse("orders:find_record"),
    }
    return TemplateResponse(request, "oversight/desk.html", context, status=404 if code else 200)


def _between(orders: Any, chosen: dict[str, str]) -> Any:
    since, until = day(chosen["since"]), day(chosen["until"])
    if since:
        orders = orders.filter(opened_at__gte=dt.datetime.combine(since, dt.time(), dt.UTC))
    if until and until < dt.date.max:
        orders = orders.filter(opened_at__lt=dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC))
    return orders


def access_ends(actor: Actor) -> dt.datetime | None:
    """Return when this reader's access ends by itself (RG1)."""
    return personas.access_ends(actor)


def moment(text: str) -> dt.datetime | None:
    return parse_datetime(text)
