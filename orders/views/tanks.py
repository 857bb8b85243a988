"""A unit of the store: its limits, readings and alarms (CL3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from custody import alarm_register as register
from custody import store_watch
from custody.actions import store_alarms as action
from custody.limits import degrees
from custody.logger_layouts import layouts
from custody.queries import store_unit
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, NotFound, Refusal
from orders.actions.store_readings import send_store_file
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted, typed
from orders.views.store_alarms import shown
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


def _done(request: HttpRequest, unit: UUID, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:store_unit", args=[unit])
    return acted(request, (at, str(unit)), act, lambda refusal: _unit(request, unit, refusal, at), place)


def _unit(request: HttpRequest, key: UUID, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    row = store_unit(actor, key)
    if row is None:
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    low, high = (None if one is None else f"{one / 100:g}" for one in (row.minimum, row.maximum))
    initial = {"minimum_c": low, "maximum_c": high, "minutes_allowed": row.minutes_allowed}
    forms = {}
    for name, inputs in (_forms() if actor.can(Capability.KEEP_STORE) else {}).items():
        posted = request.POST if request.method == "POST" and name == at else None
        own = errors if name == at else {}
        filling = Filling(actor.zone, initial, posted, own)
        forms[name] = described(inputs, filling) if inputs else _file_fields(actor, posted, own)
    latest = store_watch.latest_of(row)
    context = {
        "unit": row,
        "limits": store_watch.limits_of(row).words,
        "latest": {"at": latest.sent_at, "degrees": degrees(latest.values[-1])} if latest else None,
        "alarms": [shown(one) for one in register.of_unit(actor, row, SHOWN)],
        "forms": forms,
        "refusal": refusal,
        "unplaced": unplaced(errors, [field for fields in forms.values() for field in fields]),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Storage map", "url": reverse("orders:store")}, {"label": row.name, "url": ""}],
    }
    return TemplateResponse(request, "orders/store_unit.html", context, status=refusal.status if refusal else 200)


def _forms() -> dict[str, Any]:
    return {"limits": action.StoreLimitsInputs(), "readings": None, "alarm": action.RaiseAlarmInputs()}


def _file_fields(actor: Actor, posted: Any, errors: dict[str, list[str]]) -> list[Any]:
    """Return the fields of a file of readings; the layout only where the organization saved one."""
    help_text = "CSV or text, as the monitoring exports it."
    file = {"name": "file", "label": "File", "type": "file", "required": True, "accept": ".csv,.txt,.tsv"}
    models = [(row.model, row.model) for row in layouts(actor)]
    layout = {"name": "model", "label": "Layout", "type": "select", "required": False, "choices": models}
    layout |= {"value": posted.get("model", "") if posted else "", "blank": "Recognize the columns"}
    fields = [file | {"help": help_text}, *([layout] if models else [])]
    return [field | {"errors": errors.get(str(field["name"]), [])} for field in fields]
