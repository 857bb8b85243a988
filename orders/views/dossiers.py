"""The dossier to take away, and the page that proves whether a copy of one is what it was."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger import seals
from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound
from orders import queries
from orders.actions import dossiers
from orders.flow import order_named
from orders.views.requests import asked, typed
from personas.states import Capability
from personas.views import desk

FORGERIES = dossiers.Forgery.choices
MOST_ORDERS = 30


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS, recorded=True)
def dossier(request: HttpRequest, code: str) -> HttpResponseBase:
    """An order's dossier as a zip; its file name holds the order's code and nothing else."""
    return _zip(dossiers.take_dossier(request.actor, code))  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk()
def verify(request: HttpRequest) -> HttpResponseBase:
    """Anybody signed in proves a copy: intact, or which event and field was altered, is missing or out of order."""
    if request.method != "POST":
        return _page(request)
    sent = request.FILES.get("copy")
    if sent is None:
        return _page(request, errors={"copy": ["Choose the zip or the dossier.json that you were given."]}, status=400)
    content = sent.read(dossiers.LARGEST_UPLOAD + 1)
    try:
        check = dossiers.check_copy(request.actor, content)  # type: ignore[attr-defined]
    except InvalidInput as refusal:
        return _page(request, errors=refusal.fields, status=refusal.status)
    return _page(request, check=check)


@require_POST
@never_cache
@desk(Capability.VIEW_ORDERS)
def try_tampered(request: HttpRequest) -> HttpResponseBase:
    """In a demonstration: a tampered copy of an order's dossier, downloaded or verified at once."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    code, how = typed(request, "order"), typed(request, "how")
    if not settings.DEMO:
        raise NotFound()
    if not code:
        return _page(request, errors={"order": ["Choose an order."]}, status=400)
    try:
        made = dossiers.take_tampered(actor, code, how)
    except InvalidInput as refusal:
        return _page(request, errors=refusal.fields, status=refusal.status)
    if "download" in request.POST:
        return _zip(made)
    return _page(request, check=dossiers.check_copy(actor, made.content), forgery=dict(FORGERIES)[how])


def _zip(made: dossiers.Dossier) -> HttpResponse:
    response = HttpResponse(made.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.code}.zip"'
    return response


def _page(
    request: HttpRequest,
    *,
    check: dossiers.Check | None = None,
    errors: dict[str, Any] | None = None,
    forgery: str = "",
    status: int = 200,
) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    errors = errors or {}
    code = asked(request, "order") or typed(request, "order")
    with reading(actor):
        context = {
            "check": check,
            "sealed_at": _sealed_at(check) if check else None,
            "forgery": forgery,
            "fingerprint": seals.fingerprint(),
            "copy_field": {
                "name": "copy",
                "label": "The copy",
                "type": "file",
                "required": True,
                "accept": ".zip,.json",
                "errors": errors.get("copy", []),
                "help": "The zip as you were given it, or its dossier.json. It is read here and not kept.",
            },
            "trial": _trial(actor, code, typed(request, "how"), errors) if settings.DEMO else [],
            "code": _seen(actor, code),
        }
    return TemplateResponse(request, "orders/verify.html", context, status=status)


def _sealed_at(check: dossiers.Check) -> dt.datetime | None:
    """Return when the copy says that it was sealed; a forger may have written anything there."""
    try:
        found = parse_datetime(str(check.report.made_at))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _seen(actor: Actor, code: str) -> str:
    try:
        return order_named(actor, code).code if code and queries.may_see_therapy(actor) else ""
    except NotFound:
        return ""


def _trial(actor: Actor, code: str, how: str, errors: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of the demonstration's trial; none for who may take no dossier."""
    if not (queries.may_see_therapy(actor) and actor.can(Capability.VIEW_RECORD)):
        return []
    codes = list(queries.orders(actor).prefetch_related(None).values_list("code", flat=True)[:MOST_ORDERS])
    if not codes:
        return []
    chosen = code.upper() if code.upper() in codes else codes[-1]
    return [
        {
            "name": "order",
            "label": "Order",
            "type": "select",
            "required": True,
            "value": chosen,
            "choices": [(one, one) for one in codes],
            "errors": errors.get("order", []),
        },
        {
            "name": "how",
            "label": "What a forger does to the copy",
            "type": "radio",
            "required": True,
            "value": how or FORGERIES[0][0],
            "choices": FORGERIES,
            "errors": errors.get("how", []),
        },
    ]
