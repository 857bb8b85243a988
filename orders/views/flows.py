"""Flow versions: read, compared, proposed from a file, approved by a second person, retired (PC2, PC3, PC6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import yaml
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from network.queries import therapies
from orders import queries
from orders.actions import flows as actions
from orders.views.requests import see_other, typed
from personas.states import Capability
from personas.views import desk

LARGEST = 256 * 1024


def _refuse_couriers(actor: Actor) -> None:
    if not queries.may_see_therapy(actor):
        raise NotFound()


@require_http_methods(["GET", "HEAD", "POST"])
@desk(Capability.VIEW_ORDERS)
def flow_list(request: HttpRequest) -> HttpResponseBase:
    """All versions of the therapies that the organization may see; the manufacturer proposes a new one here."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    _refuse_couriers(actor)
    if request.method != "POST":
        return _list(request, actor)
    try:
        proposed = _propose(request, actor)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _list(request, actor, refusal)
    messages.success(request, f"Version {proposed.version} is proposed. Somebody else approves it.")
    return see_other(reverse("orders:flow", args=[proposed.pk]))


def _propose(request: HttpRequest, actor: Actor) -> Any:
    given = request.FILES.get("file")
    if given is None:
        raise InvalidInput(fields={"file": ["Choose a file."]})
    if (given.size or 0) > LARGEST:
        raise InvalidInput(fields={"file": ["A flow file has at most 256 KB."]})
    try:
        text = given.read().decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(fields={"file": ["The file is not text in UTF-8."]}) from error
    with reading(actor):
        chosen = therapies(actor).filter(code=typed(request, "therapy")).first()
    if chosen is None:
        raise InvalidInput(fields={"therapy": ["Choose one of your therapies."]})
    return actions.propose_flow(actor, chosen, queries.flow_from_text(text))


def _list(request: HttpRequest, actor: Actor, refusal: Refusal | None = None) -> TemplateResponse:
    errors = refusal.fields if refusal else {}
    own = [(t.code, t.name) for t in therapies(actor).filter(manufacturer_id=actor.organization_id)]
    context = {
        "flows": queries.flows(actor),
        "refusal": refusal,
        "faults": errors.get("steps", []),
        "may_propose": actor.can(Capability.CONFIGURE_THERAPY) and bool(own),
        "fields": [
            {
                "name": "therapy",
                "label": "Therapy",
                "type": "select",
                "required": True,
                "choices": own,
                "value": request.POST.get("therapy", own[0][0] if len(own) == 1 else ""),
                "errors": errors.get("therapy", []),
            },
            {
                "name": "file",
                "label": "Flow file",
                "type": "file",
                "required": True,
                "accept": ".yaml,.yml",
                "help": "YAML, as exported from a version.",
                "errors": errors.get("file", []),
            },
        ],
    }
    return TemplateResponse(request, "orders/flows.html", context, status=refusal.status if refusal else 200)


@require_safe
@desk(Capability.VIEW_ORDERS)
def flow_page(request: HttpRequest, flow_id: UUID) -> HttpResponseBase:
    """One version: its steps, and what changed from the version before."""
    return _page(request, flow_id)


def _page(request: HttpRequest, flow_id: UUID, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    _refuse_couriers(actor)
    flow = queries.flow(actor, flow_id)
    former = queries.flows(actor).filter(therapy_id=flow.therapy_id, version__lt=flow.version).first()
    approver = actor.can(Capability.APPROVE_FLOW) and flow.manufacturer_id == actor.organization_id
    context = {
        "flow": flow,
        "steps": queries.flow_steps(flow),
        "usual_delay": f"{queries.usual_delay_hours():g}",
        "former": former,
        "differences": queries.flow_differences(former, flow) if former else [],
        "may_approve": approver and flow.state == "proposed" and actor.person_id != flow.proposed_by_id,
        "may_retire": approver and flow.state != "retired",
        "refusal": refusal,
        "reason": typed(request, "reason"),
        "crumbs": [
            {"label": "Flows", "url": reverse("orders:flows")},
            {"label": f"{flow.therapy.name}, version {flow.version}", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/flow.html", context, status=refusal.status if refusal else 200)


@require_safe
@desk(Capability.VIEW_ORDERS)
def flow_file(request: HttpRequest, flow_id: UUID) -> HttpResponseBase:
    """Download a version as the file it can be proposed from."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    _refuse_couriers(actor)
    flow = queries.flow(actor, flow_id)
    text = yaml.safe_dump(queries.flow_definition(flow), sort_keys=False, allow_unicode=True, width=110)
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{flow.name}-{flow.version}.yaml"'
    return response


def _done(request: HttpRequest, flow_id: UUID, act: Callable[[Actor], Any], said: str) -> HttpResponseBase:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        act(actor)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, flow_id, refusal)
    messages.success(request, said)
    return see_other(reverse("orders:flow", args=[flow_id]))


@require_POST
@desk(Capability.VIEW_ORDERS)
def approve(request: HttpRequest, flow_id: UUID) -> HttpResponseBase:
    """Make a proposed version live; by somebody else than its author."""
    return _done(
        request,
        flow_id,
        lambda actor: actions.approve_flow(actor, flow_id),
        "This version is live: new orders start on it, running orders keep theirs.",
    )


@require_POST
@desk(Capability.VIEW_ORDERS)
def retire(request: HttpRequest, flow_id: UUID) -> HttpResponseBase:
    """Retire a version: no new order starts on it."""
    reason = typed(request, "reason")
    return _done(
        request,
        flow_id,
        lambda actor: actions.retire_flow(actor, flow_id, reason),
        "This version is retired: no new order starts on it.",
    )
