"""EPCIS for administrators: which queries their systems keep, where answers are posted, and how that fares (AP3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions.epcis_queries import drop_query, keep_query
from orders.actions.epcis_subscriptions import subscribe, unsubscribe
from orders.forms import Filling, described, flat, unplaced
from orders.views.requests import acted, typed
from personas.states import Capability
from personas.views import desk


class QueryInputs(serializers.Serializer[Any]):
    """A query as the standard writes it in an address."""

    name = serializers.CharField(max_length=60, label="Name")
    query = serializers.CharField(
        max_length=2000,
        required=False,
        allow_blank=True,
        label="Parameters",
        help_text="As in an address: eventType=ObjectEvent&EQ_bizStep=shipping. Empty: every event you may see.",
    )


@require_safe
@never_cache
@desk(Capability.ADMINISTER)
def show(request: HttpRequest) -> HttpResponseBase:
    """Every named query with its subscriptions; below, a new one."""
    return _page(request)


@require_POST
@desk(Capability.ADMINISTER)
def keep(request: HttpRequest) -> HttpResponseBase:
    """Keep a query under a name."""

    def act(actor: Actor, once: Once | None) -> str:
        name = typed(request, "name")
        keep_query(actor, name, _parameters(typed(request, "query")))
        return f"“{name}” is kept."

    return _acted(request, "keep", act)


@require_POST
@desk(Capability.ADMINISTER)
def drop(request: HttpRequest, name: str) -> HttpResponseBase:
    """Let a name be free again."""

    def act(actor: Actor, once: Once | None) -> str:
        drop_query(actor, name)
        return f"“{name}” is dropped."

    return _acted(request, f"drop-{name}", act)


@require_POST
@desk(Capability.ADMINISTER)
def begin(request: HttpRequest, name: str) -> HttpResponseBase:
    """Begin to post what answers a query, as it comes; the token is shown on the answer page and never again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        _, token = subscribe(actor, name, {"dest": typed(request, "dest")})
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, refusal, at=name).render()
    with reading(actor):
        response = _page(request, token=token, at=name).render()
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@desk(Capability.ADMINISTER)
def end(request: HttpRequest, name: str, subscription: UUID) -> HttpResponseBase:
    """End a subscription."""

    def act(actor: Actor, once: Once | None) -> str:
        unsubscribe(actor, name, subscription)
        return "The subscription has ended."

    return _acted(request, f"end-{subscription}", act)


def _acted(request: HttpRequest, about: str, act: Any) -> HttpResponseBase:
    return acted(request, ("epcis", about), act, lambda refusal: _page(request, refusal), reverse("orders:epcis"))


def _parameters(text: str) -> dict[str, Any]:
    """Return the parameters of an address; a name given several times has several values."""
    given = parse_qs(text.lstrip("?"), keep_blank_values=True)
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _page(request: HttpRequest, refusal: Refusal | None = None, *, token: str = "", at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    errors = flat(refusal.fields) if refusal else {}
    posted = request.POST if refusal and "query" in request.POST else None
    fields = described(QueryInputs(), Filling(actor.zone, posted=posted, errors=errors if posted else {}))
    context = {
        "kept": _kept(actor),
        "fields": fields,
        "refusal": refusal,
        "unplaced": unplaced(errors, fields) if posted else [words for found in errors.values() for words in found],
        "token": token,
        "at": at,
        "dest": typed(request, "dest") if refusal else "",
        "once": uuid4(),
    }
    return TemplateResponse(request, "orders/epcis.html", context, status=refusal.status if refusal else 200)


def _kept(actor: Actor) -> list[dict[str, Any]]:
    """Return each query with its parameters in one line and how its subscriptions fare; three reads in all."""
    found = list(queries.epcis_jobs.kept_queries(actor))
    running = list(queries.epcis_jobs.subscriptions_of(actor, *found))
    feeds = queries.epcis_jobs.feeds_of(running)
    return [
        {
            "query": query,
            "parameters": "&".join(f"{name}={value}" for name, value in query.parameters.items()) or "every event",
            "subscriptions": [(row, feeds.get(row.pk)) for row in running if row.query_id == query.pk],
        }
        for query in found
    ]
