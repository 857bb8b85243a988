"""The planner's desk: requests by the time their answer is due, with the load of the line; the week; what runs (MP2).

A contract manufacturer's planner sees the same sponsor by sponsor, and answers where the flow lets it.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import NotFound, Refusal, Unauthenticated
from ledger.states import Role
from orders import queries
from orders.actions import date_wishing, rescheduling
from orders.flow import perform
from orders.forms import flat
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.line_board import week_of
from orders.views.requests import asked, once_of, see_other, typed
from personas.states import Capability
from personas.views import desk
from scheduling import line_load


@desk_named("planner")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The desk as asked for: ``open`` names the request that is being declined, ``week`` a day of the board's week."""
    return _page(request, actor, asked(request, "open").upper())


def _page(request: HttpRequest, actor: Actor, opened: str, refusal: Refusal | None = None) -> TemplateResponse:
    context = frame.of(request, actor, queries.slot_requests(actor), rows=queries.requests_of)
    rows = context.pop("rows")
    found = next((row for row in rows if row.order.code == opened), None)
    today = timezone.localdate(timezone=ZoneInfo(actor.zone))
    week, keep = week_of(request, today), frame.query(context["chosen"])
    context |= {
        "groups": _groups(actor, rows),
        "count": len(rows),
        "opened": opened if found else "",
        "next_date": queries.next_date(actor, found.order) if found and found.mine else None,
        "refusal": refusal,
        "errors": flat(refusal.fields) if refusal else {},
        "typed": request.POST,
        "refused_code": opened if refusal else "",
        "once": request.POST.get("once") or uuid4(),
        "keep": keep,
        "here": f"{reverse('orders:home')}?{keep}&" if keep else f"{reverse('orders:home')}?",
        "board": line_load.week(actor, week),
        "week": [week + dt.timedelta(days=offset) for offset in range(line_load.WEEK)],
        "week_before": week - dt.timedelta(days=7),
        "week_after": week + dt.timedelta(days=7),
        "today": today,
        "changes": rescheduling.waiting_changes(actor) if actor.can(Capability.CONFIRM_SLOTS) else [],
        "wishes": queries.wished_dates(actor) if actor.can(Capability.CONFIRM_SLOTS) else [],
        "ahead": date_wishing.wished_ahead(actor),
        "days_wished": queries.days_for_plants(actor) if actor.can(Capability.CONFIRM_SLOTS) else [],
        "running": queries.running_batches(actor),
        "late_rows": frame.task_rows(actor, queries.late_at_plants(actor)),
        "by_sponsor": actor.organization_role == Role.CMO,
    }
    template = f"{actor.organization_role}/planner.html"
    return TemplateResponse(request, template, context, status=refusal.status if refusal else 200)


def _groups(actor: Actor, rows: list[Any]) -> list[dict[str, Any]]:
    """Return the requests as they come; a contract manufacturer's by sponsor, each in its own list."""
    if actor.organization_role != Role.CMO:
        return [{"sponsor": "", "rows": rows}] if rows else []
    ordered = sorted(rows, key=lambda row: row.order.manufacturer.name)  # stable: due times stay in order
    return [
        {"sponsor": sponsor, "rows": list(found)}
        for sponsor, found in groupby(ordered, key=lambda row: row.order.manufacturer.name)
    ]


@require_http_methods(["GET", "POST"])
@desk(Capability.VIEW_ORDERS)
def answer(request: HttpRequest) -> HttpResponseBase:
    """Confirm a request with one click, or decline it with its reason: the same act as on the step's own page.

    ``confirm`` or ``decline`` holds the order's code, the step's key and the version that was seen, colons between.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    back = f"{reverse('orders:home')}?{request.GET.urlencode()}".rstrip("?")
    if request.method != "POST":
        return see_other(back)
    decision = "decline" if request.POST.get("decline") else "confirm"
    code, key, version = (*typed(request, decision).split(":"), "", "", "")[:3]
    inputs: dict[str, Any] = {"decision": decision}
    if decision == "decline":
        inputs["reason"] = typed(request, "reason")
        inputs |= {"proposed_date": typed(request, "propose")} if request.POST.get("propose") else {}
    try:
        result = perform(actor, code, key, inputs, version=version or None, once=once_of(request, key, code))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code.upper(), refusal)
    messages.success(request, f"{result.order}: {result.summary}")
    return see_other(back)
