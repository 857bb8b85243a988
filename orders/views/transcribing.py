"""A step's paper is typed by one person and checked by another, beside the picture of the paper (CO9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ledger.context import Actor, reading
from ledger.refusals import NotAllowed, NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions import transcribing as action
from orders.flow import context_of, order_named
from orders.forms import Filling, described, flat, in_place, optional_lists, unplaced, without_blank_rows
from orders.inputs import LATE
from orders.step_kinds import kind_of
from orders.views.requests import once_of, see_other
from orders.views.step import what_now
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk

ABOUT = ("paper_at", "paper_people")
PEOPLE = ("signature.password", "checker.username", "checker.password")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def transcribe(request: HttpRequest, code: str, number: int, key: str) -> HttpResponseBase:
    """Show the form of a step's paper, or record what it says; a refusal keeps most of what was typed."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code, number, key)
    with reading(actor):
        step, _ = action.step_on_paper(actor, order_named(actor, code), number, key)
        fields = action.paper_inputs(step)()
    inputs, places = without_blank_rows(request.POST, optional_lists(fields))
    for name in (*ABOUT, *PEOPLE, "once", "acting", "csrfmiddlewaretoken"):
        inputs.pop(name, None)
    given = request.FILES.get("paper")
    content = given.read() if given is not None and (given.size or 0) <= action.LARGEST else b""
    about = {name: request.POST.get(name, "") for name in ABOUT} | {
        "signature": {"password": request.POST.get("signature.password", "")},
        "checker": {part: request.POST.get(f"checker.{part}", "") for part in ("username", "password")},
    }
    once = once_of(request, code, str(number), key)
    try:
        done = action.transcribe(actor, code, number, key, inputs, about, content, once=once)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, code, number, key, refusal, in_place(flat(refusal.fields), places))
    messages.success(request, what_now(actor, done.order, done.step, done.summary))
    return see_other(reverse("orders:downtime", args=[code]))


def _page(
    request: HttpRequest,
    actor: Actor,
    code: str,
    number: int,
    key: str,
    refusal: Refusal | None = None,
    errors: dict[str, list[str]] | None = None,
) -> TemplateResponse:
    order = order_named(actor, code)
    step, pack = action.step_on_paper(actor, order, number, key)
    zone = step.site.zone if step.site else actor.zone
    ctx = context_of(actor, order, step, late=True)
    initial = kind_of(step.flow_step.kind).initial(ctx)
    posted = request.POST if request.method == "POST" else None
    filling = Filling(zone, initial, posted, errors or {})
    asked = described(action.paper_inputs(step)(context={"zone": ZoneInfo(zone), "step_context": ctx}), filling)
    paper = described(action.TranscriptInputs(context={"zone": ZoneInfo(zone)}), filling)
    fields = [one for one in asked if not one["name"].startswith("signature") and one["name"] != LATE]
    for one in (*fields, *paper):
        if one["type"] == "datetime" and posted is None:
            one["value"] = ""  # the paper says when, never this minute
    context: dict[str, Any] = {
        "order": order,
        "step": step,
        "pack": pack,
        "refusal": refusal,
        "fields": fields,
        "about": [one for one in paper if one["name"] in ABOUT],
        "people": [one for one in paper if one["name"] in PEOPLE],
        "file": {
            "name": "paper",
            "label": "Picture of the paper",
            "type": "file",
            "required": True,
            "accept": "image/jpeg,image/png,application/pdf",
            "help": f"JPEG, PNG or PDF, at most {action.LARGEST // 1024 // 1024} MB.",
            "errors": (errors or {}).get("paper", []),
        },
        "late": next((one for one in asked if one["name"] == LATE), None),
        "username": username_of(actor),
        "unplaced": [text for text in unplaced(errors or {}, [*asked, *paper]) if text not in str(refusal)],
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Downtime packs", "url": reverse("orders:downtime", args=[order.code])},
            {"label": step.flow_step.title, "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/transcribe.html", context, status=refusal.status if refusal else 200)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def paper(request: HttpRequest, code: str, transcript: UUID) -> HttpResponseBase:
    """The picture of a paper, to the own organization; at the patient's center to those who may read identities."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    row = action.transcript(actor, order, transcript)
    if order.center_id == actor.organization_id and not queries.may_see_identity(actor, order):
        raise NotAllowed("The paper may name the patient: your persona does not read identities.")
    response = HttpResponse(action.open_paper(row), content_type=row.media_type)
    response["Content-Disposition"] = f'attachment; filename="paper-{row.digest[:8]}"'
    return response
