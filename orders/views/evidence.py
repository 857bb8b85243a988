"""One page of evidence per batch: everything that review and release stand on, and the signature beneath it (QA1, T16).

The page shows the list that is signed. Its form carries that list's digest, so a signature never meets other content.
"""

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
from ledger.states import Role
from orders import queries
from orders.flow import next_actions, order_named, perform, seen_version
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner, order_cards
from orders.views.requests import once_of, see_other, typed
from orders.views.sheets import sheet_of
from orders.views.step import BENEATH_EVIDENCE as SIGNED_HERE
from orders.views.step import signature_of, what_now
from personas.states import Capability
from personas.views import desk
from quality import queries as quality
from quality.states import DeviationState

READERS = (Role.MANUFACTURER, Role.CMO)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def evidence_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show a batch's evidence, or sign beneath it; what has changed since it was shown is refused as stale."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code)
    key = typed(request, "step")
    with reading(actor):
        _signable(actor, code, key)
    try:
        result = perform(
            actor, code, key, request.POST, version=request.POST.get("version") or "", once=once_of(request, code, key)
        )
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, refusal)
    messages.success(request, what_now(actor, result.order, result.step, result.summary))
    return see_other(reverse("orders:order", args=[result.order]))


def _signable(actor: Actor, code: str, key: str) -> Any:
    """Return the step if it is signed beneath the evidence; NotFound for any other."""
    order = order_named(actor, code)
    step = queries.step_of(actor, order, key)
    if actor.organization_role not in READERS or step.flow_step.kind not in SIGNED_HERE:
        raise NotFound()
    return step


def _page(request: HttpRequest, actor: Actor, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    order = order_named(actor, code)
    if actor.organization_role not in READERS or quality.batch_of(actor, order.stream_id) is None:
        raise NotFound()
    sections = queries.batch_evidence(actor, order)
    missing = queries.release_missing(actor, order)
    context = {
        "order": order,
        "sections": sections,
        "open_items": queries.with_anchors(missing),
        "to_close": _to_close(actor, order),
        "banner": banner.of(actor, order),
        "refusal": refusal,
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Evidence of the batch", "url": ""},
        ],
        "once": request.POST.get("once") or uuid4(),
        **_signing(request, actor, order, sections, refusal),
    }
    return TemplateResponse(request, "orders/evidence.html", context, status=refusal.status if refusal else 200)


def _to_close(actor: Actor, order: Any) -> list[Any]:
    """Return the open deviations that this persona may close with their conclusion."""
    if not actor.can(Capability.MANAGE_DEVIATIONS) or not order_cards.is_party(actor, order):
        return []
    return list(quality.deviations_of(actor, order.stream_id).filter(state=DeviationState.OPEN))


def _signing(
    request: HttpRequest, actor: Actor, order: Any, sections: list[Any], refusal: Refusal | None
) -> dict[str, Any]:
    """Return the form of the review or the release, whichever is this persona's now, bound to the sections."""
    acts = [act for act in next_actions(actor, order) if act.step.flow_step.kind in SIGNED_HERE]
    if not acts:
        return {"step": None, "fields": []}
    step = queries.step_of(actor, order, acts[0].step.key)
    request.open_step = step.key  # type: ignore[attr-defined]  # as the address of a step's own page says it
    sheet = sheet_of(actor, order, step)
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(sheet.zone, sheet.initial, request.POST if request.method == "POST" else None, errors)
    fields = described(sheet.inputs, filling) if sheet.inputs else []
    return {
        "step": step,
        "sheet": sheet,
        "version": seen_version(step, queries.evidence_shown(sections)),
        "fields": [found for found in fields if not found["name"].startswith("signature.")],
        "signature": signature_of(actor, sheet, filling),
        "unplaced": [words for words in unplaced(errors, fields) if refusal is None or words != refusal.detail],
    }
