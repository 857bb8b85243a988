"""Small things that every page of orders needs from a request, and answers with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_date

from ledger.context import Actor, reading
from ledger.recording import Once, Replayed, fingerprint
from ledger.refusals import NotFound, Refusal, Unauthenticated

LONGEST = 2000
MEANS = ("csrfmiddlewaretoken", "once", "version", "acting")  # of the request itself, not of what is done
SECRETS = ("password",)


class SeeOther(HttpResponseRedirect):
    """After a POST: look there, with GET."""

    status_code = 303


def see_other(url: str) -> SeeOther:
    return SeeOther(url)


def asked(request: HttpRequest, name: str) -> str:
    """Return a word of the address, without what a database cannot compare."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:200]


def typed(request: HttpRequest, name: str) -> str:
    """Return a posted text, without what a database cannot store."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:LONGEST]


def day(text: str) -> dt.date | None:
    """Return a date of the address; None for anything that is none."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def once_of(request: HttpRequest, *about: str) -> Once | None:
    """Return the form's idempotency key with the fingerprint of what was sent; passwords are no part of it."""
    key = request.POST.get("once", "").replace("\x00", "")[:64]
    if not key:
        return None
    sent = {name: values for name, values in request.POST.lists() if name not in MEANS and not name.endswith(SECRETS)}
    return Once(f"page:{':'.join(about)}:{key}", fingerprint({"about": list(about), "sent": sent}))


def acted(
    request: HttpRequest,
    about: Sequence[str],
    act: Callable[[Actor, Once | None], str],
    page: Callable[[Refusal], TemplateResponse],
    place: str,
) -> HttpResponseBase:
    """Do what a form asks, once, and lead to ``place``; a refusal brings ``page`` back with what was typed.

    ``about``: what the form's idempotency key is for. ``act`` returns what is said when it is done.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        said = act(actor, once_of(request, *about))
    except Replayed:
        said = "This was done already; nothing was done twice."
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return page(refusal)
    messages.success(request, said)
    return see_other(place)
