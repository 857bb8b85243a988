"""Leaving the stop after an identity mismatch: quality of two firms signs on one page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody.states import IdentityState
from ledger.context import Actor, reading
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions.identity_queries import LiftInputs, lift_identity_query
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner
from orders.views.requests import see_other
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def lift_query(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show why the line stands, or let it go on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code)
    with reading(actor):
        _order(actor, code)
    try:
        lift_identity_query(actor, code, request.POST)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, refusal)
    messages.success(request, "The identity query is lifted. The order goes on.")
    return see_other(reverse("orders:order", args=[code]))


def may_lift(actor: Actor, order: Any, identity: Any) -> bool:
    """Whether the order's page offers to lift the query: the same rules that would refuse it."""
    stands = identity is not None and identity.state == IdentityState.UNDER_QUERY
    return bool(stands and actor.can(Capability.RESOLVE_IDENTITY) and actor.organization_id in order.party_ids)


def _order(actor: Actor, code: str) -> Any:
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    return order


def _page(request: HttpRequest, actor: Actor, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    order = _order(actor, code)
    shown = banner.of(actor, order)
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if request.method == "POST" else None
    filling = Filling(actor.zone, posted=posted, errors=errors)
    fields = described(LiftInputs(), filling)
    context = {
        "order": order,
        "banner": shown,
        "may_lift": may_lift(actor, order, shown["identity"]),
        "under_query": shown["identity"] is not None and shown["identity"].state == IdentityState.UNDER_QUERY,
        "found": queries.standing(actor, order),
        "zone": order.center_site.zone,
        "fields": [field for field in fields if field["name"] == "reason"],
        "username": username_of(actor),
        "own_errors": _errors(errors, "signature"),
        "other_errors": _errors(errors, "other"),
        "other_username": filling.value("other.username"),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Identity query", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/identity.html", context, status=refusal.status if refusal else 200)


def _errors(errors: dict[str, list[str]], prefix: str) -> dict[str, list[str]]:
    return {part: errors.get(f"{prefix}.{part}", []) for part in ("username", "password")}
