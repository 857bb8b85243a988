"""The page of one box: its way as planned and as it was, what it is packed with, its temperatures."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody import logger_layouts
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, Refusal
from orders import queries
from orders.actions import excursions
from orders.actions.box_photos import LONGEST, may_add
from orders.actions.box_refusals import may_refuse
from orders.actions.shipper_swaps import may_swap
from orders.actions.way_reports import may_report
from orders.flow import order_named
from orders.forms import flat, unplaced
from orders.views.requests import acted, typed
from personas.states import Capability
from personas.views import desk

MOST = 200  # layouts to choose from
BADGES = {
    "done": ("good", "circle-check", "Done"),
    "done_late": ("warn", "alert-triangle", "Done late"),
    "overdue": ("bad", "alert-triangle", "Overdue"),
    "next": ("info", "circle", "Planned"),
    "open": ("neutral", "circle", "Open"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def shipment(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """Show a box, or take its logger's file."""
    if request.method != "POST":
        return page(request, code, box)

    def act(actor: Actor, once: Once | None) -> str:
        given = request.FILES.get("file")
        if given is None:
            raise InvalidInput(fields={"file": ["Choose the logger's file."]})
        if (given.size or 0) > excursions.LARGEST:
            raise InvalidInput(fields={"file": [f"At most {excursions.LARGEST // 1024 // 1024} MB."]})
        found = excursions.send_file(
            actor, code, box, given.read(), typed(request, "serial"), typed(request, "model"), once=once
        )
        bad = f" {found.bad} rows could not be read: see below which." if found.bad else ""
        return f"{found.taken} new readings, {found.repeated} known already.{bad}"

    place = reverse("orders:shipment", args=[code, box])
    return acted(request, (f"readings-{code}-{box}",), act, lambda refusal: page(request, code, box, refusal), place)


def page(request: HttpRequest, code: str, box: str, refusal: Refusal | None = None) -> TemplateResponse:
    """Return the page of a box, with why something sent from it was refused."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.box_of_order(actor, order_named(actor, code), box)
    errors = flat(refusal.fields) if refusal else {}
    fields = _fields(request, actor, errors) if excursions.may_send(actor) and found.box.logger_code else []
    photos = _photo_fields(request, errors) if may_add(actor, found.box) else []
    context = {
        "order": found.order,
        "box": found.box,
        "zone": found.zone,
        "milestones": [_milestone(one, found.photos) for one in found.milestones],
        "condition": found.condition,
        "limits": found.limits.words,
        "longest_gap": found.longest_gap,
        "lowest": found.lowest,
        "highest": found.highest,
        "chart": found.chart,
        "uploads": found.uploads,
        "carried": found.carried,
        "way": found.way,
        "photos": found.photos,
        "photo_fields": photos,
        "inside": queries.may_see_therapy(actor),
        "may_report": may_report(actor, found.box),
        "may_refuse": may_refuse(actor, found.box),
        "may_swap": may_swap(actor, found.box),
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, [*fields, *photos]),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": found.order.code, "url": reverse("orders:order", args=[found.order.code])},
            {"label": f"Box {found.box.code}", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/shipment.html", context, status=refusal.status if refusal else 200)


def _photo_fields(request: HttpRequest, errors: Any) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"name": "photo", "label": "Photo", "type": "file", "required": True, "accept": "image/jpeg,image/png"},
        {
            "name": "about",
            "label": "What it shows (no names)",
            "type": "text",
            "required": True,
            "maxlength": LONGEST,
            "value": request.POST.get("about", ""),
        },
    ]
    return [field | {"errors": errors.get(field["name"], [])} for field in fields]


def _milestone(one: Any, photos: Any) -> dict[str, Any]:
    tone, icon, words = BADGES[one.state]
    names = ("label", "zone", "planned", "actual", "difference", "told_before")
    taken = [photo for photo in photos if photo.step in one.steps]
    return {"tone": tone, "icon": icon, "words": words, "photos": taken} | {name: getattr(one, name) for name in names}


def _fields(request: HttpRequest, actor: Actor, errors: Any) -> list[dict[str, Any]]:
    saved = logger_layouts.layouts(actor).values_list("model", flat=True)[:MOST]
    fields: list[dict[str, Any]] = [
        {"name": "file", "label": "File", "type": "file", "required": True, "accept": ".csv,.txt,.tsv"},
        {
            "name": "model",
            "label": "Layout",
            "type": "select",
            "choices": [("", "Recognize the columns"), *((model, model) for model in saved)],
            "value": request.POST.get("model", ""),
            "help": "Without a choice: the saved layout of the box's logger model, else the usual column names.",
        },
        {
            "name": "serial",
            "label": "Serial number on the logger",
            "type": "scan",
            "value": request.POST.get("serial", ""),
            "help": "Needed only where the file does not name it.",
        },
    ]
    return [field | {"errors": errors.get(field["name"], [])} for field in fields]
