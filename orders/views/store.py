"""The storage map: units with what lies in them, what expires first, moving, and the register (CL3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from custody.actions.store import UnitInputs, add_unit, retire_unit
from custody.alarm_register import alarms
from custody.queries import store_units
from custody.states import LYING
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, Refusal
from orders import queries
from orders.actions.storing import move_container
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.order import Act
from orders.views.order_cards import container_status
from orders.views.requests import acted, asked, typed
from personas.queries import own_sites
from personas.states import Capability
from personas.views import desk

SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def store(request: HttpRequest) -> HttpResponseBase:
    """Show the store, or add a unit to it."""
    if request.method != "POST":
        return _page(request)

    def act(actor: Actor, once: Once | None) -> str:
        add_unit(actor, request.POST, once=once)
        return "The unit is part of the store."

    return _done(request, ("store-unit", ""), "add", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def retire(request: HttpRequest, unit: UUID) -> HttpResponseBase:
    """Take an empty unit out of use."""

    def act(actor: Actor, once: Once | None) -> str:
        retire_unit(actor, unit, once=once)
        return "The unit is out of use. It stays on the record."

    return _done(request, ("retire-unit", str(unit)), "retire", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def move(request: HttpRequest) -> HttpResponseBase:
    """Put a container into a place."""
    order, _, container = typed(request, "container").partition(" ")

    def act(actor: Actor, once: Once | None) -> str:
        if not container:
            raise InvalidInput(fields={"container": ["Choose what is moved."]})
        return f"{container} lies at {move_container(actor, order, container, request.POST, once=once)}."

    return _done(request, ("move", order), "move", act)


def _done(request: HttpRequest, about: tuple[str, str], at: str, act: Act) -> HttpResponseBase:
    return acted(request, about, act, lambda refusal: _page(request, refusal, at), reverse("orders:store"))


def _page(request: HttpRequest, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows, units = queries.lying(actor), list(store_units(actor))
    counted = queries.taken(rows)
    fullest = max(units, key=lambda unit: counted[unit.pk], default=None)
    chosen = next((unit for unit in units if str(unit.pk) == asked(request, "unit")), fullest)
    may = actor.can(Capability.KEEP_STORE)
    errors = flat(refusal.fields) if refusal else {}
    adding = _adding(actor, request if at == "add" else None, errors if at == "add" else {}) if may else []
    moving = _moving(rows, units, request if at == "move" else None, errors if at == "move" else {}) if may else []
    context = {
        "rows": [{"row": row, "status": container_status(row.bag.state)} for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "units": [{"unit": unit, "taken": counted[unit.pk], "free": unit.size - counted[unit.pk]} for unit in units],
        "chosen": chosen,
        "alarms": list(alarms(actor)[:SHOWN]),
        "racks": queries.racks(chosen, rows) if chosen else [],
        "adding": adding,
        "moving": moving,
        "may_keep": may,
        "now": timezone.now(),
        "refusal": refusal,
        "unplaced": unplaced(errors, [*adding, *moving]),
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/store.html", context, status=refusal.status if refusal else 200)


def _adding(actor: Actor, request: HttpRequest | None, errors: dict[str, list[str]]) -> list[Any]:
    posted = request.POST if request else None
    fields = described(UnitInputs(), Filling(actor.zone, posted=posted, errors=errors))
    return with_choices(fields, {"site": own_sites(actor)})


def _moving(rows: list[Any], units: list[Any], request: HttpRequest | None, errors: dict[str, list[str]]) -> list[Any]:
    """The fields of moving one container; none where nothing lies there or the site has no register."""
    places = {unit.site_id for unit in units}
    here = [row for row in rows if row.bag.state in LYING and row.bag.custodian_site_id in places]
    if not here:
        return []

    def field(name: str, label: str, kind: str, **more: Any) -> dict[str, Any]:
        value = request.POST.get(name, "") if request else ""
        found = {"name": name, "label": label, "type": kind, "value": value, "required": True}
        return found | {"errors": errors.get(name, [])} | more

    return [
        field("container", "What", "select", choices=[_choice(row) for row in here]),
        field("unit", "Unit", "select", choices=[(str(unit.pk), f"{unit.name}, {unit.site.name}") for unit in units]),
        field("rack", "Rack", "number", min=1, step=1),
        field("place", "Place", "number", min=1, step=1),
    ]


def _choice(row: Any) -> tuple[str, str]:
    return f"{row.order.code} {row.bag.code}", f"{row.bag.code} ({row.bag.storage_location or 'no place'})"
