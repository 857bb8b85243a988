"""One shipper or logger: its state, and what is entered about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from custody import equipment_inputs as inputs_of
from custody import equipment_register as pieces
from custody import return_register as returns
from custody.actions import equipment as action
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from orders.forms import flat
from orders.views.equipment_shown import answer, fields_of, keeper, shown
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def piece(request: HttpRequest, piece: UUID) -> HttpResponseBase:
    """Show one piece, and what may be entered about it."""
    return _piece(request, piece)


@require_POST
@desk(Capability.VIEW_ORDERS)
def charge(request: HttpRequest, piece: UUID) -> HttpResponseBase:
    """Record a charge."""
    return _done(request, piece, "charge", action.charge_shipper, "The charge is recorded; its hold begins again.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def clean(request: HttpRequest, piece: UUID) -> HttpResponseBase:
    """Record that it was cleaned."""
    return _done(request, piece, "clean", action.clean_shipper, "Recorded: it is clean.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def renew(request: HttpRequest, piece: UUID) -> HttpResponseBase:
    """Record a qualification or calibration."""
    return _done(request, piece, "renew", action.renew_equipment, "The new end is recorded.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def retire(request: HttpRequest, piece: UUID) -> HttpResponseBase:
    """Take a piece out of service."""
    return _done(request, piece, "retire", action.retire_equipment, "It is out of service.")


def _done(request: HttpRequest, piece: UUID, what: str, do: Callable[..., None], said: str) -> HttpResponseBase:
    def act(actor: Actor, once: Once | None) -> str:
        do(actor, piece, request.POST, once=once)
        return said

    place = reverse("orders:equipment_piece", args=[piece])
    return acted(request, (f"{what}-{piece}",), act, lambda refusal: _piece(request, piece, refusal, what), place)


def _piece(request: HttpRequest, key: UUID, refusal: Refusal | None = None, what: str = "") -> TemplateResponse:
    actor = keeper(request)
    row = pieces.piece(actor, key)
    errors = flat(refusal.fields) if refusal else {}
    forms: dict[str, Any] = {}
    if actor.can(Capability.KEEP_EQUIPMENT) and row.retired_at is None:
        inputs = {"renew": inputs_of.RenewInputs(), "retire": inputs_of.RetireEquipmentInputs()}
        if row.is_shipper:
            inputs = {"clean": inputs_of.CleanInputs(), "charge": inputs_of.ChargeInputs()} | inputs
        else:
            inputs["renew"].fields.pop("hold_hours")
        for name, serializer in inputs.items():
            initial = {"hold_hours": row.hold_hours, "valid_until": ""}
            forms[name] = fields_of(request, actor, serializer, errors if name == what else {}, initial, name == what)
    placed = [field for fields in forms.values() for field in fields]
    where = returns.whereabouts(actor, row) if row.is_shipper else None
    away = where is not None and where.returning is not None
    context = {
        **shown(row, not_back=away),
        "where": where,
        "forms": forms,
        "what": what,
        **answer(request, refusal, errors, placed),
    }
    return TemplateResponse(request, "orders/equipment_piece.html", context, status=refusal.status if refusal else 200)
