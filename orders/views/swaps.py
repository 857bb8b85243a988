"""Two own patients exchange their booked dates: proposed by the coordinator, agreed for each by a physician (CO6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders.actions import swaps as action
from orders.actions.rescheduling import may_reschedule
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.states import SwapState
from orders.views import banner, frame
from orders.views.requests import acted
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk

Act = Callable[[Actor, "Once | None"], str]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def swap(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show with whom the order could exchange its dates, or the swap that waits; or propose one."""
    if request.method != "POST":
        return _page(request, code)

    def act(actor: Actor, once: Once | None) -> str:
        action.propose_swap(actor, code, request.POST, once=once)
        return "The physicians of both patients are asked. Nothing moves before both have agreed."

    return _done(request, code, "swap", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def answer(request: HttpRequest, code: str, swap_id: UUID) -> HttpResponseBase:
    """A physician agrees or refuses for one of the two orders, signed."""

    def act(actor: Actor, once: Once | None) -> str:
        found = action.answer_swap(actor, swap_id, request.POST, once=once)
        return {
            SwapState.DONE: "Both physicians have agreed: the dates are exchanged.",
            SwapState.REFUSED: "The swap is refused; both orders keep their dates.",
        }.get(SwapState(found.state), "Your approval is on the record. The other patient's is still to come.")

    return _done(request, code, "swap-answer", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def withdraw(request: HttpRequest, code: str, swap_id: UUID) -> HttpResponseBase:
    """Give a proposed swap up."""

    def act(actor: Actor, once: Once | None) -> str:
        action.withdraw_swap(actor, swap_id, request.POST, once=once)
        return "The swap is withdrawn; both orders keep their dates."

    return _done(request, code, "swap-withdraw", act)


def _done(request: HttpRequest, code: str, at: str, act: Act) -> HttpResponseBase:
    place = reverse("orders:swap", args=[code.upper()])
    return acted(request, (at, code), act, lambda refusal: _page(request, code, refusal), place)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    if order.center_id != actor.organization_id:
        raise NotFound()
    errors = flat(refusal.fields) if refusal else {}
    waiting = [action.swap_named(actor, found.pk) for found in action.open_swaps(actor, order)]
    may_book = may_reschedule(actor, order)
    others = action.candidates(actor, order) if may_book and not waiting else []
    fields = _fields(request, actor, others, errors) if others else []
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "swaps": [_waiting(actor, one, request.POST.get("order", order.code), errors) for one in waiting],
        "may_book": may_book,
        "may_sign": actor.can(Capability.PRESCRIBE),
        "fields": fields,
        "zone": order.center_site.zone,
        "meaning": action.MEANING,
        "username": username_of(actor),
        "signature_errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "errors": errors,
        "typed": request.POST,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Swap dates", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/swap.html", context, status=refusal.status if refusal else 200)


def _waiting(actor: Actor, found: Any, chosen: str, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Return a swap as its page shows it; ``chosen``: the order that a physician decides for, to begin with."""
    names = frame.names_of(actor, found.orders)
    sides = (
        (found.first, found.second, found.first_approved_by),
        (found.second, found.first, found.second_approved_by),
    )
    open_sides = [(order, names.get(order.patient_id)) for order, _, approved_by in sides if not approved_by]
    return {
        "swap": found,
        "choice": {
            "name": "order",
            "label": "You decide for",
            "type": "radio",
            "required": True,
            "choices": [(one.code, f"{one.code}, {who.display_name}" if who else one.code) for one, who in open_sides],
            "value": chosen if chosen in [one.code for one, _ in open_sides] else open_sides[0][0].code,
            "errors": errors.get("order", []),
        },
        "sides": [
            {
                "order": order,
                "patient": names.get(order.patient_id),
                "approved_by": approved_by,
                "now": parse_datetime(order.plan["collection_start"]),
                "then": parse_datetime(other.plan["collection_start"]),
            }
            for order, other, approved_by in sides
        ],
    }


def _fields(
    request: HttpRequest, actor: Actor, others: list[Any], errors: dict[str, list[str]]
) -> list[dict[str, Any]]:
    names = frame.names_of(actor, [other for other, _ in others])
    posted = request.POST if request.method == "POST" else None
    fields = described(action.SwapInputs(), Filling(actor.zone, posted=posted, errors=errors))
    return with_choices(
        fields, {"other": [(one.code, _label(one, chain, names.get(one.patient_id))) for one, chain in others]}
    )


def _label(order: Any, chain: Any, patient: Any) -> str:
    start = chain.collection_starts_at.astimezone(ZoneInfo(order.center_site.zone))
    name = f", {patient.display_name}" if patient else ""
    return f"{order.code}{name}: collection {start:%a %d %b %Y %H:%M}"
