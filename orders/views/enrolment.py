"""Opening an order: therapy, site, patient; a possible duplicate is asked back once (CO3)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import NotFound, Refusal, Unauthenticated
from network.queries import therapies
from orders import queries
from orders.actions.enrolment import enrol
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.requests import once_of, see_other
from personas.queries import sites
from personas.states import Capability
from personas.views import desk

DUPLICATE = "possible_duplicate"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.ENROL_PATIENT)
def new_order(request: HttpRequest) -> HttpResponseBase:
    """Show the form, or open the order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor)
    try:
        code = enrol(actor, request.POST, once=once_of(request, "enrol"))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal)
    messages.success(request, f"Order {code} is open. A second person activates the chain of identity next.")
    return see_other(reverse("orders:order", args=[code]))


def _page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None) -> TemplateResponse:
    posted = request.POST if request.method == "POST" else None
    errors = _named(flat(refusal.fields)) if refusal else {}
    offered = [(therapy.code, therapy.name) for therapy in therapies(actor)]
    places = sites(actor).filter(organization_id=actor.organization_id)
    own = [(site.code, site.name) for site in places if actor.site_id in (None, site.pk)]
    initial = {"therapy": offered[0][0] if len(offered) == 1 else "", "site": own[0][0] if len(own) == 1 else ""}
    fields = described(queries.enrolment_inputs(), Filling(actor.zone, initial, posted, errors))
    doubtful = refusal is not None and refusal.code == DUPLICATE or bool(posted and posted.get("confirmed_distinct"))
    hidden = {"patient", *(() if doubtful else ("confirmed_distinct",))}
    asked = with_choices([f for f in fields if f["name"] not in hidden], {"therapy": offered, "site": own})
    context: dict[str, Any] = {
        "order_fields": [f for f in asked if f["name"] in ("therapy", "site")],
        "patient_fields": [f for f in asked if f["name"].startswith("identity.")],
        "confirm": next((f for f in asked if f["name"] == "confirmed_distinct"), None),
        "refusal": refusal,
        "unplaced": unplaced(errors, asked),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Orders", "url": reverse("orders:list")}, {"label": "New order", "url": ""}],
    }
    return TemplateResponse(request, "orders/new.html", context, status=refusal.status if refusal else 200)


def _named(errors: dict[str, list[str]]) -> dict[str, list[str]]:
    """The vault names its fields plainly; on the page they stand under the patient."""
    own = {"family_name", "given_name", "birth_date", "mrn", "sex", "phone"}
    return {f"identity.{path}" if path in own else path: messages for path, messages in errors.items()}
