"""Booked dates that move: choose new ones, see what moves with them, then move or ask; the other side's answer (CO5).

A planner may come from the board with a line and a day in the address (``line``, ``start``): the knock-on of exactly
that start is shown first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal, Unauthenticated
from ledger.states import Role
from orders import queries
from orders.actions import date_wishing
from orders.actions import rescheduling as action
from orders.actions.repair_answers import is_asked_to_move
from orders.flow import order_named
from orders.forms import Filling, described, flat, unplaced
from orders.views import banner
from orders.views.offers import offers_of, wishes_asked
from orders.views.requests import acted, asked, day
from orders.views.starts import start_filters, target_of, why_none
from personas.states import Capability
from personas.views import desk
from scheduling.states import Ranking

SAID = {
    action.MOVED: "The dates have moved. Everybody on the order is told.",
    action.PROPOSED: "{asked} is asked. Until it answers, the former dates stay and the new ones are kept.",
    action.REFUSED: "The change is refused; what was confirmed stays.",
}
Act = Callable[[Actor, "Once | None"], str]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def dates(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show how the dates stand, the dates to which they could move and what that would do; or move or propose them."""
    if request.method != "POST":
        return _page(request, code)
    seen = request.POST.get("version") or None

    def act(actor: Actor, once: Once | None) -> str:
        changed = action.reschedule(actor, code, request.POST, once=once, version=seen)
        with reading(actor):
            return SAID[changed.outcome].format(asked=_asked(actor, changed.order))

    return _done(request, code, "dates", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def answer(request: HttpRequest, code: str) -> HttpResponseBase:
    """Agree to a proposed change or refuse it."""

    def act(actor: Actor, once: Once | None) -> str:
        return SAID[action.answer_change(actor, code, request.POST, once=once).outcome]

    return _done(request, code, "answer", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def withdraw(request: HttpRequest, code: str) -> HttpResponseBase:
    """Give a proposed change up."""

    def act(actor: Actor, once: Once | None) -> str:
        action.withdraw_change(actor, code, request.POST, once=once)
        return "The proposed change is withdrawn; what was confirmed stays."

    return _done(request, code, "withdraw", act)


def _done(request: HttpRequest, code: str, at: str, act: Act) -> HttpResponseBase:
    place = reverse("orders:order", args=[code.upper()])
    return acted(request, (at, code), act, lambda refusal: _page(request, code, refusal), place)


def _asked(actor: Actor, order: Any) -> str:
    """Return who has to agree to what the actor proposes."""
    asked = order.manufacturer if actor.organization_id == order.center_id else order.center_site
    return str(asked.name)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    standing = action.standing(actor, order)
    errors = flat(refusal.fields) if refusal else {}
    offers, nearest = _offers(request, actor, order, standing, errors) if standing.may_choose else (None, "")
    token = _token(request) or nearest
    given = _given(offers)
    found, gone = _preview(actor, order.code, token, given) if standing.may_choose else (None, None)
    fields = _fields(request, actor, errors)
    context = {
        "order": order,
        "etag": f"{order.version}",
        "banner": banner.of(actor, order),
        "standing": standing,
        "offers": offers,
        "preview": found,
        "wished": date_wishing.in_words(order, queries.wishes_of(actor, order)),
        "may_wish": date_wishing.may_state(actor, order),
        "proposes": standing.proposes,
        "asked": _asked(actor, order),
        "asked_to_move": is_asked_to_move(actor, order),
        "zone": order.center_site.zone,
        "plant_zone": order.plant_site.zone if order.plant_site else "",
        "fields": fields,
        "errors": errors,
        "typed": request.POST,
        "refusal": refusal or gone,
        "once": request.POST.get("once") or uuid4(),
        "unplaced": unplaced(errors, fields),
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Dates", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/dates.html", context, status=refusal.status if refusal else 200)


def _token(request: HttpRequest) -> str:
    words = request.POST if request.method == "POST" else request.GET
    return words.get("offer", "").replace("\x00", "")[:4000]


def _given(offers: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the page wishes as inputs; nothing where it has no such filters."""
    wishes = offers["wishes"] if offers else None
    if offers is None or wishes is None:
        return {}
    given = {name: getattr(wishes, name) for name in ("washout_since", "washout_days")}
    return {**given, "earliest": offers["earliest"], "weekdays": sorted(wishes.weekdays)}


def _preview(
    actor: Actor, code: str, token: str, given: dict[str, Any]
) -> tuple[action.Preview | None, Refusal | None]:
    """Return what the chosen dates would do, or why they cannot be had any more."""
    if not token:
        return None, None
    try:
        return action.preview(actor, code, token, given), None
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        return None, refusal


def _offers(
    request: HttpRequest, actor: Actor, order: Any, standing: action.Standing, errors: dict[str, list[str]]
) -> tuple[dict[str, Any], str]:
    """Return the dates that are offered; where a start is aimed at, also the token of those nearest to the booked."""
    zone = order.center_site.zone
    today = timezone.localdate(timezone=ZoneInfo(zone))
    stored, by_center = queries.wishes_of(actor, order), standing.side == Role.TREATMENT_CENTER
    earliest = max(day(asked(request, "earliest")) or stored.earliest or today, today)
    wishes = wishes_asked(request, stored) if by_center else None
    lines = action.lines_of(actor, order)
    target = target_of(request, lines)
    given = _given({"wishes": wishes, "earliest": earliest})
    ranking = wishes.ranking if wishes else Ranking.EARLIEST
    if target is None:
        found, nearest = action.search_dates(actor, order.code, earliest, given, ranking), ""
    else:
        found = action.search_start(actor, order.code, UUID(target["line"]), target["date"], given, ranking)
        best = action.least_moved(standing, found)
        nearest = best.token if best else ""
        target["why"] = why_none(found.refused)
    chosen, washout = _token(request) or nearest, queries.usual_washout(order)
    shown = offers_of(found, zone, today, earliest, chosen, errors.get("offer", []), wishes, washout)
    if lines:
        starts = start_filters(request, lines, order, target, required=not by_center)
        shown["filters"] = [*shown["filters"], *starts] if by_center else starts
    return {**shown, "target": target}, nearest


def _fields(request: HttpRequest, actor: Actor, errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    posted = request.POST if request.method == "POST" else None
    fields = described(action.ChangeInputs(), Filling(actor.zone, posted=posted, errors=errors))
    return [field for field in fields if field["type"] != "offer"]
