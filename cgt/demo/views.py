"""What one click does in a demonstration: be somebody else, let time pass, follow the tour."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cgt.demo import advancing, people, tour
from cgt.demo.moments import in_words
from ledger.context import Actor
from ledger.refusals import NotFound, Refusal
from personas.queries import own_membership

SPANS = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


@require_POST
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in as a fictional person without a password; never as anybody of a real organization."""
    become(request, request.POST.get("username", ""), request.POST.get("membership", ""))
    return HttpResponseRedirect(_next(request))


def become(request: HttpRequest, username: str, membership: str = "") -> None:
    """Make the browser's session that person's, in that membership; a tour that was begun goes on."""
    user = people.account_of(username)
    chosen = own_membership(user.pk, membership) if membership else None
    kept = request.session.get(tour.SESSION_KEY)
    request.session.flush()
    login(request, user, backend="cgt.backends.Accounts")
    if chosen is not None:
        request.session["membership"] = str(chosen.pk)
    if kept is not None:
        request.session[tour.SESSION_KEY] = kept


@require_POST
def advance(request: HttpRequest) -> HttpResponseBase:
    """Let time pass for everybody: by an hour, by a day, or until a moment that a page has offered."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return redirect_to_login(_next(request))
    try:
        before = timezone.now()
        until = advancing.advance(actor, _until(request, before), request.POST.get("why", "")[:200])
    except Refusal as refusal:
        messages.warning(request, f"{refusal.detail} {refusal.remedy}")
    else:
        messages.info(request, f"The demonstration's clock went {in_words(until - before)} ahead, for everybody.")
    return HttpResponseRedirect(_next(request))


def _until(request: HttpRequest, now: dt.datetime) -> dt.datetime:
    if request.POST.get("by") in SPANS:
        return now + SPANS[request.POST["by"]]
    try:
        moment = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        moment = None
    return moment if moment is not None and moment.tzinfo is not None else now


@require_POST
def begin_tour(request: HttpRequest) -> HttpResponseBase:
    """Begin the tour (again) and go to its first stop."""
    tour.begin(request)
    return HttpResponseRedirect(_next(request))


@require_POST
def end_tour(request: HttpRequest) -> HttpResponseBase:
    """Put the tour away."""
    tour.end(request)
    return HttpResponseRedirect(_next(request))


@require_POST
def go_to_stop(request: HttpRequest, key: str) -> HttpResponseBase:
    """Become the person whom a stop of the tour needs, and open the page that it is about."""
    stop = tour.stop_named(key)
    try:
        person, address = tour.way_to(stop)
    except NotFound:
        messages.warning(request, f"{stop.title}: nothing in the demonstration fits any more. {tour.BEGIN_ANEW}")
        return HttpResponseRedirect(_next(request))
    tour.stand_at(request, stop)
    become(request, person.username, str(person.membership))
    return HttpResponseRedirect(address)
