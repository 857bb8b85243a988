"""The desk: what waits for the acting persona, over all manufacturers, most urgent first (CO8)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from custody import vault
from ledger.context import Actor, reading
from ledger.states import Role
from orders import queries
from orders.views.requests import asked
from personas.states import Capability
from personas.views import desk

PER_PAGE = 50


@require_safe
@desk(Capability.VIEW_ORDERS)
def worklist(request: HttpRequest) -> HttpResponseBase:
    """Steps that the actor may do now; filters ``therapy``, ``site`` and ``late`` stand in the address."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    steps = queries.worklist(actor)
    columns = ("order__therapy__code", "order__therapy__name", "site__code", "site__name")
    everything = list(steps.order_by().values_list(*columns).distinct())
    chosen = {name: asked(request, name) for name in ("therapy", "site", "late")}
    if chosen["therapy"]:
        steps = steps.filter(order__therapy__code=chosen["therapy"])
    if chosen["site"]:
        steps = steps.filter(site__code=chosen["site"])
    if chosen["late"]:
        steps = steps.filter(due_at__lt=timezone.now())
    page = Paginator(steps, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": rows_of(actor, list(page.object_list)),
        "page": page,
        "chosen": chosen,
        "filters": _filters(actor, everything, chosen),
        "counterpart": "Manufacturer" if actor.organization_role == Role.TREATMENT_CENTER else "Treatment center",
        "may_enrol": actor.can(Capability.ENROL_PATIENT),
        "sees_therapy": queries.may_see_therapy(actor),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
    }
    return TemplateResponse(request, f"{actor.organization_role}/desk.html", context)


def rows_of(actor: Actor, steps: list[Any]) -> list[dict[str, Any]]:
    """Return the rows of a worklist; the patient's name only for the own center's persona that may read it."""
    now = timezone.now()
    own = [step.order for step in steps if queries.may_see_identity(actor, step.order)]
    names = vault.open_identities(actor, queries.patient_ids(own)) if own else {}
    return [
        {
            "step": step,
            "order": step.order,
            "patient": names.get(step.order.patient_id),
            "late": step.is_late(now),
            "zone": step.site.zone if step.site else actor.zone,
            "url": reverse("orders:step", args=[step.order.code, step.key]),
        }
        for step in steps
    ]


def _filters(actor: Actor, everything: list[Any], chosen: dict[str, str]) -> list[dict[str, Any]]:
    therapies = sorted({(code, name) for code, name, _, _ in everything}, key=lambda pair: pair[1])
    sites = sorted({(code, name) for _, _, code, name in everything if code}, key=lambda pair: pair[1])
    found = [_select("site", "Site", sites, chosen)]
    return [_select("therapy", "Therapy", therapies, chosen), *found] if queries.may_see_therapy(actor) else found


def _select(name: str, label: str, choices: list[tuple[str, str]], chosen: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "label": label, "type": "select", "value": chosen[name], "choices": choices, "blank": "All"}


def waiting_count(actor: Actor) -> int:
    """Return how much waits on the actor's desk, for the navigation."""
    with reading(actor):
        return queries.worklist_size(actor)
