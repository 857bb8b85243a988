"""Lanes: who drives where, how each is run, and when people are told before the milestones of a box (F51, F54)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from ledger.states import Role
from network import lane_plans
from network import queries as network
from network.actions.lane_plans import AlertInputs, LanePlanInputs, plan_lane, set_alert_default
from network.states import LegMode, Milestone
from orders.forms import Filling, described, flat, in_place, unplaced, without_blank_rows
from orders.views.frame import pages
from orders.views.requests import acted, asked
from personas.states import Capability
from personas.views import desk

SHOWN = 25
BLANK_LEGS = 4  # rows that stay empty are left out


def concerns(actor: Actor) -> bool:
    """Whether the actor looks after lanes: who opens the pages."""
    return actor.can(Capability.MANAGE_LANES)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def lanes(request: HttpRequest) -> HttpResponseBase:
    """List the lanes that concern the organization; its sponsor sets when people are told."""
    if request.method != "POST":
        return _list(request)

    def act(actor: Actor, once: Once | None) -> str:
        set_alert_default(actor, request.POST, once=once)
        return "From now on people are told so long before, on every lane that does not say otherwise."

    return acted(request, ("alert-default",), act, lambda refusal: _list(request, refusal), reverse("orders:lanes"))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def lane(request: HttpRequest, lane: UUID) -> HttpResponseBase:
    """Show how a lane is run, or write down its next version."""
    if request.method != "POST":
        return _one(request, lane)
    sent, places = without_blank_rows(request.POST, ("legs",))

    def act(actor: Actor, once: Once | None) -> str:
        plan_lane(actor, lane, sent, once=once)
        return "The next version of the lane is in force."

    def again(refusal: Refusal) -> TemplateResponse:
        return _one(request, lane, refusal, in_place(flat(refusal.fields), places))

    return acted(request, (f"lane-{lane}",), act, again, reverse("orders:lanes"))


def _keeper(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not concerns(actor):
        raise NotFound()
    return actor


def _rows(actor: Actor) -> Any:
    related = ("courier", "origin", "destination", "manufacturer")
    return network.lanes(actor).select_related(*related).order_by("origin__name", "destination__name", "pk")


def _list(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor = _keeper(request)
    page = Paginator(_rows(actor), SHOWN).get_page(asked(request, "page"))
    sponsor = actor.organization_role == Role.MANUFACTURER
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    initial = lane_plans.lead_minutes(actor.organization_id, None) if sponsor else {}
    fields = described(AlertInputs(), Filling(actor.zone, initial, posted, errors)) if sponsor else []
    context = {
        "rows": [{"lane": row, "routes": lane_plans.routes_of(row)} for row in page],
        "pages": pages(page, {}),
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/lanes.html", context, status=refusal.status if refusal else 200)


def _one(
    request: HttpRequest, key: UUID, refusal: Refusal | None = None, errors: dict[str, list[str]] | None = None
) -> TemplateResponse:
    actor = _keeper(request)
    row = _rows(actor).filter(pk=key).first()
    if row is None:
        raise NotFound()
    posted = request.POST if request.method == "POST" else None
    filling = Filling(actor.zone, _initial(row), posted, errors or {})
    fields = described(LanePlanInputs(), filling) if row.manufacturer_id == actor.organization_id else []
    leads = lane_plans.lead_minutes(row.manufacturer_id, row)
    context = {
        "lane": row,
        "routes": lane_plans.routes_of(row),
        "leads": [(milestone.label, leads[milestone]) for milestone in Milestone],
        "modes": dict(LegMode.choices),
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors or {}, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Lanes", "url": reverse("orders:lanes")}, {"label": row.origin.name, "url": ""}],
    }
    return TemplateResponse(request, "orders/lane.html", context, status=refusal.status if refusal else 200)


def _initial(row: Any) -> dict[str, Any]:
    legs = [
        {"route": route["name"]}
        | {name: leg[name] for name in ("origin", "destination", "mode")}
        | {name: f"{leg[name]:g}" for name in ("starts_after", "hours")}
        for route in row.routes
        for leg in route["legs"]
    ]
    blank: list[dict[str, Any]] = [{} for _ in range(max(2, BLANK_LEGS - len(legs)))]
    limits = {name: getattr(row, name) for name in ("minimum_c", "maximum_c", "minutes_outside")}
    given = {name: "" if value is None else value for name, value in limits.items()}
    return {**row.alert_minutes, **given, "papers": "\n".join(row.papers), "legs": [*legs, *blank][:12]}
