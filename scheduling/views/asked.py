"""What the calendar's pages need from a request."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone
from django.utils.dateparse import parse_date

from ledger.context import Actor
from ledger.refusals import NotFound, Refusal, Unauthenticated

FARTHEST = 5 * 366
AGAIN = (NotFound, Unauthenticated)  # said by the house itself, not beside a field


class SeeOther(HttpResponseRedirect):
    """After a POST: look there, with GET."""

    status_code = 303


def actor_of(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined]


def word(request: HttpRequest, name: str) -> str:
    """Return a word of the address, without what a database cannot compare."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:200]


def today(actor: Actor) -> dt.date:
    return timezone.now().astimezone(ZoneInfo(actor.zone)).date()


def date_of(text: str, actor: Actor) -> dt.date:
    """Return a date of the address; today for anything that is none, or too far away."""
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    now = today(actor)
    return found if found and abs((found - now).days) < FARTHEST else now


def status_of(refusal: Refusal | None, forms: Any = ()) -> int:
    """Return the status of a page: of its refusal, 400 for a form with errors."""
    if refusal:
        return refusal.status
    return 400 if any(form.errors for form in forms) else 200
