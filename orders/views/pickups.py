"""What a driver reports from the road, one tap each: no box taken, or later than planned (CR3, CR5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.recording import Once, Replayed
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions import pickups
from orders.actions.offline import PAGES
from orders.flow import order_named
from orders.states import OfflineAct, PickupFailure
from orders.views.desks import driver
from orders.views.requests import asked, once_of, see_other, typed
from orders.views.step import entry_of, noted_before
from personas.states import Capability
from personas.views import desk

Act = Callable[[Actor, "Once | None"], str]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def failed(request: HttpRequest, code: str, key: str) -> HttpResponseBase:
    """Cannot pick up: one tap on the reason."""

    def act(actor: Actor, once: Once | None) -> str:
        failure, note = typed(request, "failure"), typed(request, "note")
        noted = noted_before(actor, typed(request, "offline_entry"), code, key, OfflineAct.FAILED)
        pickups.report_failed_pickup(actor, code, key, failure, note, once=once, noted=noted)
        return "Recorded. Treatment center, plant and your control are being told. The pickup stays open."

    return _reported(request, code, key, OfflineAct.FAILED, act)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def delay(request: HttpRequest, code: str, key: str) -> HttpResponseBase:
    """Later than planned: one tap on how much, or a time."""

    def act(actor: Actor, once: Once | None) -> str:
        with reading(actor):
            zone = ZoneInfo(_stop(actor, code, key).zone)
        noted = noted_before(actor, typed(request, "offline_entry"), code, key, OfflineAct.DELAY)
        when = _expected(request, zone)
        pickups.report_delay(actor, code, key, when, typed(request, "note"), once=once, noted=noted)
        return "Recorded. Everybody on this order is being told the new time."

    return _reported(request, code, key, OfflineAct.DELAY, act)


def _expected(request: HttpRequest, zone: ZoneInfo) -> dt.datetime | None:
    minutes = typed(request, "in")
    if minutes in {str(number) for number, _ in pickups.SOON}:
        return timezone.now() + dt.timedelta(minutes=int(minutes))
    try:
        moment = parse_datetime(typed(request, "expected_at"))
    except ValueError:
        return None
    return moment.replace(tzinfo=zone) if moment and moment.tzinfo is None else None


def _reported(request: HttpRequest, code: str, key: str, what: str, act: Act) -> HttpResponseBase:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, code, key, what)
    with reading(actor):
        _stop(actor, code, key)
    try:
        said = act(actor, once_of(request, PAGES[what], code, key))
    except Replayed:
        said = "This was reported already; nothing was done twice."
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, code, key, what, refusal)
    messages.success(request, said)
    return see_other("/")


def _stop(actor: Actor, code: str, key: str) -> Any:
    """Return one of the courier's stops; NotFound for anything else."""
    order = order_named(actor, code)
    queries.step_of(actor, order, key)
    found = next((stop for stop in queries.stops_of(actor, order) if stop.step.key == key), None)
    if found is None:
        raise NotFound()
    return found


def _page(request: HttpRequest, code: str, key: str, what: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    stop = _stop(actor, code, key)
    entry = entry_of(actor, asked(request, "entry") or typed(request, "offline_entry"), code, key, what)
    kept = dict(entry.inputs) if entry and request.method != "POST" else {}
    errors = dict(refusal.fields) if refusal else {}
    context = {
        "row": driver.card(actor, stop, timezone.now()),
        "refusal": refusal,
        "reasons": PickupFailure.choices,
        "soon": pickups.SOON,
        "once": typed(request, "once") or uuid4(),
        "entry": entry,
        "kept_title": pickups.title_of(stop.step, what),
        "chosen": str(kept.get("failure") or kept.get("in") or ""),
        "note": {
            "name": "note",
            "label": "What happened",
            "type": "text",
            "maxlength": pickups.LONGEST_NOTE,
            "value": typed(request, "note") or kept.get("note", ""),
            "errors": errors.get("note", []),
            "help": "Only needed for “Something else”. Names of places, never of patients.",
        },
        "failure_errors": errors.get("failure", []),
        "time": {
            "name": "expected_at",
            "label": "Or at this time",
            "type": "datetime",
            "zone": stop.zone,
            "needed": True,
            "value": typed(request, "expected_at") or kept.get("expected_at", ""),
            "errors": errors.get("expected_at", []),
        },
        "crumbs": [{"label": "Stops", "url": "/"}, {"label": code, "url": reverse("orders:order", args=[code])}],
    }
    return TemplateResponse(request, PAGES[what], context, status=refusal.status if refusal else 200)
