"""An alarm of the store: what lay in the unit, who looks after it, how it ended (CL3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from custody import alarm_register as register
from custody.actions import store_alarms as action
from custody.limits import degrees
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from orders import queries
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def alarm(request: HttpRequest, alarm: UUID) -> HttpResponseBase:
    """Show an alarm."""
    return _alarm(request, alarm)


@require_POST
@desk(Capability.VIEW_ORDERS)
def acknowledge(request: HttpRequest, alarm: UUID) -> HttpResponseBase:
    """Say that somebody looks after it."""

    def act(actor: Actor, once: Once | None) -> str:
        action.acknowledge(actor, alarm, once=once)
        return "It is on the record that you look after it."

    return _ended(request, alarm, "acknowledge", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def close(request: HttpRequest, alarm: UUID) -> HttpResponseBase:
    """Close an alarm."""

    def act(actor: Actor, once: Once | None) -> str:
        action.close_alarm(actor, alarm, request.POST, once=once)
        return "The alarm is closed."

    return _ended(request, alarm, "close", act)


def _ended(request: HttpRequest, alarm: UUID, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:store_alarm", args=[alarm])
    return acted(request, (at, str(alarm)), act, lambda refusal: _alarm(request, alarm, refusal), place)


def shown(row: Any) -> dict[str, Any]:
    """Return an alarm with the badge that says how it stands."""
    badge = {"tone": "neutral", "icon": "circle-check", "text": row.get_state_display()}
    if row.state != "closed":
        badge |= {"tone": "bad" if row.breached_at or row.state == "open" else "warn", "icon": "alert-triangle"}
    return {"row": row, "badge": badge}


def _alarm(request: HttpRequest, key: UUID, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    row = register.one(actor, key)
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(actor.zone, {}, request.POST if refusal else None, errors)
    keeps = actor.can(Capability.KEEP_STORE)
    fields = described(action.CloseAlarmInputs(), filling) if keeps and row.state != "closed" else []
    codes = queries.codes_of(actor, {UUID(item["stream"]) for item in row.items})
    place = f"{row.unit.name}, {row.unit.site.name}"
    context = {
        **shown(row),
        "items": [item | {"order": codes.get(UUID(item["stream"]), "")} for item in row.items],
        "lowest": degrees(row.lowest),
        "highest": degrees(row.highest),
        "fields": fields,
        "may_acknowledge": keeps and row.state == "open",
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Storage map", "url": reverse("orders:store")},
            {"label": place, "url": reverse("orders:store_unit", args=[row.unit_id])},
            {"label": "Alarm", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/store_alarm.html", context, status=refusal.status if refusal else 200)
