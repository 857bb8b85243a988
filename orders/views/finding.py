"""Finding by what a person types: a patient's name or number is posted, and never stands in an address."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from custody import patient_search
from ledger.context import Actor, reading
from ledger.refusals import InvalidInput
from orders import queries
from orders.actions.aliases import meaning_of
from orders.views.requests import see_other, typed
from personas.states import Capability
from personas.views import desk

MOST = 20


@require_POST
@never_cache
@desk(Capability.VIEW_ORDERS)
def find(request: HttpRequest) -> HttpResponseBase:
    """Lead to the desk with the orders of the patients who were found, or to the one order that a code names."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    text = typed(request, "q")
    with reading(actor):
        patients = patient_search.find(actor, text)
        code = order_of(actor, text) if not patients else ""
    if patients:
        return see_other(
            f"{reverse('orders:home')}?{urlencode({'patient': ','.join(sorted(map(str, patients))[:MOST])})}"
        )
    if code:
        return see_other(reverse("orders:order", args=[code]))
    field = {
        "name": "q",
        "label": "Patient or code",
        "type": "search",
        "value": text,
        "required": True,
        "maxlength": 200,
        "errors": ["Nobody and nothing of your center is called that."],
    }
    return TemplateResponse(request, "orders/not_found_by.html", {"field": field}, status=200)


def order_of(actor: Actor, text: str) -> str:
    """Return the code of the order that an order code, a chain of identity or any scanned code names; else nothing."""
    named = queries.orders(actor).filter(code=text.upper()).first() or (
        queries.orders(actor).filter(identity_code=text.upper()).first() if queries.may_see_therapy(actor) else None
    )
    if named is not None:
        return str(named.code)
    try:
        found = meaning_of(actor, text).order
    except InvalidInput:
        return ""
    return str(found.code) if found else ""


def patient_ids(text: str) -> list[UUID]:
    """Return the opaque ids of patients in an address; nothing of what is none."""
    found = []
    for part in text.split(",")[:MOST]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found
