"""Webhooks of the organization, for its administrator: what is posted where, what failed, and posting it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor, reading
from ledger.refusals import NotFound, Refusal, Unauthenticated
from notifications import queries
from notifications.actions import webhooks
from notifications.forms import WebhookForm
from personas.local_times import local_time
from personas.states import Capability
from personas.views import desk

PAGE = 50
SHOWN = (("", "All"), ("waiting", "Waiting"), ("dead", "Dead"), ("sent", "Sent"))


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined]


@require_safe
@never_cache
@desk(Capability.ADMINISTER)
def show(request: HttpRequest) -> HttpResponseBase:
    """Every webhook with what waits and what is dead; below, a new one."""
    return _list(request, WebhookForm(_actor(request)))


def _list(request: HttpRequest, form: WebhookForm, refusal: Refusal | None = None) -> TemplateResponse:
    actor = _actor(request)
    counts = queries.delivery_counts(actor)
    context = {
        "webhooks": [(hook, counts.get(hook.pk, {})) for hook in queries.webhooks(actor)],
        "fields": form.described(refusal.fields if refusal else None),
        "refusal": refusal,
    }
    status = refusal.status if refusal else 400 if form.errors else 200
    return TemplateResponse(request, "notifications/webhooks.html", context, status=status)


@require_POST
@desk(Capability.ADMINISTER)
def add(request: HttpRequest) -> HttpResponseBase:
    """Add a webhook; its secret is shown on the answer page and never again."""
    actor = _actor(request)
    form = WebhookForm(actor, request.POST)
    if not form.is_valid():
        with reading(actor):
            return _list(request, form).render()
    try:
        hook, secret = webhooks.add_webhook(actor, **form.cleaned_data)
    except Refusal as refusal:
        with reading(actor):
            return _list(request, form, refusal).render()
    return _with_secret(request, hook.pk, secret)


def _with_secret(request: HttpRequest, webhook_id: UUID, secret: str) -> HttpResponseBase:
    with reading(_actor(request)):
        response = _page(request, webhook_id, secret=secret).render()
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@never_cache
@desk(Capability.ADMINISTER)
def one(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """One webhook with its deliveries; ``show`` narrows them, ``before`` is the last id of the page before."""
    return _page(request, webhook_id)


def _page(
    request: HttpRequest,
    webhook_id: UUID,
    *,
    form: WebhookForm | None = None,
    refusal: Refusal | None = None,
    secret: str = "",
) -> TemplateResponse:
    actor = _actor(request)
    hook = queries.webhook(actor, webhook_id)
    shown = request.GET.get("show", "")
    found = queries.webhook_deliveries(actor, webhook_id, shown)
    before = queries.uuid_of(request.GET.get("before", ""))
    page = list((found.filter(pk__lt=before) if before else found)[: PAGE + 1])
    events = queries.events_told(actor, page[:PAGE])
    given = form or WebhookForm(actor, initial={"name": hook.name, "url": hook.url, "kinds": hook.kinds})
    context = {
        "hook": hook,
        "deliveries": [(delivery, events.get(delivery.event_id)) for delivery in page[:PAGE]],
        "more": f"?show={shown}&before={page[PAGE - 1].pk}" if len(page) > PAGE else "",
        "shown": shown if shown in dict(SHOWN) else "",
        "choices": SHOWN,
        "fields": given.described(refusal.fields if refusal else None),
        "since": {
            "name": "since",
            "label": "Since",
            "type": "datetime",
            "zone": actor.zone,
            "required": True,
            "value": request.POST.get("since", ""),
            "errors": refusal.fields.get("since", []) if refusal else [],
        },
        "secret": secret,
        "refusal": refusal,
        "crumbs": [{"label": "Webhooks", "url": reverse("notifications:webhooks")}, {"label": hook.name, "url": ""}],
    }
    status = refusal.status if refusal else 400 if form is not None and form.errors else 200
    return TemplateResponse(request, "notifications/webhook.html", context, status=status)


def _done(request: HttpRequest, webhook_id: UUID, act: Callable[[Actor], str], **kept: Any) -> HttpResponseBase:
    """Do something to a webhook; a refusal brings its page back with what was typed."""
    actor = _actor(request)
    try:
        said = act(actor)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, webhook_id, refusal=refusal, **kept).render()
    messages.success(request, said)
    return HttpResponseRedirect(reverse("notifications:webhook", args=[webhook_id]))


@require_POST
@desk(Capability.ADMINISTER)
def change(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """Change name, address or kinds."""
    actor = _actor(request)
    with reading(actor):
        queries.webhook(actor, webhook_id)
        form = WebhookForm(actor, request.POST)
        if not form.is_valid():
            return _page(request, webhook_id, form=form).render()

    def act(actor: Actor) -> str:
        webhooks.change_webhook(actor, webhook_id, **form.cleaned_data)
        return "The webhook was changed."

    return _done(request, webhook_id, act, form=form)


@require_POST
@desk(Capability.ADMINISTER)
def pause(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """Pause a webhook, or let it run again (``active`` is true)."""
    active = request.POST.get("active") == "true"

    def act(actor: Actor) -> str:
        webhooks.change_webhook(actor, webhook_id, active=active)
        return "The webhook runs." if active else "The webhook is paused: nothing is posted to it."

    return _done(request, webhook_id, act)


@require_POST
@desk(Capability.ADMINISTER)
def rotate(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """Issue a new secret; it is shown on the answer page and never again."""
    secret = webhooks.rotate_secret(_actor(request), webhook_id)
    return _with_secret(request, webhook_id, secret)


@require_POST
@desk(Capability.ADMINISTER)
def test(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """Post a test event."""

    def act(actor: Actor) -> str:
        webhooks.test_webhook(actor, webhook_id)
        return "A test event is on its way; look below in a moment."

    return _done(request, webhook_id, act)


@require_POST
@desk(Capability.ADMINISTER)
def replay(request: HttpRequest, webhook_id: UUID) -> HttpResponseBase:
    """Post one delivery again, or what was made since a local time."""
    delivery = queries.uuid_of(request.POST.get("delivery", ""))

    def act(actor: Actor) -> str:
        since = None if delivery else local_time(request.POST.get("since", ""), actor.zone, "since")
        count = webhooks.replay(actor, webhook_id, delivery_id=delivery, since=since)
        return f"{count} {'delivery is' if count == 1 else 'deliveries are'} posted again."

    return _done(request, webhook_id, act)
