"""The inbox: what waits for me."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from notifications import queries
from notifications.actions import inbox
from personas.views import desk

PAGE = 50


@require_safe
@desk()
def show(request: HttpRequest) -> HttpResponseBase:
    """The acting person's notices, newest first, fifty at a time; ``before`` is the last id of the page before."""
    notices = queries.inbox(request.actor)  # type: ignore[attr-defined]
    before = _uuid(request.GET.get("before", ""))
    if before is not None:
        notices = notices.filter(pk__lt=before)
    page = list(notices[: PAGE + 1])
    more = f"?before={page[PAGE - 1].pk}" if len(page) > PAGE else ""
    return TemplateResponse(request, "notifications/inbox.html", {"notices": page[:PAGE], "more": more})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
@desk()
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponseBase:
    """Mark a notice as read and go where it leads."""
    notice = inbox.mark_read(request.actor, notice_id)  # type: ignore[attr-defined]
    return HttpResponseRedirect(notice.path)


@require_POST
@desk()
def acknowledge(request: HttpRequest, notice_id: UUID) -> HttpResponseBase:
    """Acknowledge a notice, by name, on the record."""
    inbox.acknowledge(request.actor, notice_id)  # type: ignore[attr-defined]
    messages.success(request, "Acknowledged.")
    return HttpResponseRedirect(reverse("notifications:inbox"))


@require_POST
@desk()
def read_all(request: HttpRequest) -> HttpResponseBase:
    """Mark everything as read."""
    inbox.mark_all_read(request.actor)  # type: ignore[attr-defined]
    return HttpResponseRedirect(reverse("notifications:inbox"))
