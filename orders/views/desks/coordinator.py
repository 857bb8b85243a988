"""The coordinator's desk: every open order over all manufacturers, one row each, late first (CO8)."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from network.queries import therapies
from orders import queries
from orders.actions.repair_answers import waiting_moves
from orders.actions.rescheduling import waiting_changes
from orders.states import PHASE_LABELS
from orders.views import frame, waiting
from orders.views.desks import desk_named
from orders.views.finding import patient_ids
from orders.views.order_rows import rows_of
from orders.views.requests import asked
from personas.queries import sites
from personas.states import Capability

FILTERS = ("patient", "therapy", "site", "phase", "turn", "due")
TURNS = (
    ("me", "My turn"),
    ("treatment_center", "My center"),
    ("plant", "Manufacturer or CMO"),
    ("courier", "Courier"),
)


@desk_named("coordinator")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Filters: ``therapy``, ``site``, ``phase``, ``turn``, ``due``, ``patient`` (opaque ids, from ``orders:find``)."""
    chosen = {name: asked(request, name) for name in FILTERS}
    found = _filtered(actor, queries.open_orders(actor), chosen)
    spans = frame.due_spans(actor)
    strip = frame.summary(found, spans, chosen)
    if chosen["due"] in spans:
        found = found.filter(spans[chosen["due"]])
    page = Paginator(found, frame.PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "strip": strip,
        "rows": rows_of(actor, list(page.object_list)),
        "filters": _fields(actor, chosen),
        "kept": [(name, chosen[name]) for name in ("due", "patient") if chosen[name]],
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "pages": frame.pages(page, chosen),
        "may_find": actor.can(Capability.READ_IDENTITY),
        "offers": waiting.offers_shown(actor) if actor.can(Capability.MANAGE_WAITING) else [],
        "changes": waiting_changes(actor) if actor.can(Capability.BOOK_SLOTS) else [],
        "moves": waiting_moves(actor) if actor.can(Capability.BOOK_SLOTS) else [],
        "may_answer": actor.can(Capability.MANAGE_WAITING),
        "may_enrol": actor.can(Capability.ENROL_PATIENT),
    }
    return TemplateResponse(request, "treatment_center/coordinator.html", context)


def _filtered(actor: Actor, found: QuerySet[Any], chosen: dict[str, str]) -> QuerySet[Any]:
    exact = {"therapy": "therapy__code", "site": "center_site__code", "phase": "phase"}
    found = found.filter(**{exact[name]: chosen[name] for name in exact if chosen[name]})
    if chosen["turn"] in dict(TURNS):
        found = queries.waiting_for(actor, found, chosen["turn"])
    if chosen["patient"]:
        own = Q(patient_id__in=patient_ids(chosen["patient"]), center_id=actor.organization_id)
        found = found.filter(own)
    return found


def _fields(actor: Actor, chosen: dict[str, str]) -> list[dict[str, Any]]:
    own = [(site.code, site.name) for site in sites(actor).filter(organization_id=actor.organization_id)]
    offered = [(therapy.code, therapy.name) for therapy in therapies(actor, active=False)]
    phases = [(key, label) for key, label in PHASE_LABELS.items() if key not in ("closed", "cancelled")]
    found = [
        frame.select("turn", "Whose turn", TURNS, chosen),
        frame.select("phase", "Phase", phases, chosen),
        frame.select("therapy", "Therapy", offered, chosen),
    ]
    return [*found, frame.select("site", "Site", own, chosen)] if len(own) > 1 else found
