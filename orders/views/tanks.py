"""A unit of the store: its limits, readings and alarms; an alarm with what lay in the unit (CL3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework import serializers

from custody import alarm_register as register
from custody import store_watch
from custody.actions import store_alarms as action
from custody.logger_layouts import layouts
from custody.queries import store_unit
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, NotFound, Refusal
from orders import conditions, queries
from orders.actions.store_readings import send_store_file
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted, typed
from personas.states import Capability
from personas.views import desk

SHOWN = 50


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def unit(request: HttpRequest, unit: UUID) -> HttpResponseBase:
    """Show a unit with its limits and alarms."""
    return _unit(request, unit)


@require_POST
@desk(Capability.VIEW_ORDERS)
def limits(request: HttpRequest, unit: UUID) -> HttpResponseBase:
    """Set a unit's limits."""

    def act(actor: Actor, once: Once | None) -> str:
        action.set_limits(actor, unit, request.POST, once=once)
        return "The limits are set."

    return _done(request, unit, "limits", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def readings(request: HttpRequest, unit: UUID) -> HttpResponseBase:
    """Take a file of readings."""
    file = request.FILES.get("file")

    def act(actor: Actor, once: Once | None) -> str:
        if file is None:
            raise InvalidInput(fields={"file": ["Choose a file."]})
        taken = send_store_file(actor, unit, file.read(), typed(request, "model"), once=once)
        return f"{taken} readings are new."

    return _done(request, unit, "readings", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def raise_alarm(request: HttpRequest, unit: UUID) -> HttpResponseBase:
    """Open an alarm by hand."""

    def act(actor: Actor, once: Once | None) -> str:
        action.raise_alarm(actor, unit, request.POST, once=once)
        return "The alarm is open; whoever keeps the store is told."

    return _done(request, unit, "alarm", act)


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


def _done(request: HttpRequest, unit: UUID, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:store_unit", args=[unit])
    return acted(request, (at, str(unit)), act, lambda refusal: _unit(request, unit, refusal, at), place)


def _ended(request: HttpRequest, alarm: UUID, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:store_alarm", args=[alarm])
    return acted(request, (at, str(alarm)), act, lambda refusal: _alarm(request, alarm, refusal), place)


def _unit(request: HttpRequest, key: UUID, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    row = store_unit(actor, key)
    if row is None:
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    low, high = (None if one is None else f"{one / 100:g}" for one in (row.minimum, row.maximum))
    initial = {"minimum_c": low, "maximum_c": high, "minutes_allowed": row.minutes_allowed}
    forms = {}
    for name, inputs in (_forms(actor) if actor.can(Capability.KEEP_STORE) else {}).items():
        posted = request.POST if request.method == "POST" and name == at else None
        forms[name] = described(inputs, Filling(actor.zone, initial, posted, errors if name == at else {}))
    latest = store_watch.latest_of(row)
    context = {
        "unit": row,
        "limits": store_watch.limits_of(row).words,
        "latest": {"at": latest.sent_at, "degrees": conditions.degrees(latest.values[-1])} if latest else None,
        "alarms": [_shown(one) for one in register.of_unit(actor, row, SHOWN)],
        "forms": forms,
        "refusal": refusal,
        "unplaced": unplaced(errors, [field for fields in forms.values() for field in fields]),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Storage map", "url": reverse("orders:store")}, {"label": row.name, "url": ""}],
    }
    return TemplateResponse(request, "orders/store_unit.html", context, status=refusal.status if refusal else 200)


def _forms(actor: Actor) -> dict[str, Any]:
    models = [row.model for row in layouts(actor)]

    class FileInputs(serializers.Serializer[Any]):
        """A file of readings."""

        file = serializers.FileField(label="File", help_text="CSV or text, as the monitoring exports it.")
        model = serializers.ChoiceField(choices=[(name, name) for name in models], required=False, label="Layout")

    return {"limits": action.StoreLimitsInputs(), "readings": FileInputs(), "alarm": action.RaiseAlarmInputs()}


def _shown(row: Any) -> dict[str, Any]:
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
        **_shown(row),
        "items": [item | {"order": codes.get(UUID(item["stream"]), "")} for item in row.items],
        "lowest": conditions.degrees(row.lowest),
        "highest": conditions.degrees(row.highest),
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
