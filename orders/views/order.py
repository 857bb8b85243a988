"""The page of one order, and what is done to the order as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders import queries
from orders.actions import dispositions, interruptions
from orders.actions.bookings import renew_hold
from orders.actions.remanufacture import open_ways, ways_of
from orders.actions.repair_answers import is_asked_to_move
from orders.flow import order_named
from orders.views import banner, order_cards
from orders.views.jobs import concerns_kit
from orders.views.requests import acted, asked, typed
from personas.states import Capability
from personas.views import desk
from quality import queries as quality
from quality.actions.deviations import close_deviation

Act = Callable[[Actor, "Once | None"], str]


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def order_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """Everything that the acting role may see of an order, its next acts first."""
    return _page(request, code)


def _page(request: HttpRequest, code: str, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    found_labels = order_cards.labels(actor, order)
    rows = order_cards.timeline(actor, order)
    now, later = order_cards.split(rows)
    turns, ways = order_cards.turns(actor, order), ways_of(actor, order)
    material = order_cards.material(actor, order)
    shown, before = order_cards.quality_part(actor, order), asked(request, "before")
    events, older = order_cards.events(actor, order, before) if actor.can(Capability.VIEW_RECORD) else ([], "")
    context = {
        "order": order,
        "etag": f"{order.version}",
        "banner": banner.of(actor, order),
        "turns": turns,
        "timeline": now,
        "later": later,
        "repeatable": [row for row in rows if row["repeatable"]],
        "margin": queries.transit_margin(actor, order),
        "delays": queries.delays(actor, order),
        "parties": order_cards.parties(actor, order),
        "plan": order_cards.plan(actor, order),
        "wished": order_cards.wished(actor, order),
        "material": material,
        "left_over": [row["bag"] for row in material if not row["bag"].is_terminal],
        "shipments": order_cards.shipments(actor, order),
        "labels": found_labels,
        "has_labels": order_cards.has_valid_labels(found_labels),
        "quality": shown,
        "events": events,
        "older": older,
        "before": before,
        "asked_to_move": is_asked_to_move(actor, order),
        "acts": order_cards.acts(actor, order),
        "kit": concerns_kit(actor, order),
        "ways": ways,
        "lost": bool(ways) or (order_cards.has_ended_batch(shown) or not turns) and bool(open_ways(actor, order)),
        "status": "on_hold" if order.on_hold else order_cards.ORDER_TONE.get(order.state, order.state),
        "refusal": refusal,
        "at": at,
        "typed": request.POST,
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Orders", "url": reverse("orders:list")}, {"label": order.code, "url": ""}],
    }
    return TemplateResponse(request, "orders/order.html", context, status=refusal.status if refusal else 200)


def done(request: HttpRequest, code: str, at: str, act: Act, place: str = "") -> HttpResponseBase:
    """Do something to an order; a refusal brings its page back with the form ``at`` open and what was typed."""
    place = place or reverse("orders:order", args=[code.upper()])
    return acted(request, (at, code), act, lambda refusal: _page(request, code, refusal, at), place)


@require_POST
@desk(Capability.VIEW_ORDERS)
def put_on_hold(request: HttpRequest, code: str) -> HttpResponseBase:
    """Stop the line, with a reason."""

    def act(actor: Actor, once: Once | None) -> str:
        interruptions.put_on_hold(actor, code, typed(request, "reason"), once=once)
        return "The order is on hold. Until it is lifted, only what has happened already can be recorded, as late."

    return done(request, code, "hold", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def lift_hold(request: HttpRequest, code: str) -> HttpResponseBase:
    """Let an order go on, with a reason."""
    seen = request.POST.get("version") or None

    def act(actor: Actor, once: Once | None) -> str:
        interruptions.lift_hold(actor, code, typed(request, "reason"), once=once, version=seen)
        return "The hold is lifted. The order goes on."

    return done(request, code, "lift", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def cancel(request: HttpRequest, code: str) -> HttpResponseBase:
    """End an order, with a reason."""
    seen = request.POST.get("version") or None

    def act(actor: Actor, once: Once | None) -> str:
        interruptions.cancel(actor, code, typed(request, "reason"), once=once, version=seen)
        return "The order is cancelled. Its slots are free again."

    return done(request, code, "cancel", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def repeat(request: HttpRequest, code: str, key: str) -> HttpResponseBase:
    """Begin a step again as a new attempt, with a reason."""

    def act(actor: Actor, once: Once | None) -> str:
        with reading(actor):
            queries.step_of(actor, order_named(actor, code), key)
        step = interruptions.repeat_step(actor, code, key, typed(request, "reason"), once=once)
        return f"{step.flow_step.title}: attempt {step.attempt} is ready."

    return done(request, code, f"repeat-{key}", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def end_deviation(request: HttpRequest, code: str, number: str) -> HttpResponseBase:
    """Close a deviation of the order with its conclusion (QA1)."""

    def act(actor: Actor, once: Once | None) -> str:
        with reading(actor):
            order = order_named(actor, code)
            found: Any = quality.deviations_of(actor, order.stream_id).filter(number=number).first()
        if found is None:
            raise NotFound()
        close_deviation(actor, found.pk, conclusion=typed(request, "conclusion"))
        return f"Deviation {number} is closed."

    if request.POST.get("at") != "evidence":
        return done(request, code, f"deviation-{number}", act)
    place = f"{reverse('orders:evidence', args=[code.upper()])}#deviations"  # back to where the signature waits
    return done(request, code, f"deviation-{number}", act, place)


@require_POST
@desk(Capability.VIEW_ORDERS)
def renew(request: HttpRequest, code: str) -> HttpResponseBase:
    """Let a slot hold run on (CO2)."""

    def act(actor: Actor, once: Once | None) -> str:
        renew_hold(actor, code, once=once)
        return "The slot hold runs on."

    return done(request, code, "renew", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def dispose(request: HttpRequest, code: str, container: str) -> HttpResponseBase:
    """Put a bag aside, decide about one in quarantine, record one as lost or found, with a reason (QA1, CL2)."""
    decision, reason = typed(request, "decision"), typed(request, "reason")

    def act(actor: Actor, once: Once | None) -> str:
        if decision == dispositions.LOST:
            bag = dispositions.record_loss(actor, code, container, reason, once=once)
        elif decision == dispositions.ASIDE:
            bag = dispositions.put_aside(actor, code, container, reason, once=once)
        elif decision == dispositions.FOUND:
            bag = dispositions.record_found(actor, code, container, reason, once=once)
        else:
            bag = dispositions.decide_on_quarantine(actor, code, container, decision, reason, once=once)
        return f"{bag.code} is {bag.get_state_display().lower()}."

    return done(request, code, f"bag-{container}", act)
