"""All orders that the organization is a party of, filtered by the address, paged by key."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from custody import vault
from custody.queries import lookup
from ledger.context import Actor
from ledger.refusals import InvalidInput
from network.queries import therapies
from orders import queries
from orders.states import PHASE_LABELS
from orders.views.requests import asked
from personas.states import Capability
from personas.views import desk

PER_PAGE = 25
STATES = {
    "open": Q(state="open"),
    "on_hold": Q(state="open", on_hold=True),
    "closed": Q(state="closed"),
    "cancelled": Q(state="cancelled"),
}
STATE_CHOICES = [("open", "Open"), ("on_hold", "On hold"), ("closed", "Closed"), ("cancelled", "Cancelled")]


@require_safe
@desk(Capability.VIEW_ORDERS)
def order_list(request: HttpRequest) -> HttpResponseBase:
    """Filters: ``q`` (a code, typed or scanned), ``state``, ``phase``, ``therapy``; cursors: ``after``, ``before``."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    chosen = {name: asked(request, name) for name in ("q", "state", "phase", "therapy")}
    found = _filtered(actor, chosen)
    orders, newer, older = _page(found, request.GET.get("after", ""), request.GET.get("before", ""))
    own = [order for order in orders if queries.may_see_identity(actor, order)]
    names = vault.open_identities(actor, queries.patient_ids(own)) if own else {}
    query = {name: value for name, value in chosen.items() if value}
    context = {
        "rows": [{"order": order, "patient": names.get(order.patient_id)} for order in orders],
        "newer_url": f"?{urlencode({**query, 'before': newer})}" if newer else "",
        "older_url": f"?{urlencode({**query, 'after': older})}" if older else "",
        "chosen": chosen,
        "filters": _filters(actor, chosen),
        "sees_therapy": queries.may_see_therapy(actor),
        "may_enrol": actor.can(Capability.ENROL_PATIENT),
    }
    return TemplateResponse(request, "orders/list.html", context)


def _filtered(actor: Actor, chosen: dict[str, str]) -> QuerySet[Any]:
    found: QuerySet[Any] = queries.orders(actor)
    if chosen["state"] in STATES:
        found = found.filter(STATES[chosen["state"]])
    if chosen["phase"] in PHASE_LABELS:
        found = found.filter(phase=chosen["phase"])
    if chosen["therapy"] and queries.may_see_therapy(actor):
        found = found.filter(therapy__code=chosen["therapy"])
    return found.filter(_named(actor, chosen["q"])) if chosen["q"] else found


def _named(actor: Actor, text: str) -> Q:
    """Match an order code, a chain of identity, or whatever a scanned code leads to."""
    wanted = Q(code__icontains=text)
    if queries.may_see_therapy(actor):
        wanted |= Q(identity_code__icontains=text)
    try:
        scanned = lookup(actor, text)
    except InvalidInput:
        return wanted
    return wanted | Q(stream_id=scanned.stream_id) if scanned else wanted


def _page(found: QuerySet[Any], after: str, before: str) -> tuple[list[Any], str, str]:
    """Return a page, newest first, with the cursors of the newer and the older page (empty at an end)."""
    cut = _cursor(before or after)
    if before and cut:
        opened, pk = cut
        newer = found.filter(Q(opened_at__gt=opened) | Q(opened_at=opened, pk__gt=pk))
        rows = list(newer.order_by("opened_at", "pk")[: PER_PAGE + 1])
        page = rows[:PER_PAGE][::-1]
        return page, _mark(page[0]) if len(rows) > PER_PAGE else "", _mark(page[-1]) if page else ""
    if after and cut:
        opened, pk = cut
        found = found.filter(Q(opened_at__lt=opened) | Q(opened_at=opened, pk__lt=pk))
    rows = list(found[: PER_PAGE + 1])
    page = rows[:PER_PAGE]
    return page, _mark(page[0]) if cut and page else "", _mark(page[-1]) if len(rows) > PER_PAGE else ""


def _mark(order: Any) -> str:
    return f"{order.opened_at.astimezone(dt.UTC).isoformat()}_{order.pk}"


def _cursor(text: str) -> tuple[dt.datetime, UUID] | None:
    moment, _, key = text.partition("_")
    try:
        opened = parse_datetime(moment)
        return (opened, UUID(key)) if opened and opened.tzinfo and 2000 < opened.year < 2200 else None
    except ValueError:
        return None


def _filters(actor: Actor, chosen: dict[str, str]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"name": "q", "label": "Code", "type": "search", "value": chosen["q"], "maxlength": 200},
        {
            "name": "state",
            "label": "State",
            "type": "select",
            "value": chosen["state"],
            "choices": STATE_CHOICES,
            "blank": "All",
        },
        {
            "name": "phase",
            "label": "Phase",
            "type": "select",
            "value": chosen["phase"],
            "choices": list(PHASE_LABELS.items()),
            "blank": "All",
        },
    ]
    if queries.may_see_therapy(actor):
        offered = [(therapy.code, therapy.name) for therapy in therapies(actor, active=False)]
        fields.append(
            {
                "name": "therapy",
                "label": "Therapy",
                "type": "select",
                "value": chosen["therapy"],
                "choices": offered,
                "blank": "All",
            }
        )
    return fields
