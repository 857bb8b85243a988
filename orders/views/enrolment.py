"""Opening an order: therapy, site, patient; a possible duplicate is asked back once (CO3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody import patient_search, vault
from ledger.context import Actor, reading
from ledger.refusals import Duplicate, NotFound, Refusal, Unauthenticated
from network.queries import therapies
from orders import queries
from orders.actions.enrolment import enrol
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.finding import patient_ids
from orders.views.requests import asked, once_of, see_other, typed
from personas.queries import sites
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.ENROL_PATIENT)
def new_order(request: HttpRequest) -> HttpResponseBase:
    """Show the form, or open the order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor)
    if "find" in request.POST:
        return _find(request, actor)
    try:
        code = enrol(actor, request.POST, once=once_of(request, "enrol"))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal)
    messages.success(request, f"Order {code} is open. A second person activates the chain of identity next.")
    return see_other(reverse("orders:order", args=[code]))


def _find(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Look for a known patient; the name that was typed stands in no address."""
    text = typed(request, "find")
    with reading(actor):
        found = patient_search.find(actor, text)
    if not found:
        with reading(actor):
            return _page(request, actor, looked_for=text)
    ids = ",".join(sorted(map(str, found)))
    return see_other(f"{reverse('orders:new')}?{urlencode({'patient': ids})}")


def _known(request: HttpRequest, actor: Actor, refusal: Refusal | None) -> dict[UUID, Any]:
    """Return the identities of the known patients that the page is about: chosen ones, or a possible duplicate's."""
    ids = patient_ids(request.POST.get("patient", "") or asked(request, "patient"))
    if isinstance(refusal, Duplicate):
        given = {
            name: typed(request, f"identity.{name}") for name in ("mrn", "family_name", "given_name", "birth_date")
        }
        person = f"{given['family_name']}, {given['given_name']} {given['birth_date']}"
        ids = [*patient_search.find(actor, given["mrn"]), *patient_search.find(actor, person)]
    return vault.open_identities(actor, ids) if ids and actor.can(Capability.READ_IDENTITY) else {}


def _page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None, looked_for: str = "") -> TemplateResponse:
    posted = request.POST if request.method == "POST" and not looked_for else None
    known = _known(request, actor, refusal)
    duplicate = isinstance(refusal, Duplicate)
    under_way = queries.open_orders_of(actor, known)
    patient = next(iter(known), None) if len(known) == 1 and not duplicate else None
    errors = _named(flat(refusal.fields)) if refusal else {}
    offered = [(therapy.code, therapy.name) for therapy in therapies(actor)]
    places = sites(actor).filter(organization_id=actor.organization_id)
    own = [(site.code, site.name) for site in places if actor.site_id in (None, site.pk)]
    initial = {"therapy": offered[0][0] if len(offered) == 1 else "", "site": own[0][0] if len(own) == 1 else ""}
    fields = described(queries.enrolment_inputs(), Filling(actor.zone, initial, posted, errors))
    doubtful = duplicate or bool(posted and posted.get("confirmed_distinct"))
    hidden = {"patient", *(() if doubtful else ("confirmed_distinct",))}
    asked = with_choices([f for f in fields if f["name"] not in hidden], {"therapy": offered, "site": own})
    context: dict[str, Any] = {
        "known": [{"id": pk, "identity": known[pk], "orders": under_way.get(pk, [])} for pk in known],
        "patient": {"id": patient, "identity": known[patient], "orders": under_way.get(patient, [])}
        if patient
        else None,
        "refusal_title": _what_is_known(under_way) if duplicate else "",
        "may_find": actor.can(Capability.READ_IDENTITY),
        "looked_for": looked_for,
        "order_fields": [f for f in asked if f["name"] in ("therapy", "site")],
        "patient_fields": [f for f in asked if f["name"].startswith("identity.")],
        "confirm": next((f for f in asked if f["name"] == "confirmed_distinct"), None),
        "refusal": refusal,
        "unplaced": unplaced(errors, asked),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Orders", "url": reverse("orders:list")}, {"label": "New order", "url": ""}],
    }
    return TemplateResponse(request, "orders/new.html", context, status=refusal.status if refusal else 200)


def _what_is_known(under_way: dict[UUID, list[Any]]) -> str:
    return "This patient already has an open order" if under_way else "Your center may know this patient already"


def _named(errors: dict[str, list[str]]) -> dict[str, list[str]]:
    """The vault names its fields plainly; on the page they stand under the patient."""
    own = {"family_name", "given_name", "birth_date", "mrn", "sex", "phone"}
    return {f"identity.{path}" if path in own else path: messages for path, messages in errors.items()}
