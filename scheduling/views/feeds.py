"""Calendar feeds: made and revoked by people, read by their calendar programs (ADR 16)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.context import Actor, reading
from ledger.rates import within_rate
from ledger.refusals import Refusal, TooManyRequests
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.feeds import make_feed, revoke_feed
from scheduling.forms import FeedForm
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of

PER_MINUTE = 30  # a calendar program asks every few minutes at most


@require_http_methods(["GET", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def feeds(request: HttpRequest) -> HttpResponseBase:
    """List the feeds that answer; a POST makes one."""
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, actor)
    with reading(actor):
        form = _form(actor, request.POST)
        valid = form.is_valid()
    refusal = None
    if valid:
        try:
            make_feed(actor, name=form.cleaned_data["name"], resource_code=form.cleaned_data["resource"])
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, "The feed was made. Copy its address into your calendar program.")
            return SeeOther(reverse("scheduling:feeds"))
    with reading(actor):
        return _page(request, actor, form, refusal).render()


def _form(actor: Actor, *data: object) -> FeedForm:
    resources = [(row.code, f"{row.name} ({row.code})") for row in queries.resources(actor, own=True)]
    return FeedForm(*data, choices={"resource": resources})


def _page(
    request: HttpRequest, actor: Actor, form: FeedForm | None = None, refusal: Refusal | None = None
) -> TemplateResponse:
    now = timezone.now()
    found = []
    for feed in queries.feeds(actor)[:200]:
        path = reverse("scheduling:feed", args=[queries.token_of(feed)])
        address = request.build_absolute_uri(path) if feed.user_id == actor.user_id else ""
        found.append({"feed": feed, "address": address, "over": feed.expires_at <= now})
    context = {
        "feeds": found,
        "fields": (form or _form(actor)).described(refusal.fields if refusal else None),
        "refusal": refusal,
        "publishes": actor.can(Capability.PUBLISH_CAPACITY),
        "part": "feeds",
    }
    status = status_of(refusal, [form] if form else [])
    return TemplateResponse(request, "scheduling/feeds.html", context, status=status)


@require_POST
@desk(Capability.VIEW_ORDERS)
def revoke(request: HttpRequest, feed_id: UUID) -> HttpResponseBase:
    """Let a feed's address answer no more."""
    feed = revoke_feed(actor_of(request), feed_id)
    messages.success(request, f"The feed “{feed.name}” was revoked: its address answers no more.")
    return SeeOther(reverse("scheduling:feeds"))


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer a calendar program: the signed address is all that it has. 404 once revoked, over, or never signed."""
    feed_id, body = queries.read_feed(token, timezone.now())
    if not within_rate(f"calendar-feed:{feed_id}", PER_MINUTE):
        raise TooManyRequests("This calendar was asked for too often.")
    version = queries.version_of(body)
    known = request.headers.get("If-None-Match", "")
    seen = version in [tag.strip().removeprefix("W/") for tag in known.split(",")]
    response = HttpResponse(status=304) if seen else HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["ETag"], response["Cache-Control"] = version, "private, no-cache"
    if not seen:
        response["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return response
