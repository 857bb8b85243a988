"""The register of the organization's shippers and loggers, and one more piece."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody import equipment_register as pieces
from custody import return_register
from custody.actions import equipment as action
from custody.equipment_inputs import EquipmentInputs
from custody.states import EquipmentKind
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from orders.forms import flat
from orders.views.equipment_shown import answer, fields_of, keeper, shown
from orders.views.frame import pages, select
from orders.views.requests import acted, asked
from personas.states import Capability
from personas.views import desk

SHOWN = 25


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def register(request: HttpRequest) -> HttpResponseBase:
    """List the organization's pieces, or enter one."""
    if request.method != "POST":
        return _list(request)

    def act(actor: Actor, once: Once | None) -> str:
        action.add_equipment(actor, request.POST, once=once)
        return "It is entered. From now on boxes on your way are packed with registered pieces of its kind only."

    return acted(request, ("add-equipment",), act, lambda refusal: _list(request, refusal), reverse("orders:equipment"))


def _row(row: Any, place: str) -> dict[str, Any]:
    return shown(row, not_back=place.startswith("Empty")) | {"place": place}


def _list(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor = keeper(request)
    chosen = {name: asked(request, name) for name in ("kind", "serial", "retired")}
    rows = pieces.pieces(
        actor,
        kind=chosen["kind"] if chosen["kind"] in EquipmentKind.values else "",
        serial=chosen["serial"],
        retired=bool(chosen["retired"]),
    )
    page = Paginator(rows, SHOWN).get_page(asked(request, "page"))
    places = return_register.places_of(actor, page)
    errors = flat(refusal.fields) if refusal else {}
    may_keep = actor.can(Capability.KEEP_EQUIPMENT)
    fields = fields_of(request, actor, EquipmentInputs(), errors) if may_keep else []
    context = {
        "rows": [_row(row, places.get(row.pk, "")) for row in page],
        "pages": pages(page, chosen),
        "filters": [
            select("kind", "Kind", EquipmentKind.choices, chosen),
            select("retired", "Service", [("yes", "Out of service")], chosen),
            {"name": "serial", "label": "Serial number", "type": "search", "value": chosen["serial"]},
        ],
        "filtered": any(chosen.values()),
        "fields": fields,
        **answer(request, refusal, errors, fields),
    }
    return TemplateResponse(request, "orders/equipment.html", context, status=refusal.status if refusal else 200)
