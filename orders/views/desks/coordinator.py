"""The coordinator's desk: every open order over all manufacturers, one row each, late first (CO8)."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from custody import patient_search
from custody.queries import lookup
from ledger.context import Actor
from ledger.refusals import InvalidInput
from network.queries import therapies
from orders import queries
from orders.states import PHASE_LABELS
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.order_rows import rows_of
from orders.views.requests import asked
from personas.queries import sites
from personas.states import Capability

FILTERS = ("q", "therapy", "site", "phase", "turn", "due")
TURNS = (
    ("me", "My turn"),
    ("treatment_center", "My center"),
    ("plant", "Manufacturer or CMO"),
    ("courier", "Courier"),
)


@desk_named("coordinator")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Filters: ``q`` (name, record number, code), ``therapy``, ``site``, ``phase``, ``turn``, ``due``."""
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
        "kept": [("due", chosen["due"])] if chosen["due"] else [],
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "pages": frame.pages(page, chosen),
        "may_enrol": actor.can(Capability.ENROL_PATIENT),
    }
    return TemplateResponse(request, "treatment_center/coordinator.html", context)


def _filtered(actor: Actor, found: QuerySet[Any], chosen: dict[str, str]) -> QuerySet[Any]:
    exact = {"therapy": "therapy__code", "site": "center_site__code", "phase": "phase"}
    found = found.filter(**{exact[name]: chosen[name] for name in exact if chosen[name]})
    if chosen["turn"] in dict(TURNS):
        found = queries.waiting_for(actor, found, chosen["turn"])
    return found.filter(_named(actor, chosen["q"])) if chosen["q"] else found


def _named(actor: Actor, text: str) -> Q:
    """Match an order code, a chain of identity, what a scanned code leads to, or one of the center's own patients."""
    wanted = Q(code__icontains=text) | Q(identity_code__icontains=text)
    patients = patient_search.find(actor, text)
    if patients:
        wanted |= Q(patient_id__in=patients, center_id=actor.organization_id)
    try:
        scanned = lookup(actor, text)
    except InvalidInput:
        return wanted
    return wanted | Q(stream_id=scanned.stream_id) if scanned else wanted


def _fields(actor: Actor, chosen: dict[str, str]) -> list[dict[str, Any]]:
    own = [(site.code, site.name) for site in sites(actor).filter(organization_id=actor.organization_id)]
    offered = [(therapy.code, therapy.name) for therapy in therapies(actor, active=False)]
    search = {
        "name": "q",
        "label": "Patient or code",
        "type": "search",
        "value": chosen["q"],
        "maxlength": 200,
        "placeholder": "Name 1961-04-05, MRN, code",
    }
    phases = [(key, label) for key, label in PHASE_LABELS.items() if key not in ("closed", "cancelled")]
    found = [
        search,
        frame.select("turn", "Whose turn", TURNS, chosen),
        frame.select("phase", "Phase", phases, chosen),
        frame.select("therapy", "Therapy", offered, chosen),
    ]
    return [*found, frame.select("site", "Site", own, chosen)] if len(own) > 1 else found
