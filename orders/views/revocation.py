"""The end of a release, signed: what it will stop is shown before anybody signs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody.states import TERMINAL_STATES, ContainerKind
from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions.revocations import RevokeInputs, may_revoke, revoke_release
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner, order_cards
from orders.views.requests import once_of, see_other
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def revoke(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show what a revocation would stop, or revoke the release."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code)
    with reading(actor):
        _order(actor, code)
    sent = {
        "reason": request.POST.get("reason", ""),
        "signature": {name: request.POST.get(f"signature.{name}", "") for name in ("username", "password")},
    }
    try:
        revoke_release(actor, code, sent, once=once_of(request, "revoke", code))
    except Replayed:
        pass
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, refusal)
    messages.success(request, "The release is revoked. Every bag is put aside; both sides and the courier are told.")
    return see_other(reverse("orders:order", args=[code]))


def _order(actor: Actor, code: str) -> Any:
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    return order


def _page(request: HttpRequest, actor: Actor, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    order = _order(actor, code)
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(actor.zone, posted=request.POST if request.method == "POST" else None, errors=errors)
    fields = [field for field in described(RevokeInputs(), filling) if field["name"] == "reason"]
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "may_revoke": may_revoke(actor, order),
        "stopped": [row for row in order_cards.material(actor, order) if _would_stop(row["bag"])],
        "fields": fields,
        "username": username_of(actor),
        "errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "once": request.POST.get("once") or uuid4(),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Revoke the release", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/revoke.html", context, status=refusal.status if refusal else 200)


def _would_stop(bag: Any) -> bool:
    return bag.kind != ContainerKind.STARTING_MATERIAL and bag.state not in TERMINAL_STATES
