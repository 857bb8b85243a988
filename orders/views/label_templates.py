"""Label templates: how labels look per therapy and market, proposed by one person, approved by another, previewed."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from custody import label_pdf
from custody import label_register as register
from custody.actions import label_templates as action
from custody.states import LabelElement, LabelLanguage
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from network.queries import therapies
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def templates(request: HttpRequest) -> HttpResponseBase:
    """Show the versions, or propose one."""
    if request.method != "POST":
        return _page(request)

    def act(actor: Actor, once: Once | None) -> str:
        action.propose_template(actor, request.POST, once=once)
        return (
            "The version is proposed. Look at its preview; somebody else approves it, and until then nothing changes."
        )

    return _done(request, "propose-label-template", act)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def preview(request: HttpRequest, template: UUID) -> HttpResponseBase:
    """Return a version's label as PDF, with fictional data."""
    content = register.preview(request.actor, template)  # type: ignore[attr-defined]
    response = HttpResponse(label_pdf.render([content]), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="label-preview.pdf"'
    return response


@require_POST
@desk(Capability.VIEW_ORDERS)
def approve(request: HttpRequest, template: UUID) -> HttpResponseBase:
    """Make a proposed version live; by somebody else than its author."""

    def act(actor: Actor, once: Once | None) -> str:
        action.approve_template(actor, template, once=once)
        return "This version is live: labels are printed by it from now on. Those that are printed keep theirs."

    return _done(request, f"approve-label-template-{template}", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def retire(request: HttpRequest, template: UUID) -> HttpResponseBase:
    """Let nothing more be printed by a version."""

    def act(actor: Actor, once: Once | None) -> str:
        action.retire_template(actor, template, request.POST, once=once)
        return "This version is retired. Labels that were printed by it are drawn as they were."

    return _done(request, f"retire-label-template-{template}", act)


def _done(request: HttpRequest, at: str, act: Any) -> HttpResponseBase:
    return acted(request, (at,), act, lambda refusal: _page(request, refusal), reverse("orders:label_templates"))


def _page(request: HttpRequest, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows = list(register.templates(actor)[:MOST])
    own = [(row.code, row.name) for row in therapies(actor).filter(manufacturer_id=actor.organization_id)]
    errors = flat(refusal.fields) if refusal else {}
    may_propose = actor.can(Capability.CONFIGURE_THERAPY) and bool(own)
    posted = request.POST if request.method == "POST" else None
    fields = (
        described(action.TemplateInputs(), Filling(actor.zone, posted=posted, errors=errors)) if may_propose else []
    )
    for field in fields:
        if field["name"] == "elements":
            field["rows"] = 10
    context = {
        "versions": [_shown(actor, row) for row in rows],
        "fields": with_choices(fields, {"therapy": own}),
        "may_propose": may_propose,
        "may_approve": actor.can(Capability.APPROVE_FLOW),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/label_templates.html", context, status=refusal.status if refusal else 200)


def _shown(actor: Actor, row: Any) -> dict[str, Any]:
    """Return a version in words, and what this person may do with it."""
    return {
        "row": row,
        "market": row.country or "Every other",
        "elements": ", ".join(LabelElement(element).label for element in row.elements),
        "languages": ", ".join(LabelLanguage(language).label for language in row.languages),
        "approvable": row.state == "proposed" and row.proposed_by_id != actor.person_id,
        "retirable": row.state != "retired",
    }
