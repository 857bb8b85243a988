"""Authorizing and suspending a center's site for a therapy, and its lymphodepletion, with the reason (SN5, TP2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from network import queries as network
from network.actions import places
from orders.views.desks import network as network_desk
from orders.views.requests import day, see_other, typed
from personas import queries as personas
from personas.states import Capability
from personas.views import desk


@require_POST
@desk(Capability.VIEW_ORDERS)
def authorize(request: HttpRequest) -> HttpResponseBase:
    """Authorize a site, or reinstate a suspended one."""

    def act(actor: Actor, therapy: Any, site: Any, reason: str) -> str:
        if not reason:
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        last = typed(request, "until")
        until = day(last)
        if last and (until is None or until == dt.date.max):
            raise InvalidInput(fields={"until": ["Give a day."]})
        ends = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC) if until else None
        places.authorize_site(actor, therapy, site, until=ends, reason=reason)
        return f"{site.name} may give {therapy.name}."

    return _done(request, act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def suspend(request: HttpRequest) -> HttpResponseBase:
    """Suspend a site: no new order from there; running orders go on and are shown."""

    def act(actor: Actor, therapy: Any, site: Any, reason: str) -> str:
        places.suspend_site(actor, therapy, site, reason=reason)
        return f"{site.name} takes no new order of {therapy.name}. Orders that run go on: decide about each."

    return _done(request, act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def lymphodepletion(request: HttpRequest) -> HttpResponseBase:
    """Let a site begin lymphodepletion on the release, or wait for the product (TP2)."""

    def act(actor: Actor, therapy: Any, site: Any, reason: str) -> str:
        choice = typed(request, "on_release")
        if choice not in ("yes", "no"):
            raise InvalidInput(fields={"on_release": ["Choose when it may begin."]})
        early = choice == "yes"
        places.set_lymphodepletion_policy(actor, therapy, site, on_release=early, reason=reason)
        begins = "begins on the release" if early else "waits until the product is accepted"
        return f"Lymphodepletion for {therapy.name} at {site.name} {begins}."

    return _done(request, act)


def _done(request: HttpRequest, act: Callable[[Actor, Any, Any, str], str]) -> HttpResponseBase:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    code, place = typed(request, "therapy"), typed(request, "site")
    at = typed(request, "at") or "new"
    try:
        with reading(actor):
            site = personas.sites(actor, "treatment_center").filter(code=place).first()
            therapy = network.therapies(actor, active=False).filter(code=code).first()
        missing = {name: ["Choose one."] for name, found in (("therapy", therapy), ("site", site)) if found is None}
        if missing:
            raise InvalidInput(fields=missing)
        said = act(actor, therapy, site, typed(request, "reason"))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return network_desk.page(request, actor, refusal, at)
    messages.success(request, said)
    return see_other("/")
