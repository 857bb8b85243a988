"""Codes: what a scanned one says and leads to, and what parties call the things of an order in their own systems."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from custody import queries as custody
from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import InvalidInput, Refusal
from orders import queries
from orders.actions import aliases as action
from orders.actions import donation_corrections as corrections
from orders.flow import order_named
from orders.forms import Filling, described, flat, parts_of, unplaced, with_choices
from orders.views import banner
from orders.views.requests import acted, typed
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk

OWN_FIELDS = ("wrong", "donation", "reason")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def what_is(request: HttpRequest) -> HttpResponseBase:
    """Say what a code is: posted, so that no address holds a patient's number."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    text, meaning, refusal = typed(request, "code"), None, None
    if request.method == "POST":
        with reading(actor):
            try:
                meaning = action.meaning_of(actor, text)
            except InvalidInput as refused:
                refusal = refused
    field = {
        "name": "code",
        "label": "Code",
        "type": "scan",
        "value": text,
        "required": True,
        "maxlength": 200,
        "help": "Scan or type any code of a bag, a box or a label.",
        "errors": refusal.fields.get("code", []) if refusal else [],
    }
    may_import = actor.can(Capability.REGISTER_CODES)
    context = {"field": field, "meaning": meaning, "refusal": refusal, "may_import": may_import}
    return TemplateResponse(request, "orders/what_is.html", context, status=refusal.status if refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def codes(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show the codes that parties have registered for an order's things, or register one."""
    if request.method != "POST":
        return _page(request, code)

    def act(actor: Actor, once: Once | None) -> str:
        action.register_alias(actor, code, request.POST, once=once)
        return "The code is registered: whoever may look it up finds this order by it."

    return _done(request, code, "register-code", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def correct_donation(request: HttpRequest, code: str) -> HttpResponseBase:
    """Put the right donation number in the place of a wrong one."""

    def act(actor: Actor, once: Once | None) -> str:
        named = corrections.correct_donation(actor, code, request.POST, once=once)
        return f"Corrected on {', '.join(named) or 'the order'}. Print the labels that carry the wrong number again."

    return _done(request, code, "correct-donation", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def withdraw(request: HttpRequest, code: str, alias: UUID) -> HttpResponseBase:
    """Let an own code name nothing any more."""

    def act(actor: Actor, once: Once | None) -> str:
        action.withdraw_alias(actor, code, alias, request.POST, once=once)
        return "The code is withdrawn. It stays on the record."

    return _done(request, code, f"withdraw-code-{alias}", act)


def _done(request: HttpRequest, code: str, at: str, act: Any) -> HttpResponseBase:
    place = reverse("orders:codes", args=[code.upper()])
    return acted(request, (at, code), act, lambda refusal: _page(request, code, refusal), place)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    errors = flat(refusal.fields) if refusal else {}
    may = actor.can(Capability.REGISTER_CODES)
    posted = request.POST if request.method == "POST" else None
    fields = described(action.AliasInputs(), Filling(actor.zone, posted=posted, errors=errors)) if may else []
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "rows": action.aliases_of(actor, order),
        "fields": with_choices(fields, {"names": _things(actor, order)}),
        "may_register": may,
        **_correction(request, actor, order, errors),
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Codes", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/codes.html", context, status=refusal.status if refusal else 200)


def _correction(request: HttpRequest, actor: Actor, order: Any, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Return the form that corrects a donation number; nothing for who may not, or where there is none."""
    numbers = corrections.donations_of(actor, order)
    if not numbers:
        return {"donations": []}
    filling = Filling(actor.zone, posted=request.POST if "wrong" in request.POST else None, errors=errors)
    fields = [field for field in described(corrections.CorrectDonationInputs(), filling) if field["name"] in OWN_FIELDS]
    return {
        "donations": numbers,
        "correction_fields": with_choices(fields, {"wrong": [(number, number) for number in numbers]}),
        "meaning": corrections.CORRECTED_BY,
        "second_meaning": corrections.SEEN_BY,
        "username": username_of(actor),
        "own_errors": parts_of(errors, "signature"),
        "second_errors": parts_of(errors, "second"),
        "second_username": filling.value("second.username"),
        "second_scan": filling.value("second.scan"),
    }


def _things(actor: Actor, order: Any) -> list[tuple[str, str]]:
    """Return what may be named: bags, boxes and the chain of identity; boxes alone for a courier."""
    boxes = [(row.code, f"Box {row.code}") for row in custody.shipments_of(actor, order.stream_id)]
    if not queries.may_see_therapy(actor):
        return boxes
    bags = custody.containers_of(actor, order.stream_id)
    named = [(bag.code, f"{bag.kind_label} {bag.k_of_n} ({bag.code})") for bag in bags]
    return [*named, *boxes, (order.identity_code, f"Chain of identity {order.identity_code}")]
