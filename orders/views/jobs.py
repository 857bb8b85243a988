"""A courier's jobs without patient material: kits and empty shippers, where, in which window, whom to ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from custody import job_register as register
from custody.actions import jobs as action
from custody.actions.returns import CARRIES
from custody.job_words import ON_TIME
from custody.return_register import concerns
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders.actions import kit_jobs
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views.frame import pages, select
from orders.views.requests import acted, asked
from personas.states import Capability
from personas.views import desk

SHOWN = 25
UNKNOWN = {"window_from": "", "window_until": "", "deliver_by": ""}  # times to come that nobody can guess


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def jobs(request: HttpRequest) -> HttpResponseBase:
    """List the jobs that the organization sends, receives or carries."""
    actor = _concerned(request)
    chosen = {"show": asked(request, "show")}
    page = Paginator(register.jobs(actor, closed=chosen["show"] == "closed"), SHOWN).get_page(asked(request, "page"))
    context = {
        "rows": [shown(row) for row in page],
        "pages": pages(page, chosen),
        "filters": [select("show", "Show", [("closed", "Closed")], chosen)],
        "filtered": any(chosen.values()),
    }
    return TemplateResponse(request, "orders/jobs.html", context)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def one(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Show one job, and what may be recorded of it."""
    return _page(request, key)


@require_POST
@desk(Capability.VIEW_ORDERS)
def fetch(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Record that it was fetched."""
    return _done(request, key, "fetch", action.fetch, "Recorded: it is on its way.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def deliver(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Record that it was delivered."""
    return _done(request, key, "deliver", action.deliver, "Recorded: it was delivered.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def fail(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Record that it could not be fetched."""
    return _done(request, key, "fail", action.fail, "Recorded; whoever sends it and whoever waits for it are told.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def cancel(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Take a job back."""
    return _done(request, key, "cancel", action.cancel, "The courier was cancelled.")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def kit(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show how an order's collection kit travels, or book its courier."""
    if request.method != "POST":
        return _kit(request, code)

    def act(actor: Actor, once: Once | None) -> str:
        kit_jobs.send_kit(actor, code, request.POST, once=once)
        return "The courier is booked; courier and treatment center are told."

    return acted(request, ("kit", code), act, lambda refusal: _kit(request, code, refusal), request.path)


def shown(row: Any) -> dict[str, Any]:
    """Return a job with the badge that says how it stands."""
    now = timezone.now()
    missed = row.window_until + ON_TIME < now if row.state == "booked" else row.deliver_by + ON_TIME < now
    late = row.delivered_at is not None and row.delivered_at > row.deliver_by + ON_TIME
    badge = {"tone": "neutral", "icon": "circle-check", "text": row.get_state_display()}
    if row.state in ("booked", "picked_up"):
        badge |= {"tone": "info", "icon": "truck"}
        if missed:
            badge = {"tone": "bad", "icon": "alert-triangle", "text": f"{row.get_state_display()}, missed"}
    elif late:
        badge = {"tone": "warn", "icon": "circle-check", "text": "Delivered late"}
    return {"row": row, "badge": badge}


def _concerned(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not (concerns(actor) or actor.can(Capability.CHECK_KIT)):
        raise NotFound()
    return actor


def _done(request: HttpRequest, key: UUID, what: str, do: Callable[..., None], said: str) -> HttpResponseBase:
    def act(actor: Actor, once: Once | None) -> str:
        do(actor, key, request.POST, once=once)
        return said

    place = reverse("orders:job", args=[key])
    return acted(request, (what, str(key)), act, lambda refusal: _page(request, key, refusal, what), place)


def _page(request: HttpRequest, key: UUID, refusal: Refusal | None = None, what: str = "") -> TemplateResponse:
    actor = _concerned(request)
    row = register.one(actor, key)
    errors = flat(refusal.fields) if refusal else {}
    forms = filled(actor, _forms(actor, row), request, errors, what)
    crumbs = [{"label": "Kit and return pickups", "url": reverse("orders:jobs")}, {"label": row.number, "url": ""}]
    context = {
        **shown(row),
        "forms": forms,
        "refusal": refusal,
        "unplaced": unplaced(errors, [field for fields in forms.values() for field in fields]),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": crumbs,
    }
    return TemplateResponse(request, "orders/job.html", context, status=refusal.status if refusal else 200)


def filled(
    actor: Actor, forms: Mapping[str, Any], request: HttpRequest, errors: dict[str, list[str]], what: str
) -> dict[str, Any]:
    """Return the described fields of each form; the one that was sent keeps what was typed."""
    found = {}
    for name, inputs in forms.items():
        posted = request.POST if request.method == "POST" and name == what else None
        found[name] = described(inputs, Filling(actor.zone, UNKNOWN, posted, errors if name == what else {}))
    return found


def _forms(actor: Actor, row: Any) -> dict[str, Any]:
    """Return the forms that this actor is offered."""
    found: dict[str, Any] = {}
    carries = row.courier_id == actor.organization_id and any(actor.can(one) for one in CARRIES)
    if carries and row.state == "booked":
        found |= {"fetch": action.FetchInputs(), "fail": action.FailInputs()}
    if carries and row.state == "picked_up":
        found["deliver"] = action.DeliverInputs()
    booked = row.booked_by_id == actor.organization_id and any(actor.can(one) for one in action.MAY_CANCEL)
    if booked and row.state == "booked":
        found["cancel"] = action.CancelInputs()
    return found


def concerns_kit(actor: Actor, order: Any) -> bool:
    """Whether the order page leads to its kit: for logistics of its sponsor, and whoever checks kits at its center."""
    sends = order.manufacturer_id == actor.organization_id and actor.can(Capability.MANAGE_LANES)
    return sends or (order.center_id == actor.organization_id and actor.can(Capability.CHECK_KIT))


def _kit(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    rows = register.of_order(actor, order.code)
    may = kit_jobs.may_send_kit(actor, order)
    if not rows and not concerns_kit(actor, order):
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    fields = filled(actor, {"kit": kit_jobs.KitInputs()}, request, errors, "kit")["kit"] if may else []
    context = {
        "order": order,
        "rows": [shown(row) for row in rows],
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Collection kit", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/kit.html", context, status=refusal.status if refusal else 200)
