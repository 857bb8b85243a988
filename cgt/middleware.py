"""Who acts in a request, and how a refusal is answered."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from axes.helpers import get_client_ip_address
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers
from django.views.csrf import csrf_failure
from redis.exceptions import RedisError

from cgt import kept_forms, refusal_responses
from ledger.context import Actor
from ledger.refusals import NotAllowed, Refusal, Unauthenticated, WrongState
from ledger.states import Channel
from personas import signing
from personas.queries import actor_of_user
from personas.views import page_of_the_form

OLDER_PAGE = "This page is older than your sign-in, or than your present persona. Nothing was recorded."
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ActingMiddleware:
    """Sets ``request.request_id`` (a fresh UUID, answered as ``X-Request-ID``) and ``request.actor``.

    The actor is the signed-in person in the membership that the session names (else the first current one); None for
    strangers, for people without a membership, and where account or organization are closed.

    No browser keeps what is shown to somebody signed in, unless the page says otherwise: *Back* shows what stands now,
    and nothing of a patient once the person signed out of a device that others use too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = str(uuid4())  # type: ignore[attr-defined]
        request.actor = person_acting(request)  # type: ignore[attr-defined]
        with signing.asked_from(get_client_ip_address(request) or ""):
            response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        if not is_api(request) and request.user.is_authenticated and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


def person_acting(request: HttpRequest) -> Actor | None:
    if not request.user.is_authenticated:
        return None
    chosen = request.session.get("membership")
    try:
        return actor_of_user(request.user, chosen, Channel.BROWSER, request.request_id)  # type: ignore[attr-defined]
    except Unauthenticated:
        return None


class RefusalMiddleware:
    """Answers refusals: a page for people, RFC 9457 problems under ``/api/``. Unexpected errors stay errors (500)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_api(request) and response.status_code >= 400:
            return refusal_responses.as_problem(response)
        if isinstance(response, HttpResponseNotAllowed):
            return refusal_responses.only_forms(request, response)
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """Refuse a form that was opened as another persona than the one that acts now (it was switched elsewhere)."""
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None or request.method != "POST" or is_api(request):
            return None
        opened_as = request.POST.get("acting", "")
        if not opened_as or opened_as == str(actor.membership_id):
            return None
        return refusal_responses.page(request, acting_changed(actor, kept_forms.keep(request)))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not isinstance(exception, Refusal | RedisError):
            return None
        refusal = refusal_responses.refusal_for(exception)
        assert refusal is not None  # noqa: S101 - both are known there
        if is_api(request):
            return refusal_responses.problem(refusal.as_problem())
        return refusal_responses.page(request, refusal)


def acting_changed(actor: Actor, kept: bool) -> Refusal:
    """Say that a form was opened as another persona; ``kept``: what was typed is shown again to that one."""
    text = f"You act as {actor.persona_title}, {actor.organization_name} now: this page was opened as somebody else."
    then = "open the page again, and what you typed is there" if kept else "open the page again"
    remedy = f"Nothing was recorded. Act as you did before and {then}; or open it and act as you do now."
    return WrongState(text, code="acting_changed", remedy=remedy)


def not_taken(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer a form without the present token: from an older page of ours (somebody signed in since, or switched
    persona), or from elsewhere. Only of a page of ours what was typed is kept."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or request.headers.get("Origin", "") != f"{request.scheme}://{request.get_host()}":
        return csrf_failure(request, reason)
    kept = kept_forms.keep(request)
    if request.POST.get("acting", str(actor.membership_id)) != str(actor.membership_id):
        return refusal_responses.page(request, acting_changed(actor, kept))
    remedy = "Open the page again: what you typed is there." if kept else "Open the page again, and send it from there."
    refusal = NotAllowed(OLDER_PAGE, code="older_page", remedy=remedy)
    return refusal_responses.page(request, refusal, again=page_of_the_form(request))


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
