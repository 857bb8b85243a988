"""The inbox: what waits for me, what is late or critical first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor
from notifications import queries
from notifications.actions import inbox
from personas.views import desk

PAGE = 40
PRESSING = 50
TABS = (("open", "Open"), ("unread", "Unread"), ("critical", "Critical"), ("mine", "Mine"), ("all", "All"))


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined]


@require_safe
@never_cache
@desk()
def show(request: HttpRequest) -> HttpResponseBase:
    """The acting person's notices: late and critical ones, then the others, newest first, fifty at a time.

    ``show`` narrows them, ``before`` is the last id of the page before.
    """
    actor = _actor(request)
    shown = request.GET.get("show", "")
    shown = shown if shown in dict(TABS) else "open"
    found = queries.shown_inbox(actor, shown)
    first = queries.pressing(timezone.now())
    before = queries.uuid_of(request.GET.get("before", ""))
    pressing = [] if before else list(found.filter(first).order_by("-critical", "due", "pk")[:PRESSING])
    others = found.filter(pk__lt=before) if before else found.exclude(pk__in=[notice.pk for notice in pressing])
    page = list(others[: PAGE + 1])
    more = f"?show={shown}&before={page[PAGE - 1].pk}" if len(page) > PAGE else ""
    colleagues = queries.colleagues_told(actor, [*pressing, *page[:PAGE]])
    now, away = timezone.now(), queries.away_words(actor)
    context = {
        "groups": [
            {"title": "Late or critical", "rows": _rows(pressing, colleagues, now, away)},
            {"title": "Notices", "rows": _rows(page[:PAGE], colleagues, now, away)},
        ],
        "any": bool(pressing or page),
        "more": more,
        "shown": shown,
        "tabs": TABS,
    }
    return TemplateResponse(request, "notifications/inbox.html", context)


def _rows(notices: list[Any], colleagues: dict[Any, list[Any]], now: Any, away: dict[Any, str]) -> list[dict[str, Any]]:
    return [
        {
            "notice": notice,
            "late": bool(notice.due and notice.due < now and not notice.settled_at),
            "colleagues": [(user, away.get(user.pk, "")) for user in colleagues.get(notice.event_id, [])]
            if notice.category == "task"
            else [],
            "away": away.get(notice.owner_id, ""),
        }
        for notice in notices
    ]


def _back(request: HttpRequest) -> HttpResponseBase:
    shown = request.POST.get("show", "")
    tail = f"?show={shown}" if shown in dict(TABS) else ""
    return HttpResponseRedirect(reverse("notifications:inbox") + tail)


@require_POST
@desk()
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponseBase:
    """Mark a notice as read and go where it leads."""
    notice = inbox.mark_read(_actor(request), notice_id)
    return HttpResponseRedirect(notice.path)


@require_POST
@desk()
def acknowledge(request: HttpRequest, notice_id: UUID) -> HttpResponseBase:
    """Acknowledge a notice, by name, on the record."""
    inbox.acknowledge(_actor(request), notice_id)
    messages.success(request, "Acknowledged.")
    return _back(request)


@require_POST
@desk()
def claim(request: HttpRequest, notice_id: UUID) -> HttpResponseBase:
    """Take a task over, or hand it to the colleague named by ``username``."""
    username = request.POST.get("username", "").strip()
    if username:
        inbox.assign(_actor(request), notice_id, username)
        messages.success(request, "Handed over.")
    else:
        inbox.claim(_actor(request), notice_id)
        messages.success(request, "It is yours.")
    return _back(request)


@require_POST
@desk()
def read(request: HttpRequest) -> HttpResponseBase:
    """Mark the chosen notices as read, or all (``all``)."""
    chosen = [found for text in request.POST.getlist("notice") if (found := queries.uuid_of(text))]
    count = inbox.mark_many_read(_actor(request), None if request.POST.get("all") else chosen)
    messages.success(request, f"{count} {'notice' if count == 1 else 'notices'} marked as read.")
    return _back(request)
