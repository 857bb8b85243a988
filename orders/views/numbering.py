"""Numbering: how the organization's chains of identity are numbered, proposed by one person, approved by another."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from custody import numbering_register as register
from custody.actions import numbering as action
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def numbering(request: HttpRequest) -> HttpResponseBase:
    """Show the organization's prefixes and versions, or propose one."""
    if request.method != "POST":
        return _page(request)

    def act(actor: Actor, once: Once | None) -> str:
        action.propose_scheme(actor, request.POST, once=once)
        return "The version is proposed. Somebody else approves it; until then nothing changes."

    return _done(request, "propose-numbering", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def approve(request: HttpRequest, scheme: UUID) -> HttpResponseBase:
    """Make a proposed version live; by somebody else than its author."""

    def act(actor: Actor, once: Once | None) -> str:
        action.approve_scheme(actor, scheme, once=once)
        return "This version is live: it numbers new orders. Those that are numbered keep their identifiers."

    return _done(request, f"approve-numbering-{scheme}", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def retire(request: HttpRequest, scheme: UUID) -> HttpResponseBase:
    """Let a version number no more orders."""

    def act(actor: Actor, once: Once | None) -> str:
        action.retire_scheme(actor, scheme, request.POST, once=once)
        return "This version is retired. Identifiers that it gave stay what they are."

    return _done(request, f"retire-numbering-{scheme}", act)


def _done(request: HttpRequest, at: str, act: Any) -> HttpResponseBase:
    return acted(request, (at,), act, lambda refusal: _page(request, refusal), reverse("orders:numbering"))


def _page(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.organization_role not in action.NUMBERING_ROLES:
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    may_propose = actor.can(Capability.SET_NUMBERING)
    posted = request.POST if request.method == "POST" else None
    fields = described(action.SchemeInputs(), Filling(actor.zone, posted=posted, errors=errors)) if may_propose else []
    context = {
        "versions": register.versions(actor),
        "prefixes": register.prefixes(actor),
        "fields": fields,
        "may_propose": may_propose,
        "may_approve": actor.can(Capability.APPROVE_NUMBERING),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/numbering.html", context, status=refusal.status if refusal else 200)
